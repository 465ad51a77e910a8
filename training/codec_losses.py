"""What the codec is asked for: right pixels, right colours, right edges, right motion."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

_FRAMES_PER_LATENT = 4
_ENERGY_PX = 8
_STILL = 2e-3  # mean frame difference below which a clip counts as standing still


@dataclass(frozen=True, slots=True)
class CodecLoss:
    """The sum to minimise, and the parts worth printing."""

    total: Tensor
    l1: Tensor
    temporal: Tensor
    mse: Tensor


def codec_loss(
    decoded: Tensor, decoded_half: Tensor, frames: Tensor, latents: Tensor, temporal_weight: float
) -> CodecLoss:
    """Compare a reconstruction with its source.

    Args:
        decoded: [B, T, 3, H, W].
        decoded_half: the decode of half-size latents, [B, T, 3, H/2, W/2]: it keeps the codec
            working at other picture sizes.
        frames: the source of `decoded`, in 0 to 1.
        latents: [B, F, C, h, w] before noise.
        temporal_weight: weight of the frame-difference term; it lowers the seam between latents.
    """
    l1 = (decoded - frames).abs().mean()
    chroma = (_chroma(decoded) - _chroma(frames)).abs().mean()
    edges = _gradient_loss(decoded.flatten(0, 1), frames.flatten(0, 1))
    temporal = _temporal_loss(decoded, frames)
    half = (decoded_half.flatten(0, 1) - F.avg_pool2d(frames.flatten(0, 1), 2)).abs().mean()
    energy = _energy_loss(decoded, frames)
    spread = (latents.std((0, 1, 3, 4)) - 1).square().mean()
    centre = latents.mean((0, 1, 3, 4)).square().mean()
    total = l1 + 0.5 * chroma + 0.5 * edges + temporal_weight * temporal + 0.25 * half
    total = total + 1.5 * energy
    total = total + 0.02 * (spread + centre)
    return CodecLoss(total, l1, temporal, (decoded - frames).square().mean())


@dataclass(frozen=True, slots=True)
class DecoderLoss:
    """The sum to minimise when the decoder alone is trained, and the parts worth printing."""

    total: Tensor
    l1: Tensor
    edge: Tensor
    saturation: Tensor


def decoder_loss(decoded: Tensor, frames: Tensor) -> DecoderLoss:
    """Compare decoded clips with their sources, both [B, T, 3, H, W]."""
    l1 = (decoded - frames).abs().mean()
    chroma = (_chroma(decoded) - _chroma(frames)).abs().mean()
    edges = _gradient_loss(decoded.flatten(0, 1), frames.flatten(0, 1))
    temporal = _temporal_loss(decoded, frames)
    energy = _energy_loss(decoded, frames)
    edge = _latent_edge_loss(decoded, frames)
    saturation = _saturation_loss(decoded, frames)
    total = l1 + 0.5 * chroma + 0.5 * edges + temporal + 1.5 * energy
    total = total + 0.25 * edge + saturation + 0.05 * _detail_loss(decoded, frames)
    return DecoderLoss(total, l1, edge, saturation)


def _latent_edge_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """By which share the motion at latent edges misses the source's, seen from that inside.

    A clip asks for as much motion at its edges as its own motion inside and the source's ratio of
    the two give. The term by pixel (`_temporal_loss`) cannot ask for that: two latents that err
    independently step at their edge, and blurring both is its cheapest answer.
    """
    steps = [x.diff(dim=1).abs().mean((2, 3, 4)) for x in (decoded, frames)]
    at_edge = torch.arange(1, decoded.shape[1], device=decoded.device) % _FRAMES_PER_LATENT == 0
    (edge, inside), (edge_there, inside_there) = (
        (step[:, at_edge].mean(1), step[:, ~at_edge].mean(1)) for step in steps
    )
    wanted = (inside + _STILL) * (edge_there + _STILL) / (inside_there + _STILL) - _STILL
    return ((edge - wanted).abs() / (inside_there + _STILL)).mean()


def _detail_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """By which share the sharpness of a clip misses its source's.

    The other terms pay for blur only where the codec knows what it blurs. Much more than a
    twentieth of this would be paid in grain.
    """
    one, other = (x.diff(dim=-1).abs().mean((1, 2, 3, 4)) for x in (decoded, frames))
    return ((one - other).abs() / (other + _STILL)).mean()


def _saturation_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """Error of the saturation (largest less smallest channel) per 8x8 px: blur pales patterns."""
    one, other = (
        F.avg_pool2d((x.amax(2) - x.amin(2)).flatten(0, 1).unsqueeze(1), _ENERGY_PX)
        for x in (decoded, frames)
    )
    return (one - other).abs().mean()


def _chroma(frames: Tensor) -> Tensor:
    return frames - frames.mean(2, keepdim=True)


def _temporal_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """Frame-difference error, counted double where one latent frame hands over to the next."""
    error = (decoded.diff(dim=1) - frames.diff(dim=1)).abs().mean((0, 2, 3, 4))
    step = torch.arange(1, decoded.shape[1], device=decoded.device)
    weight = 1.0 + (step % _FRAMES_PER_LATENT == 0).float()
    return (error * weight).sum() / weight.sum()


def _energy_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """Error of how much motion and detail there is per 8x8 px.

    An unsure codec blurs, which every other term rewards: the result moves too little inside a
    latent frame, so that its edges stand out, and fine patterns fade.
    """
    total = torch.zeros((), device=decoded.device)
    for axis in (1, -1, -2):
        amounts = [
            F.avg_pool2d(x.diff(dim=axis).abs().flatten(0, 1), _ENERGY_PX)
            for x in (decoded, frames)
        ]
        total = total + (amounts[0] - amounts[1]).abs().mean()
    return total / 3


def _gradient_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """Mean error of horizontal and vertical differences at three scales; [N, 3, H, W]."""
    total = torch.zeros((), device=decoded.device)
    for scale in range(3):
        if scale:
            decoded, frames = F.avg_pool2d(decoded, 2), F.avg_pool2d(frames, 2)
        for axis in (-1, -2):
            total = total + (decoded.diff(dim=axis) - frames.diff(dim=axis)).abs().mean()
    return total / 3
