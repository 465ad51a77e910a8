"""Receive an NDI source in a process of its own and say in JSON what came.

    python tests/ndi_receiver.py --name "Segue" --seconds 10 [--tally program] [--picture last.npy]

Prints one JSON object a line: `connected` at the first frame, `progress` about once a second,
`done` at the end (with `Report`'s fields), or `failed` with a reason and exit code 1.
Needs NDI_CONFIG_DIR to point at a loopback configuration, as tests/conftest.py sets it up.
"""

import argparse
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import NDIlib
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # it is started as a file

from engine.urgency import run_promptly

FIRST_PORT, LAST_PORT = 5961, 5976
SLICE_MS = 200


@dataclass
class Report:
    """What came. Intervals are between frames as this process got them."""

    frames: int
    seconds: float
    fps: float
    declared_fps: float
    width_px: int
    height_px: int
    fourcc: str
    interval_mean_ms: float
    interval_sd_ms: float
    interval_p99_ms: float
    interval_max_ms: float
    max_gap_intervals: float  # longest interval in declared intervals
    gaps_over_2: int
    timecodes_rise: bool
    timecode_step_max_intervals: float
    mean: float  # of the picture, 0..255
    mean_min: float
    motion: float  # mean absolute difference of neighbouring frames, 0..255
    frozen_share: float  # frames equal to the one before


def say(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Receiver:
    """Connects by url, or by name: first through the finder, then port by port.

    The ports, because on one machine only the process that owns the directory port is found.
    """

    def __init__(self, name, url, colour, timeout_s):
        self.settings = NDIlib.RecvCreateV3()
        self.settings.color_format = getattr(NDIlib, f"RECV_COLOR_FORMAT_{colour}")
        self.settings.bandwidth = NDIlib.RECV_BANDWIDTH_HIGHEST
        self.settings.allow_video_fields = False
        self.handle = None
        deadline_s = time.monotonic() + timeout_s
        while self.handle is None and time.monotonic() < deadline_s:
            self.handle = self._at(url) if url else self._by_name(name)
        if self.handle is None:
            raise TimeoutError(f"nothing came from {url or name!r} in {timeout_s:g} s")

    def frame(self):
        """Return the next video frame, or None after 0.2 s; give it back with `free`."""
        kind, video, _, _ = NDIlib.recv_capture_v2(self.handle, SLICE_MS, True, False, False)
        return video if kind == NDIlib.FRAME_TYPE_VIDEO else None

    def free(self, video):
        NDIlib.recv_free_video_v2(self.handle, video)

    def tally(self, program, preview):
        NDIlib.recv_set_tally(self.handle, make_tally(program, preview))

    def _by_name(self, name):
        finder = NDIlib.find_create_v2()
        NDIlib.find_wait_for_sources(finder, 500)
        found = [s for s in NDIlib.find_get_current_sources(finder) if f"({name})" in s.ndi_name]
        urls = [source.url_address for source in found]
        NDIlib.find_destroy(finder)
        for url in urls or [f"127.0.0.1:{port}" for port in range(FIRST_PORT, LAST_PORT)]:
            handle = self._at(url, name)
            if handle is not None:
                return handle
        return None

    def _at(self, url, name=None):
        """Return a receiver that gets video from `url`, of session `name` if that is given."""
        source = NDIlib.Source()
        source.url_address = url
        self.settings.source_to_connect_to = source
        handle = NDIlib.recv_create_v3(self.settings)
        if says_who_it_is(handle, name) if name else sends_video(handle):
            return handle
        NDIlib.recv_destroy(handle)
        return None


def sends_video(handle):
    deadline_s = time.monotonic() + 1.0
    while time.monotonic() < deadline_s:
        kind, video, _, _ = NDIlib.recv_capture_v2(handle, SLICE_MS, True, False, False)
        if kind == NDIlib.FRAME_TYPE_VIDEO:
            NDIlib.recv_free_video_v2(handle, video)
            return True
    return False


def says_who_it_is(handle, name):
    """Return whether the source's connection metadata carries this name."""
    deadline_s = time.monotonic() + 0.6
    while time.monotonic() < deadline_s:
        kind, _, _, metadata = NDIlib.recv_capture_v2(handle, SLICE_MS, False, False, True)
        if kind == NDIlib.FRAME_TYPE_METADATA:
            text = metadata.data
            NDIlib.recv_free_metadata(handle, metadata)
            if "<ndi_product" in text:
                return f'session="{name}"' in text
    return False


def make_tally(program, preview):
    tally = NDIlib.Tally()
    tally.on_program, tally.on_preview = program, preview
    return tally


class Statistics:
    """Sums up frames as they come; keeps numbers, not pictures."""

    def __init__(self):
        self.at_s, self.timecodes, self.means, self.motions = [], [], [], []
        self.small = None
        self.last = None
        self.pixels = None

    def add(self, video, now_s):
        self.at_s.append(now_s)
        self.timecodes.append(video.timecode)
        self.last = (video.xres, video.yres, video.FourCC.name, video.frame_rate_N,
                     video.frame_rate_D)  # fmt: skip
        self.pixels = np.asarray(video.data)
        small = self.pixels[::16, ::16].astype(np.int16)
        self.means.append(float(small[..., :3].mean()))
        if self.small is not None and self.small.shape == small.shape:
            self.motions.append(float(np.abs(small - self.small).mean()))
        self.small = small

    def report(self, end_s):
        width, height, fourcc, numerator, denominator = self.last
        interval_s = denominator / numerator
        silence_s = end_s - self.at_s[-1]  # a gap that has not ended is a gap
        at_s = [*self.at_s, end_s] if silence_s > 2 * interval_s else self.at_s
        intervals_ms = np.diff(at_s) * 1000
        steps = np.diff(self.timecodes) / (interval_s * 1e7)
        motions = self.motions or [0.0]
        return Report(
            frames=len(self.at_s),
            seconds=self.at_s[-1] - self.at_s[0],
            fps=1000 / float(np.mean(intervals_ms)),
            declared_fps=1 / interval_s,
            width_px=width, height_px=height, fourcc=fourcc,
            interval_mean_ms=float(intervals_ms.mean()),
            interval_sd_ms=float(intervals_ms.std()),
            interval_p99_ms=float(np.percentile(intervals_ms, 99)),
            interval_max_ms=float(intervals_ms.max()),
            max_gap_intervals=float(intervals_ms.max() / interval_s / 1000),
            gaps_over_2=int((intervals_ms > 2000 * interval_s).sum()),
            timecodes_rise=bool((steps > 0).all()),
            timecode_step_max_intervals=float(steps.max()),
            mean=float(np.mean(self.means)), mean_min=float(np.min(self.means)),
            motion=float(np.mean(motions)),
            frozen_share=float(np.mean(np.array(motions) == 0)),
        )  # fmt: skip


def receive(receiver, seconds, settle_s):
    """Count for `seconds` after the first frame and `settle_s` of connecting.

    Gaps are the point of the exercise, so silence is waited out until the time is over.
    """
    statistics = Statistics()
    begin_s = end_s = next_progress_s = None
    while end_s is None or time.monotonic() < end_s:
        video = receiver.frame()
        now_s = time.monotonic()
        if video is None:
            continue
        if begin_s is None:
            begin_s = now_s + settle_s
            end_s, next_progress_s = begin_s + seconds, begin_s + 1
            say("connected", width_px=video.xres, height_px=video.yres)
        if now_s >= begin_s:
            statistics.add(video, now_s)
        receiver.free(video)
        if now_s >= next_progress_s:
            next_progress_s += 1
            say("progress", frames=len(statistics.at_s), mean=statistics.means[-1])
    return statistics


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="Segue")
    parser.add_argument("--url", default="", help="host:port instead of a name")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--settle", type=float, default=0.5, help="seconds not counted at first")
    parser.add_argument("--timeout", type=float, default=15.0, help="seconds to look for it")
    parser.add_argument("--colour", default="BGRX_BGRA", help="BGRX_BGRA or UYVY_BGRA")
    parser.add_argument("--tally", default="", choices=["", "program", "preview"])
    parser.add_argument("--picture", default="", help="save the last frame here, as .npy")
    arguments = parser.parse_args()
    run_promptly()  # what measures must not be what is late
    if not NDIlib.initialize():
        say("failed", reason="NDI does not run on this processor")
        return 1
    try:
        receiver = Receiver(arguments.name, arguments.url, arguments.colour, arguments.timeout)
    except TimeoutError as error:
        say("failed", reason=str(error))
        return 1
    receiver.tally(arguments.tally == "program", arguments.tally == "preview")
    watchdog = threading.Timer(arguments.seconds + 60, os._exit, args=(3,))
    watchdog.daemon = True
    watchdog.start()
    statistics = receive(receiver, arguments.seconds, arguments.settle)
    if arguments.picture:
        np.save(Path(arguments.picture), statistics.pixels)
    say("done", **asdict(statistics.report(time.monotonic())))
    NDIlib.recv_destroy(receiver.handle)
    return 0


if __name__ == "__main__":
    sys.exit(main())
