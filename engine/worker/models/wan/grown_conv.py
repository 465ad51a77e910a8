"""Growing in time, doubling in size and a 3x3 convolution as one convolution. HOT.

In:     [N, C, h, w] channels last.
Out:    [N * stride, C', 2h, 2w] channels last, equal to the three layers up to rounding.
Thread: any.

After nearest-neighbour doubling a 3x3 kernel sees only 2x2 different pixels, and which of its nine
weights fall on the same one depends on the parity of row and column alone. So four 2x2 kernels on
the small picture do the work, with 4/9 of the products, and the 1x1 convolution before them is
multiplied into their weights.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.prepared import prepared

_TAPS = (((1.0, 0.0, 0.0), (0.0, 1.0, 1.0)), ((1.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
"""By parity of the output pixel, then by small pixel: which of three weights fall on it."""


def grown_conv(x: Tensor, split: nn.Conv2d, conv: nn.Conv2d, stride: int) -> Tensor:
    """Return `conv` of `split` of x, its channels taken apart into frames and doubled in size.

    Args:
        x: [N, C, h, w].
        split: 1x1 without bias, C to stride * C; earlier frames take the first channels.
        conv: 3x3 without bias, padding 1.
        stride: frames that one becomes.

    Returns:
        [N * stride, C', 2h, 2w].
    """
    count, _, height, width = x.shape
    wide = (split.weight, conv.weight)
    (weight,) = prepared(conv, wide, lambda: (_small_kernels(*wide, stride),))
    # padding 1 gives one row and column more than needed: parity 0 takes the first, 1 the last
    small = F.conv2d(x, weight, padding=1)
    parts = torch.unflatten(small.permute(0, 2, 3, 1), -1, (stride, 2, 2, -1))
    out = x.new_empty(count, stride, height, 2, width, 2, conv.out_channels)
    for row in range(2):
        for column in range(2):
            part = parts[:, row : row + height, column : column + width, :, row, column]
            out[:, :, :, row, :, column] = part.permute(0, 3, 1, 2, 4)
    frames = out.view(count * stride, 2 * height, 2 * width, conv.out_channels)
    return frames.permute(0, 3, 1, 2)


def _small_kernels(split: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Return [stride * 2 * 2 * C', C, 2, 2]: per frame and parity of row and column."""
    taps = torch.tensor(_TAPS, device=kernel.device)
    # o out, c between, i in; s frame; p, q parities; a, b small pixels; d, e the nine weights
    small = torch.einsum("pad,qbe,ocde->pqoabc", taps, taps, kernel.float())
    frames = torch.unflatten(split.float().flatten(1), 0, (stride, -1))
    joined = torch.einsum("pqoabc,sci->spqoiab", small, frames).flatten(0, 3)
    return joined.to(kernel.dtype, memory_format=torch.channels_last)
