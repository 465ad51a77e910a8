"""Part `codec`: what the autoencoder alone does to the renderer's clips, without any generator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.bench.picture_measures import (
    FRAMES_PER_CHUNK,
    FRAMES_PER_LATENT,
    FrameNumbers,
    Seams,
    all_seams,
    measured,
)
from engine.bench.picture_prompts import bench_prompts, caption_of
from engine.bench.picture_prompts_part import mean
from engine.bench.picture_report import Line, Part
from engine.bench.picture_sheets import Row, cells_of
from engine.bench.picture_stage import Stage, source_rng, spread
from engine.worker.models.wan.codec import Codec, CodecState

_SHOWN: Final = (11, 24, 37)
_LEAST_PSNR = 27.0
_SETTLING_FRAMES = FRAMES_PER_LATENT  # the first latent of a stream has no past


@dataclass(frozen=True, slots=True)
class Coded:
    """A clip before and after the codec."""

    psnr_db: float
    before: FrameNumbers
    after: FrameNumbers
    apart: float  # largest difference of streaming, chunk by chunk, to the whole clip at once


def play_codec(stage: Stage, codec: Codec) -> Part:
    """Encode and decode one clip per family, chunk by chunk as a show does, and at once."""
    found: list[Coded] = []
    rows: list[Row] = []
    prompts = spread(bench_prompts(), stage.amounts.prompts)
    for prompt in prompts:
        clip = stage.drawn(caption_of(prompt).look(source_rng(prompt)), stage.amounts.codec_chunks)
        one, shown = coded(codec, clip)
        found.append(one)
        moments = [moment for moment in _SHOWN if moment < len(clip)]
        rows.append(Row(prompt, torch.cat([cells_of(c, moments) for c in (clip, shown)]),
                        "after the codec", len(moments)))  # fmt: skip
        stage.say(f"codec {prompt}: {one.psnr_db:.1f} dB")
    stage.write("codec", rows)
    by_prompt = {p: x.psnr_db for p, x in zip(prompts, found, strict=True)}
    return Part(name="codec alone", lines=tuple(_lines(found)), details={"dB": by_prompt})


@torch.inference_mode()
def coded(codec: Codec, clip: Tensor) -> tuple[Coded, Tensor]:
    """Run a clip [F, 3, H, W] uint8 through a codec; returns what was found and the result."""
    frames = (clip.float() / 255).to(codec.dtype)[None]
    streamed = _streamed(codec, frames)
    at_once = codec.decode(codec.encode(frames)[0])[0]
    shown = (streamed[0].float().clamp(0, 1) * 255).round().to(torch.uint8)
    apart = float((streamed.float() - at_once.float()).abs().max())
    settled = slice(_SETTLING_FRAMES, None)
    decibel = psnr_db(clip[settled], shown[settled])
    return Coded(decibel, measured(clip), measured(shown), apart), shown


def psnr_db(one: Tensor, other: Tensor) -> float:
    """Return the peak signal-to-noise ratio of two uint8 clips; of equal ones, infinity."""
    error = float((one.float() - other.float()).square().mean()) / 255**2
    return math.inf if error == 0 else -10 * math.log10(error)


def _streamed(codec: Codec, frames: Tensor) -> Tensor:
    """Encode and decode [1, F, 3, H, W] chunk by chunk."""
    coming: CodecState | None = None
    going: CodecState | None = None
    parts = []
    for chunk in torch.split(frames, FRAMES_PER_CHUNK, 1):
        latents, coming = codec.encode(chunk, coming)
        part, going = codec.decode(latents, going)
        parts.append(part)
    return torch.cat(parts, 1)


def _lines(found: list[Coded]) -> list[Line]:
    def share(name: str) -> float:
        after, before = ([x.means()[name] for x in clips] for clips in _sides(found))
        return mean(after) / max(mean(before), 1e-6)

    after, before = (all_seams([x.seams() for x in clips]) for clips in _sides(found))
    return [
        Line(key="codec psnr", label="PSNR, dB, mean over families", low=_LEAST_PSNR,
             value=mean([x.psnr_db for x in found])),
        Line(key="codec psnr worst", label="PSNR, dB, the worst family",
             value=min(x.psnr_db for x in found)),
        Line(key="codec saturation", label="saturation, share of the renderer's", low=0.95,
             value=share("saturation"), ceiling=1.0),
        Line(key="codec sharpness", label="sharpness, share of the renderer's",
             value=share("sharpness"), ceiling=1.0),
        Line(key="codec edge", label="latent edge : inside a latent frame", high=1.03,
             value=_at_edges(after), ceiling=_at_edges(before)),
        Line(key="codec stream", label="chunk by chunk against at once, largest difference",
             value=max(x.apart for x in found), ceiling=0.0),
    ]  # fmt: skip


def _sides(found: list[Coded]) -> tuple[list[FrameNumbers], list[FrameNumbers]]:
    return [x.after for x in found], [x.before for x in found]


def _at_edges(seams: Seams) -> float:
    """Return all latent edges, those of chunks too, against the motion inside latent frames."""
    edges = (seams.at_chunk + seams.at_latent) / (seams.num_chunk + seams.num_latent)
    return edges * seams.num_inside / max(seams.inside, 1e-9)
