"""A text encoder of UMT5's kind with a few thousand random weights, and its checkpoint folder."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import torch
from sentencepiece import SentencePieceTrainer
from torch import Tensor

from engine.worker.models.wan.umt5 import UMT5Config, UMT5Encoder

SENTENCES = (
    "a slow red fire on black water",
    "a cat walks over the drums of a jazz band",
    "neon rain falls on a quiet street in the night",
    "golden petals drift through fog and light",
)
VOCAB = 96
TINY_UMT5 = UMT5Config(
    vocab=VOCAB, dim=16, dim_attn=16, dim_ffn=24, num_heads=4, num_layers=3, num_buckets=8,
    max_distance=16,
)  # fmt: skip
OFFICIAL = "models_t5_umt5-xxl-enc-bf16"
SPIECE = "google/umt5-xxl/spiece.model"


@cache
def spiece_bytes(*, eos_id: int = 1) -> bytes:
    """Return a SentencePiece model trained on the sentences, with UMT5's special tokens."""
    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4), model_writer=written, vocab_size=VOCAB,
        pad_id=0, eos_id=eos_id, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2,
        num_threads=1,
    )  # fmt: skip
    return written.getvalue()


def tiny_umt5(seed: int = 5) -> UMT5Encoder:
    """Return the encoder with random weights, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = UMT5Encoder(TINY_UMT5)
    return encoder.eval().requires_grad_(requires_grad=False)


def official_weights(seed: int = 5) -> dict[str, Tensor]:
    """Return the encoder's weights by their official names."""
    return dict(tiny_umt5(seed).state_dict())


def write_checkpoint(folder: Path, seed: int = 5) -> Path:
    """Write tokenizer and weights as a published checkpoint has them; returns the folder."""
    (folder / SPIECE).parent.mkdir(parents=True)
    (folder / SPIECE).write_bytes(spiece_bytes())
    torch.save(official_weights(seed), folder / f"{OFFICIAL}.pth")
    return folder
