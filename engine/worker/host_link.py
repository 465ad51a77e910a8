"""The pipe to the host: orders in, events out. Loads no torch.

In:     `HostOrder` messages on what was standard input.
Out:    `WorkerEvent` messages on what was standard output.
Thread: orders reads; any thread tells. Ends of this pipe are the only sign of a dead host.
Full:   orders never queue up: the host sends the next plan after the report of the last. Telling
        blocks when the host does not read, which stops the generator, as it should.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import BinaryIO

from engine.protocol.codec import ORDERS, read_framed, write_framed
from engine.protocol.orders import HostOrder, WorkerEvent


class HostLink:
    """The framed pipe. Tells may come from any thread."""

    def __init__(self, orders: BinaryIO, events: BinaryIO) -> None:
        self._orders = orders
        self._events = events
        self._lock = threading.Lock()  # one message at a time

    @staticmethod
    def claim_standard_streams() -> HostLink:
        """Take standard input and output for the pipe.

        Whatever prints afterwards, in Python or in a library, goes to standard error: a stray line
        cannot corrupt a message.
        """
        orders, events = os.dup(0), os.dup(1)
        os.dup2(2, 1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        return HostLink(os.fdopen(orders, "rb"), os.fdopen(events, "wb"))

    def tell(self, event: WorkerEvent) -> None:
        """Send an event; a host that is gone is noticed by the orders thread, not here."""
        with self._lock, suppress(BrokenPipeError):
            write_framed(self._events, event)

    def read(self) -> HostOrder | None:
        """Return the next order; None when the host has closed the pipe.

        Raises:
            RemoteProtocolError: the bytes are no order.
        """
        return read_framed(self._orders, ORDERS)


class OrderInbox:
    """Orders between the orders thread and the chunk loop: never drops, in order."""

    def __init__(self) -> None:
        self._orders: deque[tuple[HostOrder, float]] = deque()
        self._arrived = threading.Condition()

    def put(self, order: HostOrder) -> None:
        """Add an order with the time at which it came."""
        with self._arrived:
            self._orders.append((order, time.monotonic()))
            self._arrived.notify()

    def take(self, timeout_s: float) -> tuple[HostOrder, float] | None:
        """Return the oldest order and its monotonic time; None when none came in time."""
        with self._arrived:
            if not self._orders:
                self._arrived.wait(timeout_s)
            return self._orders.popleft() if self._orders else None
