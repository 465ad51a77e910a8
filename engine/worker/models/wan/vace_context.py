"""PURE apart from torch: the control context of VACE, for whole clips and for parts of a stream.

In:     control frames [B, T, 3, H, W] in [0, 1]; a mask [B, T, 1, H, W] of bool, true where the
        model shall redraw and false where it shall keep the frames; reference images.
Out:    context [B, R + F, 2C + cell², h, w]: latents of what is kept (inactive), latents of what is
        redrawn (reactive), and the mask in as many channels as a latent pixel has pixels.
Thread: generator.
Source: VACE (arXiv 2503.07598) and its pipeline code.

A control picture (depth, pose, scribble, ...) goes with a mask of ones: everything is redrawn, and
what is kept is grey. Grey is also what either part has where the other one is.

The functions take one part of a clip, so a stream uses them as they are, part after part; only the
encoders carry memory. Latents then equal those of the whole clip in any chunking. The frame whose
mask stands for a latent frame is chosen among the frames of the part: for a whole clip that is the
published rule, which needs to know where the clip ends. A mask that stands still is the same in any
chunking.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from engine.worker.models.wan.codec import Codec

GREY = 0.5
"""What a frame has where the other part of the control is: 0 in the reference's -1 to 1."""


def kept_and_redrawn(frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Split control frames in two.

    Args:
        frames: [B, T, 3, H, W] in [0, 1].
        mask: [B, T, 1, H, W] of bool.

    Returns:
        What is kept (inactive) and what is redrawn (reactive), both like `frames`, grey elsewhere.
    """
    return frames.masked_fill(mask, GREY), frames.masked_fill(~mask, GREY)


def mask_frames(count: int, wanted: int) -> tuple[int, ...]:
    """Which of `count` frames gives its mask to each of `wanted` latent frames.

    Source: the nearest-exact rule, floor((i + 0.5) * count / wanted).
    """
    return tuple((2 * index + 1) * count // (2 * wanted) for index in range(wanted))


def mask_channels(mask: Tensor, num_latents: int, cell: int) -> Tensor:
    """Fold a mask into channels.

    Args:
        mask: [B, T, 1, H, W] of bool.
        num_latents: F, latent frames that the T frames make.
        cell: pixels along one side of a latent pixel.

    Returns:
        [B, F, cell², H / cell, W / cell] of bool; channel = row in the cell * cell + column in it.
    """
    chosen = mask[:, list(mask_frames(mask.shape[1], num_latents)), 0]
    # [B, F, h, row, w, column] -> [B, F, row, column, h, w]
    cells = torch.unflatten(torch.unflatten(chosen, 3, (-1, cell)), 2, (-1, cell))
    return cells.permute(0, 1, 3, 5, 2, 4).flatten(2, 3)


def join_context(inactive: Tensor, reactive: Tensor, masks: Tensor) -> Tensor:
    """Put a context together.

    Args:
        inactive: latents [B, F, C, h, w] of what is kept.
        reactive: latents [B, F, C, h, w] of what is redrawn.
        masks: [B, F, cell², h, w] from `mask_channels`.

    Returns:
        [B, F, 2C + cell², h, w] in the type of the latents.
    """
    return torch.cat([inactive, reactive, masks.to(inactive.dtype)], 2)


def with_references(context: Tensor, references: Tensor) -> Tensor:
    """Put reference latents [B, R, C, h, w] in time before a context [B, F, in_dim, h, w].

    They are of what is kept; there is nothing to redraw, so all other channels are zero.
    """
    batch, num_references, channels, height, width = references.shape
    missing = context.shape[2] - channels
    nothing = references.new_zeros(batch, num_references, missing, height, width)
    return torch.cat([torch.cat([references, nothing], 2).to(context.dtype), context], 1)


def encode_alone(codec: Codec, images: Sequence[Tensor]) -> Tensor:
    """Encode images [B, 3, H, W] in [0, 1], each as a stream of its own: [B, R, C, h, w].

    A codec that needs several frames for its first latent is shown the image as often.
    """
    count = codec.config.frames_of_first_latent
    stills = (image.unsqueeze(1).expand(-1, count, -1, -1, -1) for image in images)
    return torch.cat([codec.encode(still)[0] for still in stills], 1)


def part_context(
    frames: Tensor,
    mask: Tensor,
    cell: int,
    encode_inactive: Callable[[Tensor], Tensor],
    encode_reactive: Callable[[Tensor], Tensor],
) -> Tensor:
    """Make the context of the next part of a clip.

    Args:
        frames: [B, T, 3, H, W] in [0, 1].
        mask: [B, T, 1, H, W] of bool.
        cell: pixels along one side of a latent pixel.
        encode_inactive: frames → latents [B, F, C, h, w], with the memory of one stream.
        encode_reactive: the same, with the memory of another one.

    Returns:
        [B, F, 2C + cell², h, w].

    Raises:
        ValueError: the mask does not fit the frames.
    """
    expected = (*frames.shape[:2], 1, *frames.shape[3:])
    if mask.shape != expected or mask.dtype != torch.bool:
        raise ValueError(
            f"VACE mask is {list(mask.shape)} {mask.dtype}, expected {list(expected)} of bool"
        )
    kept, redrawn = kept_and_redrawn(frames, mask)
    inactive, reactive = encode_inactive(kept), encode_reactive(redrawn)
    return join_context(inactive, reactive, mask_channels(mask, reactive.shape[1], cell))


def clip_context(
    codec: Codec, frames: Tensor, mask: Tensor, references: Sequence[Tensor] = ()
) -> Tensor:
    """Make the context of a whole clip.

    Args:
        codec: the autoencoder.
        frames: [B, T, 3, H, W] in [0, 1]; T as `codec.encode` wants it.
        mask: [B, T, 1, H, W] of bool.
        references: R images [B, 3, H, W] in [0, 1].

    Returns:
        [B, R + F, 2C + cell², h, w].
    """

    def encode(part: Tensor) -> Tensor:
        return codec.encode(part)[0]

    context = part_context(frames, mask, codec.config.pixels_per_latent, encode, encode)
    return with_references(context, encode_alone(codec, references)) if references else context
