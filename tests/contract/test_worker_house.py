"""Cuts as seen in the pictures of the house model, over the real worker process."""

import numpy as np
import pytest

from engine.host.sources.fit import fit
from engine.host.sources.kinds import open_source
from engine.protocol.frame_ring import FrameMeta, RingReader, RingWriter
from engine.protocol.values import CacheAction, Cut, ModelChoice, SourceSpec, WeightedPrompt
from engine.worker.models.house.house import HOUSE_SAMPLING
from tests.contract.test_sources import frames_of
from tests.worker_process import FRAMES_PER_CHUNK, plan, worker_process

SIZE_PX = HOUSE_SAMPLING.size_px
HOUSE = ModelChoice(name="house", width_px=SIZE_PX, height_px=SIZE_PX, device="cpu")
START, TARGET = "slow red plasma soft", "slow blue plasma soft"
TWO_STEPS = {"steps": 2.0}


@pytest.fixture(scope="module")
def house():
    """One worker with the real weights, shared: every test begins with a hard cut."""
    with worker_process(HOUSE) as worker:
        worker.load(HOUSE)
        worker.next_event()
        yield worker


def text(blend: float) -> tuple[WeightedPrompt, ...]:
    return (
        WeightedPrompt(text=START, weight=1 - blend),
        WeightedPrompt(text=TARGET, weight=blend),
    )


def cut_to(index: int, blend: float, **changes):
    cut = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "chunk_in_cut": 0}
    return plan(index, text=text(blend), **({"parameters": TWO_STEPS} | cut | changes))


def pictures(worker) -> np.ndarray:
    """Return the newest chunk's frames [F, H, W, 3] BGR in 0..1."""
    ring = RingReader(worker.frame_ring)
    frames = [ring.read(n) for n in range(ring.num_written - FRAMES_PER_CHUNK, ring.num_written)]
    ring.close()
    return np.stack([frame.pixels[..., :3] for frame in frames if frame]) / 255.0


def blue_minus_red(worker) -> float:
    mean = pictures(worker)[-4:].mean((0, 1, 2))
    return float(mean[0] - mean[2])


def test_pictures_are_in_colour_and_move(house):
    house.run(cut_to(0, 0.0))
    statistics = house.run(plan(1, text=text(0.0), parameters=TWO_STEPS)).statistics
    assert statistics is not None
    assert statistics.saturation > 0.2
    assert statistics.contrast > 0.05
    assert statistics.motion > 0.002


def test_a_hard_cut_lands_on_the_first_frame_of_its_chunk(house):
    house.run(cut_to(10, 0.0))
    house.run(plan(11, text=text(0.0), parameters=TWO_STEPS))
    before = pictures(house)
    house.run(cut_to(12, 1.0, seed=99))
    after = pictures(house)
    inside = max(np.abs(np.diff(chunk, axis=0)).mean((1, 2, 3)).max() for chunk in (before, after))
    assert np.abs(after[0] - before[-1]).mean() > 3 * inside


def test_a_soft_cut_over_four_chunks_moves_towards_the_target_step_by_step(house):
    house.run(cut_to(20, 0.0))
    looks = [blue_minus_red(house)]
    for step in range(1, 5):
        changes = {"cut": Cut.SOFT, "cache_action": CacheAction.RECACHE, "blend": step / 4}
        house.run(plan(20 + step, text=text(step / 4), parameters=TWO_STEPS, **changes))
        looks.append(blue_minus_red(house))
    assert looks == sorted(looks)
    assert looks[-1] - looks[0] > 0.2


def test_the_picture_follows_the_shape_of_the_source(house):
    ring = RingWriter(house.input_ring)
    frame = np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)
    frame[:, : SIZE_PX // 2] = 255
    first = ring.num_written
    for number in range(2 * FRAMES_PER_CHUNK):
        ring.write(frame, FrameMeta(media_index=number))
    wait_for_maps(house, first + 2 * FRAMES_PER_CHUNK - 1)
    shown = pictures(house).mean((0, 3))
    ring.close()
    assert shown[:, : SIZE_PX // 2].mean() > 1.3 * shown[:, SIZE_PX // 2 :].mean()


def test_the_picture_follows_a_dancer_of_our_own_visuals(house):
    maps = visuals_into_the_ring(house, "dancer", 2 * FRAMES_PER_CHUNK)[-FRAMES_PER_CHUNK:]
    wait_for_maps(house, RingReader(house.input_ring).num_written - 1)
    shown, wanted = coarse(pictures(house)), coarse(maps)
    assert correlation(shown, wanted) > 0.5
    assert correlation(shown, wanted[..., ::-1]) < 0.5 * correlation(shown, wanted)


def visuals_into_the_ring(worker, address, count) -> np.ndarray:
    """Let the source play into the input ring; returns the frames [F, H, W, 3] in 0..1."""
    source = open_source(SourceSpec(kind="visuals", address=address))
    frames = [frame for frame, _ in frames_of(source, count)]
    source.close()
    fitted = [fit(frame.pixels, SIZE_PX, SIZE_PX) for frame in frames]
    ring = RingWriter(worker.input_ring)
    for frame, pixels in zip(frames, fitted, strict=True):
        ring.write(pixels, FrameMeta(media_index=frame.media_index))
    ring.close()
    return np.stack(fitted) / 255.0


def coarse(frames) -> np.ndarray:
    """Return the brightness of squares of 16 px, [F, H/16, W/16]."""
    count, side = len(frames), SIZE_PX // 16
    return frames.mean(3).reshape(count, side, 16, side, 16).mean((2, 4))


def correlation(one, other) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def wait_for_maps(worker, until: int) -> None:
    """Run chunks until one has seen the newest input frame."""
    parameters = TWO_STEPS | {"control_amount": 1.0, "control_kind": 1.0}
    for index in range(30, 60):
        report = worker.run(cut_to(index, 0.5, input_until=until, parameters=parameters))
        if report.input_last == until and report.stale_frames == 0:
            return
    pytest.fail("no chunk saw the newest frame")


def test_a_replay_of_what_was_seen_gives_the_same_bytes(house):
    newest = RingReader(house.input_ring).num_written - 1
    live = TWO_STEPS | {"control_amount": 0.7, "input_amount": 0.4, "memory_noise": 0.1}
    seen = house.run(cut_to(70, 0.3, input_until=newest, parameters=live))
    recorded = {"recorded_condition": seen.condition, "parameters": live}
    assert house.run(cut_to(71, 0.3, **recorded)).frames_crc32 == seen.frames_crc32
