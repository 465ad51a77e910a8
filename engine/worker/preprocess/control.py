"""Control maps as the house model takes them: channels beside the latents.

In:     maps [F, h, w] uint8, one per frame, at latent size.
Out:    channels [1, T, 5, h, w]: the four maps of each latent frame's frames, then the flag that
        says control is meant.
Thread: generator.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def control_channels(
    maps: npt.NDArray[np.uint8], amount: float, frames_per_latent: int, device: torch.device
) -> Tensor:
    """Return maps as control channels.

    Args:
        maps: [F, h, w]; F a multiple of `frames_per_latent`.
        amount: 0..1, scales maps and flag alike: half of it is half way to no control at all.
        frames_per_latent: frames that one latent frame stands for.
        device: of the result.

    Returns:
        [1, F / frames_per_latent, frames_per_latent + 1, h, w] float32.

    Raises:
        ValueError: the number of maps does not divide.
    """
    num_frames, height, width = maps.shape
    if num_frames % frames_per_latent:
        raise ValueError(f"{num_frames} control maps do not divide by {frames_per_latent}")
    grey = torch.from_numpy(maps).to(device).float().div_(255).mul_(amount)
    per_latent = grey.reshape(1, -1, frames_per_latent, height, width)
    flag = torch.full_like(per_latent[:, :, :1], amount)
    return torch.cat([per_latent, flag], 2)
