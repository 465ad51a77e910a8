"""What weights files say of themselves, whole and broken, against the library that writes them."""

import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from engine.model_store.weights_header import HeaderError, check_torch_file, read_header

TENSORS = {
    "model.a.weight": np.zeros((3, 5), np.float32),
    "model.b.bias": np.zeros(7, np.float16),
    "empty": np.zeros((0, 4), np.int64),
}
WHOLE = save(TENSORS, {"format": "np"})


def written(tmp_path, data, name="x.safetensors"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def test_a_header_tells_names_shapes_and_types(tmp_path):
    header = read_header(written(tmp_path, WHOLE))
    shapes = {name: (t.shape, t.dtype) for name, t in header.tensors.items()}
    assert shapes == {
        "model.a.weight": ((3, 5), "F32"),
        "model.b.bias": ((7,), "F16"),
        "empty": ((0, 4), "I64"),
    }
    assert header.num_parameters == 22
    assert header.dtypes == "F16, F32, I64"


def test_a_tensor_is_found_whatever_prefix_a_file_uses(tmp_path):
    header = read_header(written(tmp_path, WHOLE))
    assert header.find("a.weight").shape == (3, 5)
    assert header.find("model.a.weight").shape == (3, 5)
    assert header.find("weight.a") is None
    assert header.find("a.weigh") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_short_anywhere_is_found(tmp_path, length):
    with pytest.raises(HeaderError, match=r"cut short|no safetensors file"):
        read_header(written(tmp_path, WHOLE[:length]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.binary(max_size=64))
def test_any_bytes_are_a_header_or_an_error(tmp_path, data):
    framed = struct.pack("<Q", len(data)) + data
    for broken in (data, framed):
        with suppress(HeaderError):
            assert read_header(written(tmp_path, broken)).num_parameters == 0


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', "damaged header: a lies at"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', "damaged header: a lies at"),
        (b'{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}', "unknown type: a is F33"),
        (b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', "damaged header"),
        (b'["a"]', "damaged header"),
        (b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}', "too long: 66 bytes"),
    ],
)
def test_a_header_that_cannot_be_is_told(tmp_path, header, told):
    data = struct.pack("<Q", len(header)) + header + bytes(4)
    with pytest.raises(HeaderError, match=told):
        read_header(written(tmp_path, data))


def test_a_torch_file_cut_short_is_found_by_its_missing_end(tmp_path):
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"x" * 5000)
    check_torch_file(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(HeaderError, match="cut short, at 3000 bytes"):
        check_torch_file(path)


def test_a_web_page_saved_as_weights_is_found(tmp_path):
    with pytest.raises(HeaderError, match="no file that torch saved"):
        check_torch_file(written(tmp_path, b"<!doctype html>", "x.pt"))
    with pytest.raises(HeaderError, match="no safetensors file"):
        read_header(written(tmp_path, b"<!doctype html>"))
