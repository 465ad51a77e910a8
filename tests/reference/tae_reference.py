"""Slow, plain tiny autoencoder in float64: one frame at a time, memory in a dict."""

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

Weights = dict[str, torch.Tensor]


class Plain:
    """Runs the layers named in `plan` on one frame [C, H, W] after another."""

    def __init__(self, w: Weights, prefix: str) -> None:
        self.w, self.prefix, self.past, self.waiting = w, prefix, {}, {}

    def conv(self, index: str, x, stride: int = 1):
        weight = self.w[f"{self.prefix}.{index}.weight"]
        bias = self.w.get(f"{self.prefix}.{index}.bias")
        return F.conv2d(x[None], weight, bias, stride, weight.shape[2] // 2)[0]

    def memblock(self, index: int, x):
        past = self.past.get(index, torch.zeros_like(x))
        self.past[index] = x
        y = torch.cat([x, past])
        y = torch.relu(self.conv(f"{index}.conv.0", y))
        y = torch.relu(self.conv(f"{index}.conv.2", y))
        return torch.relu(self.conv(f"{index}.conv.4", y) + x)

    def run(self, plan: list[tuple], x) -> list[torch.Tensor]:
        """Outputs that this frame brings about: none, one or several."""
        if not plan:
            return [x]
        (kind, index, *rest), later = plan[0], plan[1:]
        if kind == "pool":
            self.waiting.setdefault(index, []).append(x)
            if len(self.waiting[index]) < rest[0]:
                return []
            return self.run(later, self.conv(f"{index}.conv", torch.cat(self.waiting.pop(index))))
        if kind == "grow":
            parts = self.conv(f"{index}.conv", x).chunk(rest[0])
            return [y for part in parts for y in self.run(later, part)]
        if kind == "memblock":
            return self.run(later, self.memblock(index, x))
        if kind == "conv":
            return self.run(later, self.conv(str(index), x, *rest))
        return self.run(later, {"relu": torch.relu, "clamp": clamp, "double": double}[kind](x))


def clamp(x):
    return 3 * torch.tanh(x / 3)


def double(x):
    return x.repeat_interleave(2, 1).repeat_interleave(2, 2)


def encoder_plan(memblocks: int, time: tuple[bool, ...]) -> list[tuple]:
    plan, index = [("conv", 0), ("relu", 1)], 2
    for halves in time:
        plan += [("pool", index, 1 + halves), ("conv", index + 1, 2)]
        plan += [("memblock", index + 2 + i) for i in range(memblocks)]
        index += 2 + memblocks
    return [*plan, ("conv", index)]


def decoder_plan(memblocks: int, time: tuple[bool, ...]) -> list[tuple]:
    plan, index = [("clamp", 0), ("conv", 1), ("relu", 2)], 3
    for doubles in time:
        plan += [("memblock", index + i) for i in range(memblocks)]
        index += memblocks
        plan += [("double", index), ("grow", index + 1, 1 + doubles), ("conv", index + 2)]
        index += 3
    return [*plan, ("relu", index), ("conv", index + 1)]


def run_clip(w: Weights, prefix: str, plan: list[tuple], clip: torch.Tensor) -> torch.Tensor:
    """clip [T, C, H, W] through the plan."""
    plain = Plain(w, prefix)
    return torch.stack([out for frame in clip for out in plain.run(plan, frame)])
