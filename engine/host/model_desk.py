"""Which model plays, and which loads beside it to take over.

In:     models that the performer asks for.
Out:    rings and a second worker for each; what could not be loaded leaves nothing.
Thread: the event loop; loading happens in the second worker.
Full:   one model loads at a time; another one asked for takes its place.

    plays ──────────────────────────────► leaves
               loads ──► waits for ──────► plays
                         the boundary

The worker that plays is never touched before the other one is whole and warm: what is too large,
missing or broken is told, and the show goes on as it was. What did not fit into memory beside it
and is asked for once more is loaded alone: the output loops until it, or the one before, plays.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import structs

from engine.cli_values import LARGEST_PX, MODEL_STEP_PX, SMALLEST_PX
from engine.errors import ConfigError
from engine.host.watch import Limits
from engine.protocol import frame_ring
from engine.protocol.model_names import pixels_text
from engine.protocol.orders import LoadModel, WorkerReady
from engine.protocol.values import ModelChoice, Severity

Notice = Callable[[Severity, str, str], None]

_FRAME_SLOTS = 64  # five chunks of twelve: playout reads a chunk while the next is written
_INPUT_SLOTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """How a worker is started."""

    command: tuple[str, ...]
    load: LoadModel
    limits: Limits = field(default_factory=Limits)
    fake: bool = False


class Loader(Protocol):
    """What the desk needs of the supervisor."""

    def load_beside(self, load: LoadModel) -> None:
        """Spawn a worker that loads this beside the one that plays."""

    def load_alone(self, load: LoadModel) -> None:
        """End the worker that plays, then load this; if that fails, start it again."""

    def drop_next(self) -> None:
        """End the worker that loads beside, if there is one."""

    def take_over(self) -> WorkerReady:
        """Let the worker that has loaded be the one that plays."""

    @property
    def is_next_ready(self) -> bool:
        """Whether that worker has loaded."""


def make_rings(model: ModelChoice) -> tuple[str, str]:
    """Make the rings of a worker of this model: frames out, source in; returns their paths.

    Raises:
        ConfigError: there is not enough shared memory; nothing is left behind.
    """
    pixels = model.width_px * model.height_px
    with ExitStack() as undo:
        frames = frame_ring.create("frames", _FRAME_SLOTS, pixels * 4)
        undo.callback(frame_ring.remove, frames)
        source = frame_ring.create("input", _INPUT_SLOTS, pixels * 3)
        undo.pop_all()
    return frames, source


class ModelDesk:
    """Owns the rings of the model that plays and of the one that loads."""

    def __init__(self, load: LoadModel, loader: Loader, notice: Notice) -> None:
        self.load = load  # of the worker that plays
        self._next: LoadModel | None = None
        self._too_large: ModelChoice | None = None  # beside `load`, as was found out
        self._is_alone = False  # nothing plays while `_next` loads
        self._loader = loader
        self._notice = notice

    @property
    def playing(self) -> ModelChoice:
        """The model that plays, as it was asked for."""
        return self.load.model

    @property
    def coming(self) -> ModelChoice | None:
        """The model that loads beside it, or waits for its boundary."""
        return self._next.model if self._next is not None else None

    @property
    def is_next_ready(self) -> bool:
        """Whether another model may take over now."""
        return self._next is not None and self._loader.is_next_ready

    def change(self, model: ModelChoice) -> str:
        """Load a model beside the one that plays; returns what will happen.

        Raises:
            ConfigError: the size cannot be, or no memory is left for its pictures; nothing changed.
            DeviceError: the system starts no second worker; nothing changed.
        """
        check_size(model)
        if model == self.coming:
            return f"{named(model)} is loading already"
        if model == self.playing:
            return self._stay()
        frames, source = make_rings(model)
        load = structs.replace(self.load, model=model, frame_ring=frames, input_ring=source)
        self._is_alone = model == self._too_large
        with ExitStack() as undo:
            undo.callback(_remove, load)
            (self._loader.load_alone if self._is_alone else self._loader.load_beside)(load)
            undo.pop_all()
        self._forget_next()
        self._next, self._too_large = load, None
        if self._is_alone:
            return f"loading {named(model)} alone; the output holds and loops until it plays"
        return f"loading {named(model)} beside {named(self.playing)}, which plays on"

    def _stay(self) -> str:
        if self.coming is None:
            return f"{named(self.playing)} plays already"
        self._loader.drop_next()
        self._forget_next()
        return f"{named(self.playing)} plays on, nothing is loaded"

    def on_next_failed(self, reason: str, *, out_of_memory: bool) -> None:
        """Say why the other model does not come; what plays goes on."""
        coming = self.coming
        self._forget_next()
        if coming is None:
            return
        text = f"{named(coming)} was not loaded: {reason}; {named(self.playing)} plays on"
        if out_of_memory and not self._is_alone:
            self._too_large = coming
            text += ". Ask for it again to load it alone: the output loops until then"
        self._notice(Severity.FAULT, "model", text)

    def take_over(self) -> WorkerReady:
        """Make the model that has loaded the one that plays; only while `is_next_ready`."""
        assert self._next is not None  # see `is_next_ready`
        ready = self._loader.take_over()
        _remove(self.load)
        self.load, self._next = self._next, None
        self._notice(Severity.INFO, "model", f"{named(self.playing)} plays, with the same look")
        return ready

    def stop(self) -> None:
        """Remove the rings."""
        self._forget_next()
        _remove(self.load)

    def _forget_next(self) -> None:
        if self._next is not None:
            _remove(self._next)
        self._next = None


def check_size(model: ModelChoice) -> None:
    """Check what can be known before anything is loaded.

    Raises:
        ConfigError: a side is not divisible by 16, or out of range.
    """
    for side in (model.width_px, model.height_px):
        if side % MODEL_STEP_PX or not SMALLEST_PX <= side <= LARGEST_PX:
            raise ConfigError(
                f"model {model.name}: got {pixels_text(model.width_px, model.height_px)}, expected "
                f"{SMALLEST_PX} to {LARGEST_PX} pixels a side, divisible by {MODEL_STEP_PX}; "
                f"nothing was changed"
            )


def named(model: ModelChoice) -> str:
    """Return the model as people read it."""
    return f"{model.name} at {pixels_text(model.width_px, model.height_px)}"


def _remove(load: LoadModel) -> None:
    frame_ring.remove(load.frame_ring)
    frame_ring.remove(load.input_ring)
