"""What lies where weights should be is told apart and named."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from engine.model_store.odd_files import oddity

WEIGHTS = save({"a": np.arange(600, dtype=np.float32), "b": np.zeros((2, 3), np.float16)})
ZIP = b"PK\x03\x04" + bytes(50_000) + b"PK\x05\x06" + bytes(18)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5676252553\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title> Sign in to the hub </title></head></html>"


def said(folder, content, name="model.safetensors"):
    path = folder / name
    path.write_bytes(content)
    return oddity(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: its download never began, or the disk was full"),
        (POINTER, f"is a pointer of git LFS ({len(POINTER)} bytes)"),
        (PAGE, "is a web page (“Sign in to the hub”), not weights"),
        (b"<HTML>no title", "is a web page, not weights"),
        (b'<?xml version="1.0"?><Error>', "is a web page, not weights"),
        (b'{"error":"Repository not found"}', 'not weights; it begins with {"error":"Repository'),
    ],
)
@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth"])
def test_accidents_of_a_download_are_named_whatever_the_file_is_called(
    tmp_path, content, words, name
):
    assert words in said(tmp_path, content, name)


@given(st.integers(9, len(WEIGHTS) - 1))
def test_safetensors_that_are_cut_anywhere_are_cut_short(tmp_path_factory, length):
    assert said(tmp_path_factory.getbasetemp(), WEIGHTS[:length]).startswith("is cut short")


@given(st.integers(4, len(ZIP) - 23))
def test_a_zip_that_is_cut_anywhere_is_cut_short(tmp_path_factory, length):
    found = said(tmp_path_factory.getbasetemp(), ZIP[:length], "a.pt")
    assert found.startswith("is cut short, after")


def test_how_much_is_there_is_said(tmp_path):
    head = json.dumps({"a": {"dtype": "U8", "shape": [9], "data_offsets": [0, 5_000_000]}}).encode()
    content = struct.pack("<Q", len(head)) + head + bytes(1_000_000)
    assert said(tmp_path, content) == "is cut short: 1.0 MB of 5.0 MB are here"


@pytest.mark.parametrize(("content", "name"), [(WEIGHTS, "a.safetensors"), (ZIP, "a.pt")])
def test_whole_files_are_nothing_odd(tmp_path, content, name):
    assert said(tmp_path, content, name) == ""


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_answered_without_an_error(tmp_path_factory, content):
    assert isinstance(said(tmp_path_factory.getbasetemp(), content), str)
