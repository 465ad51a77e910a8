"""Read LoRAs of the transformer, and merge them into its weights while it loads.

In:     a file of pairs A [rank, in] and B [out, rank], one pair per linear layer.
Out:    W + amount * alpha / rank * B A, computed in float32 before the weight gets its type.
Thread: main, while the worker loads.

    PEFT             base_model.model.blocks.0.ffn.0.lora_A.weight, also with the adapter's name
    LongLive         the same in a .pt, below generator_lora
    diffusers        transformer.blocks.0.attn1.to_q.lora_A.weight
    ComfyUI          diffusion_model.blocks.0.self_attn.q.lora_down.weight, .lora_up, .alpha

For LoRAs that a show plays, see `lora_rack`.   Source: Hu et al., LoRA (arXiv 2106.09685); PEFT.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from engine.errors import WeightsError
from engine.worker.models.wan.known_weights import looks_like
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.weight_files import LORA_CONTAINERS, some
from engine.worker.models.wan.weight_names import TRANSFORMER_NAMES, Rename
from engine.worker.models.wan.weights import Layout, read_weights

LORA_NAMES: Final[tuple[Rename, ...]] = (
    (re.compile(r"^base_model\.model\."), ""),
    (re.compile(r"^transformer\."), ""),
    (re.compile(r"\.lora_down\."), ".lora_A."),
    (re.compile(r"\.lora_up\."), ".lora_B."),
    (re.compile(r"\.lora_([AB])\.\w+\.weight$"), r".lora_\1.weight"),  # PEFT's adapter name
    *TRANSFORMER_NAMES,
)
_PART: Final = re.compile(r"^(?P<layer>.+)\.(?P<part>lora_A\.weight|lora_B\.weight|alpha)$")
_PARTS_OF: Final = {"lora_A.weight": "A", "lora_B.weight": "B", "alpha": "alpha"}


@dataclass(frozen=True, slots=True)
class LowRank:
    """What is added to one weight at amount 1: `scale` times up @ down.

    down [rank, in], up [out, rank], as they are in the file, still mapped.
    """

    down: Tensor
    up: Tensor
    scale: float

    def added(self, device: torch.device, amount: float) -> Tensor:
        """Return what to add to the weight, [out, in] float32."""
        up, down = (part.to(device).float() for part in (self.up, self.down))
        return (amount * self.scale) * (up @ down)


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA by the official names of the layers that it changes."""

    name: str
    layers: Mapping[str, LowRank]

    @property
    def ranks(self) -> tuple[int, ...]:
        """Every rank that occurs, ascending."""
        return tuple(sorted({part.down.shape[0] for part in self.layers.values()}))


@dataclass(frozen=True, slots=True)
class Merge:
    """Adds a LoRA to the weights of a transformer on their way from file to device."""

    lora: Lora
    device: torch.device
    amount: float = 1.0

    def __call__(self, name: str, weight: Tensor) -> Tensor:
        """Return the merged weight, float32 on the device; other weights come back as they are."""
        part = self.lora.layers.get(name.removesuffix(".weight"))
        if part is None or not name.endswith(".weight"):
            return weight
        return weight.to(self.device).float() + part.added(self.device, self.amount)


def read_lora(path: Path, alpha: float | None = None) -> Lora:
    """Map a LoRA; nothing is read yet.

    Args:
        path: .safetensors or .pt; beside `adapter_model.safetensors`, its `adapter_config.json`.
        alpha: of all layers, where the file does not say. Left out, it is the rank.

    Raises:
        WeightsError: the file cannot be read, is no LoRA, or one of its pairs does not fit.
    """
    layout = Layout(what=f"LoRA {path.stem}", renames=LORA_NAMES, containers=LORA_CONTAINERS)
    tensors = read_weights(path, layout).tensors
    layers: dict[str, dict[str, Tensor]] = {}
    strange = []
    for name, tensor in tensors.items():
        found = _PART.match(name)
        if found:
            layers.setdefault(found["layer"], {})[_PARTS_OF[found["part"]]] = tensor
        else:
            strange.append(name)
    if strange:
        raise WeightsError(
            f"{layout.what}: {path} has {len(strange)} entries that are no pairs of a LoRA "
            f"({some(strange)}); it looks like {looks_like(tensors)}; take another file"
        )
    known_alpha = _alpha_beside(path) if alpha is None else alpha
    return Lora(
        path.stem,
        {name: _pair(layout.what, name, parts, known_alpha) for name, parts in layers.items()},
    )


def check_lora(lora: Lora, transformer: nn.Module) -> None:
    """Compare a LoRA with the layers of a transformer, which may be on meta.

    Raises:
        WeightsError: it changes what is no linear layer there, or one of another size.
    """
    linears = {
        name: module
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear)
    }
    unknown = [name for name in lora.layers if name not in linears]
    misshapen = [
        f"{name} is {_size(part)}, expected {list(linears[name].weight.shape)}"
        for name, part in lora.layers.items()
        if name in linears and _size(part) != list(linears[name].weight.shape)
    ]
    if unknown or misshapen or not lora.layers:
        wrong = {"unknown": unknown, "misshapen": misshapen}
        said = ", ".join(f"{len(n)} {kind} ({some(n)})" for kind, n in wrong.items() if n)
        raise WeightsError(
            f"LoRA {lora.name} does not fit this model: {said or 'it has no layers'}; "
            "take one that was made for it"
        )


def read_merge(
    path: Path, like: CausalTransformer, device: torch.device, alpha: float | None = None
) -> Merge:
    """Read a LoRA that belongs to a model, to be merged while that loads.

    Args:
        path: its file.
        like: the transformer, on meta: what it has to fit.
        device: where the sum is computed.
        alpha: see `read_lora`.

    Raises:
        WeightsError: it cannot be read or does not fit.
    """
    lora = read_lora(path, alpha)
    check_lora(lora, like)
    return Merge(lora, device)


def _pair(what: str, name: str, parts: Mapping[str, Tensor], alpha: float | None) -> LowRank:
    down, up = parts.get("A"), parts.get("B")
    if down is None or up is None:
        missing = "A" if down is None else "B"
        raise WeightsError(f"{what}: {name} has no {missing}; the file is damaged, take it again")
    if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1]:
        raise WeightsError(
            f"{what}: {name} has A {list(down.shape)} and B {list(up.shape)}, "
            "expected A [rank, in] and B [out, rank]; take another file"
        )
    rank = down.shape[0]
    own = parts.get("alpha")
    if own is not None:
        alpha = float(own)
    return LowRank(down, up, (rank if alpha is None else alpha) / rank)


def _size(part: LowRank) -> list[int]:
    return [part.up.shape[0], part.down.shape[1]]


def _alpha_beside(path: Path) -> float | None:
    """Return the alpha of PEFT's config in the same folder, None without one."""
    config = path.parent / "adapter_config.json"
    if not path.name.startswith("adapter_model.") or not config.is_file():
        return None
    try:
        return float(json.loads(config.read_text("utf-8"))["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"LoRA: {config} says no lora_alpha ({error}); restore the file"
        ) from error
