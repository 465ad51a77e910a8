"""What listeners get, and what happens to one that does not read."""

from __future__ import annotations

import asyncio

from engine.host.events import EventHub, Subscription
from engine.protocol.messages import CommandAccepted, EngineState
from tests.fakes import engine_state


def answer(number):
    return CommandAccepted(command_id=number)


def read_all(subscription):
    async def read():
        return [await subscription.get() for _ in range(len(subscription))]

    return asyncio.run(read())


def test_everybody_gets_every_event_in_order():
    hub = EventHub()
    listeners = [hub.subscribe(), hub.subscribe()]
    for number in range(3):
        hub.publish(answer(number))
    for listener in listeners:
        assert [event.command_id for event in read_all(listener)] == [0, 1, 2]


def test_of_the_state_only_the_newest_is_kept():
    subscription = Subscription()
    for chunk in range(5):
        subscription.put(engine_state(chunk_index=chunk))
        subscription.put(answer(chunk))
    events = read_all(subscription)
    states = [event.chunk_index for event in events if isinstance(event, EngineState)]
    assert (states, len(events)) == ([4], 6)


def test_a_listener_that_does_not_read_loses_its_oldest_and_is_counted():
    subscription = Subscription(capacity=3)
    for number in range(10):
        subscription.put(answer(number))
    assert subscription.num_dropped == 7
    assert [event.command_id for event in read_all(subscription)] == [7, 8, 9]


def test_a_listener_that_left_gets_nothing_more():
    hub = EventHub()
    listener = hub.subscribe()
    hub.unsubscribe(listener)
    hub.unsubscribe(listener)
    hub.publish(answer(1))
    assert (len(listener), len(hub)) == (0, 0)


def test_a_waiting_listener_wakes_up():
    async def converse():
        subscription = Subscription()
        waiting = asyncio.create_task(subscription.get())
        await asyncio.sleep(0)
        subscription.put(answer(7))
        return await waiting

    assert asyncio.run(converse()).command_id == 7
