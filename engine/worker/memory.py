"""What the allocator does with memory that tensors leave free: a switch for the whole process."""

import ctypes
import sys

_MMAP_THRESHOLD = (-3, 32 << 20)  # Source: glibc malloc.h, and the highest value that it takes
_TRIM_THRESHOLD = (-1, 1 << 30)


def keep_freed_memory() -> bool:
    """Ask the allocator to keep what tensors leave free, and return whether it does.

    Otherwise glibc hands large blocks back to Linux after every layer, and Linux fills them with
    zeros when the next layer wants them: 19,000 page faults in one decoded chunk of 256 x 256,
    without a tenth of its time (2026-11-24). Other systems have no such switch.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(*setting) == 1 for setting in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
