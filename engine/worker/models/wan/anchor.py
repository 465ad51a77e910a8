"""The anchor: a decoded frame encoded alone, so that a context begins with a still.

In:     decoded frames [B, T, 3, H, W] in [0, 1], chunk after chunk.
Out:    one latent frame [B, 1, C, h, w], as the first of a stream.
Thread: generator.
Full:   cannot fill; older frames than the anchor are forgotten.
Source: KREA Realtime, recomputation of the context from recent latents.

Models are trained on streams whose first latent frame knows no other frame. Once the true first one
has left the context, the anchor takes its place: the frame just before the latents that are kept.
"""

import torch
from torch import Tensor

from engine.worker.models.wan.codec import Codec


class AnchorFrames:
    """Newest decoded frames of a show, as far back as the anchor of its next context."""

    def __init__(self, codec: Codec, num_context_latents: int) -> None:
        """Remember frames for contexts of `num_context_latents`, the anchor among them."""
        if codec.config.frames_of_first_latent != 1:
            raise ValueError(
                f"this codec encodes {codec.config.frames_of_first_latent} frames at least; "
                f"an anchor needs one that encodes a single frame"
            )
        self._codec = codec
        self._count = 1 + codec.config.frames_per_latent * (num_context_latents - 1)
        self.reset()

    def reset(self) -> None:
        """Forget every frame."""
        self._frames: Tensor | None = None

    def push(self, frames: Tensor) -> None:
        """Remember the decoded frames [B, T, 3, H, W] of a finished chunk."""
        joined = frames if self._frames is None else torch.cat([self._frames, frames], 1)
        # A view would keep the whole chunk alive.
        self._frames = joined[:, -self._count :].clone()

    def frame(self) -> Tensor:
        """Return the frame [B, 1, 3, H, W] that directly precedes the latents that are kept.

        Raises:
            ValueError: fewer frames were pushed than the context spans.
        """
        if self._frames is None or self._frames.shape[1] < self._count:
            got = 0 if self._frames is None else self._frames.shape[1]
            raise ValueError(
                f"the anchor lies {self._count} frames back but only {got} were pushed; "
                f"begin the context with the first latent until then"
            )
        return self._frames[:, :1]

    def lies_in(self, num_frames: int) -> bool:
        """Whether the newest `num_frames` hold the anchor, whatever came before them."""
        return num_frames >= self._count

    @torch.inference_mode()
    def latent_in(self, frames: Tensor) -> Tensor:
        """Encode the anchor of a show whose newest frames are these [B, T, 3, H, W]."""
        return self._codec.encode(frames[:, -self._count :].clone()[:, :1])[0]

    @torch.inference_mode()
    def latent(self) -> Tensor:
        """Encode the anchor on its own: [B, 1, C, h, w]."""
        return self._codec.encode(self.frame())[0]
