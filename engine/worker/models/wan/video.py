"""Measurements on input video that decide how much noise a video-to-video chunk starts with."""

from torch import Tensor


def motion_rms(frames: Tensor) -> float:
    """Largest RMS difference between a frame and the one before it.

    Args:
        frames: [B, 3, T, H, W] in [-1, 1].

    Returns:
        The RMS over channels and space, largest over time. Waits for the device.
    """
    steps = frames[:, :, 1:].float() - frames[:, :, :-1].float()
    return steps.square().mean((0, 1, 3, 4)).sqrt().max().item()
