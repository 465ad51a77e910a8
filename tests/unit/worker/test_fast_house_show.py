"""The house model through a whole chunk loop: the fast path against the plain one, and replayed.

A night of six chunks: two plain ones, a soft cut over two, a hard cut, and video-to-video; control
steers all of them. Compared are the pictures that leave, in levels of 255, whose standard deviation
is 44. Measured at 64x64 on two cores of a server with AVX-512 and bfloat16 (2026-11), worst chunk:

    float32    fast against plain     0.007 levels rms, 1 at most: roundings to a level
    bfloat16   fast against plain     1.2
               fast against float32   0.8; plain against float32 1.2: one rounding instead of some
    another chunk of the same night   26 at least
"""

from contextlib import nullcontext
from functools import cache

import numpy as np
import pytest
import torch

from engine.protocol.frame_ring import FrameMeta
from engine.protocol.values import CacheAction, Cut, ModelChoice, WeightedPrompt
from engine.worker.device import Compute
from engine.worker.kernels.fused import layer_backends, plain_layers
from engine.worker.model import load_model
from tests.fast_layers import TYPES
from tests.tiny_worker import FRAMES_PER_CHUNK, moving_square, plan, tiny_worker

PX, SCALE = 64, 2
CPU = torch.device("cpu")
RMS_LEVELS = {torch.float32: 0.03, torch.bfloat16: 3.0}  # of the worst chunk
FARTHER = 1.25  # than plain bfloat16 the fast one may be from float32
CONTROL = {"steps": 2.0, "control_amount": 1.0, "control_kind": 1.0}


def text(share_of_sea):
    shares = {"slow red fire": 1 - share_of_sea, "fast blue waves": share_of_sea}
    return tuple(WeightedPrompt(text=t, weight=w) for t, w in shares.items() if w)


SOFT = {"cut": Cut.SOFT, "cache_action": CacheAction.RECACHE}
HARD = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "reset_reason": "hard cut"}
NIGHT = (
    {"text": text(0)},
    {"text": text(0)},
    {"text": text(0.5), "blend": 0.5, **SOFT},
    {"text": text(1), **SOFT},
    {"text": text(0), "seed": 8, "chunk_in_cut": 0, **HARD},
    {"text": text(0), "seed": 8, "chunk_in_cut": 1,
     "parameters": CONTROL | {"input_amount": 0.4}},
)  # fmt: skip


def house(dtype):
    choice = ModelChoice(name="house", width_px=PX, height_px=PX, device="cpu")
    return tiny_worker(load_model(choice, Compute(CPU, dtype)))


def deliver(worker):
    """Write a chunk's length of source frames; returns the newest's number."""
    for _ in range(FRAMES_PER_CHUNK):
        at = worker.source.num_written
        large = moving_square(at).repeat(SCALE, 0).repeat(SCALE, 1)
        worker.source.write(large, FrameMeta(media_index=at))
        worker.preprocess.lane.step()
    return worker.source.num_written - 1


@cache
def played(dtype, is_plain):
    """Reports and pictures [F, H, W, 3] of the night, chunk by chunk."""
    found = []
    with house(dtype) as worker, plain_layers() if is_plain else nullcontext():
        for index, changes in enumerate(NIGHT):
            newest = deliver(worker)
            chunk = plan(index, **{"parameters": CONTROL, "input_until": newest, **changes})
            report = worker.run(chunk)
            assert not report.discarded
            found.append((chunk, report, worker.pictures(report)[..., :3].astype(np.float64)))
    return found


def rms(one, other):
    """How far apart two nights are, in levels, chunk by chunk."""
    pairs = zip(one, other, strict=True)
    return [float(np.sqrt(np.mean((a[2] - b[2]) ** 2))) for a, b in pairs]


@TYPES
def test_a_night_on_the_fast_path_looks_like_the_night_on_plain_layers(dtype):
    fast, plain = played(dtype, is_plain=False), played(dtype, is_plain=True)
    assert fast[0][1].backends["codec"].startswith("fused")
    assert plain[0][1].backends["codec"].startswith("torch (plain layers wanted)")
    assert max(rms(fast, plain)) < RMS_LEVELS[dtype]


def test_the_tolerance_tells_another_night_from_the_same():
    fast, plain = played(torch.float32, is_plain=False), played(torch.float32, is_plain=True)
    assert min(rms(fast[:-1], plain[1:])) > 5 * RMS_LEVELS[torch.bfloat16]


@pytest.mark.skipif(
    "fused" not in layer_backends(CPU, torch.bfloat16)["linear"], reason="no fast bfloat16 here"
)
def test_fast_bfloat16_is_about_as_near_to_float32_as_plain_bfloat16():
    exact = played(torch.float32, is_plain=True)
    fast, plain = (rms(played(torch.bfloat16, is_plain=p), exact) for p in (False, True))
    assert np.mean(fast) < FARTHER * np.mean(plain)


@TYPES
def test_a_replay_on_the_fast_path_gives_the_same_bits(dtype):
    recorded = played(dtype, is_plain=False)
    with house(dtype) as worker:
        for chunk, report, _ in recorded:
            again = plan(
                chunk.chunk_index,
                **{
                    name: getattr(chunk, name)
                    for name in ("text", "seed", "cut", "blend", "cache_action", "chunk_in_cut",
                                 "reset_reason", "parameters")
                },
                recorded_condition=report.condition,
                recorded_text=report.text,
            )  # fmt: skip
            assert worker.run(again).frames_crc32 == report.frames_crc32
