"""Part `drift`: ten minutes of one prompt, minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from engine.bench.picture_measures import (
    FRAMES_PER_CHUNK,
    Drift,
    FrameNumbers,
    Meter,
    drift,
)
from engine.bench.picture_prompts import DRIFT_PROMPTS, Caption, caption_of, later
from engine.bench.picture_report import Line, Part
from engine.bench.picture_sheets import Row, cells_of
from engine.bench.picture_stage import Stage, source_rng
from engine.visuals.looks import FPS
from engine.worker.models.house.vocabulary import SPEEDS

_DRIFTING = ("motion", "contrast", "saturation")
_SETTLING_CHUNKS = 2
_LIMIT = 0.05
_BLOCK_CHUNKS = 8
_SOURCE_STRIDE = 2  # a quarter of the pixels says the same about slow change

NextChunk = Callable[[], Tensor]


def play_drift(stage: Stage) -> Part:
    """Play long shows; every period is compared with the first, less its two settling chunks.

    A scene has slow changes of its own, which are no drift: the renderer's clip of the same
    caption over the same time is measured alike and printed beside.
    """
    rows: list[Row] = []
    model: dict[str, list[list[float]]] = {name: [] for name in _DRIFTING}
    source: dict[str, list[list[float]]] = {name: [] for name in _DRIFTING}
    prompts = DRIFT_PROMPTS[: stage.amounts.drift_prompts]
    for prompt in prompts:
        shown, cells = _long_show(stage, prompt)
        rows.append(Row(f"{prompt}, by periods", cells))
        drawn = _long_source(stage, caption_of(prompt))
        for name in _DRIFTING:
            model[name].append(by_period(shown, stage.amounts.drift_periods, name))
            source[name].append(by_period(drawn, stage.amounts.drift_periods, name))
        stage.say(f"drift of {prompt}: " + _summary({n: model[n][-1] for n in _DRIFTING}))
    stage.write("drift", rows)
    minutes = stage.amounts.drift_chunks * FRAMES_PER_CHUNK / FPS / 60
    lines = [
        line
        for name in _DRIFTING
        for line in _lines(name, minutes, [drift(x) for x in model[name]],
                           [drift(x) for x in source[name]])
    ]  # fmt: skip
    details = {
        prompt: {name: {"model": model[name][i], "renderer": source[name][i]} for name in _DRIFTING}
        for i, prompt in enumerate(prompts)
    }
    return Part(name=f"drift over {minutes:.1f} minutes", lines=tuple(lines), details=details)


def by_period(numbers: FrameNumbers, num_periods: int, name: str) -> list[float]:
    """Return the mean of a quantity in equal periods; the first leaves its settling chunks out."""
    edges = _edges(numbers.num_chunks, num_periods)
    edges[0] = min(_SETTLING_CHUNKS, edges[1] - 1)
    return [
        numbers.means(start, stop)[name] for start, stop in pairwise(edges)
    ]  # fmt: skip


def _edges(num_chunks: int, num_periods: int) -> list[int]:
    return [round(i * num_chunks / num_periods) for i in range(num_periods + 1)]


def _long_show(stage: Stage, prompt: str) -> tuple[FrameNumbers, Tensor]:
    """Return what a long show looks like, and a cell at the end of every period."""
    meter, cells = Meter(), []
    score = stage.open(prompt)
    amounts = stage.amounts
    ends = set(_edges(amounts.drift_chunks, amounts.drift_periods)[1:])
    for chunk in range(amounts.drift_chunks):
        score, frames = stage.go_on(score, 1)
        meter.push(frames)
        if chunk == _SETTLING_CHUNKS or chunk + 1 in ends:
            cells.append(cells_of(frames, [FRAMES_PER_CHUNK - 1]))
    return meter.numbers(), torch.cat(cells)


def _long_source(stage: Stage, caption: Caption) -> FrameNumbers:
    """Draw the renderer's clip of the same length, in blocks that follow one another."""
    meter, speed = Meter(), SPEEDS[caption.speed]
    look = caption.look(source_rng(caption.prompt))
    for chunk in range(0, stage.amounts.drift_chunks, _BLOCK_CHUNKS):
        count = min(_BLOCK_CHUNKS, stage.amounts.drift_chunks - chunk)
        seconds = chunk * FRAMES_PER_CHUNK / FPS
        meter.push(stage.drawn(later(look, seconds, speed), count, _SOURCE_STRIDE))
    return meter.numbers()


def _lines(name: str, minutes: float, model: list[Drift], source: list[Drift]) -> list[Line]:
    """Return the fitted change and the worst period, each of the prompt where it is largest."""
    return [
        Line(
            key=f"drift {name}", label=f"{name}: straight line, change from first to last",
            value=_largest([d.fitted for d in model]),
            ceiling=_largest([d.fitted for d in source]), low=-_LIMIT, high=_LIMIT,
        ),
        Line(
            key=f"drift {name} worst", label=f"{name}: the period farthest from the first",
            value=_largest([d.worst for d in model]),
            ceiling=_largest([d.worst for d in source]), low=-_LIMIT, high=_LIMIT,
        ),
    ]  # fmt: skip


def _largest(values: list[float]) -> float:
    return max(values, key=abs)


def _summary(periods: dict[str, list[float]]) -> str:
    found = {name: drift(values) for name, values in periods.items()}
    return ", ".join(f"{n} {d.fitted:+.3f} (worst {d.worst:+.3f})" for n, d in found.items())
