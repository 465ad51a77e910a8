from hypothesis import given
from hypothesis import strategies as st

from app.core.coalesce import Coalescer
from app.core.midi_events import ControlMoved, MidiKind


def moved(value, number=7, kind=MidiKind.CC):
    return ControlMoved(port="knobs", kind=kind, channel=1, number=number, value=value)


def through(*events):
    coalescer = Coalescer()
    for event in events:
        coalescer.put(event)
    return coalescer.take()


def test_a_sweep_leaves_as_few_events_as_it_crosses_the_middle_and_its_last_value():
    assert [event.value for event in through(*map(moved, range(128)))] == [63, 127]


def test_a_button_pressed_and_released_within_a_tick_is_still_a_press():
    assert [event.value for event in through(moved(0), moved(127), moved(0))] == [0, 127, 0]


def test_notes_are_never_dropped_or_reordered():
    notes = [moved(v, kind=MidiKind.NOTE) for v in (90, 0, 90, 0)]
    assert through(*notes) == notes


def test_taking_empties_it():
    coalescer = Coalescer()
    coalescer.put(moved(1))
    assert coalescer.take() == [moved(1)]
    assert coalescer.take() == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 127))))
def test_the_last_value_of_every_control_always_survives(moves):
    left = through(*(moved(value, number) for number, value in moves))
    last = dict(moves)
    assert {event.number: event.value for event in left} == last
