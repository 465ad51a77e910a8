"""Layers that do two things in one pass, for inference on x86 CPUs. HOT.

In:     activations [B, L, D], or [N, C, H, W] channels last; bfloat16 or float32.
Out:    the same as the plain twin that stands in the same function.
Thread: any. Weights are those of the layer that is passed.

The operators are those that torch's own compiler emits for these CPUs. They are not public, so each
is tried once; where one is missing or answers wrongly, or gradients are wanted, plain layers run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor, nn

from engine.worker.kernels.prepared import prepared

_wants_plain: ContextVar[bool] = ContextVar("wants_plain", default=False)

_TRIAL_TOLERANCE = {torch.float32: 1e-4, torch.float16: 0.01, torch.bfloat16: 0.05}
"""Absolute, for numbers of about one: ten roundings of the type. It catches another meaning."""


@contextmanager
def plain_layers() -> Iterator[None]:
    """Run the plain twins of all fast paths inside, in this thread, to compare with them."""
    token = _wants_plain.set(True)
    try:
        yield
    finally:
        _wants_plain.reset(token)


def wants_plain() -> bool:
    """Whether the caller stands inside `plain_layers`."""
    return not torch.compiler.is_compiling() and _wants_plain.get()


def can_fuse(x: Tensor) -> bool:
    """Whether the fast twins may stand in for plain layers on `x`: CPU, no gradients, no trace."""
    if torch.compiler.is_compiling() or torch.is_grad_enabled() or _wants_plain.get():
        return False
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return not why_plain(x.dtype)


def can_fuse_convolutions(x: Tensor) -> bool:
    """Whether layers around a convolution may be joined with it: on a CPU as `can_fuse` says."""
    return can_fuse(x) or _can_use_cudnn(x)


def layer_backends(device: torch.device, dtype: torch.dtype) -> dict[str, str]:
    """Return what runs linear layers and the codec there: fused layers, or torch and why."""
    if device.type != "cpu":
        is_fused = dtype in (torch.bfloat16, torch.float16) and not why_no_cudnn(dtype, device)
        return {
            "linear": "torch",
            "codec": f"{'fused cuDNN' if is_fused else 'torch'}, channels last",
        }
    reason = "plain layers wanted" if wants_plain() else why_plain(dtype)
    plain, name = f"torch ({reason})", "fused oneDNN"
    is_narrow = dtype is torch.bfloat16
    return {
        "linear": plain if reason else name if is_narrow else "torch",
        "codec": f"{plain if reason else name}, channels last",
    }


@cache
def why_plain(dtype: torch.dtype) -> str:
    """Return why this CPU and this torch have no fast layers of that type; nothing if they do."""
    capability = torch.backends.cpu.get_cpu_capability()
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]  # torch's
        return "this torch is built without oneDNN"
    if not capability.startswith("AVX"):
        return f"no fast layers for {capability} CPUs"
    if dtype not in (torch.float32, torch.bfloat16):
        return f"no fast layers for {str(dtype).removeprefix('torch.')}"
    if dtype is torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return "this CPU has no bfloat16"
    for name, trial in _TRIALS.items():
        trouble = _trouble(trial, dtype)
        if trouble:
            return f"torch {torch.__version__}, {name}: {trouble}"
    return ""


@cache
def why_no_cudnn(dtype: torch.dtype, device: torch.device) -> str:
    """Return why this GPU has no fused convolutions of that type; nothing if it has them."""
    if not torch.backends.cudnn.is_available():  # type: ignore[no-untyped-call]  # torch's
        return "this torch is built without cuDNN"
    return _trouble(lambda kind: _try_cudnn(kind, device), dtype)


def linear(x: Tensor, layer: nn.Linear) -> Tensor:
    """Return `layer(x)` for x [B, L, D].

    In bfloat16 torch's own path copies the bias into the output before it multiplies: 5 % of
    768 x 384 x 384 on one core of an EPYC with AVX512-BF16 (2026-11-24). In float32 torch calls
    MKL, which is faster than oneDNN: 768 x 384 x 1152 with GELU 13.1 ms, fused 15.6 (one core of
    an EPYC with AVX2, 2026-11-25).
    """
    if x.dtype is torch.bfloat16 and _fits(x, layer):
        return _linear_pointwise(x, layer, "none", "")
    plain: Tensor = layer(x)
    return plain


def linear_gelu(x: Tensor, layer: nn.Linear) -> Tensor:
    """Return GELU (tanh form) of `layer(x)`: 4.4 ms for 768 x 384 x 1152, apart 5.8 (one core)."""
    if x.dtype is torch.bfloat16 and _fits(x, layer):
        return _linear_pointwise(x, layer, "gelu", "tanh")
    return F.gelu(layer(x), approximate="tanh")


def conv_relu(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """Return ReLU of `layer(x)`, a new tensor."""
    if _fits_cudnn(x, layer):
        return torch.cudnn_convolution_relu(
            x, layer.weight, layer.bias, layer.stride, _padding(layer), layer.dilation, layer.groups
        )
    return _conv(x, layer.weight, layer, "relu") if _fits(x, layer) else F.relu_(layer(x))


def conv_past_relu(x: Tensor, last: Tensor, layer: nn.Conv2d) -> Tensor:
    """Return ReLU of `layer` over every frame and the one before it, side by side in channels.

    The fast twin adds two convolutions up and joins nothing: 12 frames of 128 x 128, 32 channels:
    80 ms, joined 118 (one core of an EPYC with AVX2, float32, 2026-11-25).

    Args:
        x: [T, C, H, W], frames of one stream in order.
        last: [1, C, H, W], the frame before the first.
        layer: from 2 C channels: first the frame's own.
    """
    if not x.is_contiguous(memory_format=torch.channels_last) or not _fits(x, layer):
        return conv_relu(torch.cat([x, torch.cat([last, x[:-1]])], 1), layer)
    own, past = prepared(layer, [layer.weight], lambda: _halves(layer.weight))
    out = _conv(x, own, layer)
    _conv_add_relu_inplace(last, past, layer, out[:1])
    if len(x) > 1:
        _conv_add_relu_inplace(x[:-1], past, layer, out[1:])
    return out


def conv_add_relu_inplace(x: Tensor, layer: nn.Conv2d, other: Tensor) -> Tensor:
    """Return ReLU of `layer(x) + other`; where the operators exist the result takes its memory.

    12 frames of 128 x 128, 32 channels: 17.3 ms, in three passes 24.2 (one core).
    """
    is_channels_last = other.is_contiguous(memory_format=torch.channels_last)
    if is_channels_last and other.dtype is x.dtype and _fits_cudnn(x, layer):
        return torch.cudnn_convolution_add_relu(
            x, layer.weight, other, 1.0, layer.bias,
            layer.stride, _padding(layer), layer.dilation, layer.groups,
        )  # fmt: skip
    if not is_channels_last or other.dtype is not x.dtype or not _fits(x, layer):
        return F.relu_(layer(x) + other)
    return _conv_add_relu_inplace(x, layer.weight, layer, other, layer.bias)


def is_plain(layer: nn.Module) -> bool:
    """Whether a layer is its weights and no more: a LoRA beside them would be passed by."""
    return type(layer) in (nn.Linear, nn.Conv2d)


def _fits(x: Tensor, layer: nn.Linear | nn.Conv2d) -> bool:
    return x.dtype is layer.weight.dtype and is_plain(layer) and can_fuse(x)


def _fits_cudnn(x: Tensor, layer: nn.Conv2d) -> bool:
    """Whether cuDNN does a convolution and what follows it in one kernel."""
    return _can_use_cudnn(x) and x.dtype is layer.weight.dtype and is_plain(layer)


def _padding(layer: nn.Conv2d) -> tuple[int, ...]:
    assert not isinstance(layer.padding, str)
    return layer.padding


def _can_use_cudnn(x: Tensor) -> bool:
    """Whether `x` is of a half type, channels last on a GPU, and wants no gradients."""
    if not x.is_cuda or torch.compiler.is_compiling() or torch.is_grad_enabled():
        return False
    is_channels_last = x.is_contiguous(memory_format=torch.channels_last)
    if not is_channels_last or _wants_plain.get():
        return False
    return x.dtype in (torch.bfloat16, torch.float16) and not why_no_cudnn(x.dtype, x.device)


def _linear_pointwise(x: Tensor, layer: nn.Linear, activation: str, kind: str) -> Tensor:
    fused: Tensor = torch.ops.mkldnn._linear_pointwise(
        x, layer.weight, layer.bias, activation, [], kind
    )
    return fused


def _conv(x: Tensor, weight: Tensor, layer: nn.Conv2d, activation: str = "none") -> Tensor:
    fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, layer.bias, layer.padding, layer.stride, layer.dilation, 1, activation, [], ""
    )
    return fused


def _conv_add_relu_inplace(
    x: Tensor, weight: Tensor, layer: nn.Conv2d, other: Tensor, bias: Tensor | None = None
) -> Tensor:
    fused: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
        other, x, weight, bias, layer.padding, layer.stride, layer.dilation, 1,
        "add", 1.0, "relu", [], "",
    )  # fmt: skip
    return fused


def _halves(weight: Tensor) -> tuple[Tensor, ...]:
    parts = weight.detach().chunk(2, 1)
    return tuple(part.contiguous(memory_format=torch.channels_last) for part in parts)


def _trouble(trial: Callable[[torch.dtype], tuple[Tensor, Tensor]], dtype: torch.dtype) -> str:
    """Return what is wrong with an operator: it is not there, refuses, or means something else."""
    try:
        with torch.no_grad():
            found, expected = trial(dtype)
    except (AttributeError, RuntimeError, TypeError) as error:
        return str(error).partition("\n")[0]
    is_close = torch.allclose(found, expected, rtol=0, atol=_TRIAL_TOLERANCE[dtype])
    return "" if is_close else "another result than the plain layers"


def _waves(*shape: int) -> Tensor:
    """Numbers between -1 and 1 that differ, without touching the random state of the program."""
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float32).sin().view(shape)


def _try_linear(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    layer = nn.Linear(8, 8, device="meta")
    layer.load_state_dict({"weight": _waves(8, 8), "bias": _waves(8)}, assign=True)
    layer, x = layer.to(dtype), _waves(1, 4, 8).to(dtype)
    return _linear_pointwise(x, layer, "gelu", "tanh"), F.gelu(layer(x), approximate="tanh")


def _try_convolution(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    layer = nn.Conv2d(8, 8, 3, padding=1, device="meta")
    weight, x = (
        _waves(*shape).to(dtype, memory_format=torch.channels_last)
        for shape in ((8, 8, 3, 3), (1, 8, 4, 5))
    )
    layer.load_state_dict({"weight": weight / 8, "bias": _waves(8).to(dtype)}, assign=True)
    expected = F.relu(layer(F.relu(layer(x))) + x)
    once = _conv(x, layer.weight, layer, "relu")
    return _conv_add_relu_inplace(once, layer.weight, layer, x, layer.bias), expected


def _try_cudnn(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    last = torch.channels_last
    weight, x = (
        _waves(*shape).to(device, dtype, memory_format=last)
        for shape in ((8, 8, 3, 3), (1, 8, 4, 5))
    )
    weight, bias = weight / 8, _waves(8).to(device, dtype)
    once = torch.cudnn_convolution_relu(x, weight, bias, (1, 1), (1, 1), (1, 1), 1)
    found = torch.cudnn_convolution_add_relu(once, weight, x, 1.0, bias, (1, 1), (1, 1), (1, 1), 1)
    expected = F.relu(F.conv2d(F.relu(F.conv2d(x, weight, bias, 1, 1)), weight, bias, 1, 1) + x)
    return found, expected


_TRIALS = {"linear": _try_linear, "convolution": _try_convolution}
