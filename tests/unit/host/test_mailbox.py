"""The mailboxes: what each keeps, drops, refuses and counts."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import LocalProtocolError
from engine.host.mailbox import Bounded, Inbox, Latest

# A script is a list of operations: a number puts it, None takes one.
SCRIPTS = st.lists(st.one_of(st.integers(), st.none()), max_size=60)


def counts_add_up(box):
    counts = box.counts
    return counts.num_in == counts.num_out + counts.num_dropped + len(box)


def test_latest_gives_only_the_newest_item():
    box = Latest()
    assert [box.put(item) for item in (1, 2, 3)] == [0, 1, 1]
    assert box.take(0) == 3
    assert box.take(0) is None
    assert box.counts.num_dropped == 2


def test_latest_peek_leaves_the_item_there():
    box = Latest()
    assert box.peek() is None
    box.put("knob")
    assert box.peek() == box.peek() == box.take(0) == "knob"


def test_bounded_drops_its_oldest():
    box = Bounded(3)
    for item in range(5):
        box.put(item)
    assert box.take_all() == [2, 3, 4]
    assert box.counts.num_dropped == 2


def test_full_inbox_refuses_and_keeps_what_it_has():
    box = Inbox(2)
    box.put("a")
    box.put("b")
    with pytest.raises(LocalProtocolError, match="full with 2 items"):
        box.put("c")
    assert box.take_all() == ["a", "b"]
    assert box.counts.num_in == 2


@given(SCRIPTS)
def test_latest_behaves_like_one_variable(script):
    box, expected = Latest(), None
    for item in script:
        if item is None:
            assert box.try_take() == expected
            expected = None
        else:
            box.put(item)
            expected = item
        assert counts_add_up(box)


@given(SCRIPTS, st.integers(1, 8))
def test_bounded_behaves_like_the_end_of_a_list(script, capacity):
    box, expected = Bounded(capacity), []
    for item in script:
        if item is None:
            assert box.try_take() == (expected.pop(0) if expected else None)
        else:
            box.put(item)
            expected = [*expected, item][-capacity:]
        assert counts_add_up(box)


@given(SCRIPTS, st.integers(1, 8))
def test_inbox_loses_nothing_that_it_accepted(script, capacity):
    box, expected = Inbox(capacity), []
    for item in script:
        if item is None:
            assert box.try_take() == (expected.pop(0) if expected else None)
        elif len(expected) < capacity:
            box.put(item)
            expected.append(item)
        else:
            with pytest.raises(LocalProtocolError):
                box.put(item)
        assert counts_add_up(box)


def test_clear_counts_what_it_drops():
    box = Inbox(4)
    box.put(1)
    box.put(2)
    assert box.clear() == 2
    assert (len(box), box.counts.num_dropped) == (0, 2)


@pytest.mark.parametrize("box", [Latest(), Bounded(2)])
def test_closed_mailbox_gives_what_is_left_then_none_without_waiting(box):
    box.put(1)
    box.close()
    assert box.put(2) == 1
    assert box.take(60.0) == 1
    assert box.take(60.0) is None
    assert counts_add_up(box)


def test_closed_inbox_refuses_instead_of_losing_a_command():
    box = Inbox(2)
    box.close()
    with pytest.raises(LocalProtocolError, match="after close"):
        box.put("cut")


@pytest.mark.parametrize("wake", [lambda box: box.put("x"), lambda box: box.close()])
def test_put_and_close_wake_a_waiting_taker(wake):
    box, taken = Bounded(1), []
    taker = threading.Thread(target=lambda: taken.append(box.take(60.0)))
    taker.start()
    wake(box)
    taker.join(timeout=30.0)
    assert not taker.is_alive()
    assert taken in (["x"], [None])


def test_items_of_many_writers_are_each_taken_exactly_once():
    box, taken = Inbox(10_000), []
    writers = [
        threading.Thread(target=lambda base=base: [box.put(base + i) for i in range(500)])
        for base in (0, 1000, 2000)
    ]
    for writer in writers:
        writer.start()
    while len(taken) < 1500 and (item := box.take(10.0)) is not None:
        taken.append(item)
    assert sorted(taken) == [base + i for base in (0, 1000, 2000) for i in range(500)]


def test_capacity_below_one_is_refused():
    with pytest.raises(LocalProtocolError, match="at least 1"):
        Bounded(0)
