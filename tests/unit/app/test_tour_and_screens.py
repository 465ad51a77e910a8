"""Steps of the tour, and the way of the clean output over the screens."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.screens import next_screen
from app.core.tour import STEPS, moved

NAMES = st.lists(st.sampled_from("ABCDE"), min_size=1, unique=True)


@given(NAMES, st.data())
def test_one_key_goes_over_every_screen_once_ours_last_and_then_off(names, data):
    own = data.draw(st.sampled_from(names))
    went, shown = [], ""
    while shown := next_screen(names, own, shown):
        went.append(shown)
    assert sorted(went) == sorted(names)
    assert went[-1] == own


@given(NAMES, st.data())
def test_a_screen_that_is_gone_counts_as_none(names, data):
    own = data.draw(st.sampled_from(names))
    assert next_screen(names, own, "gone") == next_screen(names, own, "")


@given(st.lists(st.sampled_from([-1, 1]), max_size=12))
def test_the_tour_never_leaves_its_steps_but_at_the_end(moves):
    step = 0
    for by in moves:
        after = moved(step, by)
        if after is None:
            assert (step, by) == (len(STEPS) - 1, 1)
            return
        assert 0 <= after < len(STEPS)
        assert after - step in (by, 0)
        step = after
