"""Who works in a lane: always the same preprocessors, or the one that is asked for.

In:     `want`: the kind that the performer chose.
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
    """At most one preprocessor at a time: the one that is wanted."""

    def __init__(self, builds: Mapping[str, Build]) -> None:
        self.kinds = frozenset(builds)
        self._builds = builds
        self._built: dict[str, Preprocessor] = {}
        self._wanted = ""
        self._refusal = ""

    @property
    def refusal(self) -> str:
        """Why the wanted kind cannot be, in a sentence; empty when it can."""
        return self._refusal

    def want(self, kind: str) -> None:
        """Work on `kind` from now on; on nothing for a kind that is not ours."""
        self._refusal = ""
        self._wanted = kind if kind in self.kinds else ""

    def on_stage(self) -> Sequence[Preprocessor]:
        """Return the wanted one, built if it never was; none when it is refused."""
        kind = self._wanted
        if not kind or self._refusal:
            return ()
        if kind not in self._built:
            try:
                self._built[kind] = self._builds[kind]()
            except EngineError as error:
                self.on_error(kind, error)
                return ()
        return (self._built[kind],)

    def reset(self) -> None:
        """Let all that were built forget the past."""
        for preprocessor in self._built.values():
            preprocessor.reset()

    def on_error(self, kind: str, error: EngineError) -> bool:
        """Refuse `kind`; a later `want` tries again, from the start."""
        self._built.pop(kind, None)
        if kind == self._wanted:
            self._refusal = f"control map {kind}: {error}"
        return True
