"""Parity of VACE: the control context, the bidirectional forward, the rollout chunk by chunk."""

import re
from functools import partial

import torch
from torch import Tensor

from engine.bench.parity_checks import FileReport, Limit, Measure
from engine.bench.parity_files import GoldenError, GoldenFile, open_golden, transformer_of
from engine.bench.parity_rollouts import RecordingSampler, Rollout, steps_of
from engine.bench.parity_vae import frames_of, vae_of
from engine.worker.models.wan.cache_plan import SELF_FORCING
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.vace import (
    VACE_PREFIX,
    VaceConfig,
    VaceControl,
    VaceStack,
    forward_with_vace,
)
from engine.worker.models.wan.vace_context import clip_context, mask_channels

Model = tuple[CausalTransformer, VaceStack]

_SCALE = "output_scale"


def check_vace(golden: GoldenFile, report: FileReport) -> None:
    """Run every case; one with a `context_scale` is a rollout, the others are single forwards."""
    forward = Limit(Measure.REL_L2, golden.limit("forward rel L2 <= NUMBER"))
    rollout = Limit(Measure.REL_L2, golden.limit("causal rollout <= NUMBER"))
    model = _model_of(golden)
    _check_context(golden, report)
    for name, case in golden.meta.sections("cases").items():
        if "context_scale" in case.values:
            _check_rollout(
                Rollout(golden, name, case, _chunk(golden, name)), model, report, rollout
            )
        else:
            _check_forward(golden, name, model, report, forward)
    compared = {check.name.split(" chunk ")[0] for check in report.checks}
    expected = {key.replace("/expected/", "/") for key in golden.tensors if "/expected/" in key}
    report.not_covered += sorted(expected - compared)


def _model_of(golden: GoldenFile) -> Model:
    """Build transformer and stack.

    Raises:
        GoldenError: the config cannot be built or the weights do not fit it.
    """
    config = golden.meta.section("config")
    model = transformer_of(golden, config, "weights/", without=VACE_PREFIX)
    try:
        # Without memory until the weights of the file, whose shapes are checked first, move in.
        with torch.device("meta"):
            sizes = VaceConfig(
                layers=config.integers("vace_layers"), in_dim=config.integer("vace_in_dim")
            )
            stack = VaceStack(model.config, sizes)
    except (ValueError, RuntimeError) as error:
        raise GoldenError(f"{config.where}: {error}") from error
    golden.load_into(stack, "weights/", only=VACE_PREFIX)
    return model, stack.eval().requires_grad_(requires_grad=False)


def _check_context(golden: GoldenFile, report: FileReport) -> None:
    """Compare the context of a masked clip, alone and with the reference image."""
    limit = Limit(Measure.MAX_ABS, golden.limit("context <= NUMBER abs"))
    sentence = str(golden.meta.get("vae"))
    found = re.search(r"(\w+)\.safetensors", sentence)
    if not found:
        raise GoldenError(f"{golden.name}: vae {sentence[:60]!r}... names no .safetensors file")
    weights = open_golden(golden.folder / f"{found[1]}.safetensors")
    vae = vae_of(weights, weights.meta.section("config"), "weights/")
    frames = frames_of(golden.tensor("context/inputs/frames")[None])
    mask = golden.tensor("context/inputs/mask")[None].transpose(1, 2) > 0.5
    image = frames_of(golden.tensor("context/inputs/reference_image")[None])[:, 0]
    context = clip_context(vae, frames, mask)
    channels = mask_channels(mask, context.shape[1], vae.config.pixels_per_latent)
    made = {
        "mask_channels": channels.float(),
        "vace_context": context,
        "vace_context_with_reference": clip_context(vae, frames, mask, [image]),
    }
    for name, expected in golden.under("context/expected/").items():
        if name in made:
            report.compare(f"context/{name}", made[name][0].transpose(0, 1), expected, limit)


def _check_forward(
    golden: GoldenFile, case: str, model: Model, report: FileReport, limit: Limit
) -> None:
    """Compare the hints, and the outputs at every scale of the file."""
    transformer, stack = model
    x, context = (
        golden.tensor(f"{case}/inputs/{key}").transpose(1, 2) for key in ("x", "vace_context")
    )
    t, text = (golden.tensor(f"{case}/inputs/{key}") for key in ("t", "context"))
    hints = _hints(model, x, t, text, context)
    for index, layer in enumerate(stack.vace.layers):
        for expected in golden.under(f"{case}/expected/hint{index}").values():
            report.compare(f"{case}/hint{index}", hints[layer], expected, limit)
    for scale, expected in golden.under(f"{case}/expected/{_SCALE}").items():
        try:
            control = VaceControl(context=context, scale=float(scale))
        except ValueError as error:
            raise GoldenError(f"{golden.name}: {_SCALE}{scale} names no scale") from error
        output = forward_with_vace(transformer, stack, (x, t.unsqueeze(1)), text, control)
        report.compare(f"{case}/{_SCALE}{scale}", output.transpose(1, 2), expected, limit)


def _hints(model: Model, x: Tensor, t: Tensor, text: Tensor, context: Tensor) -> dict[int, Tensor]:
    transformer, stack = model
    tokens = stack.text_kvs(transformer.embed_text(text))
    _, e6 = transformer.embed_time(t.unsqueeze(1))
    grid = transformer.grid(x.shape[1], *x.shape[3:])
    return stack.hints(transformer.embed_patches(x), stack.embed_context(context), e6, tokens, grid)


def _chunk(golden: GoldenFile, case: str) -> int:
    """Latents of a chunk, as the noise of the case has them."""
    return golden.tensor(f"{case}/inputs/renoise").shape[2]


def _check_rollout(rollout: Rollout, model: Model, report: FileReport, limit: Limit) -> None:
    """Generate every chunk with and without control."""
    scale = rollout.case.number("context_scale")
    for name, factor in (("output", scale), ("output_without_vace", 0.0)):
        sampler, chunks = _generate(rollout, model, factor)
        rollout.check_output(report, chunks, limit, name)
        if factor:
            for expected in rollout.expected("first_call_flow").values():
                flow = sampler.flows[0]
                report.compare(f"{rollout.name}/first_call_flow", flow, expected, limit)


def _generate(
    rollout: Rollout, model: Model, scale: float
) -> tuple[RecordingSampler, list[Tensor]]:
    window, sink = rollout.case.integer("local_attn_size"), rollout.case.integer("sink_size")
    sampler = RecordingSampler(model[0], rollout.config(SELF_FORCING, window, sink), model[1])
    sampler.set_text(rollout.input("context"))
    steps = steps_of(rollout.case)
    context = rollout.input("vace_context").transpose(1, 2)
    chunks: list[Tensor] = []
    for index in range(rollout.case.integer("chunks")):
        control = VaceControl(context=rollout.span(context, index), scale=scale)
        noise = partial(rollout.noise, index)
        chunks.append(sampler.denoise_chunk(steps, noise, vace=control))
        sampler.commit(chunks[-1])
    return sampler, chunks
