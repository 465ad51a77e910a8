"""What is known of the models, and what the panel shows of each. PURE.

`heard` folds a report of `segue models` into the book; `views` says what is drawn. One command runs
at a time: `busy` names the model it is for. `asking` names the model whose licences are open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.core.hud import Level
from engine.errors import ExitCode
from engine.protocol.amounts import duration_text, size_text
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBook:
    """The whole state of the panel."""

    rows: Mapping[str, ModelListed] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    progress: PullProgressed | None = None
    asking: str = ""
    busy: str = ""

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
        chip, level = _CHIPS[row.state]
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
            progress=_progress_text(self.progress) if is_busy else "",
            outcome=self.outcomes.get(row.name, Outcome("")),
            can_get=not is_here and not self.busy and not is_asked,
            can_check=row.state is not ModelState.NOT_HERE and not self.busy and not is_asked,
            can_cancel=is_busy,
        )

    def _licence_text(self, name: str) -> str:
        asked = self.licences_to_accept(name)
        missing = [row for row in self._with_needs(name) if row.state is not ModelState.HERE]
        total = sum(max(row.total_bytes - row.here_bytes, 0) for row in missing)
        exact = all(row.is_exact for row in missing)
        texts = [f"{row.name}: {row.licence.text}" for row in asked]
        size = size_text(total, is_exact=exact)
        return "\n".join(texts) + f"\n{_sentence(size)} will be downloaded."


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
