"""Parity of the text encoder: the rows of every prompt, and the cleaning of prompt texts."""

import torch
from torch import Tensor

from engine.bench.parity_checks import FileReport, Limit, Measure
from engine.bench.parity_files import GoldenError, GoldenFile, Section
from engine.worker.models.wan.prompt_text import clean_prompt_text
from engine.worker.models.wan.umt5 import UMT5Config, UMT5Encoder, encode_streamed

_EXACT = Limit(Measure.MAX_ABS, 0.0)
_MAX_NAMED_CHARACTERS = 24


def encoder_of(golden: GoldenFile, config: Section, prefix: str) -> UMT5Encoder:
    """Build the encoder that `config` describes, with the weights below `prefix`.

    Raises:
        GoldenError: the config cannot be built or the weights do not fit it.
    """
    if config.values.get("shared_pos"):
        raise GoldenError(f"{config.where}: shared_pos has to be false; UMT5 has a table per layer")
    names = ("vocab", "dim", "dim_attn", "dim_ffn", "num_heads", "num_layers", "num_buckets")
    known = config.values
    optional = {"max_distance": config.integer("max_distance")} if "max_distance" in known else {}
    sizes = {name: config.integer(name) for name in names} | optional
    eps = config.number("eps") if "eps" in known else UMT5Config().eps
    try:
        # Without memory until the weights of the file, whose shapes are checked first, move in.
        with torch.device("meta"):
            encoder = UMT5Encoder(UMT5Config(**sizes, eps=eps))
    except (ValueError, RuntimeError) as error:
        raise GoldenError(f"{config.where}: {error}") from error
    golden.load_into(encoder, prefix)
    return encoder.eval().requires_grad_(requires_grad=False)


def check_text(golden: GoldenFile, report: FileReport) -> None:
    """Encode padded and one by one, block by block; clean every text of the file."""
    limit = Limit(Measure.REL_L2, golden.limit("rel L2 <= NUMBER"))
    encoder = encoder_of(golden, golden.meta.section("config"), "weights/")
    ids, mask = golden.tensor("inputs/ids").long(), golden.tensor("inputs/mask")
    _check_inputs(golden, encoder, ids, mask)
    expected = golden.tensor("expected/prompt_embeds")
    embeds = encoder.prompt_embeds(ids, mask)
    report.compare("prompt_embeds", embeds, expected, limit)
    hidden = golden.under("expected/hidden")
    if hidden:
        # What the reference leaves at padding means nothing and no one reads it.
        is_token = mask.unsqueeze(-1).to(embeds.dtype)
        report.compare("hidden at tokens", embeds, hidden[""] * is_token, limit)
    if bool((mask == _leading_ones(mask)).all()):
        report.compare("prompt_embeds one by one", _alone(encoder, ids, mask), expected, limit)
    _check_cleaning(golden, report)


def _check_inputs(golden: GoldenFile, encoder: UMT5Encoder, ids: Tensor, mask: Tensor) -> None:
    if ids.ndim != 2 or ids.shape != mask.shape:
        raise GoldenError(
            f"{golden.name}: ids {list(ids.shape)} and mask {list(mask.shape)}, "
            "expected the same [B, L]"
        )
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < encoder.config.vocab:
        raise GoldenError(
            f"{golden.name}: ids reach from {int(ids.min())} to {int(ids.max())}, "
            f"expected 0 to {encoder.config.vocab - 1}"
        )


def _leading_ones(mask: Tensor) -> Tensor:
    """Return the mask [B, L] of as many tokens a row, all at its start."""
    return (torch.arange(mask.shape[1]) < mask.sum(1, keepdim=True)).to(mask.dtype)


def _alone(encoder: UMT5Encoder, ids: Tensor, mask: Tensor) -> Tensor:
    """Encode each prompt without its padding, as a show does, and pad the rows with zeros."""
    rows = encoder.norm.weight.new_zeros(*ids.shape, encoder.config.dim)
    for index, count in enumerate(mask.sum(1).tolist()):
        if count:
            one = ids[index : index + 1, :count]
            rows[index, :count] = encode_streamed(encoder, one, ids.device)[0]
    return rows


def _check_cleaning(golden: GoldenFile, report: FileReport) -> None:
    """Compare cleaned texts, character code by character code."""
    cases = golden.meta.values.get("clean", [])
    if not isinstance(cases, list):
        raise GoldenError(f"{golden.name}: 'clean' is {cases!r}, expected a list of texts")
    for case in cases:
        pair = Section(f"{golden.name}/clean", case if isinstance(case, dict) else {})
        raw, cleaned = str(pair.get("raw")), str(pair.get("cleaned"))
        name = f"clean {raw[:_MAX_NAMED_CHARACTERS]!r}"
        report.compare(name, _codes(clean_prompt_text(raw)), _codes(cleaned), _EXACT)


def _codes(text: str) -> Tensor:
    return torch.tensor([ord(character) for character in text], dtype=torch.int64)
