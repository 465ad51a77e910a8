"""The frame ring over two processes: no torn frame, also when the writer is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from engine.protocol import frame_ring
from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter

# Writes frames as fast as it can; all bytes of frame n are n % 251.
WRITER = """
import sys, numpy as np
from engine.protocol.frame_ring import FrameMeta, RingWriter
writer = RingWriter(sys.argv[1])
pixels = np.empty((120, 160, 4), np.uint8)
number = writer.num_written
while True:
    pixels[:] = number % 251
    number = writer.write(pixels, FrameMeta(media_index=number)) + 1
"""


@pytest.fixture
def ring():
    path = frame_ring.create("torn", num_slots=2, slot_bytes=120 * 160 * 4)
    yield path
    frame_ring.remove(path)


@pytest.fixture
def start_writer(ring):
    children = []

    def start():
        children.append(subprocess.Popen([sys.executable, "-c", WRITER, ring]))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait()


def wait_for_frames(reader, count):
    deadline = time.monotonic() + 20
    while reader.num_written < count and time.monotonic() < deadline:
        os.sched_yield()
    assert reader.num_written >= count


def assert_whole(frame):
    expected = frame.number % 251
    assert frame.meta.media_index == frame.number
    assert frame.pixels.min() == frame.pixels.max() == expected


def test_no_torn_frame_is_read_while_another_process_writes(ring, start_writer):
    start_writer()
    reader = RingReader(ring)
    wait_for_frames(reader, 10)
    seen = set()
    deadline = time.monotonic() + 20
    while len(seen) < 50 and time.monotonic() < deadline:
        frame = reader.latest()
        if frame is not None:
            assert_whole(frame)
            seen.add(frame.number)
    assert len(seen) == 50


def test_a_killed_writer_leaves_whole_frames_and_a_ring_that_goes_on(ring, start_writer):
    reader = RingReader(ring)
    for round_number in range(4):
        child = start_writer()
        wait_for_frames(reader, reader.num_written + 20)
        child.send_signal(signal.SIGKILL)
        child.wait()
        frame = reader.latest()
        if frame is not None:  # with two slots, the one in hand may be the only other
            assert_whole(frame)
        number = RingWriter(ring).write(np.full((2, 2, 4), round_number, np.uint8), FrameMeta())
        assert reader.read(number).pixels.max() == round_number
