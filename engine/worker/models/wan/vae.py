"""The autoencoder of Wan 2.1: frames to latents and back, exactly equal in any chunking.

In:     frames [B, T, 3, H, W] in [0, 1]: T = 1 + 4n at the start of a stream, then 4n; or latents
        [B, F, C, h, w] about unit variance, as the transformer has them.
Out:    latents [B, F, C, H/8, W/8]; or frames [B, T, 3, H, W], T = 4F - 3 at the start of a
        stream, then 4F.
Thread: any. Holds weights only; the streams of `codec_stream` own the state.
Full:   cannot fill.
Source: Wan 2.1 (arXiv 2503.20314), key names and topology of Wan2.1_VAE.pth.

The first frame of a stream has a latent frame of its own, which knows no other frame. That is how
the transformers were trained, and why one frame encoded alone is a valid start.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.worker.models.wan.codec import CodecState
from engine.worker.models.wan.vae_layers import (
    Downsample,
    History,
    ResidualBlock,
    RMSNorm,
    SpatialAttention,
    Upsample,
    causal_conv,
    conv_in_space_and_time,
    norm_silu,
)

WanVAEState = CodecState
"""Last input frames of every convolution over time, in order, each [B, C, 1 or 2, H, W]."""

# Source: Wan 2.1, statistics that its pipelines normalise latents by.
_LATENT_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
_LATENT_STD = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WanVAEConfig:
    """Sizes of the autoencoder; the defaults are the published ones.

    `multiples` has one entry per stage, of `base_width`. `halves_time` has one per transition
    between stages; each of them halves height and width. Latents are (mean of the posterior -
    `latent_mean`) / `latent_std`.
    """

    base_width: int = 96
    latent_channels: int = 16
    multiples: tuple[int, ...] = (1, 2, 4, 4)
    residual_blocks: int = 2
    halves_time: tuple[bool, ...] = (False, True, True)
    latent_mean: tuple[float, ...] = _LATENT_MEAN
    latent_std: tuple[float, ...] = _LATENT_STD

    def __post_init__(self) -> None:
        """Refuse sizes that make no autoencoder."""
        if min(self.base_width, self.latent_channels, self.residual_blocks, *self.multiples) < 1:
            raise ValueError(f"Wan VAE widths and counts have to be 1 or more, got {self}")
        if len(self.halves_time) != len(self.multiples) - 1:
            raise ValueError(
                f"Wan VAE with {len(self.multiples)} stages needs {len(self.multiples) - 1} "
                f"halves_time flags, got {len(self.halves_time)}"
            )
        if any(width % 2 for width in self.widths[1:]):
            raise ValueError(
                f"Wan VAE halves its widths on the way up: all but the first have to be even, "
                f"got {self.widths}"
            )
        self._check_statistics()

    def _check_statistics(self) -> None:
        counts = (len(self.latent_mean), len(self.latent_std))
        if counts != (self.latent_channels,) * 2 or min(self.latent_std) <= 0:
            raise ValueError(
                f"Wan VAE with {self.latent_channels} latent channels needs as many means and "
                f"standard deviations above 0, got {counts[0]} and {counts[1]}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every stage, from the pixels to the latents."""
        return tuple(self.base_width * multiple for multiple in self.multiples)

    @property
    def frames_per_latent(self) -> int:
        """Frames that one latent frame stands for, the first of a stream aside."""
        return 1 << sum(self.halves_time)

    @property
    def frames_of_first_latent(self) -> int:
        """Frames that the first latent frame of a stream stands for."""
        return 1

    @property
    def frames_to_trim(self) -> int:
        """None: the first latent frame of a stream decodes to its one frame."""
        return 0

    @property
    def pixels_per_latent(self) -> int:
        """Pixels along one side of a latent pixel."""
        return 1 << len(self.halves_time)


WAN_VAE = WanVAEConfig()
"""The published autoencoder of Wan 2.1."""


def _middle(width: int) -> nn.ModuleList:
    return nn.ModuleList(
        [ResidualBlock(width, width), SpatialAttention(width), ResidualBlock(width, width)]
    )


def _head(width_in: int, width_out: int) -> nn.ModuleDict:
    """Last layers, numbered as published: 1 is the activation."""
    return nn.ModuleDict({"0": RMSNorm(width_in), "2": conv_in_space_and_time(width_in, width_out)})


class _Path(nn.Module):
    """What encoder and decoder have in common: first convolution, layers, head."""

    def __init__(self, ends: tuple[int, int], widths: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = conv_in_space_and_time(ends[0], widths[0])
        self.head = _head(widths[1], ends[1])

    def _layers(self) -> tuple[nn.Module, ...]:
        raise NotImplementedError

    def forward(self, x: Tensor, history: History) -> Tensor:
        """Map [B, C, T, H, W] to [B, C', T', H', W']."""
        x = causal_conv(self.conv1, x, history)
        for layer in self._layers():
            x = layer(x, history)
        last = self.head["2"]
        assert isinstance(last, nn.Conv3d)
        norm = self.head["0"]
        assert isinstance(norm, RMSNorm)
        return causal_conv(last, norm_silu(norm, x), history)


class Encoder(_Path):
    """Pixels [B, 3, T, H, W] to mean and log variance [B, 2C, F, h, w]."""

    def __init__(self, config: WanVAEConfig) -> None:
        widths = config.widths
        super().__init__((3, 2 * config.latent_channels), (widths[0], widths[-1]))
        layers: list[nn.Module] = []
        before = widths[0]
        for stage, width in enumerate(widths):
            if stage:
                layers.append(Downsample(before, halves_time=config.halves_time[stage - 1]))
            for _ in range(config.residual_blocks):
                layers.append(ResidualBlock(before, width))
                before = width
        self.downsamples = nn.ModuleList(layers)
        self.middle = _middle(before)

    def _layers(self) -> tuple[nn.Module, ...]:
        return (*self.downsamples, *self.middle)


class Decoder(_Path):
    """Latents [B, C, F, h, w] to pixels [B, 3, T, H, W], about -1 to 1."""

    def __init__(self, config: WanVAEConfig) -> None:
        widths = config.widths[::-1]
        super().__init__((config.latent_channels, 3), (widths[0], widths[-1]))
        self.middle = _middle(widths[0])
        layers: list[nn.Module] = []
        before = widths[0]
        for stage, width in enumerate(widths):
            if stage:
                layers.append(Upsample(before, doubles_time=config.halves_time[-stage]))
                before //= 2
            for _ in range(config.residual_blocks + 1):
                layers.append(ResidualBlock(before, width))
                before = width
        self.upsamples = nn.ModuleList(layers)

    def _layers(self) -> tuple[nn.Module, ...]:
        return (*self.middle, *self.upsamples)


class WanVAE(nn.Module):
    """The autoencoder's weights and its two pure functions, `encode` and `decode`."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: WanVAEConfig = WAN_VAE) -> None:
        super().__init__()
        self.config = config
        channels = config.latent_channels
        self.encoder = Encoder(config)
        self.conv1 = nn.Conv3d(2 * channels, 2 * channels, 1)
        self.conv2 = nn.Conv3d(channels, channels, 1)
        self.decoder = Decoder(config)
        for name in ("latent_mean", "latent_std"):
            # No checkpoint has them, so they need their values even in a module made on "meta".
            row = torch.tensor(getattr(config, name), device="cpu").view(1, 1, channels, 1, 1)
            self.register_buffer(name, row, persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        """Type of weights and activations."""
        return self.conv1.weight.dtype

    def channels_last(self) -> "WanVAE":
        """Lay channels last in memory, where they are on a GPU's matrix units; returns self.

        Weights that lie so make every activation lie so.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                layout = torch.channels_last_3d
            elif isinstance(module, nn.Conv2d):
                layout = torch.channels_last
            else:
                continue
            weight = module.weight.data
            module.weight.data = weight.contiguous(memory_format=layout)
        return self

    def encode(
        self, frames: Tensor, state: WanVAEState | None = None
    ) -> tuple[Tensor, WanVAEState]:
        """Encode the next frames of a stream.

        Args:
            frames: [B, T, 3, H, W] in [0, 1]; T = 1 + n * `frames_per_latent` at the start of a
                stream, then n * `frames_per_latent`; H and W multiples of `pixels_per_latent`.
            state: what the call before returned, None at the start of a stream.

        Returns:
            Latents [B, F, C, h, w], one for the first frame of a stream and one for each
            `frames_per_latent` after it, and the state for the next call.

        Raises:
            ValueError: the frames have another shape than that.
        """
        self._check_frames(frames, is_start=state is None)
        history = History(state)
        pixels = frames.to(self.dtype).transpose(1, 2) * 2 - 1
        moments = self.conv1(self.encoder(pixels, history))
        means = moments[:, : self.config.latent_channels].transpose(1, 2)
        return (means - self.latent_mean) / self.latent_std, history.state()

    def decode(
        self, latents: Tensor, state: WanVAEState | None = None
    ) -> tuple[Tensor, WanVAEState]:
        """Decode the next latent frames of a stream.

        Args:
            latents: [B, F, C, h, w].
            state: what the call before returned, None at the start of a stream.

        Returns:
            Frames [B, T, 3, H, W], about [0, 1] and *not* clamped, and the state for the next
            call. T = F * `frames_per_latent`, at the start of a stream `frames_per_latent` - 1
            fewer.

        Raises:
            ValueError: the latents have another shape than that.
        """
        self._check_latents(latents)
        history = History(state)
        means = latents.to(self.dtype) * self.latent_std + self.latent_mean
        pixels = self.decoder(self.conv2(means.transpose(1, 2)), history)
        return (pixels.transpose(1, 2) + 1) / 2, history.state()

    def _check_frames(self, frames: Tensor, *, is_start: bool) -> None:
        cell, step = self.config.pixels_per_latent, self.config.frames_per_latent
        is_clip = frames.ndim == 5 and frames.shape[2] == 3 and min(frames.shape) > 0
        if not is_clip or frames.shape[3] % cell or frames.shape[4] % cell:
            raise ValueError(
                f"Wan VAE encode got frames {list(frames.shape)}, expected [B, T, 3, H, W] with "
                f"H and W multiples of {cell}; crop or resize them"
            )
        if frames.shape[1] % step != is_start % step:
            rule = f"1 + a multiple of {step}" if is_start else f"a multiple of {step}"
            where = "at the start of" if is_start else "within"
            raise ValueError(
                f"Wan VAE encode got {frames.shape[1]} frames {where} a stream, expected {rule}"
            )

    def _check_latents(self, latents: Tensor) -> None:
        channels = self.config.latent_channels
        if latents.ndim != 5 or latents.shape[2] != channels or min(latents.shape) < 1:
            raise ValueError(
                f"Wan VAE decode got latents {list(latents.shape)}, "
                f"expected [B, F, {channels}, h, w]"
            )
