"""Slow, plain transformer in float64, from the formulas, sharing no code with the engine.

There is no cache and no mask. A sequence is a list of *copies*: some latent frames at one noise
level under one text. Each copy says which frames of which copies it sees and at which time
positions; everything is computed anew, layer by layer, for all copies at once.
"""

import cmath
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

Weights = dict[str, torch.Tensor]


@dataclass
class Copy:
    """latents [F, C, h, w]; sees: (copy, frame in it, time position); positions: own frames'."""

    latents: torch.Tensor
    t: float
    text: torch.Tensor
    sees: list[tuple[int, int, int]]
    positions: list[int]


@dataclass
class Sizes:
    dim: int
    num_heads: int
    num_layers: int
    freq_dim: int
    text_len: int
    out_dim: int = 16
    eps: float = 1e-6


def linear(w: Weights, name: str, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def layer_norm(x, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + eps)


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x**2).mean(-1, keepdim=True) + eps) * weight


def time_features(w: Weights, sizes: Sizes, t: float):
    half = sizes.freq_dim // 2
    angles = [t * 10000 ** (-i / half) for i in range(half)]
    features = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
    x = torch.tensor(features, dtype=torch.float64)
    e = linear(w, "time_embedding.2", F.silu(linear(w, "time_embedding.0", x)))
    return e, linear(w, "time_projection.1", F.silu(e)).reshape(6, -1)


def text_tokens(w: Weights, sizes: Sizes, text):
    rows = torch.zeros(sizes.text_len, text.shape[-1], dtype=torch.float64)
    rows[: text.shape[0]] = text
    hidden = F.gelu(linear(w, "text_embedding.0", rows), approximate="tanh")
    return linear(w, "text_embedding.2", hidden)


def patches(w: Weights, latents):
    """[F, C, h, w] -> tokens [F, S, D], one dot product per patch."""
    kernel = w["patch_embedding.weight"][:, :, 0]
    rows = []
    for frame in latents:
        for y in range(0, frame.shape[1], 2):
            for x in range(0, frame.shape[2], 2):
                rows.append((kernel * frame[:, y : y + 2, x : x + 2]).sum((1, 2, 3)))
    return (torch.stack(rows) + w["patch_embedding.bias"]).reshape(
        latents.shape[0], -1, kernel.shape[0]
    )


def rotation(head_dim: int, position: int, y: int, x: int):
    """Unit complex numbers of one token, [head_dim / 2]."""
    spatial = head_dim // 6
    numbers = []
    for place, count in ((position, head_dim // 2 - 2 * spatial), (y, spatial), (x, spatial)):
        numbers += [cmath.exp(1j * place * 10000 ** (-2 * i / (2 * count))) for i in range(count)]
    return torch.tensor(numbers, dtype=torch.complex128)


def rotate(x, position: int, columns: int):
    """x [S, n, dh] of one latent frame."""
    turned = []
    for token in range(x.shape[0]):
        pairs = torch.view_as_complex(x[token].reshape(x.shape[1], -1, 2).contiguous())
        factor = rotation(x.shape[2], position, token // columns, token % columns)
        turned.append(torch.view_as_real(pairs * factor).reshape(x.shape[1], -1))
    return torch.stack(turned)


def attend(q, k, v):
    """q [Lq, n, dh], k and v [Lk, n, dh] -> [Lq, n * dh]."""
    heads = []
    for head in range(q.shape[1]):
        scores = q[:, head] @ k[:, head].T / math.sqrt(q.shape[2])
        heads.append(torch.softmax(scores, -1) @ v[:, head])
    return torch.cat(heads, -1)


def project(w: Weights, name: str, x, sizes: Sizes, norm: str | None = None):
    y = linear(w, name, x)
    if norm:
        y = rms_norm(y, w[f"{norm}.weight"], sizes.eps)
    return y.reshape(*y.shape[:-1], sizes.num_heads, -1)


def flows(w: Weights, sizes: Sizes, copies: list[Copy]) -> list[torch.Tensor]:
    """Velocity [F, C, h, w] of every copy."""
    return hidden_states(w, sizes, copies)[1]


def hidden_states(w: Weights, sizes: Sizes, copies: list[Copy]):
    """Tokens after every layer, and the velocities."""
    columns = copies[0].latents.shape[3] // 2
    x = [patches(w, copy.latents) for copy in copies]
    times = [time_features(w, sizes, copy.t) for copy in copies]
    texts = [text_tokens(w, sizes, copy.text) for copy in copies]
    after = []
    for layer in range(sizes.num_layers):
        x = one_layer(w, sizes, f"blocks.{layer}", copies, (x, times, texts, columns))
        after.append(x)
    return after, [output(w, sizes, x[i], times[i][0], columns) for i in range(len(copies))]


def one_layer(w: Weights, sizes: Sizes, block: str, copies: list[Copy], state):
    x, times, texts, columns = state
    mods = [w[f"{block}.modulation"][0] + e6 for _, e6 in times]
    q, k, v = [], [], []
    for i in range(len(copies)):
        shift, scale = mods[i][0], mods[i][1]
        y = layer_norm(x[i], sizes.eps) * (1 + scale) + shift
        q.append(project(w, f"{block}.self_attn.q", y, sizes, f"{block}.self_attn.norm_q"))
        k.append(project(w, f"{block}.self_attn.k", y, sizes, f"{block}.self_attn.norm_k"))
        v.append(project(w, f"{block}.self_attn.v", y, sizes))
    done = []
    for i, copy in enumerate(copies):
        queries = torch.cat([rotate(q[i][f], p, columns) for f, p in enumerate(copy.positions)])
        keys = torch.cat([rotate(k[c][f], p, columns) for c, f, p in copy.sees])
        values = torch.cat([v[c][f] for c, f, _ in copy.sees])
        seen = attend(queries, keys, values).reshape(x[i].shape)
        done.append(rest_of_block(w, sizes, block, (x[i], seen, mods[i], texts[i])))
    return done


def rest_of_block(w: Weights, sizes: Sizes, block: str, state):
    x, seen, mod, text = state
    x = x + mod[2] * linear(w, f"{block}.self_attn.o", seen)
    y = layer_norm(x, sizes.eps) * w[f"{block}.norm3.weight"] + w[f"{block}.norm3.bias"]
    cross = f"{block}.cross_attn"
    q = project(w, f"{cross}.q", y.reshape(-1, y.shape[-1]), sizes, f"{cross}.norm_q")
    k = project(w, f"{cross}.k", text, sizes, f"{cross}.norm_k")
    v = project(w, f"{cross}.v", text, sizes)
    x = x + linear(w, f"{cross}.o", attend(q, k, v)).reshape(x.shape)
    y = layer_norm(x, sizes.eps) * (1 + mod[4]) + mod[3]
    wide = F.gelu(linear(w, f"{block}.ffn.0", y), approximate="tanh")
    return x + mod[5] * linear(w, f"{block}.ffn.2", wide)


def output(w: Weights, sizes: Sizes, x, e, columns: int):
    """Tokens [F, S, D] -> velocity [F, C, h, w], patch by patch."""
    shift, scale = w["head.modulation"][0] + e
    rows = linear(w, "head.head", layer_norm(x, sizes.eps) * (1 + scale) + shift)
    height = x.shape[1] // columns * 2
    velocity = torch.zeros(x.shape[0], sizes.out_dim, height, columns * 2, dtype=torch.float64)
    for frame in range(x.shape[0]):
        for token in range(x.shape[1]):
            top, left = token // columns * 2, token % columns * 2
            cell = rows[frame, token].reshape(2, 2, sizes.out_dim).permute(2, 0, 1)
            velocity[frame, :, top : top + 2, left : left + 2] = cell
    return velocity


def visible_frames(num_frames: int, window: int, sink: int) -> list[int]:
    """Frames that the newest chunk sees when `num_frames` exist: the sink and the newest others."""
    if num_frames <= window:
        return list(range(num_frames))
    return list(range(sink)) + list(range(num_frames - (window - sink), num_frames))


def block_causal(
    clean: list[torch.Tensor],
    noisy: list[tuple[torch.Tensor, float]],
    text: torch.Tensor,
    *,
    window: int,
    sink: int,
    is_relative: bool,
    context_t: float = 0.0,
) -> list[Copy]:
    """Copies for one uncached forward over a whole video: clean chunks, then noisy chunks.

    Chunk c of either kind sees the clean frames before it that the window holds, and itself.
    """
    size = clean[0].shape[0]
    copies = []
    for kind, chunks in enumerate(([(x, context_t) for x in clean], noisy)):
        for c, (latents, t) in enumerate(chunks):
            own_copy = c + kind * len(clean)
            frames = visible_frames((c + 1) * size, window, sink)
            place = {f: (slot if is_relative else f) for slot, f in enumerate(frames)}
            sees = [(own_copy if f // size == c else f // size, f % size, place[f]) for f in frames]
            positions = [place[c * size + f] for f in range(size)]
            copies.append(Copy(latents, t, text, sees, positions))
    return copies
