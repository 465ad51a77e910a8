"""Dead leaves: drifting, occluding, shaded shapes whose statistics resemble filmed pictures.

Only the codec learns from them, so that a camera also survives it.
Source: Lee, Mumford, Huang, "Occlusion models for natural images" (2001), for the model.
"""

import torch
from torch import Tensor

from engine.visuals.canvas import Canvas
from engine.visuals.fields import hash_unit, rotate, smoothstep, swirl_noise

_NUM_LEAVES = 28


@torch.no_grad()
def draw_leaves(
    batch_size: int, num_frames: int, canvas: Canvas, generator: torch.Generator
) -> Tensor:
    """Draw clips [B, F, 3, H, W] in 0 to 1 on the device of `generator`."""
    device = generator.device
    u, v = canvas.axes(device)
    seconds = torch.arange(num_frames, device=device).view(1, -1, 1, 1) / 16.0
    draws = torch.rand(batch_size, _NUM_LEAVES, 12, generator=generator, device=device)
    frames = draws[:, 0, :3].view(-1, 1, 3, 1, 1).expand(-1, num_frames, 3, 1, 1).clone()
    frames = frames.expand(-1, -1, -1, v.shape[2], u.shape[3])
    for leaf in range(_NUM_LEAVES):
        p = draws[:, leaf].view(batch_size, 12, 1, 1, 1).unbind(1)
        # Sizes fall off as 1 / size**3, the law that makes the model scale-free.
        size = 0.09 / torch.sqrt(0.012 + 0.988 * p[0]) * (1.6 - leaf / _NUM_LEAVES)
        x = u - 2.4 * (p[1] - 0.5) - seconds * (p[2] - 0.5)
        y = v - 2.4 * (p[3] - 0.5) - seconds * (p[4] - 0.5)
        x, y = rotate(x, y, p[5] * 6 + seconds * (p[6] - 0.5))
        stretch = 0.6 + 0.8 * p[7]
        square = torch.maximum((x * stretch).abs(), y.abs())
        disc = torch.sqrt((x * stretch) ** 2 + y**2 + 1e-6)
        shape = torch.where(p[8] > 0.5, square, disc)
        cover = smoothstep(0.0, -0.012, shape - size)
        texture = swirl_noise(x / size, y / size, seconds, (p[9], p[10])) - 0.5
        grain = hash_unit((x * 60).floor(), (y * 60).floor(), float(leaf)) - 0.5
        shading = (0.75 + 0.5 * texture + 0.12 * grain + 0.25 * y / size).clamp(0.1, 1.4)
        colour = torch.stack([p[11], torch.frac(p[11] * 7.1), torch.frac(p[11] * 13.7)], 2)
        grey = colour.mean(2, keepdim=True)
        muted = grey + (colour - grey) * (0.25 + 0.75 * p[9].unsqueeze(2))
        frames = frames.lerp((muted * shading.unsqueeze(2)).clamp(0, 1), cover.unsqueeze(2))
    return frames
