"""PURE. Noise levels of the denoising steps: the sigma table, step lists, and video-to-video rules.

Rectified flow: a latent at noise share sigma is (1 - sigma) * clean + sigma * noise, and the model
predicts the velocity noise - clean. The model is told the timestep, 1000 * sigma. The arithmetic of
`add_noise`, `clean_from_flow` and `flow_from_clean` works on floats, numpy arrays and tensors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

NUM_TRAIN_STEPS = 1000


class Arithmetic(Protocol):
    """Anything that mixes with floats: a float, an array, a tensor."""

    def __add__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...


Array = TypeVar("Array", bound=Arithmetic)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoisingSteps:
    """The steps of one chunk, noisiest first.

    `start_sigma` is the noise share of what the first step gets: 1 for pure noise, less when the
    chunk starts from an encoded video. It may differ from `sigmas[0]` (see `video_steps`).
    """

    timesteps: tuple[float, ...]
    sigmas: tuple[float, ...]
    start_sigma: float = 1.0

    def __post_init__(self) -> None:
        """Refuse empty or uneven lists."""
        if not self.timesteps or len(self.timesteps) != len(self.sigmas):
            raise ValueError(
                f"denoising steps need as many timesteps as sigmas and at least one, "
                f"got {len(self.timesteps)} and {len(self.sigmas)}"
            )

    def __len__(self) -> int:
        return len(self.timesteps)


def steps_from_sigmas(sigmas: Sequence[float]) -> DenoisingSteps:
    """Steps at exact noise shares, each in (0, 1]."""
    timesteps = tuple(NUM_TRAIN_STEPS * sigma for sigma in sigmas)
    return DenoisingSteps(timesteps=timesteps, sigmas=tuple(sigmas), start_sigma=sigmas[0])


@dataclass(frozen=True)
class SigmaTable:
    """Training noise levels after the shift warp, and what is looked up in them.

    Source: flow matching schedule of Self-Forcing, LongLive and KREA (sigma_max 1, sigma_min 0,
    one extra step), float32 like theirs.
    """

    shift: float

    @cached_property
    def sigmas(self) -> NDArray[np.float32]:
        """[1000] float32, falling from 1."""
        even = np.linspace(1, 0, NUM_TRAIN_STEPS + 1, dtype=np.float32)[:-1]
        shift = np.float32(self.shift)
        return (shift * even / (1 + (shift - 1) * even)).astype(np.float32)

    @cached_property
    def timesteps(self) -> NDArray[np.float32]:
        """[1000] float32, 1000 * sigma."""
        return (self.sigmas * np.float32(NUM_TRAIN_STEPS)).astype(np.float32)

    def sigma_at(self, timestep: float) -> float:
        """Sigma of the table's nearest timestep, the first on ties; 0 maps to the last row."""
        nearest = np.argmin(np.abs(self.timesteps - np.float32(timestep)))
        return float(self.sigmas[nearest])

    def warp(self, steps: Sequence[int]) -> tuple[float, ...]:
        """Timesteps of a list in unwarped units, where 1000 is the noisiest and 0 is clean."""
        padded = [*self.timesteps.tolist(), 0.0]
        return tuple(padded[NUM_TRAIN_STEPS - step] for step in steps)

    def steps(self, timesteps: Sequence[float]) -> DenoisingSteps:
        """Steps at these timesteps with their looked-up sigmas, starting from pure noise."""
        sigmas = tuple(self.sigma_at(timestep) for timestep in timesteps)
        return DenoisingSteps(timesteps=tuple(timesteps), sigmas=sigmas)

    def strength_timesteps(self, strength: float, count: int) -> tuple[float, ...]:
        """`count` timesteps evenly spaced in unwarped units from `strength` (0..1] down to 0.

        Source: KREA Realtime 14B, which builds its list by this rule.
        """
        return self.warp([int(step) for step in _even_steps(1000 * strength, count)])

    def strength_steps(self, strength: float, count: int) -> DenoisingSteps:
        """Steps of `strength_timesteps`; below strength 1 they start from a noisy video latent."""
        steps = self.steps(self.strength_timesteps(strength, count))
        start = steps.timesteps[0] / NUM_TRAIN_STEPS
        return DenoisingSteps(timesteps=steps.timesteps, sigmas=steps.sigmas, start_sigma=start)

    def video_steps(self, timesteps: Sequence[float], noise_share: float) -> DenoisingSteps:
        """Steps for a chunk that starts from a video latent mixed with `noise_share` noise.

        The first step is told less noise than there is, which keeps more of the video; the rest of
        the list follows.  Source: StreamDiffusionV2, Scope.
        """
        steps = self.steps((float(first_video_timestep(noise_share)), *timesteps[1:]))
        return DenoisingSteps(
            timesteps=steps.timesteps, sigmas=steps.sigmas, start_sigma=noise_share
        )


def _even_steps(start: float, count: int) -> list[np.float32]:
    """`count` float32 values from `start` to 0, rounded exactly as torch.linspace rounds them."""
    first = np.float32(start)
    if count == 1:
        return [first]
    step = -first / np.float32(count - 1)
    near_start = [first + step * np.float32(i) for i in range(count // 2)]
    near_end = [-step * np.float32(count - 1 - i) for i in range(count // 2, count)]
    return near_start + near_end


def first_video_timestep(noise_share: float) -> int:
    """Timestep told to the model for a video latent with this noise share, never below 0.

    Source: StreamDiffusionV2 (100 below the true level).
    """
    return max(int(NUM_TRAIN_STEPS * noise_share) - 100, 0)


def motion_share(motion_rms: float) -> float:
    """Motion on a scale of 0 to 1 from the largest RMS difference of frames in [-1, 1].

    Source: StreamDiffusionV2 (0.2 counts as full motion).
    """
    return min(max(motion_rms / 0.2, 0.0), 1.0)


def noise_share_scope(motion: float, previous: float) -> float:
    """Noise share for the next video chunk: less noise when more moves.  Source: Scope."""
    return 0.9 * (0.8 - 0.2 * motion) + 0.1 * previous


def noise_share_streamdiffusion(motion: float, previous: float, initial: float) -> float:
    """Noise share for the next video chunk, near `initial`.  Source: StreamDiffusionV2."""
    return 0.9 * (initial - 0.1 * motion) + 0.1 * previous


def resample_indices(available: int, wanted: int) -> tuple[int, ...]:
    """Indices of `wanted` frames spread over `available` ones when more or fewer arrived.

    Source: Scope (linspace, rounded half to even).
    """
    if available < 1 or wanted < 1:
        raise ValueError(f"cannot take {wanted} frames of {available}")
    if wanted == 1:
        return (0,)
    spacing = (available - 1) / (wanted - 1)
    return tuple(min(round(index * spacing), available - 1) for index in range(wanted))


def add_noise(clean: Array, noise: Array, sigma: float) -> Array:
    """Mix `clean` with `noise` at noise share sigma."""
    mixed: Array = (1 - sigma) * clean + sigma * noise
    return mixed


def clean_from_flow(noisy: Array, flow: Array, sigma: float) -> Array:
    """Clean latent that the predicted velocity points to."""
    clean: Array = noisy - sigma * flow
    return clean


def flow_from_clean(noisy: Array, clean: Array, sigma: float) -> Array:
    """Velocity that leads from `clean` to `noisy` at noise share sigma, which is not 0."""
    if math.isclose(sigma, 0.0, abs_tol=1e-12):
        raise ValueError("flow at sigma 0 is undefined: use the smallest sigma of the table")
    flow: Array = (noisy - clean) / sigma
    return flow
