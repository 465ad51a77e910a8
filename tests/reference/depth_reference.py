"""Slow, plain Depth-Anything-V2 and Video-Depth-Anything in float64: weights by name, resampling by
matrices, the past of a frame by its number."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

Weights = dict[str, torch.Tensor]

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def depth(w: Weights, picture, *, heads: int, taps, grid: int):
    """Inverse depth [H, W] of a picture [3, H, W] in 0..1."""
    w = {key: value.double() for key, value in w.items()}
    return head(w, "depth_head.", encoder(w, normed(picture), heads, taps, grid))


def video_depth(
    w: Weights, pictures, *, heads: int, taps, grid: int, motion_heads: int, groups: int
):
    """Inverse depth [T, H, W] of frames [T, 3, H, W] in 0..1, each with the frames it may see."""
    w = {key: value.double() for key, value in w.items()}
    states, found = {}, []
    for number, picture in enumerate(pictures):
        seen = frames_seen(number)

        def over_time(place, x, number=number, seen=seen):
            prefix = f"head.motion_modules.{place}.temporal_transformer."
            return motion(w, prefix, x, number, seen, states, motion_heads, groups)

        features = encoder(w, normed(picture), heads, taps, grid)
        found.append(head(w, "head.", features, over_time))
    return torch.stack(found)


def frames_seen(number: int):
    """Numbers of the 31 frames that frame `number` sees, oldest first; none for the first.

    The authors keep a list that begins with 32 times the first frame and takes a second element out
    for each one that is added beyond 42. They show its first two and its last 29.
    """
    if number == 0:
        return []
    kept = [0] * 32 + list(range(1, number))
    kept = kept[:1] + kept[1 + max(len(kept) - 42, 0) :]
    return kept[:2] + kept[-29:]


def motion(w: Weights, prefix: str, x, number: int, seen, states, heads: int, groups: int):
    """Every pixel of x [C, h, w] looks at itself in the frames before."""
    channels, height, width = x.shape
    grouped = x.reshape(groups, -1)
    centred = grouped - grouped.mean(1, keepdim=True)
    scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()
    scaled = scaled.reshape(channels, -1).T * w[prefix + "norm.weight"] + w[prefix + "norm.bias"]
    y = linear(w, prefix + "proj_in", scaled)
    block_prefix = prefix + "transformer_blocks.0."
    for index in (0, 1):
        part = f"{block_prefix}attention_blocks.{index}."
        states[part, number] = layer_norm(w, f"{block_prefix}norms.{index}", y, 1e-5)
        window = [states[part, one] for one in (*seen, number)]
        y = y + looked(w, part, window, heads)
    inner, gate = linear(
        w, block_prefix + "ff.net.0.proj", layer_norm(w, block_prefix + "ff_norm", y, 1e-5)
    ).chunk(2, 1)
    gate = gate * 0.5 * (1 + torch.erf(gate / math.sqrt(2)))
    y = y + linear(w, block_prefix + "ff.net.2", inner * gate)
    return x + linear(w, prefix + "proj_out", y).T.reshape(channels, height, width)


def looked(w: Weights, prefix: str, window, heads: int):
    """Attention of the last of frames [N, C], one pixel after the other."""
    channels = window[0].shape[1]
    size, rows = channels // heads, []
    waves = [
        [
            (math.cos if i % 2 else math.sin)(place / 10_000 ** (2 * (i // 2) / channels))
            for i in range(channels)
        ]
        for place in range(len(window))
    ]
    for pixel in range(len(window[0])):
        frames = torch.stack([frame[pixel] for frame in window]) + torch.tensor(waves).double()
        query = w[prefix + "to_q.weight"] @ frames[-1]
        key, value = (frames @ w[prefix + name].T for name in ("to_k.weight", "to_v.weight"))
        mixed = []
        for one in range(heads):
            part = slice(one * size, (one + 1) * size)
            share = torch.softmax(key[:, part] @ query[part] / math.sqrt(size), 0)
            mixed.append(share @ value[:, part])
        rows.append(torch.cat(mixed))
    return linear(w, prefix + "to_out.0", torch.stack(rows))


def normed(picture):
    mean, deviation = (torch.tensor(v).double().view(3, 1, 1) for v in (MEAN, DEVIATION))
    return (picture.double() - mean) / deviation


def encoder(w: Weights, pixels, heads: int, taps, grid: int):
    prefix, patch = "pretrained.", 14
    height, width = (side // patch for side in pixels.shape[1:])
    kernel = w[prefix + "patch_embed.proj.weight"].flatten(1)
    patches = [
        kernel @ pixels[:, y * patch : (y + 1) * patch, x * patch : (x + 1) * patch].flatten()
        for y in range(height)
        for x in range(width)
    ]
    tokens = torch.stack(patches) + w[prefix + "patch_embed.proj.bias"]
    x = torch.cat([w[prefix + "cls_token"][0], tokens]) + positions(w, height, width, grid)
    features, index = [], 0
    while f"{prefix}blocks.{index}.norm1.weight" in w:
        x = block(w, f"{prefix}blocks.{index}.", x, heads)
        if index in taps:
            normed = layer_norm(w, prefix + "norm", x)[1:]
            features.append(normed.T.reshape(-1, height, width))
        index += 1
    return features


def positions(w: Weights, height: int, width: int, grid: int):
    """Rows of class token and patches; the learned square is resampled bicubically."""
    learned = w["pretrained.pos_embed"][0]
    if (height, width) == (grid, grid):
        return learned
    rows, columns = cubic_matrix(grid, height), cubic_matrix(grid, width)
    square = learned[1:].reshape(grid, grid, -1)
    fitted = torch.einsum("yi,xj,ijd->yxd", rows, columns, square)
    return torch.cat([learned[:1], fitted.flatten(0, 1)])


def cubic_matrix(num_in: int, num_out: int):
    """Weights [out, in] of Keys' cubic with a = -0.75, for a scale of (out + 0.1) / in."""
    a = -0.75
    matrix = torch.zeros(num_out, num_in, dtype=torch.float64)
    for out in range(num_out):
        at = (out + 0.5) * num_in / (num_out + 0.1) - 0.5
        for tap in range(math.floor(at) - 1, math.floor(at) + 3):
            x = abs(at - tap)
            near = (a + 2) * x**3 - (a + 3) * x**2 + 1
            far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
            matrix[out, min(max(tap, 0), num_in - 1)] += near if x <= 1 else far
    return matrix


def block(w: Weights, prefix: str, x, heads: int):
    x = x + w[prefix + "ls1.gamma"] * attention(
        w, prefix + "attn.", layer_norm(w, prefix + "norm1", x), heads
    )
    hidden = linear(w, prefix + "mlp.fc1", layer_norm(w, prefix + "norm2", x))
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return x + w[prefix + "ls2.gamma"] * linear(w, prefix + "mlp.fc2", hidden)


def attention(w: Weights, prefix: str, x, heads: int):
    dim = x.shape[1]
    size = dim // heads
    together = linear(w, prefix + "qkv", x)
    query, key, value = (together[:, i * dim : (i + 1) * dim] for i in range(3))
    mixed = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size)
        mixed.append(torch.softmax(scores, 1) @ value[:, part])
    return linear(w, prefix + "proj", torch.cat(mixed, 1))


def head(w: Weights, prefix: str, features, over_time=lambda place, x: x):
    height, width = features[0].shape[1:]
    pyramid = [conv(w, f"{prefix}projects.{i}", f) for i, f in enumerate(features)]
    pyramid[0] = grown(w, prefix + "resize_layers.0", pyramid[0], 4)
    pyramid[1] = grown(w, prefix + "resize_layers.1", pyramid[1], 2)
    pyramid[3] = conv(w, prefix + "resize_layers.3", pyramid[3], stride=2)
    pyramid[2], pyramid[3] = over_time(0, pyramid[2]), over_time(1, pyramid[3])
    prefix += "scratch."
    fine = [conv(w, f"{prefix}layer{i + 1}_rn", f) for i, f in enumerate(pyramid)]
    sizes = [(2 * fine[0].shape[1], 2 * fine[0].shape[2]), *(f.shape[1:] for f in fine[:3])]
    x = torch.zeros_like(fine[3])
    for place in (3, 2, 1, 0):
        name = f"{prefix}refinenet{place + 1}."
        x = fine[3] if place == 3 else x + residual(w, name + "resConfUnit1.", fine[place])
        x = resampled(residual(w, name + "resConfUnit2.", x), *sizes[place])
        x = conv(w, name + "out_conv", x)
        x = over_time(5 - place, x) if place >= 2 else x
    x = resampled(conv(w, prefix + "output_conv1", x), 14 * height, 14 * width)
    x = torch.relu(conv(w, prefix + "output_conv2.0", x))
    return torch.relu(conv(w, prefix + "output_conv2.2", x))[0]


def residual(w: Weights, prefix: str, x):
    inner = torch.relu(conv(w, prefix + "conv1", torch.relu(x)))
    return x + conv(w, prefix + "conv2", inner)


def resampled(x, height: int, width: int):
    """Bilinear with the corners on the corners."""
    rows, columns = linear_matrix(x.shape[1], height), linear_matrix(x.shape[2], width)
    return torch.einsum("yi,xj,cij->cyx", rows, columns, x)


def linear_matrix(num_in: int, num_out: int):
    matrix = torch.zeros(num_out, num_in, dtype=torch.float64)
    for out in range(num_out):
        at = out * (num_in - 1) / max(num_out - 1, 1)
        below = min(int(at), num_in - 1)
        matrix[out, below] += 1 - (at - below)
        matrix[out, min(below + 1, num_in - 1)] += at - below
    return matrix


def grown(w: Weights, name: str, x, factor: int):
    """A transposed convolution whose stride is its kernel: every pixel becomes a tile."""
    tiles = torch.einsum("chw,cdyx->dhywx", x, w[name + ".weight"])
    wide = tiles.reshape(tiles.shape[0], x.shape[1] * factor, x.shape[2] * factor)
    return wide + w[name + ".bias"][:, None, None]


def conv(w: Weights, name: str, x, stride: int = 1):
    weight = w[name + ".weight"]
    return F.conv2d(x[None], weight, w.get(name + ".bias"), stride, weight.shape[2] // 2)[0]


def linear(w: Weights, name: str, x):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def layer_norm(w: Weights, name: str, x, eps=1e-6):
    centred = x - x.mean(1, keepdim=True)
    deviation = (centred.square().mean(1, keepdim=True) + eps).sqrt()
    return centred / deviation * w[name + ".weight"] + w[name + ".bias"]
