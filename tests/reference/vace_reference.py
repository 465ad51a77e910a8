"""Slow, plain VACE in float64, from the formulas, sharing no code with the engine."""

import torch

from tests.reference.wan_reference import (
    Copy,
    Sizes,
    Weights,
    linear,
    one_layer,
    output,
    patches,
    text_tokens,
    time_features,
)


def hints(w: Weights, sizes: Sizes, layers: list[int], copy: Copy, context: torch.Tensor) -> dict:
    """layer -> hint [F, S, D] for latents under a context [F, C, h, w]; they see one another."""
    frames = range(copy.latents.shape[0])
    alone = Copy(copy.latents, copy.t, copy.text, [(0, f, f) for f in frames], list(frames))
    time, text = time_features(w, sizes, copy.t), text_tokens(w, sizes, copy.text)
    embedding = {f"patch_embedding.{n}": w[f"vace_patch_embedding.{n}"] for n in ("weight", "bias")}
    x = patches(embedding, context)
    x = linear(w, "vace_blocks.0.before_proj", x) + patches(w, copy.latents)
    found = {}
    for number, layer in enumerate(layers):
        state = ([x], [time], [text], copy.latents.shape[3] // 2)
        (x,) = one_layer(w, sizes, f"vace_blocks.{number}", [alone], state)
        found[layer] = linear(w, f"vace_blocks.{number}.after_proj", x)
    return found


def flow(w: Weights, sizes: Sizes, copies: list[Copy], given: dict, scale: float):
    """Velocity of the last copy, with hints after its layers; the other copies have none."""
    columns = copies[0].latents.shape[3] // 2
    x = [patches(w, copy.latents) for copy in copies]
    times = [time_features(w, sizes, copy.t) for copy in copies]
    texts = [text_tokens(w, sizes, copy.text) for copy in copies]
    for layer in range(sizes.num_layers):
        x = one_layer(w, sizes, f"blocks.{layer}", copies, (x, times, texts, columns))
        if layer in given:
            x[-1] = x[-1] + scale * given[layer]
    return output(w, sizes, x[-1], times[-1][0], columns)


def mask_channels(mask: torch.Tensor, cell: int, num_latents: int) -> torch.Tensor:
    """mask [T, H, W] -> [F, cell * cell, h, w], pixel by pixel."""
    count, height, width = mask.shape
    made = torch.zeros(num_latents, cell * cell, height // cell, width // cell, dtype=mask.dtype)
    for f in range(num_latents):
        frame = mask[int((f + 0.5) * count / num_latents)]
        for y in range(height):
            for x in range(width):
                made[f, y % cell * cell + x % cell, y // cell, x // cell] = frame[y, x]
    return made


def context(encode, pixels: torch.Tensor, mask: torch.Tensor, cell: int, step: int):
    """Context [F, 2C + cell * cell, h, w] of pixels [T, 3, H, W] in [-1, 1], mask [T, H, W]."""
    num_latents = (mask.shape[0] + step - 1) // step
    kept, redrawn = encode(pixels * (1 - mask[:, None])), encode(pixels * mask[:, None])
    return torch.cat([kept, redrawn, mask_channels(mask, cell, num_latents)], 1)
