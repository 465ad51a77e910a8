"""When a worker counts as lost, row by row of watch.py."""

from __future__ import annotations

import pytest

from engine.host import watch as watching
from engine.host.watch import Limits

LIMITS = Limits(load_s=60, heartbeat_s=5, chunk_s=10, chunk_factor=8, first_chunk_s=30)


def live(at_s=0.0):
    return watching.ready(watching.started(at_s), at_s)


def looked(watch, until_s, heard=True, step_s=1.0, from_s=0.0):
    """Look once a second; returns the first verdict, or nothing."""
    now_s = from_s
    while now_s < until_s:
        now_s += step_s
        if heard:
            watch = watching.heard(watch, now_s)
        watch, reason = watching.look(watch, LIMITS, now_s)
        if reason:
            return reason
    return ""


def test_loading_may_be_silent_until_its_deadline():
    assert looked(watching.started(0), 60, heard=False) == ""
    assert looked(watching.started(0), 62, heard=False) == "not loaded within 60 s"


def test_a_live_worker_that_is_heard_is_never_lost():
    assert looked(live(), 1000) == ""


def test_a_live_worker_is_lost_without_a_heartbeat():
    assert looked(live(), 5, heard=False) == ""
    assert looked(live(), 7, heard=False) == "no heartbeat for 5 s"


def test_the_first_chunk_has_its_own_deadline():
    watch = watching.planned(live(), 0)
    assert looked(watch, 30) == ""
    assert "longer than 30.0 s" in looked(watch, 32)


@pytest.mark.parametrize(("chunk_s", "deadline_s"), [(0.3, 10.0), (3.0, 24.0)])
def test_later_chunks_have_a_multiple_of_the_usual_time(chunk_s, deadline_s):
    watch = live()
    for _ in range(5):
        watch = watching.reported(watching.planned(watch, 0), chunk_s)
    assert watching.chunk_deadline_s(watch, LIMITS) == pytest.approx(deadline_s)


def test_one_slow_chunk_does_not_stretch_the_deadline():
    watch = live()
    for chunk_s in (0.5, 0.5, 9.0, 0.5):
        watch = watching.reported(watching.planned(watch, 0), chunk_s)
    assert watching.chunk_deadline_s(watch, LIMITS) == 10


def test_waiting_between_chunks_has_no_deadline():
    watch = watching.reported(watching.planned(live(), 0), 0.5)
    assert looked(watch, 500) == ""


def test_nobody_is_killed_because_we_slept():
    watch, _ = watching.look(watching.planned(live(), 1), LIMITS, 1.5)
    watch, reason = watching.look(watch, LIMITS, 4000)
    assert reason == ""
    assert looked(watch, 4003, heard=False, from_s=4000) == ""


def test_the_first_restart_is_at_once_and_later_ones_wait_longer():
    waits = [watching.backoff_s(LIMITS, failures) for failures in range(1, 9)]
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert waits[-1] == waits[-2] == 8
