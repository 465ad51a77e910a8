"""A chunk loop around a tiny real model, with real rings, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.protocol import frame_ring
from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter
from engine.protocol.orders import ChunkPlan, ChunkReport, WorkerEvent
from engine.protocol.values import ModelChoice, WeightedPrompt
from engine.worker.chunk_loop import Channels, ChunkLoop
from engine.worker.device import Compute
from engine.worker.model import LoadedModel
from engine.worker.models.house.house import (
    CONTROL_CHANNELS,
    TEXT_DIM,
    CaptionEmbedding,
    HouseTextEncoder,
)
from engine.worker.models.house.vocabulary import NUM_SLOTS
from engine.worker.models.spec import HOUSE, Control, rollout_config
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.models.wan.tae import TAE, TAEConfig, TAEPath
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.vace import VaceConfig, VaceStack
from engine.worker.models.wan.vae import WanVAE, WanVAEConfig
from engine.worker.preprocess.casts import Build
from engine.worker.preprocess.kinds import default_preprocessors
from engine.worker.preprocess.runner import PreprocessRunner
from engine.worker.prompts import Prompts

SIZE_PX = 32
FRAMES_PER_CHUNK = 12
CPU = Compute(torch.device("cpu"), torch.float32)

TINY_TRANSFORMER = TransformerConfig(
    dim=48, ffn_dim=96, num_heads=4, num_layers=2, text_dim=TEXT_DIM, text_len=NUM_SLOTS,
    in_dim=16 + CONTROL_CHANNELS, out_dim=16,
)  # fmt: skip
TINY_CODEC = TAEConfig(
    encoder=TAEPath(widths=(8, 8, 8), memblocks=(1, 1, 1), space=(True, True), time=(True, True)),
    decoder=TAEPath(widths=(8, 8, 8), memblocks=(1, 1, 1), space=(True, True), time=(True, True)),
    patch_size=2,
    pixel_range=(-1.0, 1.0),
    colour_shortcut=True,
    latent_stats=True,
)

TINY_VAE = WanVAEConfig(base_width=4, multiples=(1, 1, 2, 2), residual_blocks=1)


def tiny_model(seed: int = 3, *, recaches: bool = True) -> LoadedModel:
    """Return a model of the house's kind with a few thousand random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer = CausalTransformer(TINY_TRANSFORMER)
        codec = TAE(TINY_CODEC)
        captions = CaptionEmbedding()
    for module in (transformer, codec, captions):
        module.requires_grad_(False).eval()
    # A codec whose colours answer to its latents: random ones hardly do.
    codec.colour_decode.weight.mul_(0.6)
    spec = replace(HOUSE, transformer=TINY_TRANSFORMER, codec=TINY_CODEC, recaches=recaches)
    return LoadedModel(
        spec=spec,
        choice=ModelChoice(name="tiny", width_px=SIZE_PX, height_px=SIZE_PX, device="cpu"),
        compute=CPU,
        sampler=ChunkSampler(transformer, rollout_config(spec, SIZE_PX, SIZE_PX)),
        codec=codec,
        prompts=Prompts(HouseTextEncoder(captions)),
    )


def tiny_vace_model(seed: int = 3, *, with_vae: bool = False) -> LoadedModel:
    """Return a tiny model of the published kind: steered through a VACE stack."""
    made = tiny_model(seed)
    sizes = replace(TINY_TRANSFORMER, in_dim=16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformer, stack = CausalTransformer(sizes), VaceStack(sizes, VaceConfig(layers=(0, 1)))
        vae = WanVAE(TINY_VAE)
    for module in (transformer, stack, vae):
        module.requires_grad_(False).eval()
    codec = vae if with_vae else made.codec
    spec = replace(made.spec, transformer=sizes, codec=codec.config, control=Control.VACE)
    sampler = ChunkSampler(transformer, rollout_config(spec, SIZE_PX, SIZE_PX), stack)
    return replace(made, spec=spec, sampler=sampler, codec=codec)


def plan(index: int, **changes: object) -> ChunkPlan:
    """Return a plain plan for chunk `index` of a show without cuts."""
    fields: dict[str, object] = {
        "chunk_index": index, "cut_number": 0, "chunk_in_cut": index, "snapshot_version": 0,
        "seed": 7, "text": (WeightedPrompt(text="slow red fire", weight=1.0),),
        "parameters": {"steps": 2.0},
    }  # fmt: skip
    return ChunkPlan(**(fields | changes))  # type: ignore[arg-type]


@dataclass
class TinyWorker:
    """A chunk loop and both ends of its rings."""

    loop: ChunkLoop
    source: RingWriter
    preprocess: PreprocessRunner
    shown: RingReader
    events: list[WorkerEvent]

    def deliver(self, num_frames: int) -> int:
        """Write and preprocess source frames of a moving square; returns the newest's number."""
        for _ in range(num_frames):
            at = self.source.num_written
            self.source.write(moving_square(at), FrameMeta(media_index=at))
            self.preprocess.lane.step()
        return self.source.num_written - 1

    def run(self, plan: ChunkPlan) -> ChunkReport:
        with torch.inference_mode():
            self.loop.run_chunk(plan)
        report = self.events[-1]
        assert isinstance(report, ChunkReport)
        return report

    def pictures(self, report: ChunkReport) -> np.ndarray:
        """Return the frames [F, H, W, 4] of a chunk that was just run."""
        last = self.shown.num_written
        frames = [self.shown.read(n) for n in range(last - report.num_frames, last)]
        return np.stack([frame.pixels for frame in frames if frame is not None])


def moving_square(index: int) -> np.ndarray:
    """Return a source frame [H, W, 3]: a bright square that crosses a dark ground."""
    frame = np.full((SIZE_PX, SIZE_PX, 3), 30, np.uint8)
    left = (2 * index) % (SIZE_PX - 8)
    frame[10:20, left : left + 8] = (220, 180, 90)
    return frame


@contextmanager
def tiny_worker(
    model: LoadedModel | None = None, costly: Mapping[str, Build] | None = None
) -> Iterator[TinyWorker]:
    """Make a chunk loop with rings of its own; removes them afterwards."""
    loaded = model or tiny_model()
    pixels = loaded.choice.width_px * loaded.choice.height_px
    shown = frame_ring.create("frames", 4 * FRAMES_PER_CHUNK, pixels * 4)
    source = frame_ring.create("input", 64, pixels * 3)
    events: list[WorkerEvent] = []

    def on_error(error: BaseException) -> None:
        raise error

    preprocess = PreprocessRunner(
        RingReader(source), default_preprocessors(), on_error, costly=costly
    )
    channels = Channels(
        frames=RingWriter(shown), inputs=RingReader(source), preprocess=preprocess,
        tell=events.append,
    )  # fmt: skip
    try:
        yield TinyWorker(
            ChunkLoop(loaded, channels), RingWriter(source), preprocess, RingReader(shown), events
        )
    finally:
        frame_ring.remove(shown)
        frame_ring.remove(source)
