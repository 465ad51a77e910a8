"""Whether Triton, which compiles our GPU kernels, works here: tried once, on noise.

torch brings Triton on Linux with CUDA, but compiling also takes a C compiler and a writable cache,
and both can be missing on a stage.
"""

from __future__ import annotations

import importlib.util
import subprocess
from functools import cache
from typing import Final

import torch

_FAILURES: Final = (
    AttributeError, ImportError, OSError, RuntimeError, TypeError, ValueError,
    subprocess.SubprocessError,
)  # fmt: skip
"""What Triton raises where it cannot compile or launch, its own errors apart."""
_NUM_SAMPLES: Final = 1025
_KEY: Final = (3, 1_000_003, 2)


def has_triton() -> bool:
    """Return whether our GPU kernels can be compiled and answer rightly."""
    return not why_no_triton()


@cache
def why_no_triton() -> str:
    """Return why our GPU kernels cannot run; nothing if they can."""
    if importlib.util.find_spec("triton") is None:
        return "this torch comes without Triton"
    if not torch.cuda.is_available():
        return "torch finds no NVIDIA GPU"
    from triton.errors import TritonError

    try:
        is_right = _trial()
    except (*_FAILURES, TritonError) as error:
        return f"Triton does not compile here: {str(error).partition(chr(10))[0]}"
    return "" if is_right else "Triton's kernels answer wrongly here"


def _trial() -> bool:
    """Draw noise in one kernel and compare it with the same noise made on the CPU."""
    from engine.worker.kernels.triton_noise import normal_into
    from engine.worker.noise import NoiseKey, normal_noise, quantile_table

    step, chunk, cut = _KEY
    key = NoiseKey(seed=2**63 + 5, step=step, chunk=chunk, cut=cut)
    expected = normal_noise((_NUM_SAMPLES,), key, torch.device("cpu"))
    device = torch.device("cuda", torch.cuda.current_device())
    found = torch.empty(_NUM_SAMPLES, device=device)
    normal_into(found, quantile_table(device), _KEY, key.seed)
    return torch.equal(found.cpu(), expected)
