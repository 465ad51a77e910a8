import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.pickup import NEAR_NORM, OVERRIDE_S, Grip, Takeover, turned
from engine.protocol.parameters import PARAMETERS, parameter

NORM = st.floats(0, 1)
DIMMER = parameter("dimmer")
STEPS = parameter("steps")


def path(hands, value, row=DIMMER, takeover=Takeover.PICKUP, gap_s=1.0):
    """Turn through hands; returns the values that were set."""
    grip, found = Grip(), []
    for number, hand in enumerate(hands):
        grip, new = turned(grip, hand, row, value, number * gap_s, takeover)
        value = value if new is None else new
        found.append(new)
    return found


@pytest.mark.parametrize(
    ("hands", "value", "acts"),
    [
        ([0.5], 0.5, [True]),  # its first move, and it stands there
        ([0.2], 0.5, [False]),  # its first move, far away
        ([0.2, 0.3, 0.4], 0.5, [False, False, False]),
        ([0.2, 0.8], 0.5, [False, True]),  # jumped over it
        ([0.2, 0.49, 0.3], 0.5, [False, True, True]),  # met it, and holds
        ([0.8, 0.6, 0.5, 0.1], 0.5, [False, False, True, True]),
    ],
)
def test_pickup_waits_until_the_hand_meets_the_parameter(hands, value, acts):
    assert [new is not None for new in path(hands, value)] == acts


def test_the_hold_ends_when_something_else_moves_the_parameter():
    grip, _ = turned(Grip(), 0.5, DIMMER, 0.5, 0.0)
    grip, _ = turned(grip, 0.6, DIMMER, 0.5, 1.0)
    assert grip.holds(DIMMER, 0.6)
    assert not grip.holds(DIMMER, 0.1)
    grip, new = turned(grip, 0.62, DIMMER, 0.1, 2.0)
    assert new is None
    _, new = turned(grip, 0.05, DIMMER, 0.1, 3.0)
    assert new == pytest.approx(0.05)


def test_a_late_echo_of_an_older_value_does_not_break_a_fast_sweep():
    grip, _ = turned(Grip(), 0.5, DIMMER, 0.5, 0.0)
    _, new = turned(grip, 0.9, DIMMER, 0.2, OVERRIDE_S / 2)
    assert new == pytest.approx(0.9)


def test_a_page_that_changed_takes_the_override_away():
    grip, _ = turned(Grip(), 0.5, DIMMER, 0.5, 0.0)
    _, new = turned(grip.released(), 0.9, DIMMER, 0.7, OVERRIDE_S / 2)
    assert new == pytest.approx(0.9)  # it crossed 0.7
    _, new = turned(grip.released(), 0.6, DIMMER, 0.9, OVERRIDE_S / 2)
    assert new is None


@given(st.lists(NORM, min_size=1, max_size=20), NORM)
def test_an_unheld_parameter_never_jumps_unless_the_hand_passed_it(hands, value):
    grip, at = Grip(), value
    for number, hand in enumerate(hands):
        before = grip
        grip, new = turned(grip, hand, DIMMER, at, float(number))
        if new is not None and not before.holds(DIMMER, at):
            low = min(hand, hand if before.hand is None else before.hand) - NEAR_NORM
            high = max(hand, hand if before.hand is None else before.hand) + NEAR_NORM
            assert low - 1e-9 <= at <= high + 1e-9
        at = at if new is None else new


@given(st.sampled_from(sorted(PARAMETERS)), st.lists(NORM, min_size=2, max_size=12), st.data())
def test_once_it_holds_every_move_acts_until_somebody_else_moves_it(name, hands, data):
    row = PARAMETERS[name]
    at = row.from_norm(data.draw(NORM))
    grip, _ = turned(Grip(), row.to_norm(at), row, at, 0.0)
    for number, hand in enumerate(hands, start=1):
        grip, new = turned(grip, hand, row, at, float(number))
        assert new == row.from_norm(hand)
        at = new


def test_jump_acts_at_once():
    assert path([0.9], 0.1, takeover=Takeover.JUMP) == [pytest.approx(0.9)]


@given(st.lists(NORM, min_size=2, max_size=30), NORM)
def test_scale_moves_with_the_hand_stays_in_range_and_meets_the_ends(hands, value):
    grip, at = Grip(), value
    for number, hand in enumerate([*hands, 0.5, 1.0]):
        before = grip.hand
        grip, new = turned(grip, hand, DIMMER, at, float(number), Takeover.SCALE)
        if new is not None:
            assert 0 <= new <= 1
            assert (new - at) * (hand - before) >= -1e-9
            at = new
    assert at == pytest.approx(1.0)


def test_small_moves_of_a_scaled_whole_number_add_up():
    hands = [number / 127 for number in range(128)]
    values = [v for v in path(hands, 3.0, STEPS, Takeover.SCALE) if v is not None]
    assert values[-1] == STEPS.high
    assert values == sorted(values)
