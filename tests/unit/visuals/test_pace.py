"""The pace of the visuals process: coarser when it is dear, finer when it is cheap, never late."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.visuals import pace, player
from engine.visuals.looks import FPS
from engine.visuals.pace import BUSY, CALM_STRETCHES, SCALES, SLOW, Clock, Detail, judged

STEPS = st.integers(0, len(SCALES) - 1)
COSTS = st.floats(0, 3)
SIDES = st.integers(64, 4096)


def after(detail, *costs):
    for cost in costs:
        detail = judged(detail, cost, cost)
    return detail


def test_one_dear_stretch_changes_nothing_and_two_draw_coarser():
    dear = BUSY * 1.1
    assert after(Detail(), dear).step == 0
    assert after(Detail(), dear, BUSY, dear).step == 0
    assert after(Detail(), dear, dear).step == 1


def test_a_full_machine_draws_coarser_even_where_little_is_drawn():
    waited_long = SLOW * 1.1
    assert judged(judged(Detail(), 0.0, waited_long), 0.0, waited_long).step == 1


def test_it_draws_finer_only_after_long_calm():
    coarse, cheap = Detail(2), [0.0] * CALM_STRETCHES
    assert after(coarse, *cheap[1:]).step == 2
    assert after(coarse, *cheap).step == 1
    assert after(coarse, *cheap[1:], BUSY, *cheap[1:]).step == 2


@given(STEPS, st.lists(st.tuples(COSTS, COSTS), max_size=80))
def test_detail_changes_by_one_step_at_a_time_and_stays_on_the_scale(step, stretches):
    details = [Detail(step)]
    for busy, slow in stretches:
        details.append(judged(details[-1], busy, slow))
    assert all(0 <= detail.step < len(SCALES) for detail in details)
    assert all(abs(a.step - b.step) <= 1 for a, b in itertools.pairwise(details))


@given(STEPS, st.floats(0, 2), st.lists(st.floats(1.0, 2.2), min_size=3, max_size=3))
def test_a_picture_of_steady_cost_settles(step, finest, savings):
    costs = list(itertools.accumulate(savings, lambda cost, saved: cost / saved, initial=finest))
    detail, changes = Detail(step), 0
    for _ in range(len(SCALES) * CALM_STRETCHES):
        following = judged(detail, costs[detail.step], 0.0)
        changes += following.step != detail.step
        detail = following
    assert changes <= len(SCALES) - 1
    assert costs[detail.step] <= BUSY or detail.step == len(SCALES) - 1


@given(SIDES, SIDES, STEPS)
def test_what_is_drawn_fits_into_what_is_wanted(width, height, step):
    drawn = pace.drawn_px((width, height), step)
    assert all(side % 2 == 0 and side >= pace.SMALLEST_PX for side in drawn)
    assert drawn[0] <= width
    assert drawn[1] <= height


@given(st.integers(128, 1024), st.integers(128, 1024), STEPS)
def test_what_is_drawn_has_the_shape_of_what_is_wanted_and_a_bounded_cost(width, height, step):
    drawn = pace.drawn_px((width, height), step)
    assert drawn[0] * drawn[1] <= pace.PIXELS
    assert drawn[0] / drawn[1] == pytest.approx(width / height, rel=0.1)


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.floats(-1, 1e5), st.floats(0, 1e5))
def test_the_next_frame_is_neither_overdue_nor_one_that_was_drawn(first, drawn, late_s, origin_s):
    clock = Clock(first=first, origin_s=origin_s, fps=16.0)
    index = first + drawn
    now_s = clock.due_s(index) + late_s
    following = clock.next_index(index, now_s)
    assert following >= index
    assert clock.due_s(following + 1) > now_s - 1e-3
    assert following == index or clock.due_s(following - 1) < now_s


def test_the_player_plays_at_the_rate_that_the_renderer_draws_for():
    assert player._FPS == FPS
