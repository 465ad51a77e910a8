"""Run a function on the fast path and on its plain twin; which number types this CPU can do."""

import pytest
import torch

from engine.worker.kernels import fused

# One rounding to bfloat16 is 2^-9 = 0.002 relative at most; a layer of the plain path rounds two
# to five times where its fast twin rounds once, and roundings add up like their squares' root.
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 0.005}


def _row(dtype):
    reason = fused.why_plain(dtype)
    skip = pytest.mark.skipif(bool(reason), reason=reason)
    return pytest.param(dtype, marks=skip, id=str(dtype).removeprefix("torch."))


TYPES = pytest.mark.parametrize("dtype", [_row(dtype) for dtype in TOLERANCE])
FLOAT32 = pytest.mark.skipif(bool(fused.why_plain(torch.float32)), reason="no fast layers here")


def plain(function, *arguments):
    with torch.no_grad(), fused.plain_layers():
        assert not fused.can_fuse(arguments[0])
        return function(*arguments)


def fast(function, *arguments):
    with torch.no_grad():
        assert fused.can_fuse(arguments[0])
        return function(*arguments)
