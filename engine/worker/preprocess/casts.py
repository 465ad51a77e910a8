"""Who works in a lane: always the same preprocessors, or the one that is asked for.

In:     `want`: the kinds that the performer chose, to steer and for a mask.
Out:    the preprocessors that see the next frame.
Thread: `want` and `refusal` in generator; the rest in the lane.
Full:   cannot fill.

What costs little runs always, so that its memory (background, range) is warm when it is chosen.
What costs much is built when it is first chosen, in its lane, and runs only while it is chosen.
Where that fails (its weights are missing, the GPU is full) the kind is refused with a sentence,
until it is chosen anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.errors import EngineError
from engine.worker.preprocess.base import Preprocessor

Build = Callable[[], Preprocessor]


class Cast(Protocol):
    """The preprocessors of one lane."""

    def on_stage(self) -> Sequence[Preprocessor]:
        """Return those that see the next frame."""
        ...

    def reset(self) -> None:
        """Let all forget the past."""
        ...

    def on_error(self, kind: str, error: EngineError) -> bool:
        """Hear that `kind` could not do a frame; returns whether the lane may go on."""
        ...


class StandingCast:
    """The same preprocessors, always."""

    def __init__(self, preprocessors: Sequence[Preprocessor]) -> None:
        self.preprocessors = preprocessors

    def on_stage(self) -> Sequence[Preprocessor]:
        """Return all."""
        return self.preprocessors

    def reset(self) -> None:
        """Let all forget the past."""
        for preprocessor in self.preprocessors:
            preprocessor.reset()

    def on_error(self, kind: str, error: EngineError) -> bool:
        """Say no: they need nothing that a machine may lack."""
        return False


class CostlyCast:
    """Those that are wanted, and no others."""

    def __init__(self, builds: Mapping[str, Build]) -> None:
        self.kinds = frozenset(builds)
        self._builds = builds
        self._built: dict[str, Preprocessor] = {}
        self._wanted: tuple[str, ...] = ()
        self._refusals: dict[str, str] = {}

    def refusal_of(self, kind: str) -> str:
        """Why a wanted kind cannot be, in a sentence; empty when it can."""
        return self._refusals.get(kind, "")

    def want(self, *kinds: str) -> None:
        """Work on `kinds` from now on; those that are not ours are not our business."""
        before, wanted = self._wanted, tuple(dict.fromkeys(k for k in kinds if k in self.kinds))
        self._refusals = {k: why for k, why in self._refusals.items() if k in {*before} & {*wanted}}
        self._wanted = wanted

    def on_stage(self) -> Sequence[Preprocessor]:
        """Return the wanted ones, built if they never were; none that is refused."""
        asked = [kind for kind in self._wanted if kind not in self._refusals]
        found = [self._ready(kind) for kind in asked]
        return [preprocessor for preprocessor in found if preprocessor is not None]

    def _ready(self, kind: str) -> Preprocessor | None:
        if kind not in self._built:
            try:
                self._built[kind] = self._builds[kind]()
            except EngineError as error:
                self.on_error(kind, error)
        return self._built.get(kind)

    def reset(self) -> None:
        """Let all that were built forget the past."""
        for preprocessor in self._built.values():
            preprocessor.reset()

    def on_error(self, kind: str, error: EngineError) -> bool:
        """Refuse `kind`; when it is wanted anew, it is tried again from the start."""
        self._built.pop(kind, None)
        if kind in self._wanted:
            self._refusals[kind] = f"control map {kind}: {error}"
        return True
