"""Undo against a naive model: a list of everything that ever was."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import history as past
from app.core.history import GESTURE_S, MAX_STEPS, History, ParameterEdit, PromptEdit, ShowEdit
from engine.protocol.show import Show


def test_a_drag_is_one_step_and_comes_back_whole():
    history = History()
    for step, value in enumerate((0.1, 0.2, 0.3)):
        history = past.noted(history, ParameterEdit("saturation", value - 0.1, value), step * 0.1)
    history, edit = past.undo(history)
    assert (edit.before, edit.after, history.done) == (0.0, 0.3, ())
    history, again = past.redo(history)
    assert (again, history.undone) == (edit, ())


def test_a_pause_or_another_row_begins_a_new_step():
    one, two = ParameterEdit("steps", 1, 2), ParameterEdit("steps", 2, 3)
    history = past.noted(past.noted(History(), one, 0.0), two, GESTURE_S)
    assert history.done == (one, two)
    other = ParameterEdit("saturation", 1, 0)
    assert past.noted(past.noted(History(), one, 0.0), other, 0.1).done == (one, other)


def test_a_knob_that_returns_within_its_gesture_leaves_no_step():
    there = past.noted(History(), ParameterEdit("steps", 1, 2), 0.0)
    assert past.noted(there, ParameterEdit("steps", 2, 1), 0.1).done == ()


def test_a_new_edit_forgets_what_could_be_redone_and_old_steps_go_first():
    history = History()
    for number in range(MAX_STEPS + 5):
        history = past.noted(history, PromptEdit(str(number), str(number + 1)), number * 10.0)
    assert len(history.done) == MAX_STEPS
    assert history.done[0].before == "5"
    history, _ = past.undo(history)
    history = past.noted(history, PromptEdit("x", "y"), 1e6)
    assert past.redo(history)[1] is None


ROWS = ("steps", "saturation")
hands = st.lists(
    st.tuples(st.sampled_from([*ROWS, "prompt", "show", "undo", "redo"]), st.integers(0, 3)),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(hands)
def test_undo_and_redo_walk_through_every_state_that_was(hands):
    """Each edit a gesture of its own: states form a line, undo and redo walk it."""
    world = {"steps": 0.0, "saturation": 0.0, "prompt": "0", "show": Show(name="0")}
    history, line, at = History(), [dict(world)], 0
    for now_s, (what, number) in enumerate(hands):
        if what == "undo":
            history, edit = past.undo(history)
            world, at = _set(world, edit, "before"), max(at - 1, 0)
        elif what == "redo":
            history, edit = past.redo(history)
            world, at = _set(world, edit, "after"), min(at + 1, len(line) - 1)
        else:
            edit = _edit(what, world, number)
            history = past.noted(history, edit, now_s * 10.0)
            if edit.before != edit.after:
                world = _set(world, edit, "after")
                line, at = [*line[: at + 1], dict(world)], at + 1
        assert world == line[at]


def _edit(what, world, number):
    if what in ROWS:
        return ParameterEdit(what, world[what], float(number))
    if what == "prompt":
        return PromptEdit(world[what], str(number))
    return ShowEdit("name", world[what], Show(name=str(number)))


def _set(world, edit, side):
    if edit is None:
        return world
    keys = {PromptEdit: "prompt", ShowEdit: "show"}
    key = edit.parameter_id if isinstance(edit, ParameterEdit) else keys[type(edit)]
    return {**world, key: getattr(edit, side)}
