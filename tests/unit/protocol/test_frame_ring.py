"""The frame ring inside one process; what happens over two is in tests/contract."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from engine.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from engine.protocol import frame_ring
from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter

SHAPE = (4, 6, 3)


@pytest.fixture
def ring(monkeypatch, tmp_path):
    monkeypatch.setattr(frame_ring, "ring_folder", lambda: tmp_path)
    return frame_ring.create("test", num_slots=3, slot_bytes=100)


def picture(value, shape=SHAPE):
    return np.full(shape, value, np.uint8)


def dead_pid():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_frame_comes_back_with_its_meta(ring):
    meta = FrameMeta(media_index=5, chunk_index=2, captured_ns=99)
    number = RingWriter(ring).write(picture(7), meta)
    frame = RingReader(ring).read(number)
    assert (frame.number, frame.meta) == (0, meta)
    np.testing.assert_array_equal(frame.pixels, picture(7))


def test_a_copy_belongs_to_the_reader(ring):
    writer, reader = RingWriter(ring), RingReader(ring)
    writer.write(picture(1), FrameMeta())
    frame = reader.latest()
    for value in range(2, 9):
        writer.write(picture(value), FrameMeta())
    assert frame.pixels.max() == 1


def test_an_empty_ring_has_no_frame(ring):
    reader = RingReader(ring)
    assert reader.latest() is None
    assert reader.read(0) is None


def test_frames_that_were_overwritten_are_gone_and_the_rest_is_there(ring):
    writer, reader = RingWriter(ring), RingReader(ring)
    for value in range(5):
        writer.write(picture(value), FrameMeta())
    assert [reader.read(n) is not None for n in range(6)] == [False, False, True, True, True, False]
    assert reader.latest().number == 4


def test_the_size_may_change_with_each_frame(ring):
    writer, reader = RingWriter(ring), RingReader(ring)
    for shape in [(2, 3, 4), (5, 5, 4), (1, 1, 1)]:
        writer.write(picture(1, shape), FrameMeta())
        assert reader.latest().pixels.shape == shape


@pytest.mark.parametrize(
    "pixels",
    [picture(0, (10, 10, 3)), picture(0, (4, 6)), np.zeros(SHAPE, np.float32)],
    ids=["too large", "two axes", "float"],
)
def test_a_wrong_frame_is_refused_and_nothing_is_written(ring, pixels):
    writer = RingWriter(ring)
    with pytest.raises(LocalProtocolError, match="expected uint8"):
        writer.write(pixels, FrameMeta())
    assert writer.num_written == 0


def test_a_new_writer_goes_on_where_the_old_one_stopped(ring):
    first = RingWriter(ring)
    first.write(picture(1), FrameMeta())
    first.close()
    assert RingWriter(ring).write(picture(2), FrameMeta()) == 1


def test_a_writer_killed_in_mid_write_leaves_no_half_frame(ring, monkeypatch):
    writer, reader = RingWriter(ring), RingReader(ring)
    writer.write(picture(1), FrameMeta())
    monkeypatch.setattr(np, "copyto", raise_killed)
    with pytest.raises(KeyboardInterrupt):
        writer.write(picture(2), FrameMeta())
    monkeypatch.undo()
    assert reader.read(1) is None
    assert reader.latest().number == 0
    assert RingWriter(ring).write(picture(3), FrameMeta()) == 1


def raise_killed(*_):
    raise KeyboardInterrupt


def test_closing_twice_is_safe_and_removing_keeps_open_readers(ring):
    writer, reader = RingWriter(ring), RingReader(ring)
    writer.write(picture(1), FrameMeta())
    frame_ring.remove(ring)
    frame_ring.remove(ring)
    assert reader.latest().number == 0
    reader.close()
    reader.close()


@pytest.mark.parametrize(("num_slots", "slot_bytes"), [(1, 10), (2, 0)])
def test_impossible_sizes_are_refused(num_slots, slot_bytes):
    with pytest.raises(ConfigError, match="expected at least 2 of 1"):
        frame_ring.create("bad", num_slots, slot_bytes)


def test_more_than_the_memory_is_refused_and_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(frame_ring, "ring_folder", lambda: tmp_path)
    with pytest.raises(ConfigError, match="smaller picture"):
        frame_ring.create("huge", num_slots=2, slot_bytes=2**61)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"NOPE" + bytes(100)])
def test_a_file_that_is_no_ring_is_refused(tmp_path, content):
    path = tmp_path / "some.ring"
    path.write_bytes(content)
    with pytest.raises(RemoteProtocolError, match="ring"):
        RingReader(str(path))


def test_a_truncated_ring_is_refused(ring):
    os.truncate(ring, 128)
    with pytest.raises(RemoteProtocolError, match="truncated"):
        RingReader(ring)


def test_a_missing_ring_is_refused_with_the_likely_reason(tmp_path):
    with pytest.raises(RemoteProtocolError, match="the engine that made it is gone"):
        RingReader(str(tmp_path / "gone.ring"))


def test_sweep_removes_the_rings_of_the_dead_and_of_nobody_else(ring, tmp_path):
    dead = tmp_path / f"segue-{dead_pid()}-0123abcd-frames.ring"
    foreign = tmp_path / "segue-notes.ring"
    dead.touch()
    foreign.touch()
    assert frame_ring.sweep() == [dead.name]
    assert sorted(tmp_path.iterdir()) == sorted([foreign, tmp_path / os.path.basename(ring)])


def test_who_outlives_an_owner_removes_all_of_its_rings(ring, tmp_path):
    other = tmp_path / f"segue-{dead_pid()}-0123abcd-frames.ring"
    other.touch()
    second = frame_ring.create("preview", 2, 10)
    assert len(frame_ring.remove_owned_by(os.getpid())) == 2
    assert list(tmp_path.iterdir()) == [other]
    assert not os.path.exists(second)
