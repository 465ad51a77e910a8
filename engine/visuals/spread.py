"""How a new look spreads over the old one: in drifting patches whose area is the blend."""

from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.visuals.canvas import Canvas

_STRIDE = 4
_SOFTNESS = 0.12
"""Share of the ranks that is between both looks: the width of the patches' soft rims."""


def spread_ranks(pattern: Tensor, seconds: Tensor, canvas: Canvas) -> Tensor:
    """Return when each pixel turns: its rank among the pixels of its frame, 0 first to 1 last.

    Args:
        pattern: random [B, 3] in 0 to 1.
        seconds: [F]; the pattern drifts with them.
        canvas: which window.

    Returns:
        [B, F, H, W]; its values are spread evenly over 0 to 1, so the share of the pixels below b
        is about b whatever the pattern looks like.
    """
    u, v = replace(canvas, stride=_STRIDE).axes(pattern.device)
    s = 0.35 * seconds.view(1, -1, 1, 1)
    a, b, c = (pattern * 6).view(-1, 3, 1, 1, 1).unbind(1)
    waves = torch.sin(u * 3 + a + s + 1.3 * torch.sin(v * 4 + b - s)) * torch.cos(v * 2.5 - u + c)
    ripple = 0.25 * torch.sin(u * 7 - v * 5 + c + 2 * s + 1.5 * torch.sin(v * 3 + a))
    flat = (waves + ripple).flatten(2)
    ranks = (flat.argsort(-1).argsort(-1) + 0.5) / flat.shape[-1]
    size = (len(range(0, canvas.height, canvas.stride)), len(range(0, canvas.width, canvas.stride)))
    return F.interpolate(ranks.view_as(waves), size=size, mode="bilinear")


def spread_share(ranks: Tensor, progress: Tensor) -> Tensor:
    """Return the share of the new look per pixel, in the mean over each frame about `progress`.

    A plain cross-fade would teach grey in-between pictures; patches mix as liquids do.

    Args:
        ranks: [B, F, H, W] from `spread_ranks`.
        progress: [B, F] in 0 to 1; at 0 nothing is new, at 1 everything.
    """
    front = progress.view(*progress.shape, 1, 1) * (1 + _SOFTNESS)
    return ((front - ranks) / _SOFTNESS).clamp(0, 1)
