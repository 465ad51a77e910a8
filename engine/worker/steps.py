"""PURE. Denoising steps of one chunk: any number of them, from noise or from a video.

A model says the steps it was made for. Other numbers of steps are taken from the same curve: its
noise shares stand at even places from 1 (start) to 0 (clean), straight lines between them. A video
start enters the curve where its noise share is reached and spaces its steps evenly from there.
"""

from __future__ import annotations

import numpy as np

from engine.worker.schedule import DenoisingSteps, steps_from_sigmas

_LEAST_VIDEO_NOISE = 0.15
"""Noise share at full amount: what is left for the model to redraw."""


def chunk_steps(own: DenoisingSteps, count: int, input_amount: float = 0.0) -> DenoisingSteps:
    """Return `count` denoising steps.

    Args:
        own: the steps that the model was made for, from pure noise.
        count: steps wanted, at least 1.
        input_amount: 0 starts from noise; up to 1, how much of the video latents stays.

    Raises:
        ValueError: no steps, or an amount outside 0..1.
    """
    if count < 1 or not 0 <= input_amount <= 1:
        raise ValueError(f"{count} steps from input amount {input_amount}: at least 1, and 0..1")
    if input_amount == 0 and count == len(own):
        return own
    places = np.linspace(1.0, 0.0, len(own) + 1)
    shares = np.array([*own.sigmas, 0.0])
    start = float(np.interp(start_sigma(input_amount), shares[::-1], places[::-1]))
    wanted = start * (1 - np.arange(count) / count)
    return steps_from_sigmas([float(s) for s in np.interp(wanted, places[::-1], shares[::-1])])


def start_sigma(input_amount: float) -> float:
    """Return the noise share that video latents are mixed with at this amount."""
    return 1.0 - (1.0 - _LEAST_VIDEO_NOISE) * input_amount
