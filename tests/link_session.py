"""Follow a Link peer with the real desk, in a network of our own; prints what became of it.

Run by `tests/contract/test_link.py` under `unshare --net`, where nobody else can be disturbed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

from engine.host.beat_desk import BeatDesk
from engine.protocol.beat_commands import JoinLink, SetTempo
from engine.protocol.messages import PlayoutState
from tests.fakes import Notices

SOON_S = 20.0


async def until(desk, condition):
    end_s = time.monotonic() + SOON_S
    while not condition(desk.state()):
        if time.monotonic() > end_s:
            raise TimeoutError(str(desk.state()))
        desk.watch(PlayoutState())
        await asyncio.sleep(0.02)
    return desk.state()


async def follow() -> dict[str, object]:
    notices = Notices()
    desk = BeatDesk(notices)
    before = desk.state().link
    desk.answer(SetTempo(bpm=90.0))
    desk.answer(JoinLink(is_joined=True))
    alone = await until(desk, lambda s: s.link == "alone")
    peer = subprocess.Popen([sys.executable, "-m", "tests.link_peer", "133"], stdin=subprocess.PIPE)
    try:
        with_peer = await until(desk, lambda s: s.clock.source == "link" and s.clock.bpm > 132)
        first = desk.clock
        await asyncio.sleep(0.5)
        desk.watch(PlayoutState())
        now_s = time.monotonic()
        drift = desk.clock.beat_at(now_s) - first.beat_at(now_s)
    finally:
        peer.communicate(b"", timeout=SOON_S)
    after = await until(desk, lambda s: s.clock.source == "fixed")
    desk.answer(JoinLink(is_joined=False))
    return {
        "before": before,
        "alone": [alone.link, alone.clock.source, alone.clock.bpm],
        "with_peer": [with_peer.link, with_peer.detail, round(with_peer.clock.bpm, 2)],
        "drift": drift,
        "after": [desk.state().link, round(after.clock.bpm, 2)],
        "said": notices.texts,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(follow())))
