"""A small classifier of families and colours: does a picture show what its caption says?

It was trained on the renderer's clips alone (`training/classifier.py`), never on the model's, so
it is a judge that the model has not met. What it says about the renderer's own clips of the same
captions is its ceiling, and the bench always prints both.

    classifier = load_classifier(torch.device("cpu"))
    reading = classifier.read(frames)                  # frames [F, 3, H, W] uint8, F = 12 n
    reading.after_first().agreement(families=0, colours=(8, 13))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import WeightsError
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES

CLIP_FRAMES: Final = 12
INPUT_PX: Final = 128
WEIGHTS_PATH: Final = Path(__file__).parent / "weights" / "classifier.safetensors"

_STACKED_FRAMES = 3  # successive frames that one picture of the network holds: short motion
_WIDTHS = (32, 48, 80, 112)
_PALETTE_DIM = 64
_PALETTE_EVERY = 6  # frames between those whose colours are counted
_TINY = 0.03
_HIDDEN_DIM = 128
_READ_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a reading agrees with a caption: `family` 0 or 1, `colour` a share 0 to 1."""

    family: float
    colour: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the classifier sees in each chunk of a clip, all values 0 to 1."""

    families: Tensor  # [N, len(FAMILIES)], sums to 1
    colours: Tensor  # [N, len(COLOURS)], each by itself

    def after_first(self) -> Reading:
        """Leave out the first chunk, in which a picture without a past is still forming."""
        return Reading(self.families[1:], self.colours[1:])

    def first(self) -> Reading:
        """Return the first chunk alone."""
        return Reading(self.families[:1], self.colours[:1])

    def agreement(self, family: int, colours: Sequence[int]) -> Agreement:
        """Compare with a caption.

        Family: 1 if the family with the largest probability, averaged over the chunks, is the
        caption's. Colour: of the n colours that the caption names, the share that is among the n
        strongest of the classifier, averaged over the chunks.

        Args:
            family: index into `FAMILIES`.
            colours: indices into `COLOURS`, at least one.
        """
        strongest = self.colours.mean(0).topk(len(colours)).indices.tolist()
        return Agreement(
            family=float(self.family() == family),
            colour=len(set(strongest) & set(colours)) / len(colours),
        )

    def family(self) -> int:
        """Return the index of the family with the largest probability, averaged over the chunks."""
        return int(self.families.mean(0).argmax())


class _Residual(nn.Module):
    """Two convolutions around which the picture passes unchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(F.silu(norm(y)))
        return x + y


class PictureClassifier(nn.Module):
    """0.6 M parameters: shapes and short motion by convolutions, colours by a palette.

    The palette is a learned histogram: every pixel of a small copy is mapped by itself and the
    results are averaged, so no normalisation of the convolutions can hide how bright or pale a
    colour is. A pixel is told as it is, at full brightness, and by its brightness, since light
    dims a colour without changing its name: that reads 0.88 of the colours where the plain pixel
    reads 0.83 (4,480 clips, 400 steps of the palette alone, 2026-11).
    """

    def __init__(self) -> None:
        super().__init__()
        stages: list[nn.Module] = [
            nn.Conv2d(3 * _STACKED_FRAMES, _WIDTHS[0], 5, stride=2, padding=2)
        ]
        for narrow, wide in pairwise(_WIDTHS):
            stages += [nn.GroupNorm(8, narrow), nn.SiLU()]
            stages += [nn.Conv2d(narrow, wide, 3, stride=2, padding=1), _Residual(wide)]
        self.shapes = nn.Sequential(*stages, nn.GroupNorm(8, _WIDTHS[-1]), nn.SiLU())
        self.palette = nn.Sequential(
            nn.Conv2d(7, _PALETTE_DIM, 1), nn.SiLU(), nn.Conv2d(_PALETTE_DIM, _PALETTE_DIM, 1),
            nn.SiLU(),
        )  # fmt: skip
        features = 2 * _WIDTHS[-1] + 2 * _PALETTE_DIM
        self.family_head = _head(features, len(FAMILIES))
        self.colour_head = _head(features, len(COLOURS))

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Return family logits [B, len(FAMILIES)] and colour logits [B, len(COLOURS)].

        Args:
            clips: [B, 12, 3, H, W] in 0 to 1, the longer side 128 px.
        """
        return self.answer(*self.seen_shapes(clips), seen_colours(clips))

    def seen_shapes(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the peak of each shape feature of clips, [B, 112] each."""
        batch, num_frames = clips.shape[:2]
        # [B, 12, 3, H, W] to [B * 4, 9, H, W]: three successive frames are one picture
        stacked = clips.reshape(-1, 3 * _STACKED_FRAMES, *clips.shape[3:]) * 2 - 1
        shapes = self.shapes(stacked)
        # [B * 4, C, h, w] to [B, 4, C, h, w]
        shapes = torch.unflatten(shapes, 0, (batch, num_frames // _STACKED_FRAMES))
        return shapes.mean((1, 3, 4)), shapes.amax((1, 3, 4))

    def answer(self, means: Tensor, peaks: Tensor, small: Tensor) -> tuple[Tensor, Tensor]:
        """Return both logits from what `seen_shapes` and `seen_colours` returned."""
        batch = len(small)
        colours = torch.unflatten(self.palette(_as_told(small.flatten(0, 1))), 0, (batch, -1))
        features = torch.cat([means, colours.mean((1, 3, 4)), peaks, colours.amax((1, 3, 4))], 1)
        families: Tensor = self.family_head(features)
        return families, self.colour_head(features)

    @torch.inference_mode()
    def read(self, frames: Tensor) -> Reading:
        """Read frames [F, 3, H, W] uint8 that begin with a chunk; F is a multiple of 12.

        Raises:
            ValueError: F is not.
        """
        clips = torch.unflatten(shrink(as_clips(frames).flatten(0, 1)), 0, (-1, CLIP_FRAMES))
        device = next(self.parameters()).device
        readings = [self(part.to(device)) for part in torch.split(clips, _READ_AT_ONCE)]
        families, colours = (torch.cat(logits) for logits in zip(*readings, strict=True))
        return Reading(families.softmax(1), colours.sigmoid())


def as_clips(frames: Tensor) -> Tensor:
    """Return frames [F, 3, H, W] as chunks [F / 12, 12, 3, H, W].

    Raises:
        ValueError: F is no multiple of 12, or 0.
    """
    if not len(frames) or len(frames) % CLIP_FRAMES:
        raise ValueError(f"{len(frames)} frames to read, expected a multiple of {CLIP_FRAMES}")
    return torch.unflatten(frames, 0, (-1, CLIP_FRAMES))


def seen_colours(clips: Tensor) -> Tensor:
    """Return the small pictures [B, 2, 3, h, w] whose colours are counted, of clips 0 to 1."""
    few = clips[:, ::_PALETTE_EVERY]
    small = F.avg_pool2d(few.flatten(0, 1), 4)
    return torch.unflatten(small, 0, few.shape[:2])


def _as_told(pixels: Tensor) -> Tensor:
    """Return [B, 7, h, w]: colours [B, 3, h, w], the same at full brightness, that brightness."""
    brightness = pixels.amax(1, keepdim=True)
    full = pixels / (brightness + _TINY)
    return torch.cat([pixels * 2 - 1, full * 2 - 1, brightness.sqrt()], 1)


def _head(features: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(features), nn.Linear(features, _HIDDEN_DIM), nn.SiLU(),
        nn.Linear(_HIDDEN_DIM, outputs),
    )  # fmt: skip


def shrink(frames: Tensor) -> Tensor:
    """Average frames [F, 3, H, W] uint8 or 0 to 1 to a longer side of at most 128 px, 0 to 1."""
    pixels = frames.float() / 255 if frames.dtype == torch.uint8 else frames.float()
    height, width = pixels.shape[-2:]
    scale = min(1.0, INPUT_PX / max(height, width))
    return F.adaptive_avg_pool2d(pixels, (round(height * scale), round(width * scale)))


def load_classifier(device: torch.device, path: Path = WEIGHTS_PATH) -> PictureClassifier:
    """Load the classifier, in float32.

    Raises:
        WeightsError: the file is missing, truncated, or knows another vocabulary.
    """
    if not path.is_file():
        raise WeightsError(
            f"classifier: {path} is missing; make it with `python -m training.classifier`, or "
            "restore the file from its release"
        )
    classifier = PictureClassifier()
    try:
        weights = {key: value.float() for key, value in load_file(path).items()}
        classifier.load_state_dict(weights)
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"classifier: {path} does not fit {len(FAMILIES)} families and {len(COLOURS)} colours "
            f"({reason}); train it again with `python -m training.classifier`"
        ) from error
    return classifier.requires_grad_(False).eval().to(device)
