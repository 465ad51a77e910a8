"""Whether Triton, which compiles our GPU kernels, is here: torch brings it on Linux with CUDA."""

import importlib.util
from functools import cache


@cache
def has_triton() -> bool:
    """Return whether our GPU kernels can be compiled."""
    return importlib.util.find_spec("triton") is not None
