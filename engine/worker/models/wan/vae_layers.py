"""Layers of the Wan 2.1 autoencoder, and the frames that they remember.

Every layer takes and returns [B, C, T, H, W]. Convolutions over time look back only. What they
looked back at is handed from call to call in a `History`, so the layers themselves hold weights
and nothing else.   Source: Wan 2.1 (arXiv 2503.20314), key names of Wan2.1_VAE.pth.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.fused import wants_plain
from engine.worker.kernels.has_triton import has_triton
from engine.worker.models.wan.codec import CodecState

_MIN_NORM = 1e-12
_KERNEL_PAST = 2
"""Frames before its own that a kernel of 3 over time sees."""


class History:
    """Frames before these, slot by slot in the order in which the layers run."""

    def __init__(self, state: CodecState | None) -> None:
        self.is_start = state is None
        self._before = iter(state or ())
        self._after: list[Tensor] = []

    def before(self, x: Tensor, count: int) -> Tensor:
        """Return this slot's `count` frames before x [B, C, T, H, W]; zeros at the start."""
        if self.is_start:
            # Like x in memory too: an expanded frame would make `cat` leave that layout.
            return torch.cat([torch.zeros_like(x[:, :, :1])] * count, 2)
        return next(self._before)

    def keep(self, frames: Tensor) -> None:
        """Remember frames [B, C, count, H, W] for this slot's next call."""
        # A view would keep everything alive that it was cut from.
        self._after.append(frames.clone())

    def state(self) -> CodecState:
        """Return what all slots remember, for the next call."""
        return tuple(self._after)


def causal_conv(conv: nn.Conv3d, x: Tensor, history: History) -> Tensor:
    """Convolve frames with a kernel of 3 over time that sees the two frames before each."""
    if history.is_start and x.shape[2] == 1:
        return _only_frame(conv, x, history)
    frames = torch.cat([history.before(x, _KERNEL_PAST), x], 2)
    history.keep(frames[:, :, -_KERNEL_PAST:])
    result: Tensor = conv(frames)
    return result


def _only_frame(conv: nn.Conv3d, x: Tensor, history: History) -> Tensor:
    """Convolve the one frame [B, C, 1, H, W] of a stream: before it there is nothing but zeros.

    A third of the products: one frame of 448x448 encoded alone takes 6.9 ms with the zeros (H100).
    """
    history.keep(torch.cat([torch.zeros_like(x), x], 2))
    weight = conv.weight[:, :, -1]
    layout = torch.channels_last if _is_channels_last(conv.weight) else torch.contiguous_format
    padding = conv.padding[1:]
    assert not isinstance(padding, str)
    frame = x[:, :, 0].contiguous(memory_format=layout)
    made = F.conv2d(frame, weight.contiguous(memory_format=layout), conv.bias, 1, padding)
    return made.unsqueeze(2)


def _is_channels_last(weight: Tensor) -> bool:
    return weight.is_contiguous(memory_format=torch.channels_last_3d)


def conv_in_space_and_time(width_in: int, width_out: int) -> nn.Conv3d:
    """Return a 3x3x3 convolution for `causal_conv`: padded in space only."""
    return nn.Conv3d(width_in, width_out, 3, padding=(0, 1, 1))


class RMSNorm(nn.Module):
    """Scale every position to unit RMS over channels, then by a weight per channel."""

    def __init__(self, width: int, num_other_axes: int = 3) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width, *(1,) * num_other_axes))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, ...] to the same shape and type."""
        # Squares of half-precision values overflow: the norm is summed in float32.
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=_at_least_float32(x.dtype))
        scale: Tensor = math.sqrt(x.shape[1]) / norm.clamp_min(_MIN_NORM)
        # 1 / _MIN_NORM is beyond float16, and infinity times a zero would be no number.
        return x * scale.clamp_max(torch.finfo(x.dtype).max).to(x.dtype) * self.gamma


def _at_least_float32(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)


def norm_silu(norm: RMSNorm, x: Tensor) -> Tensor:
    """Return SiLU of the normed x [B, C, T, H, W], in one kernel where there is one."""
    is_half = x.dtype in (torch.bfloat16, torch.float16)
    is_channels_last = x.is_contiguous(memory_format=torch.channels_last_3d)
    if not (x.is_cuda and is_half and is_channels_last and has_triton()) or wants_plain():
        return norm_silu_reference(norm, x)
    from engine.worker.kernels import triton_vae

    # Channels last in memory: [B, T, H, W, C] is contiguous, one row a pixel.
    rows = x.permute(0, 2, 3, 4, 1)
    done = triton_vae.norm_silu(rows.reshape(-1, x.shape[1]), norm.gamma.flatten(), _MIN_NORM)
    return done.view(rows.shape).permute(0, 4, 1, 2, 3)


def norm_silu_reference(norm: RMSNorm, x: Tensor) -> Tensor:
    """Plain twin of `norm_silu`."""
    return F.silu(norm(x))


class ResidualBlock(nn.Module):
    """Two causal convolutions beside a shortcut."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        # Numbered as published: 1, 4 are the activations and 5 a dropout that is never on.
        self.residual = nn.ModuleDict(
            {
                "0": RMSNorm(width_in),
                "2": conv_in_space_and_time(width_in, width_out),
                "3": RMSNorm(width_out),
                "6": conv_in_space_and_time(width_out, width_out),
            }
        )
        is_same = width_in == width_out
        self.shortcut = nn.Identity() if is_same else nn.Conv3d(width_in, width_out, 1)

    def forward(self, x: Tensor, history: History) -> Tensor:
        """Map [B, C, T, H, W] to [B, C', T, H, W]."""
        update = x
        for norm, conv in (("0", "2"), ("3", "6")):
            update = norm_silu(_norm(self.residual[norm]), update)
            update = causal_conv(_conv3d(self.residual[conv]), update, history)
        shortcut: Tensor = self.shortcut(x)
        return shortcut + update


def _norm(module: nn.Module) -> RMSNorm:
    assert isinstance(module, RMSNorm)
    return module


def _conv3d(module: nn.Module) -> nn.Conv3d:
    assert isinstance(module, nn.Conv3d)
    return module


class SpatialAttention(nn.Module):
    """Every position of a frame attends to all positions of that frame, with one head."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = RMSNorm(width, 2)
        self.to_qkv = nn.Conv2d(width, 3 * width, 1)
        self.proj = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, _: History) -> Tensor:
        """Map [B, C, T, H, W] to the same shape."""
        frames = side_by_side(x)
        height, width = frames.shape[2:]
        # [B*T, 3C, H, W] -> three of [B*T, 1, H*W, C]
        tokens = self.to_qkv(self.norm(frames)).flatten(2).transpose(1, 2).unsqueeze(1)
        mixed = F.scaled_dot_product_attention(*tokens.chunk(3, -1))
        rows = torch.unflatten(mixed.squeeze(1).transpose(1, 2), 2, (height, width))
        return x + in_time(self.proj(rows), x.shape[0])


class Downsample(nn.Module):
    """Halve height and width, and time if asked; the first frame of a stream stays one frame."""

    def __init__(self, width: int, *, halves_time: bool) -> None:
        super().__init__()
        self.resample = nn.ModuleDict({"1": nn.Conv2d(width, width, 3, stride=2)})
        self.time_conv = (
            nn.Conv3d(width, width, (3, 1, 1), stride=(2, 1, 1)) if halves_time else None
        )

    def forward(self, x: Tensor, history: History) -> Tensor:
        """Map [B, C, T, H, W] to [B, C, T', H/2, W/2]; T' = T/2, or (T+1)/2 at the start."""
        padded = F.pad(side_by_side(x), (0, 1, 0, 1))
        x = in_time(self.resample["1"](padded), x.shape[0])
        return x if self.time_conv is None else self._halve_time(self.time_conv, x, history)

    def _halve_time(self, conv: nn.Conv3d, x: Tensor, history: History) -> Tensor:
        frames = x if history.is_start else torch.cat([history.before(x, 1), x], 2)
        history.keep(frames[:, :, -1:])
        if not history.is_start:
            return _called(conv, frames)
        if frames.shape[2] == 1:
            return frames
        return torch.cat([frames[:, :, :1], _called(conv, frames)], 2)


class Upsample(nn.Module):
    """Double height and width at half the channels, and time if asked.

    The first frame of a stream stays one frame, and is nothing that later frames look back at.
    """

    def __init__(self, width: int, *, doubles_time: bool) -> None:
        super().__init__()
        self.resample = nn.ModuleDict({"1": nn.Conv2d(width, width // 2, 3, padding=1)})
        self.time_conv = nn.Conv3d(width, 2 * width, (3, 1, 1)) if doubles_time else None

    def forward(self, x: Tensor, history: History) -> Tensor:
        """Map [B, C, T, H, W] to [B, C/2, T', 2H, 2W]; T' = 2T, or 2T - 1 at the start."""
        if self.time_conv is not None:
            x = self._double_time(self.time_conv, x, history)
        doubled = F.interpolate(side_by_side(x), scale_factor=2.0)
        return in_time(self.resample["1"](doubled), x.shape[0])

    def _double_time(self, conv: nn.Conv3d, x: Tensor, history: History) -> Tensor:
        if not history.is_start:
            return _pairs_in_time(causal_conv(conv, x, history))
        first, later = x[:, :, :1], x[:, :, 1:]
        if later.shape[2] == 0:
            history.keep(history.before(first, _KERNEL_PAST))
            return first
        return torch.cat([first, _pairs_in_time(causal_conv(conv, later, history))], 2)


def _called(conv: nn.Conv3d, x: Tensor) -> Tensor:
    result: Tensor = conv(x)
    return result


def _pairs_in_time(x: Tensor) -> Tensor:
    """Split [B, 2C, T, H, W] into [B, C, 2T, H, W]; first channels are the earlier frame."""
    # Channels go last in memory, because a plain reshape would fall out of that layout.
    pairs = torch.unflatten(x.permute(0, 2, 3, 4, 1), 4, (2, -1))
    return pairs.permute(0, 1, 4, 2, 3, 5).flatten(1, 2).permute(0, 4, 1, 2, 3)


def side_by_side(x: Tensor) -> Tensor:
    """Lay the frames of [B, C, T, H, W] along the batch: [B*T, C, H, W]."""
    return x.transpose(1, 2).flatten(0, 1)


def in_time(x: Tensor, batch: int) -> Tensor:
    """Undo `side_by_side`: [B*T, C, H, W] to [B, C, T, H, W]."""
    return torch.unflatten(x, 0, (batch, -1)).transpose(1, 2)
