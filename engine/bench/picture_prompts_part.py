"""Parts `prompts` and `agreement`: one show per family against the renderer's clips of it.

Both are measured on the same shows, so each prompt is played once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from engine.bench.classifier import Agreement
from engine.bench.judge import Verdict
from engine.bench.picture_measures import FrameNumbers, all_seams, measured
from engine.bench.picture_prompts import Caption, bench_prompts, caption_of
from engine.bench.picture_report import Line, Part
from engine.bench.picture_sheets import Row, cells_of, evenly
from engine.bench.picture_stage import Stage, source_rng, spread
from engine.visuals.looks import random_look

_MOMENTS = 8
_SOURCE_MOMENTS = 2
_ROWS_A_SHEET = 18
_OWN_SEED = 4242


@dataclass(slots=True)
class _Found:
    """What one prompt gave: the show, the renderer's clips, and the readings of both."""

    caption: Caption
    show: FrameNumbers
    sources: list[FrameNumbers]
    agreed: Agreement | None = None
    read_as: tuple[str, ...] = ()
    first_agreed: Agreement | None = None
    source_agreed: list[Agreement] = field(default_factory=list)

    def model(self, name: str) -> float:
        """Return a mean of the show."""
        return self.show.means()[name]

    def source(self, name: str) -> float:
        """Return the same mean of the renderer's clips."""
        return mean([numbers.means()[name] for numbers in self.sources])


def play_prompts(stage: Stage, *, numbers: bool, agreement: bool) -> list[Part]:
    """Play one prompt per family and return the parts that were asked for."""
    found: list[_Found] = []
    rows: list[Row] = []
    prompts = spread(bench_prompts(), stage.amounts.prompts)
    for index, prompt in enumerate(prompts):
        one, row = _play(stage, prompt, agreement)
        found.append(one)
        rows.append(row)
        stage.say(f"{index + 1}/{len(prompts)} {_summary(one)}")
    for number, start in enumerate(range(0, len(rows), _ROWS_A_SHEET)):
        stage.write(f"prompts-{number + 1}", rows[start : start + _ROWS_A_SHEET])
    parts = []
    if numbers:
        parts.append(_numbers_part(found))
    if agreement:
        parts.append(_agreement_part(found, _own_accuracy(stage)))
    return parts


def _play(stage: Stage, prompt: str, agreement: bool) -> tuple[_Found, Row]:
    caption = caption_of(prompt)
    frames = stage.show(prompt, stage.amounts.chunks)
    found = _Found(caption, measured(frames), [])
    if agreement:
        verdict = stage.judged().read(frames)
        found.agreed = agreed(verdict.after_first(), caption)
        found.read_as = verdict.after_first().words(len(caption.colours))
        found.first_agreed = agreed(verdict.first(), caption)
    rng = source_rng(prompt)
    cells = [cells_of(frames, evenly(len(frames), _MOMENTS))]
    for _ in range(stage.amounts.source_draws):
        clip = stage.drawn(caption.look(rng), stage.amounts.source_chunks)
        found.sources.append(measured(clip))
        if agreement:
            verdict = stage.judged().read(clip)
            found.source_agreed.append(agreed(verdict.after_first(), caption))
        if len(cells) == 1:
            cells.append(cells_of(clip, evenly(len(clip), _SOURCE_MOMENTS)))
    return found, Row(prompt, torch.cat(cells), "renderer", _MOMENTS)


def _summary(found: _Found) -> str:
    shares = (
        f"{name} {_share(found.model(name), found.source(name)):.2f}"
        for name in ("motion", "contrast", "saturation")
    )
    read = ""
    if found.agreed is not None:
        read = f"  family {found.agreed.family:.0f} colour {found.agreed.colour:.2f}"
    return f"{found.caption.prompt:44} " + " ".join(shares) + read


def _numbers_part(found: Sequence[_Found]) -> Part:
    goals = {"motion": 0.7, "saturation": 0.9, "contrast": 0.8, "sharpness": None}
    lines = [
        Line(
            key=name,
            label=f"{name}, share of the renderer's",
            value=_share(
                mean([f.model(name) for f in found]), mean([f.source(name) for f in found])
            ),
            ceiling=1.0,
            low=low,
        )
        for name, low in goals.items()
    ]
    lines += _seam_lines(found) + _first_chunk_lines(found)
    return Part(name="prompts", lines=tuple(lines), details={"by prompt": _by_prompt(found)})


def _seam_lines(found: Sequence[_Found]) -> list[Line]:
    show = all_seams([f.show.seams() for f in found])
    source = all_seams([numbers.seams() for f in found for numbers in f.sources])
    return [
        Line(
            key="chunk edge", label="chunk edge : other latent edges",
            value=show.chunk_to_latent, ceiling=source.chunk_to_latent, low=0.95, high=1.05,
        ),
        Line(
            key="latent edge", label="latent edge : inside a latent frame",
            value=show.latent_to_inside, ceiling=source.latent_to_inside,
        ),
    ]  # fmt: skip


def _first_chunk_lines(found: Sequence[_Found]) -> list[Line]:
    lines = []
    for name in ("contrast", "sharpness"):
        first = mean([f.show.means(0, 1)[name] for f in found])
        later = mean([f.show.means(1)[name] for f in found])
        lines.append(
            Line(
                key=f"first chunk {name}",
                label=f"first chunk's {name}, share of the later ones'",
                value=_share(first, later),
                ceiling=1.0,
            )
        )
    return lines


def _by_prompt(found: Sequence[_Found]) -> dict[str, dict[str, float]]:
    rows = {}
    for one in found:
        row = {name: _share(one.model(name), one.source(name)) for name in one.show.means()}
        row["chunk edge"] = one.show.seams().chunk_to_latent
        if one.agreed is not None:
            row |= {"family": one.agreed.family, "colour": one.agreed.colour}
        rows[one.caption.prompt] = row
    return rows


def _agreement_part(found: Sequence[_Found], own: Agreement) -> Part:
    lines = []
    for name in ("family", "colour"):
        ceiling = mean([getattr(a, name) for f in found for a in f.source_agreed])
        value = mean([getattr(f.agreed, name) for f in found])
        first = mean([getattr(f.first_agreed, name) for f in found])
        lines += [
            Line(
                key=f"agreement {name}", label=f"{name} as the caption says",
                value=value, ceiling=ceiling, low=0.9,
            ),
            Line(
                key=f"agreement {name} of readable",
                label=f"{name}, share of what the judge reads in the renderer's clips",
                value=_share(value, ceiling), ceiling=1.0,
            ),
            Line(
                key=f"agreement {name} first", label=f"{name}, the first chunk alone", value=first
            ),
            Line(
                key=f"judge {name}", label=f"the judge's own accuracy: {name}, fresh clips",
                value=getattr(own, name), ceiling=getattr(own, name),
            ),
        ]  # fmt: skip
    misread = {
        f.caption.prompt: " ".join(f.read_as)
        for f in found
        if f.agreed is not None and f.agreed != Agreement(1, 1)
    }
    return Part(name="agreement", lines=tuple(lines), details={"read instead": misread})


@torch.no_grad()
def _own_accuracy(stage: Stage) -> Agreement:
    """Judge fresh one-chunk clips of random captions, all modifiers and speeds."""
    rng = random.Random(_OWN_SEED)
    results = []
    for _ in range(stage.amounts.own_clips):
        look = random_look(rng)
        caption = Caption("", look.family, look.colours, look.speed, look.modifiers)
        results.append(agreed(stage.judged().read(stage.drawn(look, 1)), caption))
    return Agreement(mean([a.family for a in results]), mean([a.colour for a in results]))


def agreed(verdict: Verdict, caption: Caption) -> Agreement:
    """Compare a verdict with a caption."""
    return verdict.agreement(caption.family_index, caption.colour_indices)


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value."""
    return sum(values) / len(values)


def _share(value: float, whole: float) -> float:
    return value / whole if whole else 0.0
