"""Ableton Link: the beat of other machines and programs on the network.

In:     the Link session, through the package `aalink`, which is not ours to bring along (GPL).
Out:    a `BeatClock` a fifth of a second; one without a tempo while nobody else is there.
Thread: the event loop; Link's own threads never call us.
Full:   cannot fill.

Whose session is the older one keeps its tempo, as Link has it: joining never changes the tempo of
those who play. While we are alone the session has our tempo, for whoever comes later, and does not
count as a beat of others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.errors import DeviceError
from engine.protocol.beat import BEATS_PER_BAR, MAX_BPM, MIN_BPM, BeatClock

HOW_TO_GET = "get it by `pip install aalink` into Segue's environment"
_TOLD_EVERY_S = 0.2
_ANY_BPM = 120.0  # of a session that nobody said a tempo for


class Session(Protocol):
    """What we need of `aalink.Link`."""

    enabled: bool
    quantum: float
    num_peers: int
    tempo: float
    beat: float
    playing: bool


@dataclass(frozen=True, slots=True)
class LinkState:
    """How we stand: `text` is empty where Link is not offered."""

    is_offered: bool
    is_joined: bool = False
    num_peers: int = 0

    @property
    def text(self) -> str:
        """What the window says."""
        if not self.is_offered:
            return ""
        if not self.is_joined:
            return "off"
        return peers_text(self.num_peers) if self.num_peers else "alone"


def peers_text(num_peers: int) -> str:
    """Return how many others there are."""
    return f"{num_peers} peer{'s' * (num_peers != 1)}"


def why_not() -> str:
    """Return why Link is not offered here; empty when it is."""
    try:
        importlib.import_module("aalink")
    except ImportError as error:
        return str(error)
    return ""


class LinkBeat:
    """Owns the session. It is joined when asked to: joining speaks to the whole network."""

    def __init__(self) -> None:
        self._is_offered = not why_not()
        self._session: Session | None = None
        self._told_s = -_TOLD_EVERY_S
        self._was_heard = False

    @property
    def state(self) -> LinkState:
        """How we stand."""
        session = self._session
        num_peers = session.num_peers if session is not None else 0
        return LinkState(self._is_offered, session is not None, num_peers)

    def join(self) -> None:
        """Join the session of this network. Call it inside the event loop.

        Raises:
            DeviceError: the package is not there.
        """
        if self._session is not None:
            return
        if trouble := why_not():
            raise DeviceError(f"Ableton Link is not offered here: {trouble}; {HOW_TO_GET}")
        session: Session = importlib.import_module("aalink").Link(_ANY_BPM)
        session.quantum = BEATS_PER_BAR
        session.enabled = True
        self._session = session

    def leave(self) -> None:
        """Leave it. Safe twice."""
        session, self._session = self._session, None
        if session is not None:
            session.enabled = False

    def watch(self, now_s: float, own_bpm: float, hear: Callable[[BeatClock], None]) -> None:
        """Tell the beat when it is time to, and once that it is gone."""
        if now_s - self._told_s < _TOLD_EVERY_S:
            return
        self._told_s = now_s
        session = self._session
        is_alone = session is not None and not session.num_peers
        if session is not None and is_alone and own_bpm and abs(session.tempo - own_bpm) > 0.01:
            session.tempo = own_bpm
        clock = self._clock(now_s)
        if clock.is_known or self._was_heard:
            hear(clock)
        self._was_heard = clock.is_known

    def _clock(self, now_s: float) -> BeatClock:
        session = self._session
        if session is None or not session.num_peers:
            return BeatClock()
        return BeatClock(
            bpm=min(max(session.tempo, MIN_BPM), MAX_BPM),  # Link allows more than a hand can mean
            beat=session.beat,
            at_s=now_s,
            is_running=session.playing,
            source=peers_text(session.num_peers),
        )
