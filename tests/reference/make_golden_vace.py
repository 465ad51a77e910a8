"""Write the golden file of VACE from the plain references.

Run again after a change on purpose: `python -m tests.reference.make_golden_vace`. Its context is
made by the autoencoder of `wan_vae.safetensors`.
"""

from dataclasses import dataclass, field, replace

import torch

from tests.reference import vace_reference as vace
from tests.reference.make_golden import (
    CHUNK,
    HEIGHT,
    SHIFT,
    SIZES,
    TEXT_DIM,
    WIDTH,
    Draw,
    Show,
    block_weights,
    config,
    linear_weights,
    rollout_inputs,
    save,
    transformer_weights,
    warped,
)
from tests.reference.make_golden_vae import Z, autoencoder_pictures
from tests.reference.wan_reference import Copy

DEEP, LAYERS, IN_DIM = replace(SIZES, num_layers=3), [0, 2], 48
TOLERANCE = "fp32: forward rel L2 <= 2e-5, causal rollout <= 1e-4, context <= 1e-4 abs."
CELL, STEP = 4, 2


def weights() -> dict[str, torch.Tensor]:
    draw, d = Draw(30), DEEP.dim
    w = transformer_weights(draw, DEEP)
    w["vace_patch_embedding.weight"] = draw(d, IN_DIM, 1, 2, 2, scale=(4 * IN_DIM) ** -0.5)
    w["vace_patch_embedding.bias"] = draw(d)
    for number in range(len(LAYERS)):
        w |= block_weights(draw, f"vace_blocks.{number}", d)
        w |= linear_weights(draw, f"vace_blocks.{number}.after_proj", d, d)
    w |= linear_weights(draw, "vace_blocks.0.before_proj", d, d)
    return {key: value.float().double() for key, value in w.items()}


@dataclass
class SteeredShow(Show):
    """A show whose denoising steps get hints; what it remembers does not."""

    context: torch.Tensor = field(default_factory=lambda: torch.zeros(0))
    scale: float = 1.0

    def flow(self, copy: Copy):
        frame = len(self.home)
        made = vace.hints(self.w, DEEP, LAYERS, copy, self.context[frame : frame + CHUNK])
        return vace.flow(self.w, DEEP, [*self.copies, copy], made, self.scale)


def context_case() -> dict[str, torch.Tensor]:
    pictures, draw = autoencoder_pictures(), Draw(31)
    frames, image = draw(7, 3, 16, 16).tanh(), draw(1, 3, 16, 16).tanh()
    frames, image = frames.float().double(), image.float().double()
    mask = (draw(7, 16, 16) > 0).double()
    mask[2] = 1
    plain = vace.context(pictures.encode, frames, mask, CELL, STEP)
    reference = torch.cat([pictures.encode(image), torch.zeros(1, IN_DIM - Z, 4, 4)], 1)
    masks = vace.mask_channels(mask, CELL, plain.shape[0])
    return {
        "context/inputs/frames": frames.transpose(0, 1),
        "context/inputs/mask": mask[None],
        "context/inputs/reference_image": image.transpose(0, 1),
        "context/expected/mask_channels": masks.transpose(0, 1),
        "context/expected/vace_context": plain.transpose(0, 1),
        "context/expected/vace_context_with_reference": torch.cat([reference, plain]).transpose(
            0, 1
        ),
    }


def forward_case(w: dict) -> dict[str, torch.Tensor]:
    draw, frames, t = Draw(32), 3, 833.3333
    x, context = draw(frames, 16, HEIGHT, WIDTH), draw(frames, IN_DIM, HEIGHT, WIDTH)
    text = draw(4, TEXT_DIM)
    copy = Copy(x, t, text, [(0, f, f) for f in range(frames)], list(range(frames)))
    made = vace.hints(w, DEEP, LAYERS, copy, context)
    found = {f"hint{i}": made[layer].flatten(0, 1) for i, layer in enumerate(LAYERS)}
    for scale in (0.0, 0.6, 1.0):
        output = vace.flow(w, DEEP, [copy], made, scale)
        found[f"output_scale{scale or 0}"] = output.transpose(0, 1)
    inputs = {"x": x.transpose(0, 1), "vace_context": context.transpose(0, 1), "context": text}
    inputs["t"] = torch.tensor(t)
    tensors = {f"bidirectional/inputs/{key}": value[None] for key, value in inputs.items()}
    return tensors | {f"bidirectional/expected/{key}": value[None] for key, value in found.items()}


def rollout_case(w: dict, case: dict) -> dict[str, torch.Tensor]:
    draw, name, chunks = Draw(33), "causal_chunkwise", case["chunks"]
    inputs = rollout_inputs(draw, chunks, 2) | {"context": draw(1, 4, TEXT_DIM)}
    context, text = draw(chunks * CHUNK, IN_DIM, HEIGHT, WIDTH), inputs["context"][0]
    tensors = {f"{name}/inputs/{key}": value for key, value in inputs.items()}
    tensors[f"{name}/inputs/vace_context"] = context.transpose(0, 1)[None]
    for key, scale in (("output_without_vace", 0.0), ("output", case["context_scale"])):
        show = SteeredShow(
            w, case["local_attn_size"], case["sink_size"], context=context, scale=scale
        )
        steps, done = warped(show.table, case["denoising_step_list"]), []
        for i in range(chunks):
            noise = inputs["noise"][0, i * CHUNK : (i + 1) * CHUNK]
            clean, first = show.chunk(steps, noise, inputs["renoise"][i], text)
            if i == 0:
                tensors[f"{name}/expected/first_call_flow"] = first[None]
            show.finish(clean, text)
            done.append(clean)
        tensors[f"{name}/expected/{key}"] = torch.cat(done)[None]
    return tensors


def main() -> None:
    w = weights()
    rollout = {
        "latent_hw": [HEIGHT, WIDTH], "chunks": 3, "local_attn_size": 4, "sink_size": 1,
        "context_scale": 0.7, "denoising_step_list": [1000, 600], "warp_denoising_step": True,
        "shift": SHIFT,
    }  # fmt: skip
    tensors = {f"weights/{key}": value for key, value in w.items()}
    tensors |= context_case() | forward_case(w) | rollout_case(w, rollout)
    sizes = {**config(), "num_layers": 3, "vace_layers": LAYERS, "vace_in_dim": IN_DIM}
    meta = {
        "config": sizes,
        "tolerance": TOLERANCE,
        "vae": "VAE weights are those of wan_vae.safetensors of the same set",
        "cases": {"bidirectional": {}, "causal_chunkwise": rollout},
    }
    save("vace", tensors, meta)


if __name__ == "__main__":
    main()
