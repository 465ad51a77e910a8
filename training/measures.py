"""Numbers that say whether generated video is worth projecting.

All take clips [B, F, 3, H, W] uint8 and answer per clip, or per clip and frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

FrameNumber = Callable[[Tensor], Tensor]
FRAMES_PER_LATENT = 4
FRAMES_PER_CHUNK = 12


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over a batch of clips; first and last are quarters of the clip."""

    motion: float
    contrast_first: float
    contrast_last: float
    saturation_first: float
    saturation_last: float
    sharpness_first: float
    sharpness_last: float
    chunk_seam: float
    latent_seam: float

    def relative_to(self, source: "Measures") -> str:
        """Return one line: everything as a share of the source clips' value."""
        return (
            f"motion {self.motion / source.motion:.2f} "
            f"contrast {self.contrast_first / source.contrast_first:.2f}"
            f">{self.contrast_last / source.contrast_first:.2f} "
            f"saturation {self.saturation_first / source.saturation_first:.2f}"
            f">{self.saturation_last / source.saturation_first:.2f} "
            f"sharpness {self.sharpness_first / source.sharpness_first:.2f}"
            f">{self.sharpness_last / source.sharpness_first:.2f} "
            f"seam chunk/latent {self.chunk_seam / self.latent_seam:.3f} "
            f"latent/inside {self.latent_seam:.3f}"
        )


def frame_differences(clips: Tensor) -> Tensor:
    """Return the mean absolute difference of successive frames, [B, F - 1], in 0 to 1."""
    rows = [
        torch.stack([(b.float() - a.float()).abs().mean() for a, b in pairwise(c)]) for c in clips
    ]
    return torch.stack(rows) / 255


def contrast(clips: Tensor) -> Tensor:
    """Return the spread of brightness inside each frame, [B, F]."""
    return _per_frame(clips, lambda frame: frame.mean(0).std())


def saturation(clips: Tensor) -> Tensor:
    """Return the mean of (largest - smallest channel) of each frame, [B, F]."""
    return _per_frame(clips, lambda frame: (frame.amax(0) - frame.amin(0)).mean())


def sharpness(clips: Tensor) -> Tensor:
    """Return the mean step between neighbouring pixels of each frame, [B, F]."""
    return _per_frame(clips, lambda frame: frame.diff(dim=-1).abs().mean())


def measure(clips: Tensor) -> Measures:
    """Measure a batch of clips of at least two chunks."""
    difference = frame_differences(clips).mean(0)
    step = torch.arange(1, clips.shape[1], device=clips.device)
    at_chunk = step % FRAMES_PER_CHUNK == 0
    at_latent = (step % FRAMES_PER_LATENT == 0) & ~at_chunk
    inside = step % FRAMES_PER_LATENT != 0
    usual = difference[inside].mean()
    quarters = [
        (float(x[:, : x.shape[1] // 4].mean()), float(x[:, -(x.shape[1] // 4) :].mean()))
        for x in (contrast(clips), saturation(clips), sharpness(clips))
    ]
    return Measures(
        float(difference.mean()),
        *quarters[0],
        *quarters[1],
        *quarters[2],
        chunk_seam=float(difference[at_chunk].mean() / usual),
        latent_seam=float(difference[at_latent].mean() / usual),
    )


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Return the correlation of two grey clips [B, F, H, W] over pixels, averaged to [B]."""
    a, b = (x.float() - x.float().mean((2, 3), keepdim=True) for x in (a, b))
    product = (a * b).mean((2, 3))
    return (product / (a.square().mean((2, 3)) * b.square().mean((2, 3)) + 1e-12).sqrt()).mean(1)


def _per_frame(clips: Tensor, number: FrameNumber) -> Tensor:
    rows = [torch.stack([number(frame.float() / 255) for frame in clip]) for clip in clips]
    return torch.stack(rows)
