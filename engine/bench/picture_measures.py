"""Numbers that say whether generated video is worth projecting.

PURE. Clips are [F, 3, H, W] uint8 RGB, whole chunks, the first frame first; all answers are 0 to 1
unless they are ratios. `Meter` measures a show chunk by chunk, so that ten minutes need no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

FRAMES_PER_LATENT = 4
FRAMES_PER_CHUNK = 12
MEASURED = ("motion", "contrast", "saturation", "sharpness")

_CELL_PX = 8
_BINS = 4
_OUTSIDE = 0.03  # a map that stays below this all around asks for nothing here
_FEWEST_PIXELS = 64


def frame_differences(frames: Tensor) -> Tensor:
    """Return the mean absolute difference of successive frames, [F - 1]."""
    values = frames.float() / 255
    return values.diff(dim=0).abs().mean((1, 2, 3))


def contrast(frames: Tensor) -> Tensor:
    """Return the spread (standard deviation) of brightness inside each frame, [F]."""
    return (frames.float() / 255).mean(1).std((1, 2), correction=0)


def saturation(frames: Tensor) -> Tensor:
    """Return the mean of (largest - smallest channel) of each frame, [F]."""
    values = frames.float() / 255
    return (values.amax(1) - values.amin(1)).mean((1, 2))


def sharpness(frames: Tensor) -> Tensor:
    """Return the mean step between neighbouring pixels of each frame, [F]."""
    return (frames.float() / 255).diff(dim=-1).abs().mean((1, 2, 3))


@dataclass(frozen=True, slots=True)
class Seams:
    """Sums of frame differences by place, and how many there are; adds up over clips."""

    at_chunk: float
    at_latent: float
    inside: float
    num_chunk: int
    num_latent: int
    num_inside: int

    @property
    def chunk_to_latent(self) -> float:
        """Chunk edges against the other latent edges: 1 means that a chunk is not to be seen."""
        return _ratio(self.at_chunk / self.num_chunk, self.at_latent / self.num_latent)

    @property
    def latent_to_inside(self) -> float:
        """Latent edges (without chunk edges) against the motion inside latent frames."""
        return _ratio(self.at_latent / self.num_latent, self.inside / self.num_inside)

    @property
    def chunk_to_inside(self) -> float:
        """Chunk edges against the motion inside latent frames."""
        return _ratio(self.at_chunk / self.num_chunk, self.inside / self.num_inside)


def all_seams(seams: Sequence[Seams]) -> Seams:
    """Add up the seams of several clips: every edge counts alike."""
    return Seams(
        at_chunk=sum(s.at_chunk for s in seams),
        at_latent=sum(s.at_latent for s in seams),
        inside=sum(s.inside for s in seams),
        num_chunk=sum(s.num_chunk for s in seams),
        num_latent=sum(s.num_latent for s in seams),
        num_inside=sum(s.num_inside for s in seams),
    )


@dataclass(frozen=True, slots=True)
class FrameNumbers:
    """What a clip looks like frame by frame."""

    difference: Tensor  # [F], to the frame before; the first one has none: NaN
    contrast: Tensor  # [F]
    saturation: Tensor  # [F]
    sharpness: Tensor  # [F]
    frames_per_chunk: int = FRAMES_PER_CHUNK

    @property
    def num_chunks(self) -> int:
        """Whole chunks measured."""
        return len(self.contrast) // self.frames_per_chunk

    def means(self, start_chunk: int = 0, stop_chunk: int | None = None) -> dict[str, float]:
        """Return the mean of each of `MEASURED` over chunks `start_chunk` to `stop_chunk`."""
        stop = self.num_chunks if stop_chunk is None else stop_chunk
        rows = slice(start_chunk * self.frames_per_chunk, stop * self.frames_per_chunk)
        columns = (self.difference, self.contrast, self.saturation, self.sharpness)
        return {
            name: float(column[rows].nanmean())
            for name, column in zip(MEASURED, columns, strict=True)
        }

    def seams(self) -> Seams:
        """Return the frame differences at chunk edges, at other latent edges and elsewhere.

        Raises:
            ValueError: the clip is shorter than two chunks, so it has no chunk edge.
        """
        if self.num_chunks < 2:
            raise ValueError(
                f"{len(self.contrast)} frames have no seam, expected two chunks "
                f"({2 * self.frames_per_chunk} frames) or more"
            )
        place = torch.arange(1, len(self.difference))
        steps = self.difference[1:].double()
        chunk = place % self.frames_per_chunk == 0
        latent = (place % FRAMES_PER_LATENT == 0) & ~chunk
        inside = place % FRAMES_PER_LATENT != 0
        return Seams(
            at_chunk=float(steps[chunk].sum()),
            at_latent=float(steps[latent].sum()),
            inside=float(steps[inside].sum()),
            num_chunk=int(chunk.sum()),
            num_latent=int(latent.sum()),
            num_inside=int(inside.sum()),
        )


class Meter:
    """Measures a show as it is played."""

    def __init__(self, frames_per_chunk: int = FRAMES_PER_CHUNK) -> None:
        self._frames_per_chunk = frames_per_chunk
        self._last: Tensor | None = None
        self._rows: list[Tensor] = []

    def push(self, frames: Tensor) -> None:
        """Measure the next frames [n, 3, H, W]; on a GPU nothing waits for the result."""
        before = frames[:1] if self._last is None else self._last
        difference = frame_differences(torch.cat([before, frames]))
        if self._last is None:
            difference[0] = torch.nan
        rows = (difference, contrast(frames), saturation(frames), sharpness(frames))
        self._rows.append(torch.stack(rows, 1))
        self._last = frames[-1:]

    def numbers(self) -> FrameNumbers:
        """Return everything measured so far, on the CPU."""
        difference, light, colour, detail = torch.cat(self._rows).cpu().unbind(1)
        return FrameNumbers(difference, light, colour, detail, self._frames_per_chunk)


def measured(frames: Tensor, frames_per_chunk: int = FRAMES_PER_CHUNK) -> FrameNumbers:
    """Measure one clip [F, 3, H, W]."""
    meter = Meter(frames_per_chunk)
    for part in torch.split(frames, 4 * frames_per_chunk):
        meter.push(part)
    return meter.numbers()


# ---------------------------------------------------------------- over time


@dataclass(frozen=True, slots=True)
class Drift:
    """How one quantity changes over equal periods, as shares of the first period."""

    worst: float  # largest deviation of a period, with its sign
    fitted: float  # the straight line through the periods, its change from first to last


def drift(values: Sequence[float]) -> Drift:
    """Return the drift of at least two period means; a scene that was dead from the start has 0."""
    x = torch.tensor([float(v) for v in values], dtype=torch.float64)
    relative = x / x[0] - 1 if float(x[0]) > 0 else torch.zeros_like(x)
    time = torch.linspace(-0.5, 0.5, len(x), dtype=torch.float64)
    slope = (time * (relative - relative.mean())).sum() / time.square().sum()
    return Drift(float(relative[int(relative.abs().argmax())]), float(slope))


def way(values: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Return how far `values` [N, D] are on the straight way from `start` to `end` [D]: [N].

    0 is at the start, 1 at the end; 0.5 everywhere if the two are the same.
    """
    line = end - start
    length = float(line.square().sum())
    if length == 0:
        return values.new_full((len(values),), 0.5)
    return (values - start) @ line / length


def largest_step_back(shares: Sequence[float]) -> float:
    """Return by how much a way ever falls below where it has already been; 0 is monotone."""
    highest, back = shares[0], 0.0
    for share in shares:
        back = max(back, highest - share)
        highest = max(highest, share)
    return back


def colour_histogram(frames: Tensor) -> Tensor:
    """Return the share of pixels in each of 4 x 4 x 4 colours, over all frames: [64]."""
    levels = (frames.long() * _BINS) // 256
    bins = (levels[:, 0] * _BINS + levels[:, 1]) * _BINS + levels[:, 2]
    counts = torch.bincount(bins.flatten(), minlength=_BINS**3).float()
    return counts / counts.sum()


# ---------------------------------------------------------------- control


def brightness_cells(frames: Tensor) -> Tensor:
    """Return the largest channel averaged over cells of 8 x 8 px, [F, H / 8, W / 8], 0 to 1."""
    return F.avg_pool2d(frames.amax(1).float() / 255, _CELL_PX)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Return the correlation over pixels of two grey clips [..., F, H, W], averaged to [...].

    Frames in which one of the two is a single grey have none and are left out; a clip of nothing
    else gets 0.
    """
    a, b = (x.double() - x.double().mean((-2, -1), keepdim=True) for x in (a, b))
    power = (a.square().mean((-2, -1)) * b.square().mean((-2, -1))).sqrt()
    by_frame = (a * b).mean((-2, -1)) / power
    return torch.where(power > 1e-9, by_frame, torch.nan).nanmean(-1).nan_to_num().float()


@dataclass(frozen=True, slots=True)
class Outside:
    """What lives where a control map asks for nothing."""

    motion: float
    contrast: float


def outside(frames: Tensor, maps: Tensor) -> Outside | None:
    """Measure frames [F, 3, H, W] where maps [F, H, W] are (almost) 0; None if nowhere is.

    Cells that touch a reacting one are left out: the figure's soft edge is no part of the outside.
    Motion counts pixels that are outside in both frames. Contrast is the spread of brightness
    over the outside pixels of a frame.
    """
    reach = F.max_pool2d(maps.unsqueeze(1), 2 * _CELL_PX + 1, 1, _CELL_PX).squeeze(1)
    values, free = frames.float() / 255, reach < _OUTSIDE
    both = free[1:] & free[:-1]
    steps = values.diff(dim=0).abs().mean(1)
    usable = free.flatten(1).sum(1) >= _FEWEST_PIXELS
    if not both.any() or not usable.any():
        return None
    light = values.mean(1)
    spreads = [light[i][free[i]].std(correction=0) for i in usable.nonzero().flatten().tolist()]
    return Outside(float(steps[both].mean()), float(torch.stack(spreads).mean()))


def pairwise_difference(clips: Sequence[Tensor]) -> float:
    """Return the mean absolute difference of clips [F, 3, H, W] at the same frames, all pairs."""
    pairs = [
        (a.float() - b.float()).abs().mean() / 255 for a, b in combinations(clips, 2)
    ]  # fmt: skip
    return float(torch.stack(pairs).mean())


def _ratio(a: float, b: float) -> float:
    """Return a / b; two stills are alike, and a jump out of a still is infinite."""
    if b > 0:
        return a / b
    return 1.0 if a == 0 else float("inf")


# ---------------------------------------------------------------- batches


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

    def relative_to(self, source: Measures) -> str:
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


def measure(clips: Tensor) -> Measures:
    """Measure a batch of clips [B, F, 3, H, W] of at least two chunks each."""
    numbers = [measured(clip) for clip in clips]
    seams = all_seams([clip.seams() for clip in numbers])

    def quarters(name: str) -> tuple[float, float]:
        rows = torch.stack([getattr(clip, name) for clip in numbers])
        quarter = rows.shape[1] // 4
        return float(rows[:, :quarter].mean()), float(rows[:, -quarter:].mean())

    return Measures(
        float(torch.stack([clip.difference for clip in numbers]).nanmean()),
        *quarters("contrast"),
        *quarters("saturation"),
        *quarters("sharpness"),
        chunk_seam=seams.chunk_to_inside,
        latent_seam=seams.latent_to_inside,
    )


FrameNumber = Callable[[Tensor], Tensor]


def by_clip(clips: Tensor, number: FrameNumber) -> Tensor:
    """Apply a measure of one clip to each clip of a batch [B, F, 3, H, W]; stacked."""
    return torch.stack([number(clip) for clip in clips])
