"""Softmax attention over one of several backends.

In:     q [B, Lq, n, dh], k and v [B, Lk, n, dh], one dtype; last axis contiguous.
Out:    [B, Lq, n, dh], same dtype; may be a view with permuted strides.
Thread: generator. Holds no state.
"""

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attend `q` to `k` and `v` with torch's scaled dot product attention.

    Args:
        q: [B, Lq, n, dh].
        k: [B, Lk, n, dh].
        v: [B, Lk, n, dh].
        mask: bool [Lq, Lk], true where a query may see a key; None lets every query see every key.

    Returns:
        [B, Lq, n, dh], scaled by 1/sqrt(dh) before the softmax.
    """
    heads_first = F.scaled_dot_product_attention(
        q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask
    )
    return heads_first.transpose(1, 2)


def attention_reference(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Plain twin of `attention`: scores, softmax and sum written out in float32."""
    scores = torch.einsum("bqnd,bknd->bnqk", q.float(), k.float()) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.einsum("bnqk,bknd->bqnd", scores.softmax(-1), v.float()).to(v.dtype)
