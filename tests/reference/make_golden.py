"""Write tests/reference/golden from the plain references: tiny random models, our own tensors.

Run again after a change on purpose: `python -m tests.reference.make_golden`. The files have the
format that `segue parity` reads, so the tests run that command's own code on them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.reference import tae_reference as tae
from tests.reference.wan_reference import (
    Copy,
    Sizes,
    flows,
    hidden_states,
    time_features,
    visible_frames,
)
from tests.reference.wan_reference import text_tokens as embed_text

FOLDER = Path(__file__).parent / "golden"
SIZES = Sizes(dim=24, num_heads=2, num_layers=2, freq_dim=16, text_len=5)
FFN, TEXT_DIM, CHUNK, HEIGHT, WIDTH, SHIFT = 40, 8, 2, 4, 6, 5.0
TOLERANCE = "fp32: rel L2 <= 1e-4 on expected/output per chunk, <= 2e-5 on the first call."


def config() -> dict:
    return {
        **asdict(SIZES), "ffn_dim": FFN, "text_dim": TEXT_DIM, "in_dim": 16,
        "patch_size": [1, 2, 2], "num_frame_per_block": CHUNK, "shift": SHIFT,
        "denoising_step_list": [1000, 600], "warp_denoising_step": True, "context_noise": 0,
    }  # fmt: skip


class Draw:
    """Random float64 tensors whose values float32 can hold."""

    def __init__(self, seed: int) -> None:
        self.rng = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, scale: float = 1.0) -> torch.Tensor:
        return (torch.randn(shape, generator=self.rng) * scale).float().double()


def transformer_weights(draw: Draw, sizes: Sizes = SIZES) -> dict[str, torch.Tensor]:
    d = sizes.dim
    w = {"patch_embedding.weight": draw(d, 16, 1, 2, 2, scale=0.1), "patch_embedding.bias": draw(d)}
    for name, rows, columns in (
        ("text_embedding.0", d, TEXT_DIM), ("text_embedding.2", d, d), ("head.head", 64, d),
        ("time_embedding.0", d, sizes.freq_dim), ("time_embedding.2", d, d),
        ("time_projection.1", 6 * d, d),
    ):  # fmt: skip
        w |= linear_weights(draw, name, rows, columns)
    w["head.modulation"] = draw(1, 2, d, scale=0.3)
    for block in (f"blocks.{i}" for i in range(sizes.num_layers)):
        w |= block_weights(draw, block, d)
    return {key: value.float().double() for key, value in w.items()}


def linear_weights(draw: Draw, name: str, rows: int, columns: int) -> dict[str, torch.Tensor]:
    weight = draw(rows, columns, scale=columns**-0.5)
    return {f"{name}.weight": weight, f"{name}.bias": draw(rows, scale=0.1)}


def block_weights(draw: Draw, block: str, d: int) -> dict[str, torch.Tensor]:
    w = {f"{block}.modulation": draw(1, 6, d, scale=0.3)}
    for part in ("self_attn", "cross_attn"):
        for name in "qkvo":
            w |= linear_weights(draw, f"{block}.{part}.{name}", d, d)
        for name in ("norm_q", "norm_k"):
            w[f"{block}.{part}.{name}.weight"] = 1 + draw(d, scale=0.3)
    w[f"{block}.norm3.weight"], w[f"{block}.norm3.bias"] = 1 + draw(d, scale=0.3), draw(d)
    w |= linear_weights(draw, f"{block}.ffn.0", FFN, d)
    return w | linear_weights(draw, f"{block}.ffn.2", d, FFN)


def sigma_table(shift: float) -> list[float]:
    return [shift * (1 - i / 1000) / (1 + (shift - 1) * (1 - i / 1000)) for i in range(1000)]


def warped(table: list[float], steps: list[int]) -> list[float]:
    return [([1000 * s for s in table] + [0.0])[1000 - step] for step in steps]


def sigma_of(table: list[float], t: float) -> float:
    return min(table, key=lambda sigma: abs(1000 * sigma - t))


@dataclass
class Show:
    """Streaming by hand: which copy holds each finished frame, and which frames are seen."""

    w: dict
    window: int
    sink: int
    is_relative: bool = False

    def __post_init__(self) -> None:
        self.copies: list[Copy] = []
        self.home: list[tuple] = []  # frame -> (copy, place in it, position when written)
        self.table = sigma_table(SHIFT)

    def next_copy(self, latents, t: float, text) -> Copy:
        """Copy of the chunk after the finished frames."""
        done, count = len(self.home), latents.shape[0]
        new = [(len(self.copies), i, done + i) for i in range(count)]
        frames = visible_frames(done + count, self.window, self.sink)
        sees = [([*self.home, *new][f]) for f in frames]
        return Copy(latents, t, text, self.placed(sees), self.positions(count, done, len(frames)))

    def placed(self, sees: list[tuple]) -> list[tuple]:
        """Positions of what is seen: as it was written, or the place in the window."""
        return [(c, i, slot if self.is_relative else p) for slot, (c, i, p) in enumerate(sees)]

    def positions(self, count: int, start: int, seen: int) -> list[int]:
        first = seen - count if self.is_relative else start
        return list(range(first, first + count))

    def flow(self, copy: Copy):
        return flows(self.w, SIZES, [*self.copies, copy])[-1]

    def finish(self, latents, text, t: float = 0.0) -> None:
        """Clean pass: later chunks see this copy."""
        copy = self.next_copy(latents, t, text)
        done = len(self.home)
        self.home += [(len(self.copies), i, done + i) for i in range(latents.shape[0])]
        self.copies.append(copy)

    def chunk(self, steps: list[float], noise, renoise, text):
        """Denoise one chunk; returns the clean latents and the flow of the first step."""
        x, first = noise, None
        for i, t in enumerate(steps):
            if i:
                sigma = sigma_of(self.table, t)
                x = (1 - sigma) * clean + sigma * renoise[i - 1]  # noqa: F821 (set below)
            flow = self.flow(self.next_copy(x, t, text))
            first = flow if first is None else first
            clean = x - sigma_of(self.table, t) * flow
        return clean, first

    def recache(self, latents, text, *, keeps_sink: bool):
        """Move the newest frames to one new copy under a new text; returns its flow."""
        count, done = latents.shape[0], len(self.home)
        frames = visible_frames(done, self.window, self.sink)
        protected = self.sink if keeps_sink and done > count else 0
        for i in range(count):
            slot = len(frames) - count + i
            if slot >= protected:
                self.home[frames[slot]] = (len(self.copies), i, done - count + i)
        sees = self.placed([self.home[f] for f in frames])
        positions = self.positions(count, done - count, len(frames))
        copy = Copy(latents, 0.0, text, sees, positions)
        flow = self.flow(copy)
        self.copies.append(copy)
        return flow


def save(name: str, tensors: dict, meta: dict) -> None:
    plain = {key: value.float().contiguous() for key, value in tensors.items()}
    save_file(plain, FOLDER / f"{name}.safetensors", {"meta": json.dumps(meta)})


def bidirectional(w: dict) -> None:
    draw, tensors = Draw(1), {f"weights/{key}": value for key, value in w.items()}
    cases = {"a": (3, 937.5, 4), "b": (2, 0.0, 5)}
    for name, (frames, t, rows) in cases.items():
        x, text = draw(frames, 16, HEIGHT, WIDTH), draw(rows, TEXT_DIM)
        sees = [(0, f, f) for f in range(frames)]
        after, out = hidden_states(w, SIZES, [Copy(x, t, text, sees, list(range(frames)))])
        e, e6 = time_features(w, SIZES, t)
        inputs = {"x": x.transpose(0, 1), "t": torch.tensor(t), "context": text}
        expected = {"output": out[0].transpose(0, 1), "time_e": e, "time_e6": e6}
        expected["text_tokens"] = embed_text(w, SIZES, text)
        expected |= {f"block{i}": x[0].flatten(0, 1) for i, x in enumerate(after)}
        tensors |= {f"{name}/inputs/{key}": value[None] for key, value in inputs.items()}
        tensors |= {f"{name}/expected/{key}": value[None] for key, value in expected.items()}
    meta = {"config": config(), "cases": {name: {} for name in cases}}
    save("wan_dit_bidirectional", tensors, {**meta, "tolerance": "fp32: rel L2 <= 2e-5."})


def rollout_inputs(draw: Draw, chunks: int, steps: int) -> dict:
    shape = (CHUNK, 16, HEIGHT, WIDTH)
    return {
        "noise": draw(chunks * CHUNK, *shape[1:])[None],
        "renoise": draw(chunks, steps - 1, *shape),
    }


def self_forcing(w: dict) -> None:
    draw, tensors = Draw(2), {f"weights/{key}": value for key, value in w.items()}
    common = {"latent_hw": [HEIGHT, WIDTH], "denoising_step_list": [1000, 600], "shift": SHIFT}
    cases = {
        "global": {"cache_frames": 6, "sink_size": 0, "chunks": 3, "context_noise": 0},
        "rolling_sink1": {"cache_frames": 4, "sink_size": 1, "chunks": 4, "context_noise": 0},
        "told_noise": {"cache_frames": 4, "sink_size": 0, "chunks": 3, "context_noise": 80},
    }
    for name, case in cases.items():
        case |= {**common, "initial_frames": 0, "warp_denoising_step": name != "told_noise"}
        inputs = rollout_inputs(draw, case["chunks"], 2) | {"context": draw(1, 4, TEXT_DIM)}
        show = Show(w, case["cache_frames"], case["sink_size"])
        steps = warped(show.table, [1000, 600]) if case["warp_denoising_step"] else [1000.0, 600.0]
        done = []
        for i in range(case["chunks"]):
            noise = inputs["noise"][0, i * CHUNK : (i + 1) * CHUNK]
            clean, first = show.chunk(steps, noise, inputs["renoise"][i], inputs["context"][0])
            tensors.setdefault(f"{name}/expected/call00/flow", first[None])
            show.finish(clean, inputs["context"][0], case["context_noise"])
            done.append(clean)
        tensors |= {f"{name}/inputs/{key}": value for key, value in inputs.items()}
        tensors[f"{name}/expected/output"] = torch.cat(done)[None]
        tensors[f"{name}/expected/steps_t"] = torch.tensor(steps)
    meta = {"config": config(), "cases": cases, "tolerance": TOLERANCE}
    save("sf_causal_rollout", tensors, meta)


def longlive(w: dict) -> None:
    draw, tensors = Draw(3), {f"weights/{key}": value for key, value in w.items()}
    cases = {
        "keeps_sink": {"global_sink": True, "relative_rope": False},
        "renews_sink": {"global_sink": False, "relative_rope": False},
        "relative_rope": {"global_sink": True, "relative_rope": True},
    }
    for name, case in cases.items():
        case |= {
            "latent_hw": [HEIGHT, WIDTH], "chunks": 4, "local_attn_size": 4, "sink_size": 2,
            "switch_frame_indices": [6],
        }  # fmt: skip
        inputs = rollout_inputs(draw, 4, 2) | {"contexts": draw(2, 4, TEXT_DIM)}
        show = Show(w, 4, 2, case["relative_rope"])
        steps, done, text = warped(show.table, [1000, 600]), [], inputs["contexts"][0]
        for i in range(4):
            if i * CHUNK in case["switch_frame_indices"]:
                text = inputs["contexts"][1]
                recent = torch.cat(done)[-4:]
                flow = show.recache(recent, text, keeps_sink=case["global_sink"])
                tensors[f"{name}/expected/recache_call{3 * i:02d}/flow"] = flow[None]
            noise = inputs["noise"][0, i * CHUNK : (i + 1) * CHUNK]
            clean, _ = show.chunk(steps, noise, inputs["renoise"][i], text)
            show.finish(clean, text)
            done.append(clean)
        tensors |= {f"{name}/inputs/{key}": value for key, value in inputs.items()}
        tensors[f"{name}/expected/output"] = torch.cat(done)[None]
    meta = {"config": config(), "cases": cases, "tolerance": "fp32: rel L2 <= 1e-4 per chunk."}
    save("longlive_rollout", tensors, meta)


def autoencoder() -> None:
    draw, time = Draw(4), (True, False)
    w: dict[str, torch.Tensor] = {}

    def conv(name: str, rows: int, columns: int, *, size: int = 3, bias: bool = True) -> None:
        w[f"{name}.weight"] = draw(rows, columns, size, size, scale=(columns * size**2) ** -0.5)
        if bias:
            w[f"{name}.bias"] = draw(rows, scale=0.1)

    def fill(prefix: str, plan: list[tuple], widths: list[int], ends: tuple[int, int]) -> None:
        stage = -1
        for kind, index, *rest in plan:
            name, width = f"{prefix}.{index}", widths[max(stage, 0)]
            if kind == "memblock":
                for layer, columns in (("0", 2 * width), ("2", width), ("4", width)):
                    conv(f"{name}.conv.{layer}", width, columns)
            elif kind == "pool":
                conv(f"{name}.conv", width, width * rest[0], size=1, bias=False)
            elif kind == "grow":
                conv(f"{name}.conv", width * rest[0], width, size=1, bias=False)
            elif kind == "conv":
                stage += 1
                lengths = [ends[0], *widths, ends[1]]
                is_end = stage in (0, len(widths))
                conv(name, lengths[stage + 1], lengths[stage], bias=is_end)

    encoder = tae.encoder_plan(3, time)
    decoder = tae.decoder_plan(3, time[::-1])
    fill("encoder", encoder, [4, 4, 4], (3, 6))
    fill("decoder", decoder, [8, 4, 4], (6, 3))
    frames, latents = draw(6, 3, 8, 12).sigmoid().float().double(), draw(5, 6, 2, 3)
    raw = tae.run_clip(w, "decoder", decoder, latents)
    tensors = {f"weights/{key}": value for key, value in w.items()} | {
        "inputs/frames": frames[None],
        "inputs/latents": latents[None],
        "expected/encoded": tae.run_clip(w, "encoder", encoder, frames)[None],
        "expected/decoder_raw_first_4_frames": raw[None, :4],
        "expected/decoded": raw[None, 3:].clamp(0, 1),
    }
    sizes = {"encoder_width": 4, "decoder_widths": [8, 4, 4], "latent_channels": 6}
    sizes |= {"encoder_time_downscale": time, "decoder_time_upscale": time[::-1]}
    save("taehv", tensors, {"config": sizes, "tolerance": "fp32: max abs err <= 5e-5."})


def schedule() -> None:
    draw, tensors = Draw(5), {}
    for shift in (1, 8):
        name, table = f"shift{shift}", sigma_table(shift)
        times = [1000.0, 733.3, 0.0]
        sigmas = torch.tensor([sigma_of(table, t) for t in times]).view(3, 1, 1)
        clean, noise, flow = draw(3, 2, 2), draw(3, 2, 2), draw(3, 2, 2)
        noisy = (1 - sigmas) * clean + sigmas * noise
        tensors |= {
            f"{name}/sigmas": torch.tensor(table),
            f"{name}/timesteps": torch.tensor(table) * 1000,
            f"{name}/warp0/in": torch.tensor([1000.0, 400.0]),
            f"{name}/warp0/out": torch.tensor(warped(table, [1000, 400])),
            f"{name}/krea_schedule0/strength_steps": torch.tensor([0.6, 4.0]),
            f"{name}/krea_schedule0/out": torch.tensor(warped(table, [600, 400, 200, 0])),
            f"{name}/inputs/t": torch.tensor(times),
            f"{name}/inputs/x0": clean,
            f"{name}/inputs/noise": noise,
            f"{name}/inputs/flow": flow,
            f"{name}/expected/sigma_at_t": sigmas.flatten(),
            f"{name}/expected/add_noise": noisy,
            f"{name}/expected/x0_from_flow": noisy - sigmas * flow,
            f"{name}/expected/flow_from_x0": (noisy - clean) / sigmas,
        }
    tolerance = "tables: abs 1e-6 (sigma), 1e-3 (timesteps); conversions: abs 1e-4"
    save("scheduler", tensors, {"cases": {}, "tolerance": tolerance})


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    weights = transformer_weights(Draw(0))
    bidirectional(weights)
    self_forcing(weights)
    longlive(weights)
    autoencoder()
    schedule()


if __name__ == "__main__":
    main()
