"""Write the golden files that need the Wan 2.1 autoencoder, from the plain references.

Run again after a change on purpose: `python -m tests.reference.make_golden_vae`.
"""

from dataclasses import asdict, dataclass, field

import torch

from tests.reference import vae_reference as vae
from tests.reference.make_golden import (
    CHUNK,
    HEIGHT,
    TEXT_DIM,
    WIDTH,
    Draw,
    config,
    rollout_inputs,
    save,
    sigma_of,
    sigma_table,
    transformer_weights,
    warped,
)
from tests.reference.make_golden import SIZES as DIT_SIZES
from tests.reference.wan_reference import Copy, flows

SHIFT, Z = 5.0, 16
MEAN = torch.linspace(-1.2, 0.8, Z, dtype=torch.float64).view(Z, 1, 1)
STD = torch.linspace(0.6, 2.2, Z, dtype=torch.float64).view(Z, 1, 1)
STATISTICS = {"latent_mean": MEAN.flatten().tolist(), "latent_std": STD.flatten().tolist()}


@dataclass
class Pictures:
    """The reference autoencoder between latents of the transformer and pixels in [-1, 1]."""

    sizes: vae.VAESizes
    w: vae.Weights = field(default_factory=dict)

    def draw(self, draw: Draw) -> None:
        plans = vae.encoder_plan(self.sizes) + vae.decoder_plan(self.sizes)
        for name, shape in vae.shapes(plans).items():
            if name.endswith("gamma"):
                self.w[name] = 1 + draw(*shape, scale=0.3)
            elif name.endswith("bias"):
                self.w[name] = draw(*shape, scale=0.1)
            else:
                fan_in = shape[1] * torch.Size(shape[2:]).numel()
                self.w[name] = draw(*shape, scale=fan_in**-0.5)
        self.w = {name: value.float().double() for name, value in self.w.items()}

    def moments(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels [T, 3, H, W] to the posterior's means [F, Z, h, w]."""
        return vae.run_clip(self.w, vae.encoder_plan(self.sizes), pixels)[:, :Z]

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return (self.moments(pixels) - MEAN) / STD

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return vae.run_clip(self.w, vae.decoder_plan(self.sizes), latents * STD + MEAN)


def pictures_of(seed: int, **sizes) -> Pictures:
    pictures = Pictures(vae.VAESizes(z_dim=Z, **sizes))
    pictures.draw(Draw(seed))
    return pictures


def autoencoder_pictures() -> Pictures:
    return pictures_of(
        20, dim=3, dim_mult=(1, 2, 2), num_res_blocks=1, temporal_downsample=(False, True)
    )


def autoencoder() -> None:
    pictures = autoencoder_pictures()
    draw = Draw(21)
    video, latents = draw(7, 3, 12, 16).tanh().float().double(), draw(5, Z, 3, 4)
    steps = vae.decoder_plan(pictures.sizes)
    names = [name for _, name, *_ in steps]
    until = steps[: names.index("decoder.upsamples.2") + 1]
    tensors = {f"weights/{key}": value for key, value in pictures.w.items()} | {
        "inputs/video": video.transpose(0, 1)[None],
        "inputs/latents_for_decode": latents.transpose(0, 1)[None],
        "expected/latents_unnormalised_mu": pictures.moments(video).transpose(0, 1)[None],
        "expected/latents": pictures.encode(video).transpose(0, 1)[None],
        "expected/single_frame_latent": pictures.encode(video[4:5]).transpose(0, 1)[None],
        "expected/decoded": pictures.decode(latents).transpose(0, 1)[None],
        "expected/decoder_upsamples_2": vae.run_clip(
            pictures.w, until, latents * STD + MEAN
        ).transpose(0, 1)[None],
    }
    meta = {
        "config": {**asdict(pictures.sizes), "attn_scales": [], **STATISTICS},
        "encode_groups": [1, 2, 2, 2],
        "decode": "stateful decode in chunks of 2 latents gives frame counts [3, 4, 2]",
        "single_frame": "expected/single_frame_latent = inputs/video frame 4 alone",
        "tolerance": "fp32: max abs err <= 1e-4, rel L2 <= 2e-5.",
    }
    save("wan_vae", tensors, meta)


@dataclass
class Show:
    """Chunks whose context is made anew from latents before each."""

    w: dict
    pictures: Pictures
    context_latents: int
    keep_first: bool
    done: list = field(default_factory=list)
    anchors: list = field(default_factory=list)

    def context(self) -> torch.Tensor:
        """First latent or anchor, then the newest."""
        latents = torch.cat(self.done)
        count = self.context_latents
        if len(latents) - CHUNK < count or self.keep_first:
            return torch.cat([latents[:1], latents[1:][-(count - 1) :]])
        pixels = self.pictures.decode(latents).clamp(-1, 1)
        frames_per_latent = 2 ** sum(self.pictures.sizes.temporal_downsample)
        frame = pixels[-(1 + frames_per_latent * (count - 1))][None]
        self.anchors.append((frame, self.pictures.encode(frame)))
        return torch.cat([self.anchors[-1][1], latents[-(count - 1) :]])

    def copies(self, text) -> list[Copy]:
        """The context in blocks that see themselves and the past."""
        if not self.done:
            return []
        copies, sees = [], []
        for number, block in enumerate(self.context().split(CHUNK)):
            places = range(number * CHUNK, number * CHUNK + len(block))
            sees = [*sees, *[(number, i, place) for i, place in enumerate(places)]]
            copies.append(Copy(block, 0.0, text, sees, list(places)))
        return copies

    def chunk(self, steps: list[float], noise, renoise, text) -> list[Copy]:
        """Denoise one chunk; returns the copies that its context was."""
        copies, table, x = self.copies(text), sigma_table(SHIFT), noise
        start = sum(len(copy.positions) for copy in copies)
        positions = list(range(start, start + CHUNK))
        own = [(len(copies), i, place) for i, place in enumerate(positions)]
        sees = [*(copies[-1].sees if copies else []), *own]
        for i, t in enumerate(steps):
            if i:
                sigma = sigma_of(table, t)
                x = (1 - sigma) * clean + sigma * renoise[i - 1]  # noqa: F821 (set below)
            flow = flows(self.w, DIT_SIZES, [*copies, Copy(x, t, text, sees, positions)])[-1]
            clean = x - sigma_of(table, t) * flow
        self.done.append(clean)
        return copies


def krea() -> None:
    pictures = pictures_of(
        22, dim=6, dim_mult=(1, 1, 1), num_res_blocks=1, temporal_downsample=(True, True)
    )
    w, draw = transformer_weights(Draw(23)), Draw(24)
    tensors = {f"weights/dit/{key}": value for key, value in w.items()}
    tensors |= {f"weights/vae/{key}": value for key, value in pictures.w.items()}
    cases = {
        "anchored": {"kv_cache_num_frames": 2, "keep_first_frame": False, "chunks": 4},
        "anchored_in_blocks": {"kv_cache_num_frames": 4, "keep_first_frame": False, "chunks": 5},
        "keep_first": {"kv_cache_num_frames": 2, "keep_first_frame": True, "chunks": 3},
    }
    for name, case in cases.items():
        case |= {
            "latent_hw": [HEIGHT, WIDTH], "strength": 1.0, "num_denoising_steps": 3,
            "prompt_lerp_at_block": None, "prompt_lerp_steps": None,
        }  # fmt: skip
        inputs = rollout_inputs(draw, case["chunks"], 3) | {"contexts": draw(1, 4, TEXT_DIM)}
        steps = warped(sigma_table(SHIFT), [1000, 500, 0])
        show = Show(w, pictures, case["kv_cache_num_frames"], case["keep_first_frame"])
        for i in range(case["chunks"]):
            noise = inputs["noise"][0, i * CHUNK : (i + 1) * CHUNK]
            copies = show.chunk(steps, noise, inputs["renoise"][i], inputs["contexts"][0])
            if copies:
                seen = torch.cat([copy.latents for copy in copies])
                tensors[f"{name}/expected/block{i:02d}/context_latents"] = seen[None]
        tensors |= {f"{name}/inputs/{key}": value for key, value in inputs.items()}
        tensors[f"{name}/expected/output"] = torch.cat(show.done)[None]
        pixels = pictures.decode(torch.cat(show.done)).clamp(-1, 1)
        tensors[f"{name}/expected/pixels_last_block"] = pixels[None, -4 * CHUNK :]
        if show.anchors:
            frame, latent = show.anchors[-1]
            tensors[f"{name}/expected/last_anchor/pixel_frame"] = frame
            tensors[f"{name}/expected/last_anchor/latent"] = latent.transpose(0, 1)
    tolerance = "fp32: rel L2 <= 1e-4 per chunk; <= 5e-4 end to end."
    sizes = {"dit": config(), "vae": {**asdict(pictures.sizes), **STATISTICS}}
    save("krea_recompute", tensors, {"config": sizes, "cases": cases, "tolerance": tolerance})


def main() -> None:
    autoencoder()
    krea()


if __name__ == "__main__":
    main()
