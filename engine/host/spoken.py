"""Orders as lines of text: what a script or a hand at a terminal says to a show without a window.

In:     lines on a file descriptor: a terminal or a pipe.
Out:    commands for the desk; what becomes of them in one line each.
Thread: the event loop; reading never waits.
Full:   lines are read as they come and answered in their order.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from engine.errors import ConfigError
from engine.protocol.messages import (
    AppCommand,
    Back,
    CancelCut,
    CommandAccepted,
    CommandRefused,
    Go,
    HardCut,
    HoldFollow,
    QueuePrompt,
    SoftCut,
    StandBy,
    StopEngine,
)

HELP = (
    "go (or Enter), back, standby CUE, hold, resume, prompt TEXT, hard, soft CHUNKS, cancel, stop"
)
_READ_BYTES = 65536
_MAX_LINE_BYTES = 8192
_PLAIN: dict[str, AppCommand] = {
    "": Go(),
    "go": Go(),
    "back": Back(),
    "hold": HoldFollow(is_held=True),
    "resume": HoldFollow(is_held=False),
    "hard": HardCut(),
    "cancel": CancelCut(),
    "stop": StopEngine(),
}


def command_of(line: str) -> AppCommand:
    """Return what a line asks.

    Raises:
        ConfigError: it is no order; the message lists those that are.
    """
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    match word.lower():
        case "standby" if rest:
            return StandBy(cue=rest)
        case "prompt" if rest:
            return QueuePrompt(text=rest)
        case "soft" if rest.isdecimal():
            return SoftCut(num_chunks=int(rest))
        case plain if plain in _PLAIN and not rest:
            return _PLAIN[plain]
    raise ConfigError(f"order refused: got {line.strip()!r}, expected one of: {HELP}")


class Listener:
    """Reads lines until their end; the show goes on after it."""

    def __init__(
        self,
        descriptor: int,
        answer: Callable[[AppCommand], Awaitable[CommandAccepted | CommandRefused]],
        say: Callable[[str], None],
    ) -> None:
        self._descriptor = descriptor
        self._answer = answer
        self._say = say
        self._begun = b""  # of a line that is not whole yet
        self._in_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen, inside a running event loop."""
        try:
            asyncio.get_running_loop().add_reader(self._descriptor, self._on_readable)
        except (OSError, NotImplementedError) as error:  # a plain file, or Windows' event loop
            self._say(f"nobody listens on stdin: {error}; use a terminal, a pipe or a window")

    def _on_readable(self) -> None:
        data = os.read(self._descriptor, _READ_BYTES)
        if not data:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        *lines, self._begun = (self._begun + data).split(b"\n")
        if len(self._begun) > _MAX_LINE_BYTES:
            self._say(f"order refused: a line of more than {_MAX_LINE_BYTES} bytes")
            self._begun = b""
        for line in lines:
            task = asyncio.create_task(self._obey(line.decode(errors="replace")))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _obey(self, line: str) -> None:
        async with self._in_turn:
            try:
                answer = await self._answer(command_of(line))
            except ConfigError as error:
                self._say(str(error))
                return
            self._say(answer.effect if isinstance(answer, CommandAccepted) else answer.reason)
