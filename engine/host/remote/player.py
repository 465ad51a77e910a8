"""What all remotes have in common: understand an address, ask the desk, tell the facts.

Thread: the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from engine.errors import EngineError, RemoteProtocolError
from engine.host.remote import phrases
from engine.host.remote.counts import Counts
from engine.host.remote.facts import Facts, facts, heaviest_prompt
from engine.host.remote.given import unknown
from engine.host.remote.osc_codec import Argument
from engine.host.remote.preview_phrases import PREVIEW
from engine.host.remote.preview_phrases import step as preview_step
from engine.protocol.messages import AppCommand, CommandAccepted, CommandRefused, EngineState
from engine.protocol.pads import PadSpec
from engine.protocol.preview import Preview
from engine.protocol.values import Look

Answer = CommandAccepted | CommandRefused
PATIENCE_S = 0.05


class RemotePlayer:
    """Plays what remotes ask for. `pads` returns the presets as they are now."""

    def __init__(
        self,
        answer: Callable[[AppCommand], Awaitable[Answer]],
        state: Callable[[], EngineState],
        pads: Callable[[], Sequence[PadSpec]],
        counts: Counts,
    ) -> None:
        self._answer = answer
        self._state = state
        self.pads = pads
        self.counts = counts
        self.preview = Preview()  # of all remotes

    def cues(self) -> list[str]:
        """Return the names of the cues, in the order of the list."""
        return list(self._state().cues.names)

    def facts(self) -> Facts:
        """Return everything that a remote is told."""
        return facts(self._state(), self.pads(), self.preview, time.monotonic())

    async def play(self, address: str, arguments: Sequence[Argument], sender: str) -> str | Facts:
        """Do what an address asks; returns when it lands, or the facts that were asked for.

        Raises:
            EngineError: it cannot be; nothing changed, and it was counted.
        """
        self.counts.received += 1
        try:
            is_question = list(arguments) == [phrases.ASK]
            if phrases.is_below(address, PREVIEW) and not is_question:
                return await self._prepare(address, arguments)
            meaning = phrases.read(address, arguments, self._stage())
            if meaning is None:
                return ""
            if isinstance(meaning, phrases.Question):
                return self._asked(meaning.address)
            return await self._do(meaning)
        except EngineError as error:
            self.counts.refuse(str(error), sender, time.monotonic())
            raise

    async def _prepare(self, address: str, arguments: Sequence[Argument]) -> str:
        step = preview_step(self.preview, self._state(), address, arguments, self._stage())
        if step is None:
            return ""
        effects = [await self._do(command) for command in step.commands]
        self.preview = step.preview
        return step.text or effects[0]

    async def _do(self, command: AppCommand) -> str:
        answer = await self._answer(command)
        if isinstance(answer, CommandRefused):
            raise RemoteProtocolError(answer.reason)
        return answer.effect

    def _stage(self) -> phrases.Stage:
        state = self._state()
        return phrases.Stage(
            pads=self.pads(),
            cues=state.cues.names,
            targets={**state.live, **state.pending},
            on_air=Look(prompt=heaviest_prompt(state), name=state.look_name),
            has_standby=bool(state.prompt_next),
            model=state.worker.choice,
        )

    def _asked(self, address: str) -> Facts:
        everything = self.facts()
        found = {key: v for key, v in everything.items() if phrases.is_below(key, address)}
        if not found:
            raise unknown(address)
        return found


class InOrder:
    """Does one thing after the other, but waits for none longer than `PATIENCE_S`.

    A cut to a look whose pictures are still read may take long; black must not wait for it.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, work: Coroutine[None, None, None]) -> None:
        """Begin it, and give it a moment to end before the next."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=PATIENCE_S)

    def cancel(self) -> None:
        """Give up what still runs."""
        for task in self._running:
            task.cancel()
