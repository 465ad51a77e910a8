"""Stage 4: look at the model, and count.

python -m training.evaluate --out runs/house --sheets runs/house/sheets

Writes contact sheets and metrics.json, and prints everything relative to source clips of the same
captions.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from torch import Tensor

from engine.bench.picture_measures import (
    FRAMES_PER_CHUNK,
    by_clip,
    correlation,
    frame_differences,
    measure,
)
from engine.visuals.canvas import Canvas
from engine.visuals.clips import ClipSettings, draw_clips
from engine.visuals.controls import CONTROL_KINDS, draw_controls
from engine.visuals.leaves import draw_leaves
from engine.visuals.looks import FPS, NUM_PARAMETERS, Look, paint
from engine.visuals.sheet import write_sheet
from engine.worker.models.house.house import HOUSE_SAMPLING, HOUSE_TRANSFORMER
from engine.worker.models.house.text import parse_prompt
from engine.worker.models.house.vocabulary import NUM_SLOTS, WORDS
from engine.worker.models.wan.tae import TAE, TAEState
from training.rollout import Sampling, ShowInputs, roll_out, text_only
from training.runtime import Runtime, start_runtime
from training.transformer import HouseNet, load_codec

PROMPTS = (
    "slow red gold flames", "medium indigo silver smoke", "slow blue white clouds drifting",
    "medium green cyan purple aurora", "fast magenta blue plasma", "slow gold teal fractal",
    "medium blue cyan caustics", "fast blue teal white waves", "medium red white ripples mirrored",
    "fast cyan magenta tunnel neon", "slow indigo pink spiral kaleidoscope",
    "fast white magenta stars", "medium teal gold metaballs liquid", "slow cyan pink bubbles",
    "medium orange purple cells", "fast green mint lace", "medium lime magenta truchet",
    "medium pink gold squares rotating", "medium red orange polygons pulsing",
    "medium magenta cyan grid", "fast green gold red bars", "slow white blue moire",
    "medium orange magenta ribbons soft", "fast gold white beams",
)  # fmt: skip
SWITCHES = (
    ("fast cyan magenta tunnel", "slow red gold flames"),
    ("slow blue white clouds", "medium orange purple cells"),
    ("medium red white ripples", "medium teal gold metaballs"),
    ("slow indigo pink spiral", "slow lime green spiral"),
)
_CUT_CHUNK, _SWITCH_CHUNKS, _BLEND_CHUNKS = 4, 12, 4
_SHEET_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Where:
    """What the command line said about all variants."""

    out: Path
    sheets: Path
    chunks: int
    full: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Player:
    """A net, the codec and how to sample them: captions in, pictures out."""

    net: HouseNet
    codec: TAE
    sampling: Sampling
    runtime: Runtime

    @property
    def side(self) -> int:
        """Latent pixels along one side."""
        return HOUSE_SAMPLING.size_px // self.codec.config.pixels_per_latent

    def text(self, prompts: Sequence[str]) -> Tensor:
        """Return text rows [B, 8, 64]."""
        ids = torch.tensor([parse_prompt(p).ids for p in prompts], device=self.runtime.device)
        rows: Tensor = self.net.captions(ids).detach()
        return rows

    def show_inputs(self, text: Tensor) -> ShowInputs:
        """Return text-only inputs for text rows [B, N, 8, 64]."""
        null = torch.zeros(NUM_SLOTS, dtype=torch.long, device=self.runtime.device)
        return text_only(text, self.net.captions(null).detach(), self.side, self.side)

    def play(self, inputs: ShowInputs, reset_at: int | None = None, seed: int = 0) -> Tensor:
        """Generate and decode, [B, F, 3, H, W] uint8."""
        device = self.runtime.device
        generator = torch.Generator(device).manual_seed(seed)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            rollout = roll_out(
                self.net.transformer, inputs, self.sampling, generator=generator, reset_at=reset_at
            )
        return decode(self.codec, rollout.latents, reset_at)


@torch.no_grad()
def decode(codec: TAE, latents: Tensor, reset_at: int | None = None) -> Tensor:
    """Decode [B, N, 3, 16, h, w] as a stream, forgetting the past before chunk `reset_at`."""
    state: TAEState | None = None
    frames = []
    for n in range(latents.shape[1]):
        state = None if n == reset_at else state
        decoded, state = codec.decode(latents[:, n].to(codec.dtype), state)
        frames.append((decoded.float().clamp(0, 1) * 255).round().to(torch.uint8))
    return torch.cat(frames, 1)


def look_of(prompt: str, rng: random.Random) -> Look:
    """Return a look of a prompt, with random parameters."""
    words = [WORDS[i] for i in parse_prompt(prompt).ids]
    return Look(
        family=words[0],
        colours=tuple(w for w in words[1:4] if w != WORDS[0]),
        speed=words[4],
        modifiers=tuple(w for w in words[5:] if w != WORDS[0]),
        parameters=tuple(rng.random() for _ in range(NUM_PARAMETERS)),
        start_s=rng.random() * 60,
    )


def source_clips(num_frames: int, device: torch.device) -> Tensor:
    """Draw source clips of all prompts, [24, F, 3, H, W] uint8."""
    rng = random.Random(5)
    clips = [paint([look_of(p, rng)], num_frames, device, Canvas()).rgb()[0] for p in PROMPTS]
    return torch.stack([(clip * 255).round().to(torch.uint8) for clip in clips])


class Evaluation:
    """One evaluation: a player, where its sheets go, and the numbers so far."""

    def __init__(self, player: Player, name: str, sheets: Path) -> None:
        self.player, self.name, self.sheets = player, name, sheets
        self.device = player.runtime.device
        self.numbers: dict[str, object] = {}

    def prompts(self, num_chunks: int, source: Tensor) -> None:
        """Play every prompt for `num_chunks` chunks: motion, colour, contrast, seams, drift."""
        text = self.player.text(PROMPTS)[:, None].expand(-1, num_chunks, -1, -1)
        clips = self.player.play(self.player.show_inputs(text))
        result, reference = measure(clips), measure(source)
        self.numbers["prompts"] = asdict(result)
        self.player.runtime.log(self.name, result.relative_to(reference))
        motion = by_clip(clips, frame_differences).mean(1)
        motion = motion / by_clip(source, frame_differences).mean(1)
        self.player.runtime.log(
            f"{self.name} motion by prompt", " ".join(f"{x:.2f}" for x in motion.tolist())
        )
        self._sheet("prompts", clips, PROMPTS)
        start = [0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 23]
        self._sheet("start", clips, PROMPTS, start)

    def switches(self) -> None:
        """Cut from one caption to another: hard, with kept context, and blended over 4 chunks."""
        begin, end = (self.player.text([pair[i] for pair in SWITCHES]) for i in (0, 1))
        n = torch.arange(_SWITCH_CHUNKS, device=self.device)
        sudden = (n >= _CUT_CHUNK).float()
        gradual = ((n - _CUT_CHUNK + 1) / _BLEND_CHUNKS).clamp(0, 1)
        kinds = {"hard": (sudden, _CUT_CHUNK), "kept": (sudden, None), "soft": (gradual, None)}
        rows, labels = [], []
        for kind, (share, reset_at) in kinds.items():
            text = torch.lerp(begin[:, None], end[:, None], share.view(1, -1, 1, 1))
            clips = self.player.play(self.player.show_inputs(text), reset_at)
            difference = by_clip(clips, frame_differences)
            cut = _CUT_CHUNK * FRAMES_PER_CHUNK - 1
            numbers = {
                "at cut": difference[:, cut].tolist(),
                "usual": difference[:, 12:cut].mean(1).tolist(),
            }
            self.numbers[f"switch {kind}"] = numbers
            self.player.runtime.log(self.name, "switch", kind, _rounded(numbers))
            rows.append(clips)
            labels += [f"{kind}: {a} > {b}" for a, b in SWITCHES]
        frames = [30, 42, 46, 48, 50, 54, 59, 65, 77, 89, 105, 140]
        self._sheet("switches", torch.cat(rows), labels, frames)

    def control(self, num_chunks: int = 8) -> None:
        """Drive eight prompts by control maps of every kind; correlate brightness with the map."""
        prompts = PROMPTS[:8]
        kinds = list(CONTROL_KINDS)
        kinds = (kinds + kinds)[: len(prompts)]
        generator = torch.Generator().manual_seed(3)
        p = torch.rand(len(prompts), 12, generator=generator).to(self.device)
        u, v = Canvas(stride=2).axes(self.device)
        seconds = torch.arange(FRAMES_PER_CHUNK * num_chunks, device=self.device) / FPS
        maps = draw_controls((u, v, seconds.view(1, -1, 1, 1)), list(kinds), p)
        text = self.player.text(prompts)[:, None].expand(-1, num_chunks, -1, -1)
        inputs = self.player.show_inputs(text)
        small = F.avg_pool2d(maps, 4)
        grid = torch.unflatten(torch.unflatten(small, 1, (-1, 4)), 1, (num_chunks, 3))
        control = torch.cat([grid, torch.ones_like(grid[:, :, :, :1])], 3)
        clips = self.player.play(replace(inputs, control=control))
        bright = F.avg_pool2d(clips.float().amax(2), 2)
        numbers = {
            "right map": correlation(bright, maps).tolist(),
            "wrong map": correlation(bright, maps.roll(1, 0)).tolist(),
            "a chunk late": correlation(bright[:, 12:], maps[:, :-12]).tolist(),
            "light outside": _light_outside(bright, maps),
        }
        self.numbers["control"] = numbers
        self.player.runtime.log(self.name, "control", kinds, _rounded(numbers))
        grey = F.interpolate(maps, scale_factor=2.0).unsqueeze(2).expand(-1, -1, 3, -1, -1)
        both = torch.stack([clips, (grey * 255).to(torch.uint8)], 1).flatten(0, 1)
        labels = [label for prompt in prompts for label in (prompt, "control")]
        self._sheet("control", both, labels)

    def video(self, num_chunks: int = 6) -> None:
        """Start from video of drifting leaves at several strengths."""
        strengths = (0.45, 0.6, 0.75, 0.9)
        generator = torch.Generator(self.device).manual_seed(4)
        frames = draw_leaves(1, FRAMES_PER_CHUNK * num_chunks, Canvas(), generator)
        with torch.no_grad():
            latents = self.player.codec.encode(frames.to(self.player.codec.dtype))[0].float()
        video = torch.unflatten(latents, 1, (num_chunks, 3)).expand(8, -1, -1, -1, -1, -1)
        prompts = [p for p in PROMPTS[:2] for _ in strengths]
        text = self.player.text(prompts)[:, None].expand(-1, num_chunks, -1, -1)
        strength = torch.tensor(strengths * 2, device=self.device)
        inputs = replace(self.player.show_inputs(text), video=video, strength=strength)
        clips = self.player.play(inputs)
        source = (frames * 255).round().to(torch.uint8)
        likeness = correlation(clips.float().mean(2), source.expand_as(clips).float().mean(2))
        self.numbers["video"] = {"strength": strength.tolist(), "likeness": likeness.tolist()}
        self.player.runtime.log(self.name, "video", _rounded({"likeness": likeness.tolist()}))
        labels = ["source", *(f"{s} {p}" for s, p in zip(strengths * 2, prompts, strict=True))]
        self._sheet("video", torch.cat([source, clips]), labels)

    def _sheet(
        self, kind: str, clips: Tensor, labels: Sequence[str], frames: list[int] | None = None
    ) -> None:
        last = clips.shape[1] - 1
        chosen = frames or [round(i * last / (_SHEET_COLUMNS - 1)) for i in range(_SHEET_COLUMNS)]
        write_sheet(self.sheets / f"{self.name}-{kind}.jpg", clips, labels, chosen, 112)


def _light_outside(bright: Tensor, maps: Tensor) -> list[float]:
    """Return the mean brightness where the map is 0, as a share of that where it is 1."""
    inside = (bright * maps).sum((1, 2, 3)) / maps.sum((1, 2, 3))
    outside = (bright * (1 - maps)).sum((1, 2, 3)) / (1 - maps).sum((1, 2, 3))
    ratio: list[float] = (outside / inside).tolist()
    return ratio


def _rounded(numbers: dict[str, list[float]]) -> str:
    return " ".join(f"{k} {[round(x, 3) for x in values]}" for k, values in numbers.items())


def source_evaluation(codec: TAE, runtime: Runtime, sheets: Path, num_chunks: int) -> Tensor:
    """Draw the source clips and measure what the codec alone does to them."""
    source = source_clips(num_chunks * FRAMES_PER_CHUNK, runtime.device)
    latents = []
    with torch.no_grad():
        for clip in source:
            frames = (clip[None, :48].float() / 255).to(codec.dtype)
            latents.append(torch.unflatten(codec.encode(frames)[0].float(), 1, (4, 3)))
    decoded = decode(codec, torch.cat(latents))
    runtime.log("codec alone", measure(decoded).relative_to(measure(source[:, :48])))
    pairs = torch.stack(
        [source[:, [0, 10, 20, 30, 40, 47]], decoded[:, [0, 10, 20, 30, 40, 47]]], 2
    )
    write_sheet(sheets / "codec.jpg", pairs.flatten(1, 2), PROMPTS, range(12), 112)
    return source


def controlled_sources(device: torch.device, sheets: Path) -> None:
    """Write a sheet of what the data says control should do, for comparison by eye."""
    rng = random.Random(6)
    looks = [look_of(p, rng) for p in PROMPTS[:8]]
    kinds = (list(CONTROL_KINDS) * 2)[:8]
    p = torch.tensor([[rng.random() for _ in range(12)] for _ in looks], device=device)
    batch = draw_clips(looks, [None] * 8, kinds, p, ClipSettings(num_frames=96))
    clips = (batch.frames * 255).round().to(torch.uint8)
    write_sheet(sheets / "source-control.jpg", clips, PROMPTS[:8], range(0, 96, 8), 112)


@dataclass(frozen=True, slots=True)
class Variant:
    """Weights and a way to sample them."""

    name: str
    suffix: str
    sampling: Sampling


def parse_variant(text: str) -> Variant:
    """Read `NAME:SUFFIX:SIGMA,SIGMA,...:GUIDANCE:CONTEXT_SIGMA[:ode]`.

    Raises:
        ValueError: `text` has another form.
    """
    name, suffix, sigmas, guidance, context_sigma, *rest = text.split(":")
    sampling = Sampling(
        sigmas=tuple(float(s) for s in sigmas.split(",")),
        guidance=float(guidance),
        context_sigma=float(context_sigma),
        deterministic=rest == ["ode"],
    )
    return Variant(name, suffix, sampling)


def evaluate(variant: Variant, codec: TAE, runtime: Runtime, source: Tensor, args: Where) -> None:
    """Evaluate one variant and write its sheets and numbers."""
    net = HouseNet(HOUSE_TRANSFORMER).to(runtime.device)
    net.load(args.out, variant.suffix)
    evaluation = Evaluation(
        Player(net, codec, variant.sampling, runtime), variant.name, args.sheets
    )
    evaluation.prompts(args.chunks, source)
    if variant.name in args.full:
        evaluation.switches()
        evaluation.control()
        evaluation.video()
    numbers = {"sampling": asdict(variant.sampling), **evaluation.numbers}
    (args.sheets / f"{variant.name}.json").write_text(json.dumps(numbers, indent=1))


def main() -> None:
    """Evaluate from the command line."""
    default = f"house::{','.join(map(str, HOUSE_SAMPLING.sigmas))}:1:{HOUSE_SAMPLING.context_sigma}"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the trained weights")
    parser.add_argument("--sheets", type=Path, required=True, help="where to write")
    parser.add_argument("--variants", nargs="+", default=[default], help=parse_variant.__doc__)
    parser.add_argument("--full", nargs="*", default=["house"], help="variants to look at fully")
    parser.add_argument("--chunks", type=int, default=40)
    parser.add_argument("--source-chunks", type=int, default=10)
    args = parser.parse_args()
    runtime = start_runtime()
    codec = load_codec(args.out, runtime)
    source = source_evaluation(codec, runtime, args.sheets, args.source_chunks)
    where = Where(args.out, args.sheets, args.chunks, tuple(args.full))
    controlled_sources(runtime.device, args.sheets)
    for variant in map(parse_variant, args.variants):
        evaluate(variant, codec, runtime, source, where)


if __name__ == "__main__":
    main()
