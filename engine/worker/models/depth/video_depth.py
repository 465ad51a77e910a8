"""Video-Depth-Anything small as a stream: frame after frame, with the frames before in mind.

The encoder and head of Depth-Anything-V2, and four motion modules in the head that hold the unit of
depth still over time. 29 M parameters, Apache-2.0 (the larger sizes are CC-BY-NC and are not
supported). A frame is computed once; what later frames need of it is kept, as in the authors' own
streaming mode.
Source: Video Depth Anything (arXiv 2501.12375); DepthAnything/Video-Depth-Anything,
video_depth_stream.py, commit 4f5ae23.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from engine.worker.models.depth.depth_anything import Normed
from engine.worker.models.depth.encoder import Encoder, EncoderConfig
from engine.worker.models.depth.head import DepthHead, HeadConfig
from engine.worker.models.depth.over_time import FrameMemory, MotionConfig, MotionModule, WithPast
from engine.worker.models.depth.published import Published, load_published

PUBLISHED: Final = Published(
    repository="depth-anything/Video-Depth-Anything-Small",
    file_name="video_depth_anything_vits.pth",
    folder_name="video-depth",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoDepthConfig:
    """Sizes of encoder, head and motion modules."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)


VIDEO_SMALL: Final = VideoDepthConfig()


class VideoHead(DepthHead):
    """The head with its motion modules, in the order in which it asks them."""

    def __init__(self, config: VideoDepthConfig) -> None:
        super().__init__(config.encoder.dim, config.head)
        fused = config.head.features
        dims = (*config.head.widths[2:], fused, fused)
        self.motion_modules = nn.ModuleList(MotionModule(dim, config.motion) for dim in dims)


class VideoDepth(nn.Module):
    """One stream of frames in, inverse depth out."""

    is_steady = True

    def __init__(self, config: VideoDepthConfig = VIDEO_SMALL) -> None:
        super().__init__()
        self.patch_px = config.encoder.patch_px
        self.normed = Normed(self.patch_px)
        self.pretrained = Encoder(config.encoder)
        self.head = VideoHead(config)
        self._motion = config.motion
        self.reset()

    def reset(self) -> None:
        """Forget the frames before: the next one is of another source."""
        self._memory = FrameMemory(self._motion.num_frames)

    def forward(self, picture: Tensor) -> Tensor:
        """Return inverse depth [1, H, W] ≥ 0 of the next frame, [1, 3, H, W] in 0..1.

        A frame of another size than the one before forgets the past, as `reset` does.

        Raises:
            ValueError: a side is no multiple of the patch size, 14.
        """
        pixels = self.normed(picture)
        if not self._memory.fits(pixels.shape[-2:]):
            self.reset()
        past = WithPast(self.head.motion_modules, self._memory.seen(), self._motion.num_attentions)
        depth: Tensor = self.head(self.pretrained(pixels), self.patch_px, past)[:, 0]
        self._memory.add(past.kept, pixels.shape[-2:])
        return depth


def load_video_depth(
    path: Path, device: torch.device, dtype: torch.dtype, config: VideoDepthConfig = VIDEO_SMALL
) -> VideoDepth:
    """Load the model from its published file, see `load_published`."""
    return load_published(VideoDepth(config), path, PUBLISHED, device, dtype)
