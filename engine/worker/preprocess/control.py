"""Control as the models take it: channels beside the latents, or pictures to be encoded.

In:     maps [F, h, w] uint8, one per frame, at latent size; or pictures [F, H, W, 1 or 3] uint8.
Out:    for the house model channels [1, T, 5, h, w]: the four maps of each latent frame's frames,
        then the flag that says control is meant. For VACE pictures [1, F, 3, H, W] in [0, 1].
Thread: generator.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
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


def control_pictures(
    control: npt.NDArray[np.uint8], size_px: tuple[int, int], device: torch.device
) -> Tensor:
    """Return maps or pictures as RGB frames to be encoded; grey ones have three equal channels.

    Args:
        control: maps [F, h, w], or pictures [F, H, W, C] with C of 1 or 3.
        size_px: height and width of the frames; maps are enlarged to it.
        device: of the result.

    Returns:
        [1, F, 3, H, W] float32 in [0, 1].
    """
    whole = control[..., None] if control.ndim == 3 else control
    pixels = torch.from_numpy(whole).to(device).movedim(-1, 1).float().div_(255)
    if pixels.shape[2:] != size_px:
        pixels = F.interpolate(pixels, size=size_px, mode="bilinear", align_corners=False)
    return pixels.expand(-1, 3, -1, -1)[None]
