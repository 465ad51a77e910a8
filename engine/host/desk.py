"""What an app asks and what it is told: each command gets one answer, and all get the state.

Thread: the event loop. What may wait for a device runs beside it, in order.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, assert_never

from engine.errors import ConfigError, EngineError
from engine.host import rehearsal
from engine.host import score as music
from engine.host import tempo as beat
from engine.host.cue_player import CuePlayer
from engine.host.looks import Values, clean_look, frame_rows
from engine.host.playout.presenter import Presenter
from engine.host.rack import Rack
from engine.protocol.beat_commands import (
    AlignBar,
    HearBeat,
    JoinLink,
    ListenTo,
    NudgeBeat,
    SetModulators,
    SetQuantum,
    SetTempo,
    TapBeat,
)
from engine.protocol.messages import (
    AppCommand,
    Back,
    CancelCut,
    ChangeModel,
    CommandAccepted,
    CommandRefused,
    EngineState,
    Go,
    HardCut,
    Hello,
    HoldFollow,
    LoadCues,
    LoadPads,
    OpenPage,
    PreparePrompts,
    QueuePrompt,
    Rates,
    RemoteState,
    RestartWorker,
    SelectSource,
    SetGuides,
    SetOutput,
    SetParameters,
    SoftCut,
    SourceState,
    StandBy,
    StartRecording,
    StopEngine,
    StopRecording,
    WorkerState,
)
from engine.protocol.pads import MAX_PADS, PadSpec
from engine.protocol.values import Cut, SourceSpec

Answer = CommandAccepted | CommandRefused
_STATE_PERIOD_S = 0.1


class SourceDesk(Protocol):
    """What the desk needs of the source."""

    def select(self, spec: SourceSpec) -> None:
        """Change the source."""

    def state(self) -> SourceState:
        """Return the source as it is."""

    def input_fps(self) -> float:
        """Return its measured rate."""


class Desk:
    """Answers commands and tells the state. `on_stop` is called by `StopEngine`."""

    def __init__(
        self,
        cues: CuePlayer,
        presenter: Presenter,
        rack: Rack,
        source: SourceDesk,
        preview_ring: str,
        on_stop: Callable[[], None],
    ) -> None:
        self._conductor = cues.conductor
        self._cues = cues
        self._presenter = presenter
        self._rack = rack
        self._source = source
        self._preview_ring = preview_ring
        self._on_stop = on_stop
        self._one_at_a_time = asyncio.Lock()
        self.pads: tuple[PadSpec, ...] = ()
        self.open_page: Callable[[bool], Awaitable[str]] = _no_page
        self.remote_state: Callable[[], RemoteState] = RemoteState  # who has remotes says more

    async def answer(self, command: AppCommand) -> Answer:
        """Do what was asked, or say in one sentence why not."""
        try:
            effect = await self._do(command)
        except EngineError as error:
            return CommandRefused(command_id=command.command_id, reason=str(error))
        return CommandAccepted(command_id=command.command_id, effect=effect)

    def open_pads(self, pads: tuple[PadSpec, ...]) -> None:
        """Take the presets that remotes may cut to.

        Raises:
            ConfigError: one says what cannot be, or they are too many; nothing changed.
        """
        if len(pads) > MAX_PADS:
            raise ConfigError(f"presets: got {len(pads)}, expected at most {MAX_PADS}")
        for pad in pads:
            clean_look(pad.look)
        self.pads = pads

    async def tell_state(self) -> None:
        """Publish the state ten times a second, for ever."""
        while True:
            self._conductor.publish(self.state())
            await asyncio.sleep(_STATE_PERIOD_S)

    async def _do(self, command: AppCommand) -> str:
        match command:
            case SetParameters() | QueuePrompt() | CancelCut():
                return self._obey(command)
            case SetGuides() | HardCut() | SoftCut():
                await self._fetch_pictures(command)
                return self._obey(command)
            case LoadCues() | Go() | Back() | StandBy() | HoldFollow():
                return self._cues.answer(command)
            case LoadPads() | PreparePrompts() | OpenPage():
                return await self._open(command)
            case HearBeat() | TapBeat() | SetTempo() | NudgeBeat() | AlignBar():
                return self._conductor.beats.answer(command)
            case SetQuantum() | SetModulators() | JoinLink() | ListenTo():
                return self._conductor.beats.answer(command)
            case SelectSource():
                self._source.select(command.source)
                return f"opening source {command.source.kind}"
            case SetOutput() | StartRecording() | StopRecording():
                async with self._one_at_a_time:
                    return await asyncio.to_thread(self._do_slowly, command)
            case ChangeModel() | RestartWorker() | StopEngine() | Hello():
                return self._run(command)
            case _:
                assert_never(command)

    def _run(self, command: ChangeModel | RestartWorker | StopEngine | Hello) -> str:
        match command:
            case ChangeModel():
                return self._conductor.models.change(command.model)
            case RestartWorker():
                self._conductor.supervisor.restart("restarted by hand")
                return "restarting the generator; the output goes on"
            case StopEngine():
                self._on_stop()
                return "stopping"
            case Hello():
                return "already greeted"

    async def _fetch_pictures(self, command: SetGuides | HardCut | SoftCut) -> None:
        """Have the pictures of a command read before anything changes."""
        guides = self._conductor.guides
        if isinstance(command, SetGuides):
            guides.check_taken(command.guides)
            await guides.fetch(command.guides)
        elif command.look is not None:
            await guides.fetch(command.look.guides)

    def _do_slowly(self, command: SetOutput | StartRecording | StopRecording) -> str:
        match command:
            case SetOutput():
                self._rack.set_output(command.output)
                return "from the next output frame"
            case StartRecording():
                return f"recording to {self._rack.start_recording(command.path)}"
            case StopRecording():
                return f"recorded to {self._rack.stop_recording()}"

    def _obey(self, command: music.ScoreCommand) -> str:
        conductor = self._conductor
        if isinstance(command, CancelCut):
            return self._cues.cancel()
        conductor.obey(command)
        match command:
            case SetParameters():
                self._cues.on_edited(command.values)
                return self._effect_of_edits(command.values)
            case SetGuides():
                return self._at_the_boundary()
            case QueuePrompt():
                conductor.supervisor.prepare(conductor.score.next_prompt)
                return "in standby" if conductor.score.next_prompt else "standby is empty"
            case HardCut() | SoftCut():
                self._cues.on_cut_by_hand(command)
                return self._effect_of_cut()

    async def _open(self, command: LoadPads | PreparePrompts | OpenPage) -> str:
        if isinstance(command, OpenPage):
            async with self._one_at_a_time:
                return await self.open_page(command.is_open)
        if isinstance(command, LoadPads):
            self.open_pads(command.pads)
            return f"remotes have {len(command.pads)} presets"
        self._conductor.guides.announce(command.guides)
        return self._prepare(command.texts)

    def _prepare(self, texts: tuple[str, ...]) -> str:
        count, asked = self._conductor.announce(texts), len(set(texts))
        if asked > rehearsal.MAX_PROMPTS:
            return f"the first {count} of {asked} prompts are prepared, the others when cut to"
        return f"{count} prompts are prepared"

    def _effect_of_edits(self, values: Values) -> str:
        if len(frame_rows(values)) == len(values):
            return "at the next output frame"
        return self._at_the_boundary()

    def _effect_of_cut(self) -> str:
        pending = self._conductor.score.pending
        assert pending is not None  # a cut was just accepted
        self._conductor.supervisor.prepare(pending.look.prompt)
        if pending.kind is Cut.HARD:
            unseen = pending.pre_roll_chunks
            rolls = f", seen after {unseen} chunk{'s' * (unseen > 1)} of pre-roll" if unseen else ""
            return f"hard cut {self._at_the_beat()}{rolls}"
        return f"soft cut over {pending.num_chunks} chunks {self._at_the_beat()}"

    def _at_the_beat(self) -> str:
        conductor, now_s = self._conductor, time.monotonic()
        boundary_s = now_s + beat.boundary_in_s(conductor.tempo, now_s)
        period_s = beat.chunk_period_s(conductor.tempo)
        expected = conductor.beats.expected(boundary_s, period_s, conductor.picture_delay_s)
        return expected or self._at_the_boundary()

    def _at_the_boundary(self) -> str:
        conductor = self._conductor
        in_s = beat.boundary_in_s(conductor.tempo, time.monotonic())
        when = f", in {in_s:.1f} s" if in_s else ""
        return f"at chunk {conductor.score.chunk_index}{when}"

    # ------------------------------------------------------------ the whole truth

    def state(self) -> EngineState:
        """Return everything a window shows."""
        conductor, score, now_s = self._conductor, self._conductor.score, time.monotonic()
        return EngineState(
            pid=os.getpid(),
            uptime_s=conductor.uptime_s,
            prompt_now=score.text,
            prompt_next=score.next_prompt,
            look_name=score.look_name,
            live={**score.live, **score.frame},
            pending=dict(score.edits),
            guides=score.guides.as_set,
            guides_pending=score.guides.edit is not None,
            cut=music.cut_state(score),
            chunk_index=max(0, score.chunk_index - 1),
            seed=score.seed,
            boundary_in_s=beat.boundary_in_s(conductor.tempo, now_s),
            chunk_period_s=beat.chunk_period_s(conductor.tempo),
            rates=self._rates(now_s),
            playout=self._presenter.state(),
            source=self._source.state(),
            outputs=self._rack.states(),
            output=self._rack.spec,
            worker=self._worker(),
            preview_ring=self._preview_ring,
            take=str(conductor.take.folder) if conductor.take and conductor.take.is_open else "",
            recording=self._rack.recording_path,
            cues=self._cues.state(),
            beat=conductor.beats.state(),
            remote=self.remote_state(),
            modulators=conductor.beats.modulators,
            modulated=conductor.beats.moved_now(score.frame),
        )

    def _rates(self, now_s: float) -> Rates:
        output_fps, target_fps = self._presenter.rates()
        return Rates(
            input_fps=self._source.input_fps(),
            generation_fps=beat.generation_fps(self._conductor.tempo, now_s),
            output_fps=output_fps,
            output_target_fps=target_fps,
        )

    def _worker(self) -> WorkerState:
        supervisor, told = self._conductor.supervisor, self._conductor.told
        models = self._conductor.models
        ready, report = supervisor.ready, told.report
        backends = dict(ready.backends) if ready else {}
        return WorkerState(
            status=supervisor.status,
            message=supervisor.message,
            model=ready.model.name if ready else "",
            choice=models.playing,
            coming=models.coming,
            device=ready.device if ready else "",
            dtype=ready.dtype if ready else "",
            backends={**backends, **(report.backends if report else {})},
            stage_ms=report.stage_ms if report else {},
            shapes=report.shapes if report else {},
            control_kind=report.control_kind if report else "",
            stale_frames=report.stale_frames if report else 0,
            takes_guides=ready.takes_guides if ready else False,
            guides=report.guides if report else (),
            guide_refusal=report.guide_refusal if report else "",
            restarts=supervisor.restarts,
            resets=told.resets,
            late_chunks=told.late.num_chunks,
            late_prompts=report.late_prompts if report else (),
            memory_bytes=supervisor.memory_bytes,
        )


async def _no_page(is_open: bool) -> str:
    raise ConfigError("this host has no page for phones; nothing was changed")
