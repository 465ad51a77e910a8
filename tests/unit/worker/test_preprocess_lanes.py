"""A preprocessor that is slow, missing or broken never costs a chunk, and is always told of."""

import threading
import time

import numpy as np
import pytest

from engine.errors import OutOfMemoryError, WeightsError
from engine.protocol import frame_ring
from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter
from engine.protocol.parameters import CONTROL_KINDS
from engine.worker.preprocess.base import ControlForm, Preprocessor
from engine.worker.preprocess.kinds import default_preprocessors
from engine.worker.preprocess.runner import PreprocessRunner
from tests.tiny_worker import SIZE_PX, moving_square, plan, tiny_worker

FLOW, DEPTH = (float(CONTROL_KINDS.index(kind)) for kind in ("flow", "depth"))


class Slow(Preprocessor):
    """Takes as long per frame as the test lets it; its fields are all of one value."""

    kind = "depth"

    def __init__(self, gate=None, error=None):
        self.gate = gate or threading.Semaphore(10**6)
        self.error = error
        self.num_resets = -1
        self.num_frames = 0
        super().__init__()

    def reset(self):
        self.num_resets += 1

    def follow(self, frame):
        assert self.gate.acquire(timeout=20)
        if self.error is not None:
            raise self.error
        self.num_frames += 1
        return np.full((SIZE_PX // 2, SIZE_PX // 2), 0.8, np.float32)


def run(worker, index, kind, **changes):
    """Run a chunk of the newest source frame under a kind of control."""
    parameters = {"steps": 1.0, "control_amount": 1.0, "control_kind": kind}
    newest = worker.source.num_written - 1
    return worker.run(plan(index, parameters=parameters, input_until=newest, **changes))


def write(worker, count=1):
    for _ in range(count):
        at = worker.source.num_written
        worker.source.write(moving_square(at), FrameMeta())


def wait_until(condition):
    stop, until_s = threading.Event(), time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until_s, "nothing happened for 20 s"
        stop.wait(0.002)


@pytest.fixture
def slow():
    """A worker whose depth is slow, with both of its threads running."""
    gate = threading.Semaphore(0)
    with tiny_worker(costly={"depth": lambda: Slow(gate)}) as worker:
        worker.preprocess.start()
        yield worker, gate
        gate.release(100)
        worker.preprocess.stop()


def ready(worker, kind):
    return lambda: worker.preprocess.store.window(kind, 10**6, 1) is not None


def newest_ready(worker, kind):
    window = worker.preprocess.store.window(kind, 10**6, 1)
    return window.numbers[-1] if window else None


def test_a_slow_preprocessor_makes_control_stale_by_the_number_shown_and_delays_no_chunk(slow):
    worker, gate = slow
    write(worker)
    wait_until(ready(worker, "flow"))
    run(worker, 0, DEPTH)  # it begins with frame 0
    gate.release()
    wait_until(ready(worker, "depth"))
    stale = []
    for index in range(1, 4):  # it stands still while three chunks are made, each to the end
        write(worker, 5)
        stale.append(run(worker, index, DEPTH).stale_frames)
    assert stale == [5, 10, 15]


def test_a_slow_preprocessor_goes_on_with_the_newest_frame(slow):
    worker, gate = slow
    write(worker)
    run(worker, 0, DEPTH)
    gate.release()
    wait_until(lambda: newest_ready(worker, "depth") == 0)
    write(worker, 2)
    gate.release()
    wait_until(lambda: newest_ready(worker, "depth") == 2)
    write(worker, 9)
    gate.release(2)
    wait_until(lambda: newest_ready(worker, "depth") == 11)
    report = run(worker, 1, DEPTH)
    assert (report.input_last, report.stale_frames) == (11, 0)


def test_a_slow_preprocessor_makes_no_other_kind_stale(slow):
    worker, _ = slow
    write(worker)
    run(worker, 0, DEPTH)
    write(worker, 3)
    wait_until(lambda: newest_ready(worker, "flow") == 3)
    assert run(worker, 1, FLOW).stale_frames == 0


def test_a_kind_that_is_not_ready_yet_leaves_the_one_before_in_use(slow):
    worker, gate = slow
    write(worker, 3)
    wait_until(ready(worker, "flow"))
    used = [run(worker, 0, FLOW), run(worker, 1, DEPTH)]
    gate.release()
    wait_until(ready(worker, "depth"))
    used.append(run(worker, 2, DEPTH))
    assert [report.control_kind for report in used] == ["flow", "flow", "depth"]
    assert all(report.condition is not None for report in used)


def test_all_standing_kinds_can_be_chosen_from_one_chunk_to_the_next():
    with tiny_worker() as worker:
        worker.deliver(12)
        reports = [run(worker, index, float(index)) for index in range(4)]
    assert [report.control_kind for report in reports] == list(CONTROL_KINDS[:4])
    assert [report.stale_frames for report in reports] == [0, 0, 0, 0]


def test_a_costly_kind_works_only_while_it_is_chosen_and_used():
    depth = Slow()
    with tiny_worker(costly={"depth": lambda: depth}) as worker:
        counts = []
        for index, kind in enumerate((FLOW, DEPTH, DEPTH, FLOW, FLOW)):
            worker.deliver(1)
            run(worker, index, kind)
            worker.preprocess.costly_lane.step()
            counts.append(depth.num_frames)
    assert counts == [0, 1, 2, 2, 2]


def test_maps_from_when_a_kind_was_chosen_before_are_not_used_again():
    depth = Slow()
    with tiny_worker(costly={"depth": lambda: depth}) as worker:
        worker.deliver(3)
        run(worker, 0, DEPTH)
        worker.preprocess.costly_lane.step()
        run(worker, 1, FLOW)
        worker.deliver(20)
        report = run(worker, 2, DEPTH)
    assert (report.control_kind, report.stale_frames) == ("flow", 0)


def test_a_kind_without_its_weights_is_refused_and_the_one_before_stays():
    def build():
        raise WeightsError("depth model: /models/depth.pth is missing; put it there")

    with tiny_worker(costly={"depth": build}) as worker:
        worker.deliver(3)
        run(worker, 0, FLOW)
        run(worker, 1, DEPTH)
        worker.preprocess.costly_lane.step()
        refused = run(worker, 2, DEPTH)
        after = run(worker, 3, FLOW)
    assert refused.control_kind == "flow"
    assert refused.control_refusal == (
        "control map depth: depth model: /models/depth.pth is missing; put it there"
    )
    assert after.control_refusal == ""


def test_a_refused_kind_is_tried_again_when_it_is_chosen_anew():
    attempts = []

    def build():
        attempts.append(1)
        if len(attempts) == 1:
            raise WeightsError("not there")
        return Slow()

    with tiny_worker(costly={"depth": build}) as worker:
        worker.deliver(3)
        for index, kind in enumerate((DEPTH, DEPTH, FLOW, DEPTH)):
            run(worker, index, kind)
            worker.preprocess.costly_lane.step()
        report = run(worker, 4, DEPTH)
    assert len(attempts) == 2
    assert (report.control_kind, report.control_refusal) == ("depth", "")


def test_a_costly_kind_that_runs_out_of_memory_is_refused_and_the_worker_lives():
    broken = Slow(error=OutOfMemoryError("the GPU is full"))
    with tiny_worker(costly={"depth": lambda: broken}) as worker:
        worker.deliver(3)
        run(worker, 0, DEPTH)
        worker.preprocess.costly_lane.step()
        report = run(worker, 1, DEPTH)
    assert report.control_refusal == "control map depth: the GPU is full"


def test_a_source_cut_resets_costly_kinds_too():
    depth = Slow()
    with tiny_worker(costly={"depth": lambda: depth}) as worker:
        worker.deliver(3)
        run(worker, 0, DEPTH)
        worker.preprocess.costly_lane.step()
        worker.deliver(2)
        run(worker, 1, DEPTH, source_cut=True)
        assert newest_ready(worker, "depth") is None
        worker.preprocess.costly_lane.step()
        assert newest_ready(worker, "depth") == 4
    assert depth.num_resets == 1


def test_a_model_that_takes_pictures_gets_them_at_frame_size_with_the_kinds_own_channels():
    path = frame_ring.create("input", 4, SIZE_PX * SIZE_PX * 3)
    errors = []
    runner = PreprocessRunner(
        RingReader(path), default_preprocessors(), errors.append, form=ControlForm.PICTURE
    )
    RingWriter(path).write(moving_square(0), FrameMeta())
    runner.lane.step()
    windows = {kind: runner.store.window(kind, 0, 2) for kind in ("luminance", "edges", "flow")}
    frame_ring.remove(path)
    shapes = {kind: window.maps.shape for kind, window in windows.items()}
    grey, colour = (2, SIZE_PX, SIZE_PX, 1), (2, SIZE_PX, SIZE_PX, 3)
    assert shapes == {"luminance": grey, "edges": grey, "flow": colour}
    assert windows["luminance"].maps[0, 14, 4, 0] > windows["luminance"].maps[0, 28, 28, 0] + 50
