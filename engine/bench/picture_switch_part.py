"""Part `switches`: hard, with kept context, and soft over four chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.bench.classifier import Reading
from engine.bench.picture_measures import (
    FRAMES_PER_CHUNK,
    colour_histogram,
    frame_differences,
    largest_step_back,
    way,
)
from engine.bench.picture_prompts import SWITCH_PAIRS, caption_of
from engine.bench.picture_prompts_part import mean
from engine.bench.picture_report import Line, Part
from engine.bench.picture_sheets import Row, cells_of
from engine.bench.picture_stage import SHOW_SEED, Stage, source_rng
from engine.host.score import ScoreCommand, apply
from engine.protocol.messages import HardCut, SoftCut
from engine.protocol.values import Look

SOFT_CHUNKS: Final = 4
KINDS: Final[dict[str, Callable[[Look], ScoreCommand]]] = {
    "hard": lambda look: HardCut(look=look),
    "kept": lambda look: SoftCut(look=look, num_chunks=1),
    "soft": lambda look: SoftCut(look=look, num_chunks=SOFT_CHUNKS),
}
"""Kind to command; `kept` changes the text at once and keeps the context."""

_ARRIVED = 0.9
_END_CHUNKS = 3
_SETTLING_CHUNKS = 2


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch, chunk by chunk after the boundary.

    Shares are of the way from A to B, once by what the judge reads and once by the colours of the
    picture: both are points of a space, and the way is the straight line between where A was
    before the cut and where the hard cut has B at the end.
    """

    at_boundary: float  # difference of the two frames there
    usual: float  # mean frame difference before
    motion: tuple[float, ...]  # mean frame difference of each chunk after, boundary left out
    by_reading: tuple[float, ...]
    by_colour: tuple[float, ...]

    @property
    def chunks_to_arrive(self) -> int:
        """Chunks after which the reading has come nine tenths of the way and stays there."""
        late = [i + 1 for i, share in enumerate(self.by_reading) if share < _ARRIVED]
        return max(late, default=0)


def play_switches(stage: Stage) -> Part:
    """Cut between pairs of prompts in every way."""
    found: dict[str, list[Switch]] = {kind: [] for kind in KINDS}
    rows: list[Row] = []
    apart: list[float] = []
    for start, end in SWITCH_PAIRS[: stage.amounts.pairs]:
        clips = {kind: _play(stage, (start, end), kind) for kind in KINDS}
        goal = _points(stage, clips["hard"][-_END_CHUNKS * FRAMES_PER_CHUNK :])
        for kind, frames in clips.items():
            found[kind].append(_switch(stage, frames, goal))
            rows.append(Row(f"{kind}: {start} > {end}", _cells(stage, frames)))
        apart.append(_sources_apart(stage, start, end))
        soft = found["soft"][-1]
        steps = " ".join(f"{share:.2f}" for share in soft.by_reading[: SOFT_CHUNKS + 1])
        stage.say(f"switch {start} > {end}: soft by reading {steps}")
    stage.write("switches", rows)
    details = {
        kind: {
            f"{a} > {b}": _as_row(switch)
            for (a, b), switch in zip(SWITCH_PAIRS, switches, strict=False)
        }
        for kind, switches in found.items()
    }
    lines = [*_sudden_lines(found, mean(apart)), *_soft_lines(found["soft"])]
    return Part(name="switches", lines=tuple(lines), details=details)


def _play(stage: Stage, pair: tuple[str, str], kind: str) -> Tensor:
    score, before = stage.go_on(stage.open(pair[0]), stage.amounts.before_cut)
    look = Look(prompt=pair[1], seed=SHOW_SEED + 1)
    _, after = stage.go_on(apply(score, KINDS[kind](look)), stage.amounts.after_cut)
    return torch.cat([before, after])


def _switch(stage: Stage, frames: Tensor, goal: tuple[Tensor, Tensor]) -> Switch:
    cut = stage.amounts.before_cut * FRAMES_PER_CHUNK
    settled = frames[_SETTLING_CHUNKS * FRAMES_PER_CHUNK : cut]
    begin = _points(stage, settled)
    steps = frame_differences(frames)
    after = [_points(stage, chunk) for chunk in torch.split(frames[cut:], FRAMES_PER_CHUNK)]
    ways = [
        way(torch.stack([point[i] for point in after]), begin[i], goal[i]).tolist() for i in (0, 1)
    ]
    return Switch(
        at_boundary=float(steps[cut - 1]),
        usual=float(frame_differences(settled).mean()),
        motion=tuple(float(x.mean()) for x in torch.split(steps[cut:], FRAMES_PER_CHUNK)),
        by_reading=tuple(ways[0]),
        by_colour=tuple(ways[1]),
    )


def _points(stage: Stage, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Return where frames are by the judge's reading and by colour."""
    reading: Reading = stage.judged().read(frames).reading
    read = torch.cat([reading.families, reading.colours], 1).mean(0)
    return read, colour_histogram(frames)


def _cells(stage: Stage, frames: Tensor) -> Tensor:
    """Return moments around the cut: its two frames, then one in each chunk."""
    cut = stage.amounts.before_cut * FRAMES_PER_CHUNK
    chunk_middles = range(cut + FRAMES_PER_CHUNK // 2, len(frames), FRAMES_PER_CHUNK)
    return cells_of(frames, [cut - FRAMES_PER_CHUNK, cut - 1, cut, *chunk_middles])


def _sources_apart(stage: Stage, start: str, end: str) -> float:
    """Return the mean difference between the renderer's clips of both prompts."""
    a, b = (stage.drawn(caption_of(p).look(source_rng(p)), 1) for p in (start, end))
    return float((a.float() - b.float()).abs().mean() / 255)


def _sudden_lines(found: dict[str, list[Switch]], apart: float) -> list[Line]:
    lines = []
    for kind, ceiling in (("hard", apart), ("kept", None), ("soft", None)):
        switches = found[kind]
        lines += [
            Line(
                key=f"{kind} boundary", label=f"{kind}: frame difference at the boundary",
                value=mean([s.at_boundary for s in switches]), ceiling=ceiling,
            ),
            Line(
                key=f"{kind} arrives", label=f"{kind}: chunks until nine tenths of the way",
                value=mean([s.chunks_to_arrive for s in switches]),
                ceiling=SOFT_CHUNKS - 1 if kind == "soft" else 0,
            ),
        ]  # fmt: skip
    return lines


def _soft_lines(switches: Sequence[Switch]) -> list[Line]:
    lines = [
        Line(
            key=f"soft step {step + 1}", value=mean([s.by_reading[step] for s in switches]),
            label=f"soft: way after chunk {step + 1} of {SOFT_CHUNKS}, by the judge",
            ceiling=(step + 1) / SOFT_CHUNKS,
        )
        for step in range(SOFT_CHUNKS)
    ]  # fmt: skip
    lines += [
        Line(
            key=f"soft colour step {step + 1}", value=mean([s.by_colour[step] for s in switches]),
            label=f"soft: way after chunk {step + 1} of {SOFT_CHUNKS}, by colour",
            ceiling=(step + 1) / SOFT_CHUNKS,
        )
        for step in range(SOFT_CHUNKS)
    ]  # fmt: skip
    ramp = slice(SOFT_CHUNKS)
    lines += [
        Line(
            key="soft back", label="soft: largest step back on the way, mean of both measures",
            value=mean([largest_step_back(x[ramp]) for s in switches
                        for x in (s.by_reading, s.by_colour)]),
            ceiling=0.0,
        ),
        Line(
            key="soft motion", label="soft: liveliest chunk, in units of the motion before",
            value=mean([max(s.motion[ramp]) / max(s.usual, 1e-6) for s in switches]),
        ),
    ]  # fmt: skip
    return lines


def _as_row(switch: Switch) -> dict[str, object]:
    return {
        "at boundary": switch.at_boundary,
        "usual": switch.usual,
        "motion": list(switch.motion),
        "by reading": list(switch.by_reading),
        "by colour": list(switch.by_colour),
        "monotone": largest_step_back(switch.by_reading[:SOFT_CHUNKS]) == 0,
    }
