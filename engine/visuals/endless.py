"""A moving picture without an end, as the source `visuals` plays it.

A picture is made of passages. Frames are counted within a passage, so time stays small and exact in
float32 however long the show is, and frame n is the same picture whoever asks for it, and when.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from engine.protocol.frame_ring import Frame
from engine.visuals.addresses import Wish
from engine.visuals.canvas import Canvas
from engine.visuals.controls import NUM_PARAMETERS as NUM_CONTROL_PARAMETERS
from engine.visuals.controls import draw_controls
from engine.visuals.looks import FPS, NUM_PARAMETERS, Look, changed_look, paint, random_look
from engine.visuals.spread import spread_ranks, spread_share
from engine.worker.models.house.text import ParsedPrompt
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES, MODIFIERS, SPEEDS, WORDS

_CPU = torch.device("cpu")
_CONTROL_LEAD_FRAMES = 2
"""Frames that maps of motion look back."""


class Passages(ABC):
    """What is played: its passages, one after the other."""

    num_frames: int  # of a passage
    num_blend_frames: int  # at its begin, in which it takes over from the one before

    @abstractmethod
    def draw(self, passage: int, first: int, count: int) -> Tensor:
        """Return frames `first` to `first + count` of a passage, [F, 3, H, W] in 0 to 1.

        A passage can be drawn beyond its end: there the next one takes over from it.
        """

    @abstractmethod
    def share(self, passage: int, first: int, count: int) -> Tensor:
        """Return how much of these frames the passage has taken over, [F, 1, H or 1, W or 1]."""

    def progress(self, first: int, count: int) -> Tensor:
        """Return how far a passage has taken over in each frame, [F] in 0 to 1."""
        frames = torch.arange(first, first + count)
        return ((frames + 1) / (self.num_blend_frames + 1)).clamp(max=1)


class Endless:
    """Draws any stretch of `passages`."""

    def __init__(self, passages: Passages) -> None:
        self._passages = passages

    def draw(self, first: int, count: int) -> Frame:
        """Return frames [F, H, W, 3] uint8 RGB from frame `first` on; F <= `count`.

        A stretch ends with its passage, so F may be less than asked for, but never 0.
        """
        passages = self._passages
        passage, at = divmod(first, passages.num_frames)
        count = min(count, passages.num_frames - at)
        rgb = passages.draw(passage, at, count)
        if passage > 0 and at < passages.num_blend_frames:
            before = passages.draw(passage - 1, at + passages.num_frames, count)
            rgb = before.lerp(rgb, passages.share(passage, at, count))
        pixels: Frame = (rgb * 255).round().to(torch.uint8).movedim(1, -1).contiguous().numpy()
        return pixels


class _Looks(Passages):
    """A look per passage; the next one spreads over it in patches."""

    def __init__(self, seed: int, canvas: Canvas) -> None:
        self._seed = seed
        self._canvas = canvas

    @abstractmethod
    def look(self, passage: int) -> Look:
        """Return the look of a passage."""

    def draw(self, passage: int, first: int, count: int) -> Tensor:
        """Draw the passage's look."""
        return paint([self.look(passage)], count, _CPU, self._canvas, first).rgb()[0]

    def share(self, passage: int, first: int, count: int) -> Tensor:
        """Return the share per pixel, [F, 1, H, W]."""
        rng = random.Random(f"spread {self._seed} {passage}")
        pattern = torch.tensor([[rng.random() for _ in range(3)]])
        progress = self.progress(first, count)
        # The patches drift, slowly enough that progress tells their time.
        ranks = spread_ranks(pattern, progress * 3, self._canvas)
        return spread_share(ranks, progress[None])[0][:, None]


class Wander(_Looks):
    """Looks that each grow out of the one before."""

    num_frames = 20 * int(FPS)
    num_blend_frames = 3 * int(FPS)

    def __init__(self, seed: int, canvas: Canvas) -> None:
        super().__init__(seed, canvas)
        self._looks: list[Look] = []

    def look(self, passage: int) -> Look:
        """Return the look of a passage; it depends on all that came before."""
        while len(self._looks) <= passage:
            rng = random.Random(f"wander {self._seed} {len(self._looks)}")
            self._looks.append(self._following(rng))
        return self._looks[passage]

    def _following(self, rng: random.Random) -> Look:
        if not self._looks:
            return random_look(rng)
        before = self._looks[-1]
        look = changed_look(rng, before, FAMILIES)
        if (look.parameters, look.start_s) != (before.parameters, before.start_s):
            return look
        # The same form in other colours moves on, it does not jump back to where it began.
        return replace(look, start_s=look.start_s + SPEEDS[look.speed] * self.num_frames / FPS)


class Captioned(_Looks):
    """One caption, drawn afresh in every passage."""

    num_frames = 60 * int(FPS)
    num_blend_frames = 4 * int(FPS)

    def __init__(self, parsed: ParsedPrompt, seed: int, canvas: Canvas) -> None:
        super().__init__(seed, canvas)
        self._words = [WORDS[i] for i in parsed.ids]

    def look(self, passage: int) -> Look:
        """Return the caption as a passage draws it."""
        rng = random.Random(f"caption {self._seed} {passage}")
        return Look(
            family=next(word for word in self._words if word in FAMILIES),
            colours=tuple(word for word in self._words if word in COLOURS),
            speed=next(word for word in self._words if word in SPEEDS),
            modifiers=tuple(word for word in self._words if word in MODIFIERS),
            parameters=tuple(rng.random() for _ in range(NUM_PARAMETERS)),
            start_s=rng.random() * 60,
        )


class ControlMap(Passages):
    """The map of a control kind as a grey picture; passages cross-fade."""

    num_frames = 60 * int(FPS)
    num_blend_frames = int(FPS)

    def __init__(self, kind: str, seed: int, canvas: Canvas) -> None:
        self._kind = kind
        self._seed = seed
        self._canvas = _for_maps(canvas)

    def draw(self, passage: int, first: int, count: int) -> Tensor:
        """Draw the map, three times the same channel."""
        rng = random.Random(f"map {self._seed} {passage}")
        parameters = torch.tensor([[rng.random() for _ in range(NUM_CONTROL_PARAMETERS)]])
        u, v = self._canvas.axes(_CPU)
        frames = torch.arange(first - _CONTROL_LEAD_FRAMES, first + count)
        seconds = frames.view(1, -1, 1, 1) / FPS
        maps = draw_controls((u, v, seconds), [self._kind], parameters)
        grey = maps[0, _CONTROL_LEAD_FRAMES:, None].clamp(0, 1)
        return grey.expand(-1, 3, -1, -1)

    def share(self, passage: int, first: int, count: int) -> Tensor:
        """Cross-fade: patches would tear a figure."""
        return self.progress(first, count).view(-1, 1, 1, 1)


def passages_of(wish: Wish, width_px: int, height_px: int) -> Passages:
    """Return what was asked for, drawn in `width_px` x `height_px`."""
    canvas = Canvas.of(width_px, height_px)
    if wish.map_name:
        return ControlMap(wish.map_name, wish.seed, canvas)
    if wish.prompt is not None:
        return Captioned(wish.prompt, wish.seed, canvas)
    return Wander(wish.seed, canvas)


def _for_maps(canvas: Canvas) -> Canvas:
    """Return the same picture as the model's maps are drawn: lines as wide as theirs."""
    return replace(Canvas.of(2 * canvas.width, 2 * canvas.height), stride=2)
