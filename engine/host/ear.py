"""Owns the process that listens: starts it, reads its levels, says once why it is silent.

In:     the device that is asked for.
Out:    levels 0 … 1 of bass, mid, treble and onset, the newest; none while nothing is heard.
Thread: the event loop.
Full:   cannot fill; a level that is older than a quarter second counts as silence.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from engine.protocol.beat import OPENING
from engine.protocol.modulators import FOLLOWERS
from engine.protocol.values import Severity

Notice = Callable[[Severity, str, str], None]
_STALE_S = 0.25
_AGAIN_S = 3.0
_MEANWHILE = "the show goes on without sound, it is looked for"


class EarProcess:
    """At most one process; asked for another device it is ended and a new one started."""

    def __init__(self, notice: Notice, clock: Callable[[], float] = time.monotonic) -> None:
        self._notice = notice
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._levels: dict[str, float] = {}
        self._at_s = 0.0
        self._last_told = ""
        self.asked = ""  # device; empty: none
        self.status = ""  # the device that is heard, or why none is; empty while off

    @property
    def levels(self) -> Mapping[str, float]:
        """The newest levels by name; empty while nothing is heard."""
        return self._levels if self._clock() - self._at_s < _STALE_S else {}

    def listen(self, device: str) -> None:
        """Listen to a device, or to none. Call it inside the event loop."""
        self.close()
        self.asked = device
        if device:
            self.status = OPENING
            self._task = asyncio.get_running_loop().create_task(self._keep(device))

    def close(self) -> None:
        """Stop listening. Safe twice."""
        task, self._task = self._task, None
        self.asked = self.status = self._last_told = ""
        self._levels = {}
        if task is not None:
            task.cancel()

    async def _keep(self, device: str) -> None:
        """Run the process again whenever it ends: a card is unplugged, a server restarts."""
        while True:
            await self._run(device)
            await asyncio.sleep(_AGAIN_S)

    async def _run(self, device: str) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "engine.audio.listen", device,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None  # it is a pipe
        has_said_why = False
        try:
            while line := await process.stdout.readline():
                has_said_why |= self._take(line.decode(errors="replace").strip())
            code = await process.wait()
            if not has_said_why:
                text = f"the sound input was lost (exit code {code}); {_MEANWHILE}"
                self._say(Severity.WARNING, text)
        finally:
            with suppress(ProcessLookupError):
                process.kill()

    def _take(self, line: str) -> bool:
        """Take a line; returns whether it says why nothing is heard."""
        word, _, rest = line.partition(" ")
        if word == "levels":
            numbers = [float(number) for number in rest.split()]
            self._levels = dict(zip(FOLLOWERS, numbers, strict=True))
            self._at_s = self._clock()
        elif word == "hears":
            self._say(Severity.INFO, f"listening to {rest}")
            self.status = rest
        elif word == "refused":
            self._say(Severity.WARNING, f"{rest}; {_MEANWHILE}")
        return word == "refused"

    def _say(self, severity: Severity, text: str) -> None:
        """Tell it once, however often it is tried again."""
        self.status = text
        if text != self._last_told:
            self._last_told = text
            self._notice(severity, "sound", text)
