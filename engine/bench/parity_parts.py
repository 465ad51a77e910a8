"""Parity of single parts: the bidirectional transformer, the tiny autoencoder, the schedule."""

from collections.abc import Iterator

import torch
from torch import Tensor

from engine.bench.parity_checks import FileReport, Limit, Measure
from engine.bench.parity_files import GoldenError, GoldenFile, Section, transformer_of
from engine.worker.kernels.attention import attention
from engine.worker.models.wan.codec import decode_clip, encode_clip
from engine.worker.models.wan.codec_stream import DecodeStream
from engine.worker.models.wan.rope import axis_sizes, rope_table, rotate
from engine.worker.models.wan.tae import TAE, TAEConfig, TAEPath
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.video import motion_rms
from engine.worker.schedule import (
    SigmaTable,
    add_noise,
    clean_from_flow,
    first_video_timestep,
    flow_from_clean,
    motion_share,
    noise_share_scope,
    noise_share_streamdiffusion,
)

_TAE_MEMBLOCKS = 3
_STREAM_LATENTS = 3


def check_bidirectional(golden: GoldenFile, report: FileReport) -> None:
    """Run every case of the bidirectional forward, comparing each stage."""
    limit = Limit(Measure.REL_L2, golden.limit("rel L2 <= NUMBER"))
    model = transformer_of(golden, golden.meta.section("config"), "weights/")
    for case in golden.meta.sections("cases"):
        found = _stages(golden, model, case)
        for name, expected in golden.under(f"{case}/expected/").items():
            if name not in found:
                raise GoldenError(f"{golden.name}: nothing computes {case}/expected/{name}")
            report.compare(f"{case}/{name}", found[name], expected, limit)
    _check_rope(golden, model, report, limit)


def _stages(golden: GoldenFile, model: CausalTransformer, case: str) -> dict[str, Tensor]:
    """Every intermediate result that a case may expect, by its name."""
    x = golden.tensor(f"{case}/inputs/x").transpose(1, 2)
    grid = model.grid(x.shape[1], *x.shape[3:])
    positions = tuple(range(grid.num_latents))
    table = rope_table(model.config.head_dim, positions, grid.rows, grid.columns, x.device)

    def attend(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return attention(rotate(q, table), rotate(k, table), v)

    e, e6 = model.embed_time(golden.tensor(f"{case}/inputs/t").unsqueeze(1))
    text_tokens = model.embed_text(golden.tensor(f"{case}/inputs/context"))
    tokens = model.embed_patches(x)
    found = {
        "patch_tokens": tokens,
        "text_tokens": text_tokens,
        "time_e": e[:, 0],
        "time_e6": e6[:, 0],
    }
    text = model.text_kvs(text_tokens)
    for layer in range(len(model.blocks)):
        tokens = model.run_block(layer, tokens, e6, text[layer], attend)
        found[f"block{layer}"] = tokens
    found["output"] = model.head_out(tokens, e, grid).transpose(1, 2)
    return found


def _check_rope(
    golden: GoldenFile, model: CausalTransformer, report: FileReport, limit: Limit
) -> None:
    """Compare the frequency table: positions on every axis, channels of all axes side by side."""
    expected = golden.under("expected/rope_freqs_")
    if not expected:
        return
    head_dim = model.config.head_dim
    count = expected["real"].shape[0]
    line = tuple(range(count))
    time, height, _ = axis_sizes(head_dim)
    device = expected["real"].device
    along_time = rope_table(head_dim, line, 1, 1, device)
    along_height = rope_table(head_dim, (0,), count, 1, device)
    along_width = rope_table(head_dim, (0,), 1, count, device)
    for part, name in enumerate(("real", "imag")):
        found = along_width[part][:, 0].clone()
        found[:, :time] = along_time[part][:, 0, :time]
        found[:, time : time + height] = along_height[part][:, 0, time : time + height]
        report.compare(f"rope_freqs_{name}", found, expected[name], limit)


def _tae_config(config: Section) -> TAEConfig:
    """Config of the published topology at the widths of the file."""
    width = config.integer("encoder_width")
    halves = tuple(bool(flag) for flag in config.get("encoder_time_downscale"))
    doubles = tuple(bool(flag) for flag in config.get("decoder_time_upscale"))
    stages = len(doubles)
    try:
        return TAEConfig(
            encoder=TAEPath(
                widths=(width,) * (len(halves) + 1),
                memblocks=(0,) + (_TAE_MEMBLOCKS,) * len(halves),
                space=(True,) * len(halves),
                time=halves,
            ),
            decoder=TAEPath(
                widths=config.integers("decoder_widths"),
                memblocks=(_TAE_MEMBLOCKS,) * stages + (0,),
                space=(True,) * stages,
                time=doubles,
            ),
            latent_channels=config.integer("latent_channels"),
            frames_to_trim=3,
        )
    except ValueError as error:
        raise GoldenError(f"{config.where}: {error}") from error


def check_tae(golden: GoldenFile, report: FileReport) -> None:
    """Encode and decode whole clips, and decode in chunks of three latents."""
    limit = Limit(Measure.MAX_ABS, golden.limit("max abs err <= NUMBER"))
    tae = TAE(_tae_config(golden.meta.section("config"))).eval()
    golden.load_into(tae, "weights/")
    frames, latents = golden.tensor("inputs/frames"), golden.tensor("inputs/latents")
    raw = golden.under("expected/decoder_raw_first_")
    for name, expected in raw.items():
        found = tae.decode(latents)[0][:, : expected.shape[1]]
        report.compare(f"decoder_raw_first_{name}", found, expected, limit)
    for name, expected in golden.under("expected/encoded").items():
        count = int("".join(c for c in name if c.isdigit()) or frames.shape[1])
        report.compare(f"encoded{name}", encode_clip(tae, frames[:, :count]), expected, limit)
    decoded = golden.tensor("expected/decoded")
    report.compare("decoded", decode_clip(tae, latents), decoded, limit)
    stream = DecodeStream(tae)
    chunks = [stream.push(chunk) for chunk in torch.split(latents, _STREAM_LATENTS, 1)]
    report.compare("decoded in chunks", torch.cat(chunks, 1), decoded, limit)


def check_schedule(golden: GoldenFile, report: FileReport) -> None:
    """Compare sigma tables, step lists, conversions and video-to-video mixing."""
    shifts = sorted({key.split("/")[0] for key in golden.tensors if key.startswith("shift")})
    for name in shifts:
        try:
            table = SigmaTable(float(name.removeprefix("shift")))
        except ValueError as error:
            raise GoldenError(f"{golden.name}: {name!r} names no shift") from error
        _check_table(golden, report, name, table)
        _check_conversions(golden, report, name, table)
    if "v2v" in golden.meta.section("cases").values:
        _check_video(golden, report)


def _check_table(golden: GoldenFile, report: FileReport, name: str, table: SigmaTable) -> None:
    sigma_limit = Limit(Measure.MAX_ABS, golden.limit(r"abs NUMBER \(sigma\)"))
    time_limit = Limit(Measure.MAX_ABS, golden.limit(r"NUMBER \(timesteps\)"))
    sigmas, timesteps = torch.from_numpy(table.sigmas), torch.from_numpy(table.timesteps)
    report.compare(f"{name}/sigmas", sigmas, golden.tensor(f"{name}/sigmas"), sigma_limit)
    report.compare(f"{name}/timesteps", timesteps, golden.tensor(f"{name}/timesteps"), time_limit)
    for case, steps in _lists(golden, f"{name}/warp", "in"):
        found = torch.tensor(table.warp([int(step) for step in steps]))
        report.compare(f"{case}/out", found, golden.tensor(f"{case}/out"), time_limit)
    for case, (strength, count) in _lists(golden, f"{name}/krea_schedule", "strength_steps"):
        # Strengths are decimals that float32 cannot hold: 0.7 arrives as 0.69999999.
        found = torch.tensor(table.strength_timesteps(round(strength, 6), int(count)))
        report.compare(f"{case}/out", found, golden.tensor(f"{case}/out"), time_limit)
    times = golden.tensor(f"{name}/inputs/t").tolist()
    found = torch.tensor([table.sigma_at(t) for t in times])
    expected = golden.tensor(f"{name}/expected/sigma_at_t")
    report.compare(f"{name}/sigma_at_t", found, expected, sigma_limit)


def _lists(golden: GoldenFile, prefix: str, entry: str) -> Iterator[tuple[str, list[float]]]:
    """Numbers of every `prefix`<digits>/`entry`, with the name of the case."""
    for rest, tensor in golden.under(prefix).items():
        number, _, leaf = rest.partition("/")
        if leaf == entry:
            yield f"{prefix}{number}", tensor.tolist()


def _check_conversions(
    golden: GoldenFile, report: FileReport, name: str, table: SigmaTable
) -> None:
    limit = Limit(Measure.MAX_ABS, golden.limit("conversions: abs NUMBER"))
    clean, noise, flow = (golden.tensor(f"{name}/inputs/{key}") for key in ("x0", "noise", "flow"))
    sigmas = [table.sigma_at(t) for t in golden.tensor(f"{name}/inputs/t").tolist()]
    noisy = torch.stack([add_noise(*row) for row in zip(clean, noise, sigmas, strict=True)])
    back = torch.stack([clean_from_flow(*row) for row in zip(noisy, flow, sigmas, strict=True)])
    ahead = torch.stack([flow_from_clean(*row) for row in zip(noisy, clean, sigmas, strict=True)])
    expected = golden.under(f"{name}/expected/")
    for key, found in (("add_noise", noisy), ("x0_from_flow", back), ("flow_from_x0", ahead)):
        if key not in expected:
            raise GoldenError(f"{golden.name}: tensor '{name}/expected/{key}' is missing")
        report.compare(f"{name}/{key}", found, expected[key], limit)


def _check_video(golden: GoldenFile, report: FileReport) -> None:
    """Compare noise shares from motion, the first timestep, and the mixed latents."""
    case = golden.meta.section("cases").section("v2v")
    limit = Limit(Measure.MAX_ABS, golden.limit("conversions: abs NUMBER"))
    previous = case.number("prev_noise_scale")
    motion = motion_share(motion_rms(golden.tensor("v2v/inputs/frames")))
    initial = case.number("init_noise_scale")
    streamed = noise_share_streamdiffusion(motion, previous, initial)
    scoped = noise_share_scope(motion, previous)
    numbers = {
        "streamdiffusionv2_noise_scale": streamed,
        "scope_noise_scale": scoped,
        "streamdiffusionv2_first_step": first_video_timestep(streamed),
        "scope_first_step": first_video_timestep(scoped),
        "first_step_at_0_7": first_video_timestep(0.7),
    }
    for key, found in numbers.items():
        expected = torch.tensor(case.number(key), dtype=torch.float64)
        report.compare(f"v2v/{key}", torch.tensor(found, dtype=torch.float64), expected, limit)
    latents, noise = golden.tensor("v2v/inputs/latents"), golden.tensor("v2v/inputs/noise")
    for rest, expected in golden.under("v2v/expected/mixed_at_").items():
        mixed = add_noise(latents, noise, float(rest))
        report.compare(f"v2v/mixed_at_{rest}", mixed, expected, limit)
