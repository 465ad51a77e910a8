"""Parity of the Wan 2.1 autoencoder: encode, decode, both in chunks, one frame alone."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from engine.bench.parity_checks import FileReport, Limit, Measure
from engine.bench.parity_files import GoldenError, GoldenFile, Section
from engine.worker.models.wan.vae import WAN_VAE, WanVAE, WanVAEConfig, WanVAEState

_STAGE = "decoder_upsamples_"


def vae_of(golden: GoldenFile, config: Section, prefix: str) -> WanVAE:
    """Build the autoencoder that `config` describes, with the weights below `prefix`.

    Raises:
        GoldenError: the config cannot be built or the weights do not fit it.
    """
    if config.values.get("attn_scales"):
        raise GoldenError(f"{config.where}: attn_scales has to be empty; attend in the middle only")
    known = config.values
    try:
        sizes = WanVAEConfig(
            base_width=config.integer("dim"),
            latent_channels=config.integer("z_dim"),
            multiples=config.integers("dim_mult"),
            residual_blocks=config.integer("num_res_blocks"),
            halves_time=tuple(bool(flag) for flag in config.integers("temporal_downsample")),
            latent_mean=config.numbers("latent_mean") if "latent_mean" in known
            else WAN_VAE.latent_mean,
            latent_std=config.numbers("latent_std") if "latent_std" in known
            else WAN_VAE.latent_std,
        )  # fmt: skip
        # Without memory until the weights of the file, whose shapes are checked first, move in.
        with torch.device("meta"):
            vae = WanVAE(sizes)
    except (ValueError, RuntimeError) as error:
        raise GoldenError(f"{config.where}: {error}") from error
    golden.load_into(vae, prefix)
    return vae.eval().requires_grad_(requires_grad=False)


def frames_of(pixels: Tensor) -> Tensor:
    """Pixels [B, 3, T, H, W] in [-1, 1] as frames [B, T, 3, H, W] in [0, 1]."""
    return (pixels.transpose(1, 2) + 1) / 2


def pixels_of(frames: Tensor) -> Tensor:
    """Undo `frames_of`."""
    return frames.transpose(1, 2) * 2 - 1


def check_vae(golden: GoldenFile, report: FileReport) -> None:
    """Encode and decode at once and in the file's own chunks, comparing stages on the way."""
    vae = vae_of(golden, golden.meta.section("config"), "weights/")
    checks = _Checks(golden, report)
    _check_encode(golden, vae, checks)
    _check_decode(golden, vae, checks)
    missed = golden.under("expected/").keys() - checks.compared
    report.not_covered += sorted(missed)


class _Checks:
    """Compares with `expected/<key>` by both errors that the file limits."""

    def __init__(self, golden: GoldenFile, report: FileReport) -> None:
        self._golden, self._report = golden, report
        self._limits = (
            Limit(Measure.MAX_ABS, golden.limit("max abs err <= NUMBER")),
            Limit(Measure.REL_L2, golden.limit("rel L2 <= NUMBER")),
        )
        self.compared: set[str] = set()

    def compare(self, key: str, got: Tensor, note: str = "") -> None:
        """Compare `got` with the tensor `expected/<key>`."""
        expected = self._golden.tensor(f"expected/{key}")
        for limit in self._limits:
            self._report.compare(f"{key}{note}", got, expected, limit)
        self.compared.add(key)

    def compare_counts(self, name: str, got: list[int], expected: list[int]) -> None:
        """Compare numbers of frames, which have to be equal."""
        exact = Limit(Measure.MAX_ABS, 0.0)
        self._report.compare(name, torch.tensor(got), torch.tensor(expected), exact)


def _check_encode(golden: GoldenFile, vae: WanVAE, checks: _Checks) -> None:
    frames = frames_of(golden.tensor("inputs/video"))
    with _outputs_of(vae.conv1) as moments:
        latents, _ = vae.encode(frames)
    checks.compare("latents_unnormalised_mu", moments[0][:, : vae.config.latent_channels])
    checks.compare("latents", latents.transpose(1, 2))
    groups = golden.meta.integers("encode_groups")
    if sum(groups) != frames.shape[1]:
        raise GoldenError(f"{golden.name}: encode_groups {groups} are not {frames.shape[1]} frames")
    parts = _in_turn(vae.encode, torch.split(frames, list(groups), 1))
    joined = torch.cat(parts, 1).transpose(1, 2)
    checks.compare("latents", joined, f" in groups of {list(groups)}")
    (index,) = _numbers(golden, "single_frame", r"video frame (\d+) alone")[0]
    alone, _ = vae.encode(frames[:, index : index + 1])
    checks.compare("single_frame_latent", alone.transpose(1, 2))


def _check_decode(golden: GoldenFile, vae: WanVAE, checks: _Checks) -> None:
    latents = golden.tensor("inputs/latents_for_decode").transpose(1, 2)
    plain, _ = vae.decode(latents)
    checks.compare("decoded", pixels_of(plain))
    for index in golden.under(f"expected/{_STAGE}"):
        if index.isdigit() and int(index) < len(vae.decoder.upsamples):
            with _outputs_of(vae.decoder.upsamples[int(index)]) as features:
                vae.decode(latents)
            checks.compare(f"{_STAGE}{index}", features[0])
    sentence = r"chunks of (\d+) latents gives frame counts \[([\d, ]+)\]"
    (size,), counts = _numbers(golden, "decode", sentence)
    parts = _in_turn(vae.decode, torch.split(latents, size, 1))
    checks.compare("decoded", pixels_of(torch.cat(parts, 1)), f" in chunks of {size}")
    checks.compare_counts(f"frames in chunks of {size}", [p.shape[1] for p in parts], counts)


def _in_turn(
    function: Callable[[Tensor, WanVAEState | None], tuple[Tensor, WanVAEState]],
    parts: tuple[Tensor, ...],
) -> list[Tensor]:
    """Results of a codec function for the parts of one stream."""
    state: WanVAEState | None = None
    results = []
    for part in parts:
        result, state = function(part, state)
        results.append(result)
    return results


def _numbers(golden: GoldenFile, key: str, pattern: str) -> list[list[int]]:
    """Whole numbers of each group of a regular expression in the sentence at `key`.

    Raises:
        GoldenError: the sentence is missing or does not say them.
    """
    sentence = str(golden.meta.get(key))
    found = re.search(pattern, sentence)
    if not found:
        raise GoldenError(
            f"{golden.name}: {key} {sentence[:60]!r}... says nothing like {pattern!r}"
        )
    return [[int(number) for number in re.findall(r"\d+", group)] for group in found.groups()]


@contextmanager
def _outputs_of(module: nn.Module) -> Iterator[list[Tensor]]:
    """Yield a list of what the module returns while the block runs."""
    seen: list[Tensor] = []
    handle = module.register_forward_hook(lambda *call: seen.append(call[-1]))
    try:
        yield seen
    finally:
        handle.remove()
