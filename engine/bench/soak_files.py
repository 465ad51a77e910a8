"""Write a published model's files with random weights, in the layout it is published in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from sentencepiece import SentencePieceTrainer
from torch import Tensor, nn

from engine.bench.random_model import filled, random_codec
from engine.worker.models.spec import ModelSpec
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.umt5 import UMT5Encoder
from engine.worker.models.wan.vace import VaceStack

_PREFIX: Final = "model."
_LORA_PREFIX: Final = "base_model.model."
_LORA_SHARE: Final = 0.1  # of the weights that it is added to, so that the sum stays tame
_SENTENCES: Final = tuple(
    f"a {speed} {colour} {thing} over {place}"
    for speed in ("slow", "fast", "calm", "wild")
    for colour in ("red", "green", "blue", "golden", "silver")
    for thing in ("flame", "river", "city", "dancer", "forest")
    for place in ("the sea", "a mountain", "black glass", "the desert")
)


def write_model(folder: Path, spec: ModelSpec, device: torch.device) -> int:
    """Write every file that loading the row takes, what models share beside its folder.

    Returns:
        How many bytes the row's own files are.
    """
    assert spec.files is not None
    assert spec.text is not None
    assert spec.tiny_codec is not None
    folder.mkdir(parents=True, exist_ok=True)
    place = (device, torch.bfloat16)
    with torch.device("meta"):
        transformer = CausalTransformer(spec.transformer)
        stack = None if spec.vace is None else VaceStack(spec.transformer, spec.vace)
        text = UMT5Encoder(spec.text)
    telling = next(name for name in spec.files.telling if name.endswith(".safetensors"))
    _save(filled(transformer, place, seed=1), folder / telling, _PREFIX)
    if spec.files.lora:
        name = next(name for name in spec.files.lora if name.endswith(".safetensors"))
        rank = int(spec.files.lora_alpha or 0)
        save_file(_lora(transformer, rank, seed=3), folder / name)
    if stack is not None:
        _save(filled(stack, place, seed=2), folder / "vace.safetensors")
    shared = folder.parent / "umt5-xxl"
    pieces = shared / "google" / "umt5-xxl" / "spiece.model"
    if not pieces.exists():
        pieces.parent.mkdir(parents=True)
        _save(filled(text, place, seed=4), shared / "models_t5_umt5-xxl-enc-bf16.safetensors")
        pieces.write_bytes(_pieces())
    _pickle(random_codec(spec.anchor_codec or spec.codec, place), folder / "Wan2.1_VAE.pth")
    _pickle(random_codec(spec.tiny_codec, place), folder / "taew2_1.pth")
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _lora(transformer: CausalTransformer, rank: int, seed: int) -> dict[str, Tensor]:
    """Return pairs of at most `rank` for every linear layer of the blocks, named as PEFT does."""
    generator = torch.Generator().manual_seed(seed)
    pairs: dict[str, Tensor] = {}
    for name, layer in transformer.blocks.named_modules(prefix=f"{_LORA_PREFIX}blocks"):
        if not isinstance(layer, nn.Linear):
            continue
        wide, high = layer.in_features, layer.out_features
        for part, shape, size in (
            ("A", (min(rank, wide, high), wide), wide),
            ("B", (high, min(rank, wide, high)), rank / _LORA_SHARE**2),
        ):
            drawn = torch.randn(shape, generator=generator) / size**0.5
            pairs[f"{name}.lora_{part}.weight"] = drawn.to(torch.bfloat16)
    return pairs


def _weights(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    return {
        prefix + name: value.detach().cpu().contiguous()
        for name, value in module.state_dict().items()
    }


def _save(module: nn.Module, path: Path, prefix: str = "") -> None:
    save_file(_weights(module, prefix), path)


def _pickle(codec: object, path: Path) -> None:
    assert isinstance(codec, nn.Module)
    torch.save(_weights(codec), path)


def _pieces() -> bytes:
    """Return a tokenizer with the special tokens of UMT5 and a small vocabulary."""
    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES), model_writer=written, vocab_size=120,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2,
        num_threads=1,
    )  # fmt: skip
    return written.getvalue()
