"""Part `control`: does the picture follow its control map, and does it live outside it?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.bench.picture_measures import (
    FRAMES_PER_CHUNK,
    Outside,
    brightness_cells,
    correlation,
    outside,
)
from engine.bench.picture_prompts import CONTROL_PROMPTS, caption_of
from engine.bench.picture_prompts_part import mean
from engine.bench.picture_report import Line, Part
from engine.bench.picture_sheets import Row, cells_of, evenly, grey_cells
from engine.bench.picture_stage import Stage, spread
from engine.visuals.canvas import Canvas
from engine.visuals.clips import ClipSettings, draw_clips
from engine.visuals.controls import CONTROL_KINDS, NUM_PARAMETERS
from engine.visuals.looks import Look
from engine.visuals.reaction import outside as dimmed

_MOMENTS = 8
_LIT, _UNLIT = 0.8, 0.1
_SHAPED = 0.03  # spread of a map below which its frame is one grey


@dataclass(frozen=True, slots=True)
class Followed:
    """How one clip follows one map."""

    kind: str
    cells: Tensor  # [F, h, w], brightness
    maps: Tensor  # [F, h, w]
    light_outside: float  # share of the light inside
    outside: Outside | None  # shares of the dimmed uncontrolled clip's; None: nothing is outside

    def right(self) -> float | None:
        """Return the correlation with its own map; None if the map shows nothing to follow."""
        return _following(self.cells, self.maps)

    def late(self) -> float | None:
        """Return the correlation with the map of a chunk ago: high only if the map hardly moves."""
        return _following(self.cells[FRAMES_PER_CHUNK:], self.maps[:-FRAMES_PER_CHUNK])


def _following(cells: Tensor, maps: Tensor) -> float | None:
    """Correlate the frames whose map has a shape: an empty or a full map has nothing to follow."""
    shaped = maps.std((1, 2)) > _SHAPED
    return float(correlation(cells[shaped], maps[shaped])) if shaped.any() else None


def play_control(stage: Stage) -> Part:
    """Drive shows by maps of every kind; the renderer's clips under the same maps beside."""
    shows: list[Followed] = []
    sources: list[Followed] = []
    rows: list[Row] = []
    prompts = CONTROL_PROMPTS[: stage.amounts.control_prompts]
    free = {prompt: stage.show(prompt, stage.amounts.control_chunks) for prompt in prompts}
    for kind in spread(list(CONTROL_KINDS), stage.amounts.control_kinds):
        for prompt in prompts:
            source, maps = _drawn(stage, kind, prompt)
            frames = stage.show(prompt, stage.amounts.control_chunks, conditions=conditions(maps))
            shows.append(follow(kind, frames, free[prompt], maps))
            sources.append(source)
            moments = evenly(len(frames), _MOMENTS)
            rows.append(Row(f"{prompt}, {kind}", cells_of(frames, moments)))
            rows.append(Row("map", grey_cells(maps, moments)))
            stage.say(f"control {kind}, {prompt}: {_said(shows[-1])} (renderer {_said(source)})")
    for number, start in enumerate(range(0, len(rows), 16)):
        stage.write(f"control-{number + 1}", rows[start : start + 16])
    lines = [*_following_lines(shows, sources), *_outside_lines(shows, sources)]
    return Part(name="control", lines=tuple(lines))


def _said(followed: Followed) -> str:
    found = followed.right()
    return "nothing to follow" if found is None else f"{found:.2f}"


def conditions(maps: Tensor) -> list[bytes | None]:
    """Return maps [F, h, w] in 0 to 1 as chunk conditions, as a take would record them."""
    from engine.worker.conditions import Condition, to_bytes

    grey = (maps * 255).round().clamp(0, 255).to(torch.uint8).cpu()
    chunks = torch.split(grey, FRAMES_PER_CHUNK)
    return [to_bytes(Condition(control=chunk.numpy())) for chunk in chunks]


def follow(kind: str, frames: Tensor, free: Tensor, maps: Tensor) -> Followed:
    """Measure frames [F, 3, H, W] under maps [F, h, w]; `free` is the same without control."""
    cells = brightness_cells(frames)
    wide = F.interpolate(maps.unsqueeze(1), size=frames.shape[2:], mode="nearest").squeeze(1)
    here = outside(frames, wide)
    alike = dimmed(free.float().unsqueeze(0) / 255)[0]
    there = outside((alike * 255).round().to(torch.uint8), wide)
    shares = None
    if here is not None and there is not None:
        shares = Outside(
            here.motion / max(there.motion, 1e-6), here.contrast / max(there.contrast, 1e-6)
        )
    lit, unlit = (cells[where] for where in (maps > _LIT, maps < _UNLIT))
    light = float(unlit.mean() / lit.mean()) if lit.numel() and unlit.numel() else 0.0
    return Followed(kind, cells, maps, light, shares)


def _drawn(stage: Stage, kind: str, prompt: str) -> tuple[Followed, Tensor]:
    """Draw the renderer's clip under a map; returns its measures and the map [F, h, w]."""
    rng = random.Random(f"{kind} over {prompt}")
    look: Look = caption_of(prompt).look(rng)
    shape = torch.tensor([[rng.random() for _ in range(NUM_PARAMETERS)]], device=stage.device)
    num_chunks = stage.amounts.control_chunks
    settings = ClipSettings(
        num_frames=num_chunks * FRAMES_PER_CHUNK,
        canvas=Canvas.of(stage.canvas.width, stage.canvas.height),
    )
    batch = draw_clips([look], [None], [kind], shape, settings)
    maps = batch.control[0].flatten(0, 1)
    frames = (batch.frames[0] * 255).round().to(torch.uint8)
    return follow(kind, frames, stage.drawn(look, num_chunks), maps), maps


def _following_lines(shows: Sequence[Followed], sources: Sequence[Followed]) -> list[Line]:
    def line(key: str, label: str, number: Callable[[Followed], float | None]) -> Line:
        return Line(key=key, label=label, value=known(map(number, shows)),
                    ceiling=known(map(number, sources)))  # fmt: skip

    right = line("control", "brightness follows the map: correlation, mean", Followed.right)
    lines = [replace(right, low=0.9)]
    for kind in dict.fromkeys(x.kind for x in shows if x.right() is not None):
        alike = [[x.right() for x in clips if x.kind == kind] for clips in (shows, sources)]
        lines.append(
            Line(
                key=f"control {kind}",
                label=f"  {kind}",
                value=known(alike[0]),
                ceiling=known(alike[1]),
            )
        )
    wrong = Line(
        key="control wrong", label="correlation with another show's map",
        value=_with_wrong_map(shows), ceiling=_with_wrong_map(sources),
    )  # fmt: skip
    late = line("control late", "correlation with the map of the chunk before", Followed.late)
    return [*lines, wrong, late]


def known(numbers: Iterable[float | None]) -> float:
    """Return the mean of the numbers that there are; 0 if there is none."""
    return mean([number for number in numbers if number is not None] or [0.0])


def _with_wrong_map(clips: Sequence[Followed]) -> float:
    """Return the mean correlation of each clip with the map of the next one."""
    others = [*clips[1:], clips[0]]
    return known(_following(a.cells, b.maps) for a, b in zip(clips, others, strict=True))


def _outside_lines(shows: Sequence[Followed], sources: Sequence[Followed]) -> list[Line]:
    def live(clips: Sequence[Followed], name: str) -> float:
        return mean([getattr(x.outside, name) for x in clips if x.outside is not None] or [0.0])

    return [
        Line(
            key="outside light", label="light outside, share of that inside",
            value=mean([x.light_outside for x in shows]),
            ceiling=mean([x.light_outside for x in sources]),
        ),
        *(
            Line(
                key=f"outside {name}", value=live(shows, name), ceiling=live(sources, name),
                label=f"{name} outside, share of the uncontrolled show dimmed alike", low=low,
            )
            for name, low in (("motion", 0.7), ("contrast", 0.8))
        ),
    ]  # fmt: skip
