"""Nothing a user made is lost: a writer is killed at each of its system calls, for real."""

import json
import os
import signal
import subprocess
import sys
from itertools import count

import pytest

from engine.protocol.journal import Journal, last_record
from engine.protocol.show import Preset, Show
from engine.protocol.show_file import load_show, save_show
from tests.host_process import ROOT
from tests.killed_writer import changed


def write_until_killed(calls, what, path):
    """Return whether the writer was killed, and what it said."""
    command = [sys.executable, "-S", "-m", "tests.killed_writer", str(calls), what, str(path)]
    if what == "save":
        del command[1]
    where = os.environ | {"PYTHONPATH": str(ROOT)}  # without `site` nothing else says where we are
    run = subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True, timeout=60)
    assert run.returncode in (0, -signal.SIGKILL), run.stderr
    return run.returncode != 0, run.stdout.split()


def test_a_journal_loses_no_acknowledged_record_wherever_its_writer_dies(tmp_path):
    num_deaths = 0
    for calls in count(1):
        path = tmp_path / str(calls) / "journal.jsonl"
        was_killed, safe = write_until_killed(calls, "journal", path)
        last = last_record(path)
        found = json.loads(last)["number"] if last is not None else -1
        assert len(safe) - 1 <= found <= len(safe)  # the one in hand may be there as well
        log = Journal(path, max_bytes=70)
        log.append(b"after")
        log.close()
        assert last_record(path) == b"after"
        assert [one.name for one in path.parent.iterdir()] == ["journal.jsonl"]
        num_deaths += was_killed
        if not was_killed:
            break
    assert num_deaths > 20
    assert path.stat().st_size <= 70


def test_a_show_is_old_or_new_in_each_file_wherever_its_writer_dies(tmp_path):
    presets = tuple(Preset(name=name, prompt=name) for name in ("sea", "fire"))
    old = save_show(Show(name="old", presets=presets), tmp_path / "old")
    new = changed(old)
    for calls in count(1):
        folder = tmp_path / f"show-{calls}"
        save_show(Show(name="old", presets=presets), folder)
        was_killed, _ = write_until_killed(calls, "save", folder)
        found = load_show(folder)
        assert found.name in ("old", "new")
        assert found.cues == (new if found.name == "new" else old).cues
        for was, will, now in zip(old.presets, new.presets, found.presets, strict=True):
            assert now in (was, will)
        if not was_killed:
            break
    assert found == new
    assert calls > 10


@pytest.mark.parametrize("torn", [b"00000000 {", b"\x00\xff\n", b"", b"deadbeef x\n", b"short\n"])
def test_a_torn_line_is_skipped_and_the_record_before_it_counts(tmp_path, torn):
    path = tmp_path / "j"
    log = Journal(path)
    log.append(b"one")
    log.append(b"two")
    log.close()
    with path.open("ab") as file:
        file.write(torn)
    assert last_record(path) == b"two"
    log.append(b"three")
    assert last_record(path) == b"three"
    log.close()


def test_what_is_no_journal_is_never_in_the_way(tmp_path):
    assert last_record(tmp_path / "nowhere") is None
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    assert last_record(tmp_path / "noise") is None
