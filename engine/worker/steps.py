"""PURE. Denoising steps of one chunk: any number of them, from noise or from a video.

A model says the steps it was made for. Other numbers of steps are taken from the same curve: its
noise shares, with the shift of its schedule undone, stand at even places from 1 (start) to 0
(clean), straight lines between them. A video start enters the curve where its noise share is
reached and spaces its steps evenly from there.

Two rules for a video start are published, and a model's row says which is its own:

    ends_clean    KREA: the last step cleans up at timestep 0; the first is told what noise there is
    tells_less    StreamDiffusionV2, Scope: the first step is told timestep 1000 * share - 100, less
                  than there is, which keeps more of the video; the steps after it stay as they are
"""

from __future__ import annotations

import numpy as np

from engine.worker.schedule import DenoisingSteps, SigmaTable, steps_from_sigmas

_LEAST_VIDEO_NOISE = 0.15
"""Noise share at full amount: what is left for the model to redraw."""


def chunk_steps(
    own: DenoisingSteps,
    count: int,
    noise_share: float = 1.0,
    *,
    shift: float = 1.0,
    ends_clean: bool = False,
    tells_less: bool = False,
) -> DenoisingSteps:
    """Return `count` denoising steps.

    Args:
        own: the steps that the model was made for, from pure noise.
        count: steps wanted; 0 is as many as its own.
        noise_share: 1 starts from noise; less, what video latents are mixed with.
        shift: of the model's schedule; 1 is none.
        ends_clean: its last step is told timestep 0.
        tells_less: its first step on a video is told less noise than there is.

    Raises:
        ValueError: fewer steps than none, or a share outside 0..1.
    """
    if count < 0 or not 0 < noise_share <= 1:
        raise ValueError(f"{count} steps from noise share {noise_share}: at least 0, and 0..1")
    count = count or len(own)
    if noise_share == 1 and count == len(own):
        return own
    start = unshifted(noise_share, shift)
    if ends_clean:
        return SigmaTable(shift).strength_steps(start, count)
    places = np.linspace(1.0, 0.0, len(own) + 1)
    shares = np.array([*(unshifted(sigma, shift) for sigma in own.sigmas), 0.0])
    entry = float(np.interp(start, shares[::-1], places[::-1]))
    wanted = entry * (1 - np.arange(count) / count)
    shares_wanted = np.interp(wanted, places[::-1], shares[::-1])
    steps = steps_from_sigmas([shifted(float(share), shift) for share in shares_wanted])
    if not tells_less or noise_share == 1:
        return steps
    return SigmaTable(shift).video_steps(steps.timesteps, noise_share)


def start_sigma(input_amount: float) -> float:
    """Return the noise share that video latents are mixed with at this amount."""
    return 1.0 - (1.0 - _LEAST_VIDEO_NOISE) * input_amount


def shifted(share: float, shift: float) -> float:
    """Warp an even noise share by the shift of a schedule.  Source: flow matching of Wan 2.1."""
    return shift * share / (1 + (shift - 1) * share)


def unshifted(sigma: float, shift: float) -> float:
    """Undo `shifted`."""
    return sigma / (shift - (shift - 1) * sigma)
