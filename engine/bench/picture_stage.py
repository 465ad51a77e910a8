"""What all parts of the proof share: the model on its stage, the renderer beside it, the judge."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from engine.bench.judge import Judge
from engine.bench.picture_measures import FRAMES_PER_CHUNK
from engine.bench.picture_play import Conditions, Player, rgb
from engine.bench.picture_sheets import Row, write_sheet
from engine.host.score import Score, open_score
from engine.protocol import values
from engine.visuals.canvas import Canvas
from engine.visuals.looks import Look, paint

SHOW_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much is played; chunks are counted per show."""

    prompts: int = 1000  # of the list, evenly spread; more than there are means all
    chunks: int = 20
    source_draws: int = 4  # renderer's clips per prompt, each with its own parameters
    source_chunks: int = 8
    codec_chunks: int = 4
    own_clips: int = 512  # fresh clips on which the judge's own accuracy is stated
    drift_prompts: int = 2
    drift_chunks: int = 800  # ten minutes at 16 frames a second
    drift_periods: int = 10
    pairs: int = 6
    before_cut: int = 5
    after_cut: int = 9
    control_prompts: int = 2
    control_kinds: int = 1000
    control_chunks: int = 8
    variety_prompts: int = 12
    variety_seeds: int = 4
    variety_chunks: int = 4


QUICK = Amounts(
    prompts=8, chunks=4, source_draws=1, source_chunks=2, codec_chunks=2, own_clips=24,
    drift_prompts=1, drift_chunks=12, drift_periods=2, pairs=1, before_cut=3, after_cut=6,
    control_prompts=1, control_kinds=2, control_chunks=3,
    variety_prompts=1, variety_seeds=2, variety_chunks=3,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running model and everything it is measured with."""

    player: Player
    device: torch.device
    canvas: Canvas
    amounts: Amounts
    judge: Judge | None  # None: no part that was asked for needs it
    sheets: Path | None  # where contact sheets go
    started_s: float = field(default_factory=time.monotonic)

    def show(
        self,
        prompt: str,
        num_chunks: int,
        *,
        seed: int = SHOW_SEED,
        conditions: Conditions | None = None,
    ) -> Tensor:
        """Play a prompt from a cold start; returns frames [F, 3, H, W] uint8."""
        return self.go_on(self.open(prompt, seed), num_chunks, conditions)[1]

    def open(self, prompt: str, seed: int = SHOW_SEED) -> Score:
        """Return the score of a show that begins with a prompt."""
        return open_score(values.Look(prompt=prompt, seed=seed), show_seed=seed)

    def go_on(
        self, score: Score, num_chunks: int, conditions: Conditions | None = None
    ) -> tuple[Score, Tensor]:
        """Play on; returns the score after it and frames [F, 3, H, W] uint8."""
        score, frames = self.player.play(score, num_chunks, conditions)
        return score, rgb(frames, self.device)

    def drawn(self, look: Look, num_chunks: int, stride: int = 1) -> Tensor:
        """Return the renderer's clip of a look, [F, 3, H, W] uint8 at the model's size."""
        c = self.canvas
        canvas = Canvas.of(c.width, c.height, stride)
        painting = paint([look], num_chunks * FRAMES_PER_CHUNK, self.device, canvas)
        return (painting.rgb()[0] * 255).round().to(torch.uint8)

    def judged(self) -> Judge:
        """Return the judge, for parts that were started with one."""
        assert self.judge is not None, "parts that judge are started with a judge"
        return self.judge

    def write(self, name: str, rows: Sequence[Row]) -> None:
        """Write a contact sheet, if sheets are wanted."""
        if self.sheets is not None and rows:
            write_sheet(self.sheets / f"{name}.jpg", rows)

    def say(self, words: str) -> None:
        """Report progress beside the results."""
        print(f"[{time.monotonic() - self.started_s:6.1f}] {words}", file=sys.stderr, flush=True)


def spread(items: Sequence[str], count: int) -> list[str]:
    """Return `count` of the items, evenly spread; all of them if there are fewer."""
    if count >= len(items):
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def source_rng(prompt: str) -> random.Random:
    """Return the random source of a prompt's renderer clips, the same in every run."""
    return random.Random(f"source of {prompt}")
