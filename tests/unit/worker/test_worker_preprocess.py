"""Control maps: what they show, that they are calm, and that a slow one never delays a chunk."""

import threading
import time

import numpy as np
import pytest

from engine.protocol import frame_ring
from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter
from engine.protocol.parameters import CONTROL_KINDS
from engine.worker.preprocess.kinds import costly_preprocessors, default_preprocessors
from engine.worker.preprocess.runner import PreprocessRunner
from engine.worker.preprocess.silhouette import Silhouette
from engine.worker.preprocess.store import MapStore, window_numbers
from tests.tiny_worker import CPU, tiny_worker

SIZE = 128
GROUND = np.random.default_rng(0).integers(20, 70, (SIZE // 8, 2 * SIZE // 8, 3), np.uint8)


def scene(index: int, *, pan: int = 0, figure: bool = True) -> np.ndarray:
    """Return a frame: an orange block swings before a mottled ground that may pan."""
    ground = GROUND.repeat(8, 0).repeat(8, 1)
    frame = np.ascontiguousarray(ground[:, pan * index : pan * index + SIZE])
    if figure:
        top, left = figure_at(index)
        frame[top : top + 56, left : left + 32] = (230, 130, 40)
        frame[top + 10 : top + 20, left + 8 : left + 24] = (250, 220, 180)
    return frame


def figure_at(index: int) -> tuple[int, int]:
    return 40, int(48 + 30 * np.sin(index / 5))


def outside_and_inside(silhouette: np.ndarray, index: int) -> tuple[float, float]:
    top, left = (v // 8 for v in figure_at(index))
    inside = np.zeros(silhouette.shape, bool)
    inside[top + 1 : top + 6, left + 1 : left + 3] = True
    near = np.zeros(silhouette.shape, bool)
    near[max(top - 2, 0) : top + 10, max(left - 2, 0) : left + 7] = True
    return float(silhouette[~near].mean()), float(silhouette[inside].mean())


@pytest.mark.parametrize("pan", [0, 1])
def test_the_silhouette_is_the_moving_figure_also_when_the_camera_pans(pan):
    silhouette = Silhouette()
    for index in range(60):
        found = silhouette.push(scene(index, pan=pan))
    outside, inside = outside_and_inside(found, 59)
    assert inside > 150
    assert outside < 35


def test_the_silhouette_of_a_still_picture_stays_empty():
    silhouette = Silhouette()
    noise = np.random.default_rng(1)
    maps = [
        silhouette.push(scene(0, figure=False) + noise.integers(0, 4, (SIZE, SIZE, 3), np.uint8))
        for _ in range(30)
    ]
    assert np.mean(maps) < 5


def test_a_figure_that_stands_still_stays_for_a_while():
    silhouette = Silhouette()
    for index in range(40):
        silhouette.push(scene(index))
    for _ in range(16):
        found = silhouette.push(scene(39))
    assert outside_and_inside(found, 39)[1] > 120


@pytest.mark.parametrize("preprocessor", default_preprocessors(), ids=lambda p: p.kind)
def test_every_map_has_latent_size_and_is_calm_on_a_calm_input(preprocessor):
    maps = [preprocessor.push(scene(3)) for _ in range(12)]
    assert {m.shape for m in maps} == {(SIZE // 8, SIZE // 8)}
    assert {m.dtype for m in maps} == {np.dtype(np.uint8)}
    assert np.abs(np.diff(np.stack(maps[4:]).astype(int), axis=0)).max() <= 8


@pytest.mark.parametrize("kind", range(4))
def test_after_a_reset_a_preprocessor_is_as_new(kind):
    used, new = default_preprocessors()[kind], default_preprocessors()[kind]
    for index in range(10):
        used.push(255 - scene(index))
    used.reset()
    for index in range(10):
        assert np.array_equal(used.push(scene(index)), new.push(scene(index)))


def test_there_is_a_preprocessor_for_every_choice_of_the_parameter():
    standing = {p.kind for p in default_preprocessors()}
    costly = set(costly_preprocessors(CPU))
    assert standing | costly | {"none"} == set(CONTROL_KINDS)
    assert not standing & costly


def test_edges_lie_on_the_outline_and_not_inside():
    edges = default_preprocessors()[CONTROL_KINDS.index("edges")]
    frame = np.zeros((SIZE, SIZE, 3), np.uint8)
    frame[32:96, 32:96] = 255
    found = edges.push(frame)
    assert found[8, 4] > 150
    assert found[8, 8] < 20


@pytest.mark.parametrize(
    ("ready", "until", "expected"),
    [
        ([1, 2, 3, 4], 4, (2, 3, 4)),
        ([1, 2, 3, 4], 3, (1, 2, 3)),
        ([1, 4], 9, (1, 1, 4)),
        ([7], 9, (7, 7, 7)),
        ([7], 6, ()),
    ],
)
def test_a_window_ends_at_the_newest_ready_frame_and_fills_gaps_with_the_one_before(
    ready, until, expected
):
    assert window_numbers(ready, until, 3) == expected


def test_a_window_says_how_stale_it_is():
    store = MapStore()
    store.put(5, {"edges": np.zeros((2, 2), np.uint8)})
    window = store.window("edges", 9, 12)
    assert window is not None
    assert (window.numbers, window.stale_frames) == ((5,) * 12, 4)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (2, 6, (3, 4, 5, 6)),  # as many as a chunk has: all of them
        (2, 10, (3, 5, 8, 10)),  # the source was faster: thinned out
        (2, 4, (3, 3, 4, 4)),  # the source was slower: repeated
        (6, 6, (6, 6, 6, 6)),  # nothing new: it stands still
        (2, 30, (27, 28, 29, 30)),  # a long pause: the newest
    ],
)
def test_a_window_goes_on_where_the_one_before_ended(since, until, expected):
    assert window_numbers(range(40), until, 4, since) == expected


def test_motion_of_the_source_has_no_jump_between_chunks():
    store = MapStore()
    seen = []
    for number in range(120):
        store.put(number, {"edges": np.zeros((2, 2), np.uint8)})
        if number % 20 == 19:  # a chunk of 12 frames while 20 arrive
            window = store.window("edges", number, 12, seen[-1] if seen else None)
            assert window is not None
            seen += window.numbers
    assert max(np.diff(seen)) == 2


def test_a_backlog_is_skipped_to_the_newest_frame():
    with tiny_worker() as worker:
        for _ in range(20):
            worker.source.write(np.zeros((32, 32, 3), np.uint8), FrameMeta())
        worker.preprocess.lane.step()
        window = worker.preprocess.store.window("edges", 19, 1)
        assert window is not None
        assert window.numbers == (19,)


def test_after_a_source_cut_nothing_of_the_old_source_is_left():
    with tiny_worker() as worker:
        newest = worker.deliver(20)
        worker.preprocess.restart_at(newest)
        assert worker.preprocess.store.window("luminance", newest, 12) is None
        worker.preprocess.lane.step()
        window = worker.preprocess.store.window("luminance", newest, 12)
        assert window is not None
        assert np.array_equal(window.maps[0], window.maps[-1])


def test_a_broken_preprocessor_is_reported_and_not_swallowed():
    errors = []
    path = frame_ring.create("input", 4, 32 * 32 * 3)
    runner = PreprocessRunner(RingReader(path), default_preprocessors(), errors.append)
    runner.start()
    RingWriter(path).write(np.zeros((5, 5, 1), np.uint8), FrameMeta())
    wait_until(lambda: errors)
    frame_ring.remove(path)
    assert len(errors) == 1


def wait_until(condition):
    stop, until_s = threading.Event(), time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s, "nothing happened for 20 s"
        stop.wait(0.005)
