"""What a tick of playout costs, beside one plain copy of the frame that it makes.

    python -m engine.bench.playout [--model 256x256] [--seconds 1]

Prints milliseconds a tick on one core, and the ratio to the copy: the least that any program must
do that hands a frame of its own to an output. Cases: repeat (the same picture again), new frame,
blend of two, fade of three, and blend with colour.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import cv2
import numpy as np

from engine.host.playout.clock import Decision, Mode, Share, Shares
from engine.host.playout.picture import Finish, PictureMaker
from engine.host.playout.reservoir import Reservoir
from engine.protocol.frame_ring import Frame, FrameMeta, RingFrame

_NUM_FRAMES = 24
_SIZES = ((1280, 720), (1920, 1080))
_PLAIN = Finish()
_COLOURED = Finish(dimmer=0.8, saturation=1.2)


def main() -> None:
    """Measure all cases and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="256x256", help="size of the generated frames")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each case")
    arguments = parser.parse_args()
    width_px, height_px = (int(part) for part in arguments.model.split("x"))
    cv2.setNumThreads(1)
    reservoir = _filled_reservoir(width_px, height_px)
    print(f"{'output':>10}  {'case':<16}{'ms a tick':>10}{'copies':>8}")
    for size in _SIZES:
        _measure_size(size, reservoir, arguments.seconds)


def _measure_size(size: tuple[int, int], reservoir: Reservoir, seconds: float) -> None:
    copy_ms = _milliseconds(_copies(*size), seconds)
    print(f"{size[0]:>5}x{size[1]:<4}  {'copy (baseline)':<16}{copy_ms:>10.2f}{1:>8.1f}")
    for case, shares, finish in _cases():
        maker = PictureMaker(*size)
        ms = _milliseconds(_ticks(maker, reservoir, shares, finish), seconds)
        print(f"{size[0]:>5}x{size[1]:<4}  {case:<16}{ms:>10.2f}{ms / copy_ms:>8.1f}")


def _cases() -> Iterator[tuple[str, Callable[[int], Shares], Finish]]:
    yield "repeat", lambda _: (Share(0, 1.0),), _PLAIN
    yield "new frame", lambda i: (Share(i, 1.0),), _PLAIN
    yield "blend", lambda i: (Share(i, 0.4), Share(i + 1, 0.6)), _PLAIN
    yield "fade of three", lambda i: (Share(0, 0.2), Share(i, 0.3), Share(i + 1, 0.5)), _PLAIN
    yield "blend, colour", lambda i: (Share(i, 0.4), Share(i + 1, 0.6)), _COLOURED


def _ticks(
    maker: PictureMaker, reservoir: Reservoir, shares_at: Callable[[int], Shares], finish: Finish
) -> Callable[[], object]:
    indices = cycle(range(_NUM_FRAMES - 1))

    def tick() -> object:
        shares = shares_at(next(indices))
        decision = Decision(shares=shares, keep_previous=False, mode=Mode.LIVE, frame=None)
        return maker.make(decision, reservoir, finish)

    return tick


def _copies(width_px: int, height_px: int) -> Callable[[], object]:
    source: Frame = np.zeros((height_px, width_px, 4), np.uint8)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


def _milliseconds(call: Callable[[], object], seconds: float) -> float:
    """Return the median time of one call: other programs' bursts do not count."""
    call()
    times_s = []
    end_s = time.perf_counter() + seconds
    while time.perf_counter() < end_s:
        begin_s = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - begin_s)
    return 1000 * float(np.median(times_s))


def _filled_reservoir(width_px: int, height_px: int) -> Reservoir:
    reservoir = Reservoir()
    noise = np.random.default_rng(0)
    for number in range(_NUM_FRAMES):
        pixels = noise.integers(0, 256, (height_px, width_px, 4), np.uint8)
        pixels[..., 3] = 255
        reservoir.append([RingFrame(number, pixels, FrameMeta(media_index=number))])
    return reservoir


if __name__ == "__main__":
    main()
