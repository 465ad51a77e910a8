"""Where the model runs and in which number type: chosen once, at load, and reported.

Replays are bit-identical only in the same type, so the choice follows from what the machine can do.
A short measurement only overrules it when it is clearly wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

from engine.errors import DeviceError
from engine.worker.kernels.fused import why_plain
from engine.worker.memory import keep_freed_memory

_CLEARLY = 1.5
"""The measurement must find the other type this many times faster, or noise would decide."""
_REPEATS = 3
_NO_BF16 = (
    "This CPU has no bfloat16, running float32: if pictures come slowly, a smaller size such as "
    "256x144 is faster (M in the window, or [model] of the show)."
)


@dataclass(frozen=True, slots=True)
class Compute:
    """A device, a number type, and a sentence for every fallback."""

    device: torch.device
    dtype: torch.dtype
    notices: tuple[str, ...] = ()

    @property
    def dtype_name(self) -> str:
        """The type as people write it: bfloat16, float32."""
        return str(self.dtype).removeprefix("torch.")


def choose_compute(wanted: str, num_threads: int = 0) -> Compute:
    """Choose device and type.

    Args:
        wanted: auto, cpu or cuda.
        num_threads: CPU threads for torch; 0 leaves all.

    Raises:
        DeviceError: CUDA is wanted and not there, or the device is unknown.
    """
    if num_threads:
        torch.set_num_threads(num_threads)
    if wanted not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"device {wanted!r} is unknown; choose auto, cpu or cuda")
    has_cuda = wanted != "cpu" and torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise DeviceError("device cuda: torch finds no NVIDIA GPU here; choose auto or cpu")
    return _cuda() if has_cuda else _cpu()


def _cuda() -> Compute:
    device = torch.device("cuda", torch.cuda.current_device())
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return Compute(device, torch.bfloat16)
    name = torch.cuda.get_device_name(device)
    return Compute(device, torch.float32, (f"{name} has no bfloat16, running float32.",))


def _cpu() -> Compute:
    keep_freed_memory()
    device = torch.device("cpu")
    has_bf16 = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _has_bf16_instructions()
    narrow_ms, wide_ms = _probe_ms(torch.bfloat16), _probe_ms(torch.float32)
    notices: tuple[str, ...]
    if has_bf16 and narrow_ms > _CLEARLY * wide_ms:
        dtype, notices = torch.float32, (_slow_notice(narrow_ms, wide_ms),)
    elif has_bf16 or narrow_ms * _CLEARLY < wide_ms:
        dtype, notices = torch.bfloat16, ()
    else:
        dtype, notices = torch.float32, (_NO_BF16,)
    return Compute(device, dtype, (*notices, *_plain_notice(why_plain(dtype))))


def _plain_notice(reason: str) -> tuple[str, ...]:
    return (f"Plain layers run, which is slower: {reason}.",) if reason else ()


def _slow_notice(narrow_ms: float, wide_ms: float) -> str:
    return (
        f"bfloat16 is slow on this CPU ({narrow_ms:.1f} ms, float32 {wide_ms:.1f} ms), "
        "running float32."
    )


def _has_bf16_instructions() -> bool:
    """Whether products of bfloat16 run as such (x86: AVX512_BF16 or AMX)."""
    capability = torch.backends.cpu.get_cpu_capability()
    if not capability.startswith("AVX"):
        return True  # not x86: oneDNN's own answer stands
    cpu = torch.cpu
    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())


def _probe_ms(dtype: torch.dtype) -> float:
    """Return ms of a matrix product and a convolution of the house model's sizes."""
    tokens, weight = torch.ones(768, 384, dtype=dtype), torch.ones(1152, 384, dtype=dtype)
    pixels = torch.ones(12, 64, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
    kernel = torch.ones(64, 64, 3, 3, dtype=dtype)

    def work() -> None:
        F.linear(tokens, weight)
        F.conv2d(pixels, kernel, padding=1)

    with torch.inference_mode():
        return _fastest_ms(work)


def _fastest_ms(work: Callable[[], None]) -> float:
    work()
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)
