"""Slow, plain autoencoder of Wan 2.1 in float64: one frame at a time, memory in a dict.

A convolution over time is a sum of convolutions of single frames. Frames go through the layers one
by one; a layer that halves time answers some frames with nothing, one that doubles it with two.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)

Weights = dict[str, torch.Tensor]
Step = tuple


@dataclass
class VAESizes:
    dim: int
    z_dim: int
    dim_mult: tuple[int, ...]
    num_res_blocks: int
    temporal_downsample: tuple[bool, ...]


def encoder_plan(sizes: VAESizes) -> list[Step]:
    """Steps (kind, name, channels in, channels out or flag) from pixels to both moments."""
    widths, index = [sizes.dim * m for m in sizes.dim_mult], 0
    plan: list[Step] = [("conv", "encoder.conv1", 3, widths[0])]
    before = widths[0]
    for stage, width in enumerate(widths):
        for _ in range(sizes.num_res_blocks):
            plan.append(("res", f"encoder.downsamples.{index}", before, width))
            before, index = width, index + 1
        if stage < len(widths) - 1:
            halves = sizes.temporal_downsample[stage]
            plan.append(("down", f"encoder.downsamples.{index}", width, halves))
            index += 1
    plan += _middle("encoder", before)
    plan.append(("head", "encoder.head", before, 2 * sizes.z_dim))
    return [*plan, ("pointwise", "conv1", 2 * sizes.z_dim, 2 * sizes.z_dim)]


def decoder_plan(sizes: VAESizes) -> list[Step]:
    """Steps from latents to pixels."""
    widths, index = [sizes.dim * m for m in sizes.dim_mult][::-1], 0
    plan: list[Step] = [("pointwise", "conv2", sizes.z_dim, sizes.z_dim)]
    plan.append(("conv", "decoder.conv1", sizes.z_dim, widths[0]))
    plan += _middle("decoder", widths[0])
    before = widths[0]
    for stage, width in enumerate(widths):
        for _ in range(sizes.num_res_blocks + 1):
            plan.append(("res", f"decoder.upsamples.{index}", before, width))
            before, index = width, index + 1
        if stage < len(widths) - 1:
            doubles = sizes.temporal_downsample[::-1][stage]
            plan.append(("up", f"decoder.upsamples.{index}", width, doubles))
            before, index = width // 2, index + 1
    return [*plan, ("head", "decoder.head", before, 3)]


def _middle(prefix: str, width: int) -> list[Step]:
    return [
        ("res", f"{prefix}.middle.0", width, width),
        ("attention", f"{prefix}.middle.1", width, width),
        ("res", f"{prefix}.middle.2", width, width),
    ]


def shapes(plan: list[Step]) -> dict[str, tuple[int, ...]]:
    """Shape of every weight that the steps use."""
    found: dict[str, tuple[int, ...]] = {}

    def conv(name: str, rows: int, *columns: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = (rows, *columns), (rows,)

    for kind, name, width, other in plan:
        if kind in ("conv", "pointwise"):
            conv(name, other, width, *((3,) * 3 if kind == "conv" else (1,) * 3))
        elif kind == "head":
            found[f"{name}.0.gamma"] = (width, 1, 1, 1)
            conv(f"{name}.2", other, width, 3, 3, 3)
        elif kind == "res":
            found[f"{name}.residual.0.gamma"] = (width, 1, 1, 1)
            found[f"{name}.residual.3.gamma"] = (other, 1, 1, 1)
            conv(f"{name}.residual.2", other, width, 3, 3, 3)
            conv(f"{name}.residual.6", other, other, 3, 3, 3)
            if width != other:
                conv(f"{name}.shortcut", other, width, 1, 1, 1)
        elif kind == "attention":
            found[f"{name}.norm.gamma"] = (width, 1, 1)
            conv(f"{name}.to_qkv", 3 * width, width, 1, 1)
            conv(f"{name}.proj", width, width, 1, 1)
        else:
            is_up = kind == "up"
            conv(f"{name}.resample.1", width // 2 if is_up else width, width, 3, 3)
            if other:
                conv(f"{name}.time_conv", 2 * width if is_up else width, width, 3, 1, 1)
    return found


class Plain:
    """One stream through the steps of a plan; frames are [C, H, W]."""

    def __init__(self, w: Weights) -> None:
        self.w = w
        self.past: dict[str, list[torch.Tensor]] = {}
        self.begun: set[str] = set()

    def conv2d(self, name: str, x, **settings):
        return F.conv2d(x[None], self.w[f"{name}.weight"], self.w[f"{name}.bias"], **settings)[0]

    def taps(self, name: str, frames: list[torch.Tensor]):
        """Sum of one convolution per frame, earliest first."""
        weight = self.w[f"{name}.weight"]
        parts = [
            F.conv2d(frame[None], weight[:, :, tap], padding=weight.shape[3] // 2)[0]
            for tap, frame in enumerate(frames)
        ]
        return sum(parts) + self.w[f"{name}.bias"][:, None, None]

    def causal(self, name: str, x):
        before = self.past.get(name, [torch.zeros_like(x)] * 2)
        self.past[name] = [before[1], x]
        return self.taps(name, [*before, x])

    def norm(self, name: str, x):
        length = x.square().sum(0, keepdim=True).sqrt().clamp_min(1e-12)
        return x / length * x.shape[0] ** 0.5 * self.w[f"{name}.gamma"].reshape(-1, 1, 1)

    def res(self, name: str, x):
        y = self.causal(f"{name}.residual.2", F.silu(self.norm(f"{name}.residual.0", x)))
        y = self.causal(f"{name}.residual.6", F.silu(self.norm(f"{name}.residual.3", y)))
        has_shortcut = f"{name}.shortcut.weight" in self.w
        return y + (self.taps(f"{name}.shortcut", [x]) if has_shortcut else x)

    def attention(self, name: str, x):
        qkv = self.conv2d(f"{name}.to_qkv", self.norm(f"{name}.norm", x)).flatten(1)
        q, k, v = qkv.chunk(3)
        share = torch.softmax(q.T @ k / x.shape[0] ** 0.5, 1)
        return x + self.conv2d(f"{name}.proj", (v @ share.T).reshape(x.shape))

    def head(self, name: str, x):
        return self.causal(f"{name}.2", F.silu(self.norm(f"{name}.0", x)))

    def down(self, name: str, x, *, halves: bool) -> list[torch.Tensor]:
        x = self.conv2d(f"{name}.resample.1", F.pad(x, (0, 1, 0, 1)), stride=2)
        if not halves:
            return [x]
        if name not in self.begun:
            self.begun.add(name)
            self.past[name] = [x]
            return [x]
        self.past[name].append(x)
        if len(self.past[name]) < 3:
            return []
        frames, self.past[name] = self.past[name], [x]
        return [self.taps(f"{name}.time_conv", frames)]

    def up(self, name: str, x, *, doubles: bool) -> list[torch.Tensor]:
        frames = [x]
        if doubles and name in self.begun:
            frames = list(self.causal(f"{name}.time_conv", x).chunk(2))
        self.begun.add(name)
        larger = [f.repeat_interleave(2, 1).repeat_interleave(2, 2) for f in frames]
        return [self.conv2d(f"{name}.resample.1", f, padding=1) for f in larger]

    def run(self, plan: list[Step], x) -> list[torch.Tensor]:
        """Frames that this frame brings about: none, one or several."""
        if not plan:
            return [x]
        (kind, name, _, other), later = plan[0], plan[1:]
        if kind == "down":
            out = self.down(name, x, halves=other)
        elif kind == "up":
            out = self.up(name, x, doubles=other)
        elif kind == "pointwise":
            out = [self.taps(name, [x])]
        else:
            one = {"conv": self.causal, "res": self.res, "attention": self.attention}
            out = [(one | {"head": self.head})[kind](name, x)]
        return [y for frame in out for y in self.run(later, frame)]


def run_clip(w: Weights, plan: list[Step], clip: torch.Tensor) -> torch.Tensor:
    """clip [T, C, H, W], the start of a stream, through the plan."""
    plain = Plain(w)
    return torch.stack([out for frame in clip for out in plain.run(plan, frame)])
