"""Steady chunks played as one recording, against the same chunks pass by pass, on the same GPU.

Every model plays a night on one loop several times, from a hard cut on and with the same seeds.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from engine.bench.random_model import random_model
from engine.bench.rig import LoopRig, loop_rig
from engine.protocol.frame_ring import FrameMeta
from engine.protocol.orders import ChunkPlan, ChunkReport, FramesReady
from engine.protocol.parameters import CONTROL_KINDS
from engine.protocol.values import CacheAction, Cut, ModelChoice, WeightedPrompt
from engine.worker.device import choose_compute
from engine.worker.kernels.has_triton import has_triton
from engine.worker.models.spec import (
    HOUSE,
    KREA_14B_VACE,
    LONGLIVE_1_3B,
    SELF_FORCING_1_3B,
    SELF_FORCING_1_3B_VACE,
    WAN_1_3B,
    ModelSpec,
)
from engine.worker.models.wan.cache_plan import CacheWindow
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.vace import VaceConfig

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or not has_triton(), reason="needs an NVIDIA GPU and Triton"
    ),
]
SMALL = replace(WAN_1_3B, num_layers=4)
VACE = VaceConfig(layers=(0, 2))
ROLLING = CacheWindow(window_latents=6)


def small(spec: ModelSpec, **changes: object) -> ModelSpec:
    """Return a row with four layers, a short window and the tiny autoencoder."""
    made = replace(spec, transformer=SMALL, codec=spec.tiny_codec, window=ROLLING)
    return replace(made, vace=VACE if spec.vace else None, **changes)


MODELS = {
    "house": (HOUSE, 256),
    "wan": (small(SELF_FORCING_1_3B), 448),
    "wan, its own autoencoder": (small(SELF_FORCING_1_3B, codec=SELF_FORCING_1_3B.codec), 256),
    "sinks": (
        small(LONGLIVE_1_3B, window=CacheWindow(window_latents=9, sink_latents=3)),
        448,
    ),
    "vace": (small(SELF_FORCING_1_3B_VACE), 448),
    "krea": (small(KREA_14B_VACE), 448),
}
ONE, TWO = ("a slow red flame", "a wild blue river")
CONTROL = {"control_amount": 0.8, "control_kind": float(CONTROL_KINDS.index("edges"))}


@dataclass(frozen=True)
class Entry:
    """What changes in the plan of one chunk."""

    text: str = ONE
    blend: float = 0.0
    cut: CacheAction = CacheAction.KEEP
    parameters: tuple[tuple[str, float], ...] = ()
    source: bool = False


def with_parameters(source: bool = True, **parameters: float) -> Entry:
    return Entry(parameters=tuple(parameters.items()), source=source)


NIGHT = (
    Entry(cut=CacheAction.RESET),
    *(Entry(),) * 4,
    Entry(text=TWO),
    Entry(text=ONE, blend=0.5, cut=CacheAction.RECACHE),
    Entry(text=ONE, blend=0.8, cut=CacheAction.RECACHE),
    with_parameters(**CONTROL),
    with_parameters(**(CONTROL | {"control_amount": 0.3})),
    with_parameters(input_amount=0.5),
    with_parameters(input_amount=0.9, motion_amount=0.5),
    with_parameters(source=False, memory_noise=0.3),
    Entry(cut=CacheAction.RESET),
    *(Entry(),) * 4,
)


@contextmanager
def warm_loop(name: str):
    """Make a loop, warm it up, and check that it records at all."""
    gc.collect()
    torch.cuda.empty_cache()
    spec, size = MODELS[name]
    choice = ModelChoice(width_px=size, height_px=size, device="cuda")
    model = random_model(spec, choice, choose_compute("cuda"))
    assert isinstance(model.sampler.passes, FastPasses), (
        f"{name}: no fast passes here, so nothing to test: {model.fast_path.notices}"
    )
    with loop_rig(model, f"-{spec.name}") as rig, torch.inference_mode():
        rig.loop.warm_up()
        whole = rig.loop.whole
        assert not whole._refusal, f"{name}: the capture failed: {whole._refusal}"
        yield rig


def recorded(rig: LoopRig) -> list[object]:
    """Return the keys of all recordings of passes and chunks."""
    return list(rig.loop.model.sampler.passes.graphs._graphs)


def deliver(rig: LoopRig, place: int) -> int:
    """Write a chunk's worth of source frames that depend on its place in the night alone."""
    choice = rig.loop.model.choice
    for number in range(rig.loop.model.spec.frames_per_chunk):
        frame = np.full((choice.height_px, choice.width_px, 3), 30, np.uint8)
        left = (37 * place + 5 * number) % (choice.width_px - 32)
        frame[:, left : left + 32] = (220, 180, 90)
        rig.source.write(frame, FrameMeta(media_index=rig.source.num_written))
        rig.preprocess.lane.step()
    return rig.source.num_written - 1


def run(rig: LoopRig, place: int, entry: Entry) -> ChunkReport:
    """Play one chunk."""
    until = deliver(rig, place) if entry.source else None
    text = tuple(
        WeightedPrompt(text=words, weight=weight)
        for words, weight in ((entry.text, 1 - entry.blend), (TWO, entry.blend))
        if weight
    )
    is_hard = entry.cut is CacheAction.RESET
    rig.loop.run_chunk(
        ChunkPlan(
            chunk_index=place, cut_number=0, chunk_in_cut=place, snapshot_version=place, seed=3,
            text=text, cache_action=entry.cut, cut=Cut.HARD if is_hard else Cut.NONE,
            source_cut=is_hard, parameters=dict(entry.parameters), input_until=until,
        )
    )  # fmt: skip
    report = rig.events[-1]
    assert isinstance(report, ChunkReport)
    assert not report.discarded, f"chunk {place} was not shown: {report.discarded}"
    return report


def night(rig: LoopRig, *, is_whole: bool) -> list[ChunkReport]:
    """Play a night; every chunk of it is made one way, as far as that can be."""
    rig.loop.whole.is_on = is_whole
    rig.loop.whole.forget_counts()
    return [run(rig, place, entry) for place, entry in enumerate(NIGHT)]


def differences(found: list[ChunkReport], expected: list[ChunkReport]) -> list[str]:
    """Say which chunks differ, how each was made, and how far its statistics are apart."""
    return [
        f"chunk {own.chunk_index} ({own.backends['chunk']}): {own.statistics} for {twin.statistics}"
        for own, twin in zip(found, expected, strict=True)
        if own.frames_crc32 != twin.frames_crc32
    ]


@pytest.mark.parametrize("name", MODELS)
def test_a_night_by_the_chunk_has_the_pictures_of_a_night_by_the_pass(name):
    with warm_loop(name) as rig:
        before = recorded(rig)
        whole, counted = night(rig, is_whole=True), dict(rig.loop.whole.by_pass)
        num_whole = rig.loop.whole.num_played
        late = [key for key in recorded(rig) if key not in before]
        twin = night(rig, is_whole=False)
        again = night(rig, is_whole=True)
    assert not late, f"recorded after the warm-up: {late}"
    # Two shows; each begins with a chunk of its own, and with some while the cache fills.
    num_filling = MODELS[name][0].window.window_latents // 3
    assert num_whole >= len(NIGHT) - 2 * num_filling, f"played pass by pass: {counted}"
    assert not differences(again, whole), "a night by the chunk is not even equal to itself"
    assert not differences(whole, twin)


def test_frames_are_handed_on_before_the_context_pass_ends():
    with warm_loop("wan") as rig:
        loop, is_busy = rig.loop, []
        run(rig, 0, NIGHT[0])
        for place in range(1, 5):
            run(rig, place, Entry())
        tell = loop._out._tell

        def on_told(event: object) -> None:
            if isinstance(event, FramesReady):
                is_busy.append(not torch.cuda.current_stream().query())
            tell(event)

        # The pass over the context is played twenty times, so that it outlasts any host.
        steps, played = loop.whole._steps, loop.whole.num_played
        context = steps.context
        steps.context = lambda *given: [context(*given) for _ in range(20)][-1]
        graphs = loop.model.sampler.passes.graphs
        for key in [key for key in graphs._graphs if key[0] == "chunk"]:
            del graphs._graphs[key]
        loop._out._tell = on_told
        with loop.whole.recording():
            for place in range(5, 9):
                report = run(rig, place, Entry())
        decode, commit = (loop.whole._spans.events[stage] for stage in ("decode", "commit"))
        gap_ms = decode[1].elapsed_time(commit[1])
        assert loop.whole.num_played >= played + 2, f"not played whole: {loop.whole.by_pass}"
    assert gap_ms > 0, (
        f"the decoder ended {-gap_ms:.2f} ms after the context pass; {report.stage_ms}"
    )
    assert is_busy[-2:] == [True, True], (
        f"the device was done when frames were told of, {gap_ms:.2f} ms early: {is_busy}"
    )


def test_the_pictures_of_a_chunk_are_its_own():
    """Were the event behind the copy not recorded anew, the host would read the chunk before."""
    with warm_loop("house") as rig:
        reports = [run(rig, place, Entry()) for place in range(9)]
        assert rig.loop.whole.num_played >= 5, rig.loop.whole.by_pass
    crcs = [report.frames_crc32 for report in reports]
    assert len(set(crcs)) == len(crcs), f"a picture came twice: {crcs}"


def test_stage_times_are_those_of_the_chunk_itself():
    with warm_loop("wan") as rig:
        run(rig, 0, NIGHT[0])
        for place in range(1, 8):
            stages = run(rig, place, Entry()).stage_ms
        host_ms = rig.loop.telemetry.host_ms
    assert stages["chunk"] <= stages["total"], stages
    assert 0 < stages["decode"] < stages["chunk"], stages
    in_turn = stages["denoise"] + stages["commit"]
    assert 0.5 * stages["chunk"] < in_turn <= 1.02 * stages["chunk"], stages
    spent_ms = host_ms["condition"] + host_ms["chunk"]
    assert spent_ms < 6, f"the host needs {spent_ms:.1f} ms to give the device a chunk"
