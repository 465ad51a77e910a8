"""Play the score: plan a chunk, hand its frames on, take its report, plan the next.

In:     commands of apps, messages of the worker.
Out:    plans for the worker, frames for playout, events for apps, lines for the take.
Thread: the event loop; only `on_frames` runs in `worker-events`, and `notice` in any.
Full:   playout says when there is room for another chunk; until then the boundary waits, so what
        is asked in that time still lands in the next chunk.

    WorkerReady ──► plan ──► FramesReady ──► playout
                     ▲            │
                     └─ room? ◄─ ChunkReport ──► take
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.host import late_text, rehearsal
from engine.host import score as music
from engine.host import take as takes
from engine.host import tempo as beat
from engine.host.beat_desk import BeatDesk
from engine.host.contracts import Input, Playout
from engine.host.events import EventHub
from engine.host.guide_desk import GuideDesk
from engine.host.model_desk import ModelDesk, WorkerSetup
from engine.host.on_air import look_of
from engine.host.rehearsal import Rehearsal
from engine.host.score import Score, ScoreCommand
from engine.host.supervisor import Supervisor
from engine.host.take import Take
from engine.host.tempo import Tempo
from engine.host.told import LEVELS, Said, Told
from engine.protocol.frame_ring import RingReader
from engine.protocol.messages import (
    CutLanded,
    HostEvent,
    NoticeRaised,
    SetParameters,
)
from engine.protocol.orders import (
    KV_CACHE,
    ChunkPlan,
    ChunkReport,
    FramesReady,
    PromptFailed,
    PromptRead,
    WorkerReady,
)
from engine.protocol.parameters import CONTROL_KINDS
from engine.protocol.values import Cut, Look, Severity

_LOG = logging.getLogger("segue.conductor")
_ROOM_POLL_S = 0.01
MAX_DISCARDED = 3  # chunks in a row, then the worker is restarted


class Conductor:
    """Owns the score and the take. Start it inside a running event loop."""

    def __init__(
        self,
        look: Look,
        show_seed: int,
        worker: WorkerSetup,
        hub: EventHub,
        takes_folder: Path | None,
    ) -> None:
        self.score: Score = music.open_score(look, show_seed)
        self.supervisor = Supervisor(worker.command, worker.load, self, worker.limits)
        self.models = ModelDesk(worker.load, self.supervisor, self.notice)
        size_px = (worker.load.model.width_px, worker.load.model.height_px)
        self.guides = GuideDesk(size_px, self.supervisor.give, self.notice)
        self.tempo = Tempo()
        self.beats = BeatDesk(self.notice)
        self.told = Told()
        self.take: Take | None = None
        self.given_up = ""  # why there will be no more chunks
        self._look = look
        self._worker = worker
        self._hub = hub
        self._takes_folder = takes_folder
        self._started_s = time.monotonic()
        self._in_hand: ChunkPlan | None = None
        self._was_unseen = False  # the chunk before; only thread `worker-events` looks at it
        self._rehearsal = Rehearsal()
        self._frames_per_chunk = 0
        self._native_fps = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._said = Said()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.on_given_up_call: Callable[[], None] = lambda: None
        self.on_crossed_call: Callable[[ChunkPlan, bool], None] = lambda plan, took_cut: None
        self.standby_prompt = ""  # of the cue that stands by

    @property
    def uptime_s(self) -> float:
        """Seconds since the show was opened."""
        return time.monotonic() - self._started_s

    @property
    def picture_delay_s(self) -> float:
        """Usual time from a boundary to the first picture of its chunk on air."""
        estimate_s = beat.chunk_period_s(self.tempo) + self._playout.state().delay_ms / 1000
        return self.beats.ahead_s(estimate_s)

    def start(self, playout: Playout, source: Input) -> None:
        """Start the first worker.

        Raises:
            DeviceError: the system will not start it.
        """
        self._loop = asyncio.get_running_loop()
        self._playout, self._source = playout, source
        self._ring = RingReader(self.models.load.frame_ring)
        playout.set_frame_parameters(self.score.frame)
        self.supervisor.start()

    async def stop(self) -> None:
        """Stop the worker and close the take."""
        self._cancel_timer()
        self.beats.close()
        self.guides.stop()
        await self.supervisor.stop()
        self.models.stop()
        if self.take is not None:
            self.take.close()
        if self._loop is not None:
            self._ring.close()
        self._loop = None

    # ------------------------------------------------------------ what was asked

    def obey(self, command: ScoreCommand) -> None:
        """Note what was asked of the score.

        Raises:
            ConfigError, LocalProtocolError: as `score.apply`; nothing changed.
        """
        before = self.score.frame
        self.score = music.apply(self.score, command)
        if self.score.frame != before:
            self._playout.set_frame_parameters(self.score.frame)

    def announce(self, prompts: Sequence[str]) -> int:
        """Let the worker prepare the prompts of the show, in order; returns how many it will.

        Raises:
            ConfigError: a prompt is too long; nothing changed.
        """
        self._rehearsal = rehearsal.announced(self._rehearsal, prompts)
        self._rehearse()
        return len(self._rehearsal.prompts)

    def _rehearse(self) -> None:
        if self.supervisor.status == "live":
            self._rehearsal, text = rehearsal.told(self._rehearsal)
            if text is not None:
                self.supervisor.prepare(text)

    def publish(self, event: HostEvent) -> None:
        """Tell everybody who listens."""
        self._hub.publish(event)

    def notice(self, severity: Severity, subject: str, text: str) -> None:
        """Tell the performer, the log and the take. Any thread; the same text once in 5 s."""
        if not self._in_loop(self._notice, severity, subject, text):
            _LOG.warning("%s: %s", subject, text)

    def _notice(self, severity: Severity, subject: str, text: str) -> None:
        if not self._said.is_news(subject, text, time.monotonic()):
            return
        _LOG.log(LEVELS[severity], "%s: %s", subject, text)
        event = NoticeRaised(severity=severity, subject=subject, text=text, at_s=self.uptime_s)
        self._hub.publish(event)
        if self.take is not None and subject != "take":
            self.take.write(event)

    def _in_loop(self, call: Callable[..., None], *arguments: object) -> bool:
        """Run `call` in the loop's thread; False when the show has no loop (any more)."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # closed in this very moment
            return False
        return True

    # ------------------------------------------------------------ the boundary

    def _cross_when_there_is_room(self) -> None:
        self._cancel_timer()
        if self.models.is_next_ready and self._in_hand is None:
            self._change_model()
        if self.supervisor.status != "live" or self._in_hand is not None:
            return
        has_room = self._playout.has_room(self._frames_per_chunk)
        if has_room and not self._source.is_moving():
            self._cross()
        elif self._loop is not None:
            self._timer = self._loop.call_later(_ROOM_POLL_S, self._cross_when_there_is_room)

    def _cross(self) -> None:
        now_s = time.monotonic()
        times_s = (now_s, beat.chunk_period_s(self.tempo), self.picture_delay_s)
        holds_cut = self.beats.holds_cut(self.score, *times_s)
        takes_cut = self.score.pending is not None and not holds_cut
        newest, source_cut = self._source.newest_frame(), self._source.take_source_cut()
        self.score, plan = music.next_chunk(self.score, newest, source_cut, holds_cut=holds_cut)
        plan = self.beats.modulated(self.guides.keyed(plan), *times_s)
        self._in_hand = plan
        self.tempo = beat.crossed(self.tempo, now_s)
        if self.take is not None:
            self.take.write(plan)
        self.supervisor.send_plan(plan)
        self.on_crossed_call(plan, takes_cut)
        if plan.cut is not Cut.NONE:
            self.publish(
                CutLanded(
                    chunk_index=plan.chunk_index, cut=plan.cut, blend=plan.blend, seed=plan.seed
                )
            )

    def _change_model(self) -> None:
        """Let the model that has loaded play on: same look, its own cache, rings and take."""
        ready = self.models.take_over()
        load, model = self.models.load, self.models.playing
        self._ring = RingReader(load.frame_ring)  # frames of the one before are copies
        self._source.move(load.input_ring, model.width_px, model.height_px)
        self.guides.resize((model.width_px, model.height_px))
        self._abandon(f"the model was changed to {model.name}")
        self.told.discarded_in_a_row = 0
        if self.take is not None:
            self.take.close()
            self.take = None  # a take is of one model
        self._look = look_of(self.score)
        self._begin(ready)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ------------------------------------------------------------ what the worker says

    def on_ready(self, ready: WorkerReady) -> None:
        """Begin the take, or go on with it, and plan the next chunk."""
        self._begin(ready)
        if self.supervisor.restarts:
            self._notice(Severity.INFO, "worker", "the generator is back with the same look")
        self._cross_when_there_is_room()

    def on_next_ready(self) -> None:
        """Change the model at once, or when the chunk in hand is done."""
        self._cross_when_there_is_room()

    def on_next_failed(self, reason: str, *, out_of_memory: bool) -> None:
        """Say so; what plays goes on."""
        self.models.on_next_failed(reason, out_of_memory=out_of_memory)

    def on_room_made(self, reason: str) -> None:
        """Plan nothing until a model is there; the output goes on with what it has."""
        self._abandon(reason)

    def _begin(self, ready: WorkerReady) -> None:
        """Tell a worker that has loaded what this show needs."""
        self._frames_per_chunk = ready.frames_per_chunk
        self._native_fps = ready.native_fps
        for text in ready.notices:
            self._notice(Severity.WARNING, "worker", text)
        self._begin_take(ready)
        self.guides.on_ready(takes_guides=ready.takes_guides)
        for text in (*music.coming_prompts(self.score), self.standby_prompt):
            self.supervisor.prepare(text)
        self._rehearsal = rehearsal.begun(self._rehearsal)
        self._rehearse()

    def on_frames(self, frames: FramesReady) -> None:
        """Hand the frames of a chunk on. Runs in thread `worker-events`."""
        numbers = range(frames.first_frame, frames.first_frame + frames.num_frames)
        read = [self._ring.read(number) for number in numbers]
        whole = [frame for frame in read if frame is not None]
        if len(whole) < len(read):
            lost = len(read) - len(whole)
            text = f"{lost} frames of chunk {frames.chunk_index} were overwritten before playout"
            self.notice(Severity.WARNING, "playout", text)
        plan = self._in_hand  # its report comes later, so it is still there
        is_unseen = plan is not None and plan.is_unseen
        if not is_unseen:
            starts_cut = frames.starts_anew or self._was_unseen
            self._playout.feed(whole, self._native_fps, starts_cut=starts_cut)
        self._was_unseen = is_unseen
        self._in_loop(self._on_frames_came, frames, not is_unseen)

    def _on_frames_came(self, frames: FramesReady, is_seen: bool) -> None:
        self.tempo = beat.arrived(self.tempo, frames.num_frames, time.monotonic())
        if is_seen and self.score.frame_due and self._loop is not None:
            usual_s = self._playout.state().delay_ms / 1000  # a look's rows come with its picture
            delay_s = self.beats.shown_in_s(frames.chunk_index, time.monotonic(), usual_s)
            self._loop.call_later(delay_s, self._land_frame_values, frames.chunk_index)

    def _land_frame_values(self, chunk_index: int) -> None:
        self.score = music.land_frame_values(self.score, chunk_index)
        self._playout.set_frame_parameters(self.score.frame)

    def on_report(self, report: ChunkReport) -> None:
        """Write the report down and plan the next chunk."""
        if self.take is not None:
            self.take.write(report)
        self.told.report = report
        self.told.chunks += 1
        self.told.resets += any(reset.state == KV_CACHE for reset in report.resets)
        self.told.late, said = late_text.reported(self.told.late, report)
        for severity, text in said:
            self._notice(severity, "prompt", text)
        if report.control_refusal:
            self._go_back_to_control_in_use(report)
        self.guides.on_report(report.guide_refusal)
        self._in_hand = None
        if self._is_usable(report):
            self._cross_when_there_is_room()

    def _go_back_to_control_in_use(self, report: ChunkReport) -> None:
        """Say why the chosen control map cannot be; leave it, unless something else waits."""
        text = f"{report.control_refusal}; the {report.control_kind} stays"
        self._notice(Severity.WARNING, "control", text)
        if self.score.pending is None and "control_kind" not in self.score.edits:
            kind = float(CONTROL_KINDS.index(report.control_kind))
            self.obey(SetParameters(values={"control_kind": kind}))

    def _is_usable(self, report: ChunkReport) -> bool:
        """Return whether generation may simply go on."""
        if not report.discarded:
            self.told.discarded_in_a_row = 0
            return True
        self.told.discarded_in_a_row += 1
        text = f"chunk {report.chunk_index} was not shown: {report.discarded}; the cache was reset"
        self._notice(Severity.FAULT, "worker", text)
        self.score = music.fault(self.score, report.discarded)
        if self.told.discarded_in_a_row < MAX_DISCARDED:
            return True
        self.told.discarded_in_a_row = 0
        self.supervisor.restart(f"{MAX_DISCARDED} chunks in a row could not be shown")
        return False

    def on_prompt_read(self, event: PromptRead) -> None:
        """Tell how the model understood a prompt, and let it read the next."""
        self.publish(event)
        self._rehearsal = rehearsal.read(self._rehearsal, event.text)
        self._rehearse()

    def on_prompt_failed(self, event: PromptFailed) -> None:
        """Say so before it is cut to."""
        text = late_text.cannot_be_encoded(event.text, event.reason)
        self._notice(Severity.WARNING, "prompt", f"{text}; choose another, or queue it again")

    def on_lost(self, reason: str, detail: str) -> None:
        """Go on with the same look when the next worker is there."""
        self._abandon(reason)
        last = detail.strip().splitlines()[-1:] if detail else []
        said = f" ({last[0]})" if last else ""
        text = f"the generator was lost: {reason}{said}; it is restarted, the output goes on"
        self._notice(Severity.FAULT, "worker", text)
        _LOG.debug("last words of the worker:\n%s", detail)
        self._cross_when_there_is_room()  # another model may have loaded meanwhile

    def on_given_up(self, reason: str, detail: str) -> None:
        """Say so; the output goes on with what it has."""
        self._abandon(reason)
        self.given_up = reason
        self._notice(Severity.FAULT, "worker", f"the generator does not start: {reason}")
        _LOG.debug("last words of the worker:\n%s", detail)
        self.on_given_up_call()

    def _abandon(self, reason: str) -> None:
        self._cancel_timer()
        self._in_hand = None
        self.tempo = beat.interrupted(self.tempo)
        if self.score.version:  # before the first chunk there is nothing to lose
            self.score = music.fault(self.score, reason)

    def _begin_take(self, ready: WorkerReady) -> None:
        if self.take is not None:
            self.take.write(ready)
        elif self._takes_folder is not None:
            self.take = Take(takes.new_folder(self._takes_folder), self._notice)
            worker, seed = self._worker, self.score.show_seed
            threads = worker.load.num_threads
            self.take.write(
                takes.header(seed, self._look, ready, num_threads=threads, fake=worker.fake)
            )
