"""A Link peer of its own process: `python -m tests.link_peer BPM`; ends when stdin closes.

It comes into a session that is there, so it says its tempo once it is in it.
"""

from __future__ import annotations

import asyncio
import sys

from aalink import Link


async def play(bpm: float) -> None:
    link = Link(120.0)
    link.quantum = 4
    link.enabled = True
    while not link.num_peers:
        await asyncio.sleep(0.05)
    link.tempo = bpm
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(play(float(sys.argv[1])))
