"""Where everything of the host is put together: rings, threads and stages, in data order.

    source ─► [input ring] ─► worker ─► [frame ring] ─► presenter ─► outputs
                 server ─► desk ─► conductor ─► supervisor ─► worker

Everything starts in `Engine.start` and ends in `Engine.stop`, also after a start that failed.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.host.conductor import Conductor
from engine.host.cue_player import CuePlayer
from engine.host.desk import Desk
from engine.host.events import EventHub
from engine.host.memory import Memory, ShowNames, remembered, resume
from engine.host.model_desk import WorkerSetup, make_rings
from engine.host.on_air import OnAir, model_to_load
from engine.host.outputs.base import check_spec
from engine.host.outputs.ndi import NdiOutput
from engine.host.outputs.preview import PreviewOutput
from engine.host.outputs.recording import RecordingOutput
from engine.host.playout.presenter import Presenter
from engine.host.rack import Rack
from engine.host.remote.station import RemoteConfig, Station
from engine.host.score import open_score
from engine.host.server import Server
from engine.host.sources.kinds import open_source
from engine.host.sources.runner import SourceRunner
from engine.host.watch import Limits
from engine.protocol import frame_ring, places
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.cues import CueSpec
from engine.protocol.messages import EngineState
from engine.protocol.modulators import Modulator
from engine.protocol.orders import LoadModel
from engine.protocol.pads import PadSpec
from engine.protocol.values import (
    Guides,
    Look,
    ModelChoice,
    OutputSpec,
    Severity,
    SourceSpec,
)

DEFAULT_PORT = 7700
DEFAULT_LOOK = Look(prompt="slow teal cyan white caustics soft", name="Deep Water")
INPUT_FPS = 16.0  # rate of the input ring: that of the models
_FIRST_PICTURE_POLL_S = 0.05
_FAKE = "engine.host.fake_worker"
_REAL = "engine.worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """What a host is started with."""

    port: int = DEFAULT_PORT  # 0: the system chooses
    look: Look = DEFAULT_LOOK
    prompts: tuple[str, ...] = ()  # of the show, in its order; prepared ahead of need
    guides: tuple[Guides, ...] = ()  # of the show; their pictures are read ahead of need
    needs_guides: bool = False  # True: without the look's pictures nothing is started
    cues: tuple[CueSpec, ...] = ()
    pads: tuple[PadSpec, ...] = ()  # presets that remotes may cut to
    remote: RemoteConfig = field(default_factory=RemoteConfig)
    modulators: tuple[Modulator, ...] = ()  # of the show; they run from the first chunk on
    beat: BeatSettings = field(default_factory=BeatSettings)
    show_name: str = ""
    opens_with_cue: bool = False  # the first cue is on air from the first picture on
    resume: bool = False  # go on where a host of this show on this port died, if one did
    source: SourceSpec = field(default_factory=SourceSpec)
    needs_source: bool = False  # True: without it nothing is started
    output: OutputSpec = field(default_factory=OutputSpec)
    model: ModelChoice = field(default_factory=ModelChoice)
    show_names: ShowNames | None = None  # what `model` would be by now; None: it stays
    show_seed: int | None = None  # None: by chance; it is in the take
    takes_folder: Path | None = None  # None: the performer's own
    keep_take: bool = True
    record: Path | None = None  # from the first picture on
    seconds: float | None = None  # of pictures, then the show ends; None: until told to stop
    num_threads: int = 0  # of the worker on a CPU; 0: all
    fake: bool = False  # a worker without torch
    limits: Limits = field(default_factory=Limits)


class Engine:
    """A whole host. `start` and `stop` run inside one event loop."""

    def __init__(
        self, config: HostConfig, rings: tuple[str, str], before: OnAir | None = None
    ) -> None:
        self.config = config
        self._before = before  # what a host that died was playing
        self._rings = rings
        self._hub = EventHub()
        seed = config.show_seed if config.show_seed is not None else secrets.randbits(32)
        self.conductor = Conductor(
            config.look, seed, _worker(config, self._rings), self._hub, _takes(config)
        )
        self.conductor.announce(config.prompts)
        self.conductor.beats.set_modulators(config.modulators)
        self.cues = CuePlayer(self.conductor)
        self.cues.open_list(config.show_name, config.cues, is_on_air=config.opens_with_cue)
        show = (config.show_name, config.show_names or (lambda: config.model))
        self._memory = Memory(self.conductor, self.cues, show, config.port)
        self._preview = PreviewOutput(self.conductor.notice)
        self._outputs = (NdiOutput(self.conductor.notice), self._preview)
        self.presenter = Presenter(config.output, self._outputs, self.conductor.notice)
        width_px, height_px = config.model.width_px, config.model.height_px
        self._source = SourceRunner(
            self._rings[1], width_px, height_px, INPUT_FPS, self.conductor.notice
        )
        self._ended = asyncio.Event()
        self._why = ""
        self._tasks: list[asyncio.Task[None]] = []

    def _furnish(self) -> None:
        """Put up what answers apps."""
        notice = self.conductor.notice
        self.rack = Rack(
            self.presenter, self.config.output, self._outputs, lambda p: RecordingOutput(p, notice)
        )
        self.desk = Desk(
            self.cues, self.presenter, self.rack, self._source,
            self._preview.ring_path, self.end,
        )  # fmt: skip
        self.desk.open_pads(self.config.pads)
        self.remote = Station(self.desk, self._hub, notice, lambda: self.port)
        self.server = Server(self.desk.answer, self.desk.state, self._hub, self.remote.add_routes)
        self.conductor.on_given_up_call = self._on_given_up

    @property
    def port(self) -> int:
        """The port that apps find us at."""
        return self.server.port

    def state(self) -> EngineState:
        """Return the whole truth."""
        return self.desk.state()

    async def start(self) -> None:
        """Start everything.

        Raises:
            DeviceError: the port is in use, or the system starts no worker; nothing is left behind.
            ConfigError: the output cannot be sent; nothing is left behind.
            SourceError: the source is needed and cannot be opened; nothing is left behind.
        """
        self._furnish()
        try:
            self.conductor.beats.begin(self.config.beat)  # before anybody can ask what is set
            await self.server.start(self.config.port)
            await self.remote.start(self.config.remote)
            await asyncio.to_thread(_check_source, self.config)
            self.presenter.start()
            self._source.start()
            if self.config.source.kind != "none":
                self._source.select(self.config.source)
            await self._begin_guides()
            self.conductor.start(self.presenter, self._source)
            if self._before is not None:
                resume(self._before, self.conductor, self.cues)
        except BaseException:
            await self.stop()
            raise
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        desk, cues, memory = self.desk.tell_state(), self.cues.keep_time(), self._memory.keep()
        beats = self.conductor.beats.keep_time(self.presenter)
        for work in (desk, cues, memory, beats, self._keep_time(), *self.remote.works()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._on_task_done)
            self._tasks.append(task)

    async def _begin_guides(self) -> None:
        """Read the pictures of the first look, then those of the show; see `needs_guides`."""
        config, guides = self.config, self.conductor.guides
        if config.needs_guides:
            await guides.fetch(config.look.guides)
        guides.announce([found for found in (config.look.guides, *config.guides) if found])

    async def stop(self) -> None:
        """End everything in order and remove the rings. Safe twice."""
        for task in self._tasks:
            task.cancel()
        await self._memory.end()
        await asyncio.to_thread(self.presenter.stop)
        await self.conductor.stop()
        await asyncio.to_thread(self._source.stop)
        await self.remote.stop()
        await self.server.stop()
        self._preview.remove()
        for ring in self._rings:
            frame_ring.remove(ring)

    def end(self, why: str = "") -> None:
        """Let `wait` return."""
        self._why = why
        self._ended.set()

    async def wait(self) -> str:
        """Wait for the end of the show; returns what broke, empty when nothing did."""
        await self._ended.wait()
        return self._why

    async def _keep_time(self) -> None:
        """Begin the recording with the first picture and end the show when it is long enough."""
        while self.presenter.state().mode == "waiting":
            await asyncio.sleep(_FIRST_PICTURE_POLL_S)
        if self.config.record is not None:
            try:
                await asyncio.to_thread(self.rack.start_recording, str(self.config.record))
            except EngineError as error:
                self.conductor.notice(Severity.FAULT, "recording", str(error))
        if self.config.seconds is not None:
            await asyncio.sleep(self.config.seconds)
            self.end()

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell what nobody expected; the output and everything else go on."""
        error = context.get("exception") or context.get("message")
        self.conductor.notice(Severity.FAULT, "host", f"something broke in the host: {error!r}")
        loop.default_exception_handler(context)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_loop_error(task.get_loop(), {"exception": error, "message": str(error)})

    def _on_given_up(self) -> None:
        """A show that never had a picture ends; one that had goes on with what it has."""
        if not self.conductor.supervisor.was_ever_live:
            self.end(self.conductor.given_up)


def build(config: HostConfig) -> Engine:
    """Return an engine that is not started; call it inside a running event loop.

    Raises:
        ConfigError: the look, the output or the sizes cannot be.
    """
    frame_ring.sweep()
    before = remembered(config.show_name, config.port) if config.resume else None
    if before is not None:
        config = _gone_on(config, before)
    open_score(config.look, show_seed=0)  # what cannot be is refused before anything is made
    check_spec(config.output)
    with ExitStack() as undo:
        rings = make_rings(config.model)
        for ring in rings:
            undo.callback(frame_ring.remove, ring)
        engine = Engine(config, rings, before)
        undo.pop_all()
    return engine


def _gone_on(config: HostConfig, before: OnAir) -> HostConfig:
    """Return the config of a host that goes on where another one died."""
    named = config.model  # by the show: the model that is resumed does not become the show's
    return replace(
        config, look=before.look, beat=before.beat, opens_with_cue=False,
        model=model_to_load(before, named), show_names=config.show_names or (lambda: named),
    )  # fmt: skip


def _check_source(config: HostConfig) -> None:
    """Open and close a source that is needed; a window's show plays on without its camera."""
    if config.needs_source and config.source.kind != "none":
        open_source(config.source).close()


def _worker(config: HostConfig, rings: tuple[str, str]) -> WorkerSetup:
    load = LoadModel(
        model=config.model, frame_ring=rings[0], input_ring=rings[1], num_threads=config.num_threads
    )
    module = _FAKE if config.fake else _REAL
    return WorkerSetup(
        command=(sys.executable, "-m", module), load=load, limits=config.limits, fake=config.fake
    )


def _takes(config: HostConfig) -> Path | None:
    if not config.keep_take:
        return None
    return config.takes_folder or places.takes_folder()
