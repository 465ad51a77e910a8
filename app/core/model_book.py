"""What is known of the models, and what the panel shows of each. PURE.

`heard` folds a report of `segue models` into the book; `views` says what is drawn. One command runs
at a time: `busy` names the model it is for. `asking` names the model whose licences are open.
`on_air` is what the engine plays, `coming` what it loads beside that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from app.core.hud import Level
from engine.errors import ExitCode
from engine.protocol.amounts import duration_text, size_text
from engine.protocol.model_names import has_vace, pixels_of, with_vace, without_vace
from engine.protocol.model_reports import (
    LicenceAsked,
    ModelChecked,
    ModelListed,
    ModelPulled,
    ModelsFailed,
    ModelState,
    PullNoticed,
    PullProgressed,
    Report,
)
from engine.protocol.values import ModelChoice

_CHIPS = {
    ModelState.BUILT_IN: ("BUILT IN", Level.GOOD),
    ModelState.HERE: ("HERE", Level.GOOD),
    ModelState.PARTLY: ("PARTLY HERE", Level.WARNING),
    ModelState.NOT_HERE: ("NOT HERE", Level.PLAIN),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the last thing done with a model."""

    sentence: str
    level: Level = Level.PLAIN


@dataclass(frozen=True, slots=True)
class PlayChoice:
    """One way to play a model: its name as the engine knows it, and its size in pixels."""

    name: str
    width_px: int
    height_px: int

    @property
    def label(self) -> str:
        """What people read."""
        with_control = " with control" if has_vace(self.name) else ""
        return f"{self.width_px} × {self.height_px}{with_control}"

    @property
    def model(self) -> ModelChoice:
        """What is asked for."""
        return ModelChoice(name=self.name, width_px=self.width_px, height_px=self.height_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """One model as it is drawn; empty texts are not shown."""

    name: str
    summary: str
    chip: str
    chip_level: Level
    facts: str
    warning: str = ""
    licence: str = ""
    share: float | None = None
    progress: str = ""
    outcome: Outcome = field(default_factory=lambda: Outcome(""))
    can_get: bool = False
    can_check: bool = False
    can_cancel: bool = False
    choices: tuple[PlayChoice, ...] = ()
    can_play: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBook:
    """The whole state of the panel."""

    rows: Mapping[str, ModelListed] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    progress: PullProgressed | None = None
    asking: str = ""
    busy: str = ""
    on_air: ModelChoice | None = None
    coming: ModelChoice | None = None

    def playing(self, on_air: ModelChoice | None, coming: ModelChoice | None) -> ModelBook:
        """Return the book while the engine plays one model and perhaps loads another."""
        return replace(self, on_air=on_air, coming=coming)

    def heard(self, report: Report) -> ModelBook:
        """Return the book after a report."""
        match report:
            case ModelListed():
                return replace(self, rows={**self.rows, report.name: report})
            case PullProgressed():
                return replace(self, progress=report)
            case PullNoticed():
                return self._with_outcome(self.busy, Outcome(report.sentence, Level.WARNING))
            case ModelPulled():
                return self._with_outcome(report.name, Outcome("Whole and checked", Level.GOOD))
            case ModelChecked():
                return self._with_outcome(report.name, _verdict(report))
            case ModelsFailed():
                stopped = report.exit_code == ExitCode.INTERRUPTED
                level = Level.PLAIN if stopped else Level.FAULT
                return self._with_outcome(self.busy, Outcome(_sentence(report.sentence), level))
            case LicenceAsked():
                return self

    def wanted(self, name: str) -> ModelBook:
        """Return the book with the licences of a model open, if there are any to accept."""
        return replace(self, asking=name if self.licences_to_accept(name) else "")

    def began(self, name: str) -> ModelBook:
        """Return the book while a command for this model runs."""
        without = {key: value for key, value in self.outcomes.items() if key != name}
        return replace(self, busy=name, asking="", progress=None, outcomes=without)

    def ended(self) -> ModelBook:
        """Return the book after the command."""
        return replace(self, busy="", progress=None)

    def licences_to_accept(self, name: str) -> tuple[ModelListed, ...]:
        """Return the models whose licences have to be accepted to get this one."""
        return tuple(row for row in self._with_needs(name) if not row.is_accepted)

    def views(self) -> tuple[ModelView, ...]:
        """Return what is drawn, in the order of the list."""
        return tuple(self._view(row) for row in self.rows.values())

    def _with_needs(self, name: str) -> tuple[ModelListed, ...]:
        row = self.rows.get(name)
        if row is None:
            return ()
        return (row, *(self.rows[need] for need in row.needs if need in self.rows))

    def _with_outcome(self, name: str, outcome: Outcome) -> ModelBook:
        return replace(self, outcomes={**self.outcomes, name: outcome})

    def _view(self, row: ModelListed) -> ModelView:
        chip, level = self._chip(row)
        choices = self._choices(row)
        is_busy = row.name == self.busy
        is_here = row.state in (ModelState.HERE, ModelState.BUILT_IN)
        is_asked = row.name == self.asking
        return ModelView(
            name=row.name,
            summary=row.summary,
            chip=chip,
            chip_level=level,
            facts=_facts(row),
            warning="" if row.licence.is_commercial else "NON-COMMERCIAL",
            licence=self._licence_text(row.name) if is_asked else "",
            share=_share(self.progress) if is_busy else None,
            progress=self._progress(row),
            outcome=self.outcomes.get(row.name, Outcome("")),
            can_get=not is_here and not self.busy and not is_asked,
            can_check=row.state is not ModelState.NOT_HERE and not self.busy and not is_asked,
            can_cancel=is_busy,
            choices=choices,
            can_play=bool(choices) and is_here,  # while one loads, too: the last asked for counts
        )

    def _chip(self, row: ModelListed) -> tuple[str, Level]:
        if _is_of(self.coming, row):
            return "LOADING", Level.WARNING
        if self.on_air is not None and _is_of(self.on_air, row):
            size = (
                f"{self.on_air.width_px}×{self.on_air.height_px}"  # tight: it stands beside names
            )
            return f"ON AIR {size}", Level.GOOD
        return _CHIPS[row.state]

    def _choices(self, row: ModelListed) -> tuple[PlayChoice, ...]:
        control = self.rows.get(row.control)
        has_control = control is not None and control.state is ModelState.HERE
        names = (row.name, with_vace(row.name)) if has_control else (row.name,)
        sizes = _sizes(row.sizes)
        return tuple(PlayChoice(name, *size) for name in names for size in sizes)

    def _progress(self, row: ModelListed) -> str:
        lines = [_progress_text(self.progress)] if row.name == self.busy else []
        if self.coming is not None and _is_of(self.coming, row):
            lines.append(_coming_text(self.coming, self.on_air))
        elif self.on_air is not None and self.on_air.name == with_vace(row.name):
            lines.append("plays with control")
        return "\n".join(lines)

    def _licence_text(self, name: str) -> str:
        asked = self.licences_to_accept(name)
        missing = [row for row in self._with_needs(name) if row.state is not ModelState.HERE]
        total = sum(max(row.total_bytes - row.here_bytes, 0) for row in missing)
        exact = all(row.is_exact for row in missing)
        texts = [f"{row.name}: {row.licence.text}" for row in asked]
        size = size_text(total, is_exact=exact)
        return "\n".join(texts) + f"\n{_sentence(size)} will be downloaded."


def as_in_show(model: ModelChoice, choice: ModelChoice) -> ModelChoice:
    """Return what to ask for: a name and a size, with what the show says besides.

    Its device holds for every model; codec, precision and chunks for its own alone.
    """
    if without_vace(model.name) != without_vace(choice.name):
        return msgspec.structs.replace(choice, device=model.device)
    return msgspec.structs.replace(
        model, name=choice.name, width_px=choice.width_px, height_px=choice.height_px
    )


def _is_of(model: ModelChoice | None, row: ModelListed) -> bool:
    return model is not None and without_vace(model.name) == row.name


def _label(model: ModelChoice) -> str:
    return PlayChoice(model.name, model.width_px, model.height_px).label


def _coming_text(coming: ModelChoice, on_air: ModelChoice | None) -> str:
    plays = f" ({without_vace(on_air.name)}, {_label(on_air)})" if on_air is not None else ""
    return f"{_label(coming)} loads beside what plays{plays} …"


def _sizes(texts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return the sizes that can be read; what cannot is of a newer list than ours."""
    return tuple(size for size in map(pixels_of, texts) if size is not None)


def _facts(row: ModelListed) -> str:
    size = size_text(row.total_bytes, is_exact=row.is_exact)
    if row.state is ModelState.PARTLY:
        size = f"{size_text(row.here_bytes)} of {size}"
    return f"{size} · {row.licence.name}\nGPU memory: {row.gpu}"


def _verdict(report: ModelChecked) -> Outcome:
    if report.problems:
        return Outcome("\n".join(_sentence(problem) for problem in report.problems), Level.FAULT)
    return Outcome("\n".join(("Checked: whole", *report.facts)), Level.GOOD)


def _share(progress: PullProgressed | None) -> float:
    if progress is None or not progress.total_bytes:
        return 0.0
    return min(progress.done_bytes / progress.total_bytes, 1.0)


def _progress_text(progress: PullProgressed | None) -> str:
    if progress is None:
        return "asking …"
    parts = [f"{progress.step} {progress.name}", f"{_share(progress):.0%}"]
    if progress.rate_bytes_s > 0:
        parts.append(f"{size_text(int(progress.rate_bytes_s))}/s")
    if progress.left_s is not None:
        parts.append(f"{duration_text(progress.left_s)} left")
    return " · ".join(parts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
