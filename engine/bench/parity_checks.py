"""What a parity run says: one check per tensor, a verdict per file, a report per folder."""

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

import torch
from torch import Tensor


class Measure(Enum):
    """Which error a tolerance speaks of."""

    REL_L2 = "rel L2"
    MAX_ABS = "max abs"


@dataclass(frozen=True, slots=True)
class Limit:
    """Largest error that passes."""

    measure: Measure
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One tensor against its expectation."""

    name: str
    max_abs: float
    rel_l2: float
    measure: str
    limit: float
    passed: bool
    problem: str = ""

    def line(self) -> str:
        """One row of the printed table."""
        verdict = "ok" if self.passed else "FAILED"
        numbers = f"max abs {self.max_abs:.2e}  rel L2 {self.rel_l2:.2e}"
        allowed = f"allowed {self.measure} {self.limit:.0e}"
        return (
            f"  {verdict:6s} {numbers}  {allowed}  {self.name}{self.problem and '  '}{self.problem}"
        )


@dataclass(slots=True)
class FileReport:
    """All checks of one golden file, and what of it nothing covers yet."""

    name: str
    checks: list[Check] = field(default_factory=list)
    not_covered: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether there was something to check and all of it passed."""
        return not self.error and bool(self.checks) and all(c.passed for c in self.checks)

    def compare(self, name: str, got: Tensor, expected: Tensor, limit: Limit) -> None:
        """Add the check of one tensor."""
        self.checks.append(compare(name, got, expected, limit))

    def lines(self, *, every_tensor: bool) -> list[str]:
        """Lines to print: the verdict, then all or only the failed checks."""
        if self.error:
            return [f"BROKEN  {self.name}: {self.error}"]
        failed = sum(not check.passed for check in self.checks)
        head = f"{'passed' if self.passed else 'FAILED'}  {self.name}: "
        head += f"{len(self.checks)} tensors, {failed} failed"
        shown = [check.line() for check in self.checks if every_tensor or not check.passed]
        return [head, *shown, *(f"  not covered yet: {name}" for name in self.not_covered)]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole folder."""

    directory: str
    files: tuple[FileReport, ...]
    not_covered: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 something failed, 2 a file is broken."""
        if any(file.error for file in self.files):
            return 2
        return 0 if self.files and all(file.passed for file in self.files) else 1

    def text(self, *, every_tensor: bool) -> str:
        """Printed form."""
        lines = [line for file in self.files for line in file.lines(every_tensor=every_tensor)]
        lines += [f"not covered yet  {name}" for name in self.not_covered]
        passed = sum(file.passed for file in self.files)
        verdict = "PARITY" if self.exit_code == 0 else "NO PARITY"
        lines.append(f"{verdict}: {passed} of {len(self.files)} covered files passed")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Form for scripts."""
        files = [asdict(file) | {"passed": file.passed} for file in self.files]
        return {
            "directory": self.directory,
            "passed": self.exit_code == 0,
            "exit_code": self.exit_code,
            "files": files,
            "not_covered": list(self.not_covered),
        }


def compare(name: str, got: Tensor, expected: Tensor, limit: Limit) -> Check:
    """Measure one tensor; anything but a finite error within the limit fails."""
    nan = float("nan")
    if got.shape != expected.shape:
        problem = f"shape {list(got.shape)}, expected {list(expected.shape)}"
        return Check(
            name=name, max_abs=nan, rel_l2=nan, measure=limit.measure.value,
            limit=limit.value, passed=False, problem=problem,
        )  # fmt: skip
    difference, scale = got.double() - expected.double(), expected.double().norm()
    max_abs = difference.abs().max().item() if difference.numel() else 0.0
    # An expectation of zeros leaves nothing to divide by: the error itself has to be small.
    rel_l2 = (difference.norm() / torch.where(scale > 0, scale, torch.ones_like(scale))).item()
    error = rel_l2 if limit.measure is Measure.REL_L2 else max_abs
    return Check(
        name=name, max_abs=max_abs, rel_l2=rel_l2, measure=limit.measure.value,
        limit=limit.value, passed=error <= limit.value,
    )  # fmt: skip
