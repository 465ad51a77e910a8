"""From the conductor to everybody who listens: one bounded queue a listener.

In:     `HostEvent`s, in the thread of the event loop.
Out:    per listener, the same events in order; of `EngineState` only the newest.
Thread: the event loop.
Full:   a listener that does not keep up loses its oldest event and is told how many; the
        conductor and the other listeners never notice.
"""

from __future__ import annotations

import asyncio
from collections import deque

from engine.protocol.messages import EngineState, HostEvent

CAPACITY = 256


class Subscription:
    """What one listener has not read yet."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._events: deque[HostEvent] = deque()
        self._capacity = capacity
        self._arrived = asyncio.Event()
        self.num_dropped = 0

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: HostEvent) -> None:
        """Leave an event; never waits."""
        if isinstance(event, EngineState):
            self._forget_older_states()
        if len(self._events) >= self._capacity:
            self._events.popleft()
            self.num_dropped += 1
        self._events.append(event)
        self._arrived.set()

    async def get(self) -> HostEvent:
        """Return the oldest event, waiting for one."""
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def take_all(self) -> list[HostEvent]:
        """Return everything that was left; never waits."""
        taken = list(self._events)
        self._events.clear()
        return taken

    def _forget_older_states(self) -> None:
        if any(isinstance(event, EngineState) for event in self._events):
            kept = [event for event in self._events if not isinstance(event, EngineState)]
            self._events = deque(kept)


class EventHub:
    """All listeners."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Return a new listener's queue."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a listener. Safe twice."""
        self._subscriptions.discard(subscription)

    def publish(self, event: HostEvent) -> None:
        """Give an event to everybody."""
        for subscription in self._subscriptions:
            subscription.put(event)
