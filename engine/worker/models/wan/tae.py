"""Tiny streaming autoencoder: frames to latents and back, exactly equal in any chunking.

In:     frames [B, T, 3, H, W] in [0, 1], T a multiple of `frames_per_latent`; or latents
        [B, F, C, h, w] about unit variance.
Out:    latents [B, T / frames_per_latent, C, h, w]; or frames [B, F * frames_per_latent, 3, H, W]
        in [0, 1], less `frames_to_trim` at the start of a stream.
Thread: any. Holds weights only; the streams of `codec_stream` own the state.
Source: TAEHV (madebyollin), key names and topology of taew2_1.

Convolutions see one frame each; the only memory is, per MemBlock, its input at the frame before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.fused import (
    can_fuse_convolutions,
    conv_add_relu_inplace,
    conv_past_relu,
    conv_relu,
)
from engine.worker.models.wan.codec import CodecState
from engine.worker.models.wan.grown_conv import grown_conv

TAEState = CodecState
"""Last input frame of every MemBlock in order, each [B, C, H, W]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TAEPath:
    """Stages of the encoder or decoder in data order, and the transitions between them.

    `widths` and `memblocks` have one entry per stage; `space` and `time` one per transition, true
    where that transition halves (encoder) or doubles (decoder) the axis.
    """

    widths: tuple[int, ...]
    memblocks: tuple[int, ...]
    space: tuple[bool, ...]
    time: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Refuse lists that do not fit together."""
        stages = len(self.widths)
        if (len(self.memblocks), len(self.space), len(self.time)) != (
            stages,
            stages - 1,
            stages - 1,
        ):
            raise ValueError(
                f"codec path with {stages} widths needs as many memblock counts and "
                f"{stages - 1} space and time flags, got {len(self.memblocks)}, "
                f"{len(self.space)} and {len(self.time)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TAEConfig:
    """Topology of the autoencoder and the conventions of its inputs.

    `patch_size` 2 shuffles 2x2 pixels into channels before the first and after the last layer.
    `pixel_range` is what the network sees for pixels 0 and 1. `colour_shortcut` adds a linear path
    for mean colour around the network; `latent_stats` keeps mean and std buffers with the weights.
    """

    encoder: TAEPath
    decoder: TAEPath
    latent_channels: int = 16
    patch_size: int = 1
    frames_to_trim: int = 0
    pixel_range: tuple[float, float] = (0.0, 1.0)
    colour_shortcut: bool = False
    latent_stats: bool = False

    def __post_init__(self) -> None:
        """Refuse paths that change space or time differently."""
        for axis in ("space", "time"):
            down = sum(getattr(self.encoder, axis))
            up = sum(getattr(self.decoder, axis))
            if down != up:
                raise ValueError(f"codec halves {axis} {down} times but doubles it {up} times")

    @property
    def frames_per_latent(self) -> int:
        """Frames that one latent frame stands for."""
        return 1 << sum(self.decoder.time)

    @property
    def frames_of_first_latent(self) -> int:
        """Frames that the first latent frame of a stream is encoded from."""
        return self.frames_per_latent

    @property
    def pixels_per_latent(self) -> int:
        """Pixels along one side of a latent pixel."""
        return self.patch_size << sum(self.decoder.space)


TAEW2_1 = TAEConfig(
    encoder=TAEPath(
        widths=(64, 64, 64, 64),
        memblocks=(0, 3, 3, 3),
        space=(True, True, True),
        time=(True, True, False),
    ),
    decoder=TAEPath(
        widths=(256, 128, 64, 64),
        memblocks=(3, 3, 3, 0),
        space=(True, True, True),
        time=(False, True, True),
    ),
    frames_to_trim=3,
)
"""The public autoencoder for Wan 2.1 latents."""


def _conv(width_in: int, width_out: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(width_in, width_out, 3, stride=stride, padding=1, bias=bias)


class Clamp(nn.Module):
    """Soft limit of latents to -3 .. 3."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 3 tanh(x / 3)."""
        return torch.tanh(x / 3) * 3


class MemBlock(nn.Module):
    """Residual block that also sees its own input one frame earlier."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _conv(2 * width, width),
            nn.ReLU(inplace=True),
            _conv(width, width),
            nn.ReLU(inplace=True),
            _conv(width, width),
        )

    def forward(self, x: Tensor, last: Tensor) -> Tensor:
        """Combine frames [B*T, C, H, W] with their predecessors.

        Without gradients the result may take the memory of `x`.

        Args:
            x: frames of B streams.
            last: the frame before the first of each stream, [B, C, H, W].
        """
        first, _, second, _, third = self.conv
        assert isinstance(first, nn.Conv2d)
        assert isinstance(second, nn.Conv2d)
        assert isinstance(third, nn.Conv2d)
        if len(last) == 1:
            update = conv_past_relu(x, last, first)
        else:
            update = conv_relu(torch.cat([x, _predecessors(x, last)], 1), first)
        return conv_add_relu_inplace(conv_relu(update, second), third, x)


def _predecessors(x: Tensor, last: Tensor) -> Tensor:
    # NHWC: a cat over time of [B, T, C, H, W] would fall out of the channels-last layout.
    frames = torch.unflatten(x.permute(0, 2, 3, 1), 0, (len(last), -1))
    past = torch.cat([last.permute(0, 2, 3, 1).unsqueeze(1), frames[:, :-1]], 1)
    return past.flatten(0, 1).permute(0, 3, 1, 2)


class TPool(nn.Module):
    """Merge `stride` consecutive frames into one."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(width * stride, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B*T, C, H, W] to [B*T/stride, C, H, W]; earlier frames take the first channels."""
        # NHWC views, because a plain reshape would fall out of the channels-last layout.
        _, channels, height, width = x.shape
        groups = x.permute(0, 2, 3, 1).reshape(-1, self.stride, height, width, channels)
        joined = groups.permute(0, 2, 3, 1, 4).reshape(-1, height, width, self.stride * channels)
        merged: Tensor = self.conv(joined.permute(0, 3, 1, 2))
        return merged


class TGrow(nn.Module):
    """Split one frame into `stride` consecutive ones, then double their size if asked.

    The published order is size first. A 1x1 convolution commutes with nearest-neighbour doubling,
    so it runs first here, on a quarter of the pixels.
    """

    def __init__(self, width: int, stride: int, *, double_size: bool) -> None:
        super().__init__()
        self.stride = stride
        self.double_size = double_size
        self.conv = nn.Conv2d(width, width * stride, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B*T, C, H, W] to [B*T*stride, C, H', W']; first channels are the earlier frame."""
        _, channels, height, width = x.shape
        # NHWC views, because a plain reshape would fall out of the channels-last layout.
        joined = self.conv(x).permute(0, 2, 3, 1)
        frames = joined.reshape(-1, height, width, self.stride, channels).permute(0, 3, 1, 2, 4)
        grown = frames.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
        return F.interpolate(grown, scale_factor=2.0) if self.double_size else grown


def _encoder_layers(config: TAEConfig) -> Iterator[nn.Module]:
    path = config.encoder
    yield _conv(3 * config.patch_size**2, path.widths[0])
    yield nn.ReLU(inplace=True)
    for stage, width in enumerate(path.widths):
        if stage:
            before = path.widths[stage - 1]
            yield TPool(before, 1 + path.time[stage - 1])
            yield _conv(before, width, stride=1 + path.space[stage - 1], bias=False)
        yield from (MemBlock(width) for _ in range(path.memblocks[stage]))
    yield _conv(path.widths[-1], config.latent_channels)


def _decoder_layers(config: TAEConfig) -> Iterator[nn.Module]:
    path = config.decoder
    yield Clamp()
    yield _conv(config.latent_channels, path.widths[0])
    yield nn.ReLU(inplace=True)
    for stage, width in enumerate(path.widths):
        if stage:
            before = path.widths[stage - 1]
            yield nn.Identity()  # keeps the published numbering: TGrow does the doubling
            yield TGrow(before, 1 + path.time[stage - 1], double_size=path.space[stage - 1])
            yield _conv(before, width, bias=False)
        yield from (MemBlock(width) for _ in range(path.memblocks[stage]))
    if path.memblocks[-1] == 0:
        yield nn.ReLU(inplace=True)  # a MemBlock would have ended in one already
    yield _conv(path.widths[-1], 3 * config.patch_size**2)


def _run(
    layers: nn.Sequential, x: Tensor, batch: int, state: TAEState | None
) -> tuple[Tensor, TAEState]:
    """Run [B*T, C, H, W] through the layers; `state` None means the frames before were zero."""
    memory: list[Tensor] = []
    growing: TGrow | None = None
    for layer in layers:
        if isinstance(layer, TGrow) and layer.double_size and can_fuse_convolutions(x):
            growing = layer
        elif growing is not None:
            assert isinstance(layer, nn.Conv2d)
            x, growing = grown_conv(x, growing.conv, layer, growing.stride), None
        elif isinstance(layer, MemBlock):
            newest = torch.unflatten(x, 0, (batch, -1))[:, -1]
            last = torch.zeros_like(newest) if state is None else state[len(memory)]
            memory.append(newest.clone())
            x = layer(x, last)
        else:
            x = layer(x)
    return x, tuple(memory)


class TAE(nn.Module):
    """The autoencoder's weights and its two pure functions, `encode` and `decode`."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: TAEConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.latent_channels
        self.encoder = nn.Sequential(*_encoder_layers(config))
        self.decoder = nn.Sequential(*_decoder_layers(config))
        if config.colour_shortcut:
            colours = 3 * config.frames_per_latent
            self.colour_encode = nn.Linear(colours, channels)
            self.colour_decode = nn.Linear(channels, colours)
        keep = config.latent_stats
        # Where no checkpoint has them they need their values even in a module made on "meta".
        for name, value in (("latent_mean", 0.0), ("latent_std", 1.0)):
            row = torch.full((channels,), value, device="cpu")
            self.register_buffer(name, row, persistent=keep)
        # Channels-last weights keep every activation channels-last: twice as fast on CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # stub lacks it

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""
        return next(self.parameters()).dtype

    def encode(self, frames: Tensor, state: TAEState | None = None) -> tuple[Tensor, TAEState]:
        """Encode the next frames of a stream.

        Args:
            frames: [B, T, 3, H, W] in [0, 1]; T a multiple of `frames_per_latent`, H and W
                multiples of `pixels_per_latent`.
            state: what the call before returned, None at the start of a stream.

        Returns:
            Latents [B, T / frames_per_latent, C, h, w] and the state for the next call.
        """
        batch, low, high = frames.shape[0], *self.config.pixel_range
        pixels = (frames.to(self.dtype) * (high - low) + low).flatten(0, 1)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        x, memory = _run(
            self.encoder, F.pixel_unshuffle(pixels, self.config.patch_size), batch, state
        )
        latents = torch.unflatten(x, 0, (batch, -1))
        if self.config.colour_shortcut:
            latents = latents + self._mean_colours(pixels, batch)
        return (latents - self._row(self.latent_mean)) / self._row(self.latent_std), memory

    def decode(self, latents: Tensor, state: TAEState | None = None) -> tuple[Tensor, TAEState]:
        """Decode the next latent frames of a stream.

        Args:
            latents: [B, F, C, h, w].
            state: what the call before returned, None at the start of a stream.

        Returns:
            Frames [B, F * frames_per_latent, 3, H, W], about [0, 1] and *not* clamped or trimmed,
            and the state for the next call.
        """
        batch, low, high = latents.shape[0], *self.config.pixel_range
        latents = latents.to(self.dtype) * self._row(self.latent_std) + self._row(self.latent_mean)
        x, memory = _run(
            self.decoder,
            latents.flatten(0, 1).contiguous(memory_format=torch.channels_last),
            batch,
            state,
        )
        pixels = F.pixel_shuffle(x, self.config.patch_size)
        if self.config.colour_shortcut:
            pixels = pixels + self._painted_colours(latents)
        frames = torch.unflatten(pixels, 0, (batch, -1))
        return frames.sub_(low).div_(high - low), memory

    def _row(self, per_channel: Tensor) -> Tensor:
        return per_channel.to(self.dtype).view(1, 1, -1, 1, 1)

    def _mean_colours(self, pixels: Tensor, batch: int) -> Tensor:
        """Mean colour of each latent pixel's frames as an offset to latents [B, F, C, h, w]."""
        # [B*T, 3, h, w] -> [B, F, 3 * frames_per_latent, h, w]
        means = F.avg_pool2d(pixels, self.config.pixels_per_latent)
        colours = means.reshape(batch, -1, self.colour_encode.in_features, *means.shape[2:])
        offset: Tensor = self.colour_encode(colours.movedim(2, -1))
        return offset.movedim(-1, 2)

    def _painted_colours(self, latents: Tensor) -> Tensor:
        """Colour offset of the pixels [B*T, 3, H, W]; bilinear, or the latent grid would show."""
        colours = self.colour_decode(latents.movedim(2, -1)).movedim(-1, 2)
        small = colours.reshape(-1, 3, *latents.shape[3:])
        scale = float(self.config.pixels_per_latent)
        return F.interpolate(small, scale_factor=scale, mode="bilinear", align_corners=False)
