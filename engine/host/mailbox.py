"""The only hand-offs between threads: three mailboxes that differ in what they do when full.

Full:   `Latest` overwrites what nobody took, `Bounded` drops its oldest, `Inbox` never drops: full
        is an error of whoever puts. `put` never waits in any of them.
Thread: every method from any thread. A mailbox may have several takers; each item goes to one.

    class     for                          put when full             takers see
    Latest    camera frames, knob values   replaces, counts dropped  the newest item or nothing
    Bounded   frames on their way out      drops oldest, counts      the oldest item still there
    Inbox     commands, events             raises, takes nothing     every item, in order

At every moment `num_in == num_out + num_dropped + len(mailbox)`: an item that was put is taken
once, dropped once, or still there.

    state    put             take(timeout_s)                        close
    open     per class       item; None after timeout_s             → closed, wakes all takers
    closed   dropped*        what is left, then None without wait   nothing

    * `Inbox` raises instead: a command must not vanish.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.errors import LocalProtocolError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """What went through a mailbox so far."""

    num_in: int
    num_out: int
    num_dropped: int


class _Mailbox(Generic[T]):
    """Common part. Items are anything but None, which `take` returns for "nothing came"."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise LocalProtocolError(f"mailbox: got a capacity of {capacity}, expected at least 1")
        self.capacity = capacity
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._num_in = self._num_out = self._num_dropped = 0

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    @property
    def is_closed(self) -> bool:
        """True after `close`."""
        return self._closed

    @property
    def counts(self) -> MailboxCounts:
        """Return the three counters, all of one moment."""
        with self._changed:
            return MailboxCounts(self._num_in, self._num_out, self._num_dropped)

    def take(self, timeout_s: float) -> T | None:
        """Return the next item, waiting up to `timeout_s`; None when nothing came or closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            return self._pop()

    def try_take(self) -> T | None:
        """Return the next item, or None at once."""
        with self._changed:
            return self._pop()

    def take_all(self) -> list[T]:
        """Return everything that is there, oldest first, at once."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            self._num_out += len(items)
            return items

    def clear(self) -> int:
        """Drop everything that is there; returns how many items that were."""
        with self._changed:
            count = len(self._items)
            self._items.clear()
            self._num_dropped += count
            return count

    def close(self) -> None:
        """Take nothing more and wake all takers; what is inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pop(self) -> T | None:
        if not self._items:
            return None
        self._num_out += 1
        return self._items.popleft()

    def _append(self, item: T) -> None:
        self._items.append(item)
        self._changed.notify()

    def _put_dropping_oldest(self, item: T) -> int:
        with self._changed:
            self._num_in += 1
            if self._closed:
                self._num_dropped += 1
                return 1
            is_full = len(self._items) >= self.capacity
            if is_full:
                self._items.popleft()
                self._num_dropped += 1
            self._append(item)
            return int(is_full)


class Latest(_Mailbox[T]):
    """Holds one item: a newer one overwrites it."""

    def __init__(self) -> None:
        super().__init__(capacity=1)

    def put(self, item: T) -> int:
        """Leave `item`, overwriting what nobody took; returns how many items that dropped."""
        return self._put_dropping_oldest(item)

    def peek(self) -> T | None:
        """Return the item without taking it, or None."""
        with self._changed:
            return self._items[0] if self._items else None


class Bounded(_Mailbox[T]):
    """Holds `capacity` items: one more drops the oldest."""

    def put(self, item: T) -> int:
        """Append `item`; returns how many items that dropped, 0 or 1."""
        return self._put_dropping_oldest(item)


class Inbox(_Mailbox[T]):
    """Holds `capacity` items and never drops one."""

    def put(self, item: T) -> None:
        """Append `item`.

        Raises:
            LocalProtocolError: the inbox is full or closed; nothing was put or counted.
        """
        with self._changed:
            if self._closed:
                raise LocalProtocolError("inbox: got an item after close; whoever took is gone")
            if len(self._items) >= self.capacity:
                raise LocalProtocolError(
                    f"inbox: full with {self.capacity} items, its taker does not keep up; "
                    f"the new item was refused"
                )
            self._num_in += 1
            self._append(item)
