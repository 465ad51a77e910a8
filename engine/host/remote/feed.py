"""One listener over HTTP: tells it what changed, ten times a second at most.

In:     facts, presets and cues as they are; notices of the hub.
Out:    JSON texts, see docs/remote.md.
Thread: the event loop.
Full:   a listener that does not read is told later, and then only what is true by then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.host.events import EventHub, Subscription
from engine.host.remote.facts import Facts, changed
from engine.host.remote.player import RemotePlayer
from engine.protocol.messages import NoticeRaised
from engine.protocol.pads import PadSpec
from engine.protocol.parameters import PARAMETERS, Parameter

PERIOD_S = 0.1
SILENT_S = 1.0
Say = Callable[[str], Awaitable[None]]


class Feed:
    """What one listener has been told."""

    def __init__(self, player: RemotePlayer, hub: EventHub) -> None:
        self._player = player
        self._hub = hub
        self._facts: Facts = {}
        self._lists: dict[str, Any] = {}

    async def run(self, say: Say, over: asyncio.Event) -> None:
        """Tell everything, then what changes, until the listener is gone or it is over."""
        notices = self._hub.subscribe()
        try:
            await say(as_json({"parameters": parameter_rows()}))
            silent_s = 0.0
            while not over.is_set():
                news = self._news(notices)
                silent_s = 0.0 if news else silent_s + PERIOD_S
                if silent_s >= SILENT_S:
                    news, silent_s = [{"facts": {}}], 0.0  # so that a dead line is known from rest
                for message in news:
                    await say(as_json(message))
                await asyncio.sleep(PERIOD_S)
        finally:
            self._hub.unsubscribe(notices)

    def _news(self, notices: Subscription) -> list[dict[str, Any]]:
        news: list[dict[str, Any]] = []
        lists = {"presets": preset_rows(self._player.pads()), "cues": self._player.cues()}
        if lists != self._lists:
            news.append(lists)
            self._lists = lists
        now = self._player.facts()
        fresh = changed(self._facts, now)
        if fresh:
            news.append({"facts": fresh})
            self._facts = now
        return news + [
            {"notice": {"severity": event.severity.value, "text": event.text}}
            for event in notices.take_all()
            if isinstance(event, NoticeRaised)
        ]


def preset_rows(pads: Sequence[PadSpec]) -> list[dict[str, Any]]:
    """Return what a page needs to draw the pads."""
    return [
        {
            "number": number, "name": pad.name, "cut": pad.cut.value, "chunks": pad.num_chunks,
            "colour": pad.colour, "picture": f"/presets/{number}/picture" if pad.picture else "",
        }
        for number, pad in enumerate(pads, start=1)
    ]  # fmt: skip


def parameter_rows() -> list[dict[str, Any]]:
    """Return the parameter table as a page needs it."""
    return [_parameter_row(row) for row in PARAMETERS.values()]


def _parameter_row(row: Parameter) -> dict[str, Any]:
    return {
        "id": row.id, "label": row.label, "help": row.help, "low": row.low, "high": row.high,
        "default": row.default, "kind": row.kind.value, "unit": row.unit, "choices": row.choices,
        "applies": row.applies.value, "curve": row.curve.value, "zero_text": row.zero_text,
        "in_preset": row.in_preset,
    }  # fmt: skip


def as_json(message: object) -> str:
    """Return one line of JSON."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
