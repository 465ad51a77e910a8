"""Record the program to an MP4 file.

In:     `ProgramFrame`s BGRX.
Out:    H.264 4:2:0, Rec. 709, true rate; a missed tick is a longer frame, not a shorter film.
Thread: `recording`, and two of the encoder.
Full:   drops its own oldest frame and counts it; the film keeps its timing.

The file is fragmented, one fragment a second, each handed to the system at once: after a crash
everything but the last second plays. A disk that is full or nearly so ends the recording with a
notice and nothing else. When size or rate change, the recording goes on in `name-2.mp4`.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from engine.errors import ConfigError, DeviceError
from engine.host.outputs.base import Notices, Output, ProgramFrame, no_notices
from engine.protocol.messages import OutputState
from engine.protocol.values import OutputSpec

MIN_FREE_BYTES = 256 * 2**20
_CAPACITY = 12
_MUXER_OPTIONS = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "flush_packets": "1",
}
# A frame of 1280x720 takes 7 ms of one core; "veryfast" takes 16 ms for 2/3 of the size (2026-11).
# No B-frames: no delay.
_ENCODER_OPTIONS = {"preset": "ultrafast", "crf": "18", "bf": "0"}
_NUM_ENCODER_THREADS = 2


class RecordingOutput(Output):
    """One recording. An existing file at `path` is replaced.

    Args:
        path: where the film goes; its folder must exist.
        notices: told when the recording ends by itself.
        min_free_bytes: the recording stops before the disk has less than this left.
    """

    def __init__(
        self,
        path: str | Path,
        notices: Notices = no_notices,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        super().__init__("recording", _CAPACITY, notices)
        self._wanted_path = Path(path)
        self._min_free_bytes = min_free_bytes
        self._film: Film | None = None
        self._path = str(path)

    def state(self) -> OutputState:
        """Return what the window shows; `detail` is the path of the film."""
        base = super().state()
        return OutputState(
            name=base.name, status=base.status, message=base.message, detail=self._path,
            sent=base.sent, dropped=base.dropped,
        )  # fmt: skip

    def _open(self, spec: OutputSpec) -> bool:
        self._check_space()
        rate = Fraction(spec.rate_numerator, spec.rate_denominator)
        self._film = Film(self._wanted_path, spec.width_px, spec.height_px, rate)
        return True

    def _write(self, frame: ProgramFrame) -> None:
        if self._film is None:
            return
        if not self._film.fits(frame):
            self._film.close()
            path = _next_free(self._wanted_path)
            height, width = frame.pixels.shape[:2]
            self._film = Film(path, width, height, _rate(frame))
            self._path = str(path)
        self._film.write(frame)

    def _poll(self) -> None:
        self._check_space()

    def _close(self) -> None:
        if self._film is not None:
            self._film.close()
            self._film = None

    def _check_space(self) -> None:
        folder = self._wanted_path.parent
        if not folder.is_dir():
            raise ConfigError(f"recording {self._wanted_path}: folder {folder} does not exist")
        free_bytes = shutil.disk_usage(folder).free
        if free_bytes < self._min_free_bytes:
            raise DeviceError(
                f"recording {self._wanted_path} ended: {free_bytes / 2**20:.0f} MiB left on the "
                f"disk, {self._min_free_bytes / 2**20:.0f} are kept free; what was recorded is safe"
            )


class Film:
    """An open MP4 file of one size and rate.

    Raises:
        DeviceError: the file cannot be written.
    """

    def __init__(self, path: Path, width_px: int, height_px: int, rate: Fraction) -> None:
        self._size = (width_px, height_px)
        self._rate = rate
        self._first_index: int | None = None
        self._disk = Disk(path)
        self._container: Any = av.open(self._disk, "w", format="mp4", options=_MUXER_OPTIONS)
        self._stream = self._add_stream()

    def fits(self, frame: ProgramFrame) -> bool:
        """Return whether the frame has this film's size and rate."""
        height, width = frame.pixels.shape[:2]
        return (width, height) == self._size and _rate(frame) == self._rate

    def write(self, frame: ProgramFrame) -> None:
        """Encode one frame at its own time.

        Raises:
            DeviceError: the disk is full or gone.
        """
        if self._first_index is None:
            self._first_index = frame.index
        # Not from_ndarray: it copies row by row and holds up all of Python for 4.6 ms.
        picture = av.VideoFrame.from_numpy_buffer(frame.pixels, format="bgra").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        picture.pts = frame.index - self._first_index
        picture.time_base = 1 / self._rate
        self._mux(picture)
        self._disk.check()

    def close(self) -> None:
        """Write what waits and close."""
        if self._first_index is not None:
            self._mux(None)
        self._container.close()
        self._disk.close()

    def _add_stream(self) -> Any:
        stream = self._container.add_stream("libx264", rate=self._rate, options=_ENCODER_OPTIONS)
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        encoder = stream.codec_context
        encoder.time_base = 1 / self._rate
        encoder.gop_size = max(1, round(self._rate))  # a fragment a second
        encoder.thread_count = _NUM_ENCODER_THREADS
        bt709, limited = 1, 1  # ITU-T H.273, tables 2 to 4
        encoder.color_primaries = encoder.color_trc = encoder.colorspace = bt709
        encoder.color_range = limited
        return stream

    def _mux(self, picture: Any) -> None:
        for packet in self._stream.encode(picture):
            self._container.mux(packet)


class Disk:
    """The file under the muxer. It never tells the muxer of trouble, it remembers it.

    Encoding on after a failed write crashes the process inside the library (PyAV 18.1, seen with a
    full disk), and this process must not crash. So the muxer writes into the void and is closed in
    order, and `check` says what was wrong.

    Raises:
        DeviceError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trouble: OSError | None = None
        try:
            self._file = path.open("wb", buffering=0)  # what is written survives our death
        except OSError as error:
            self._trouble = error
            self.check()

    def write(self, data: bytes) -> int:
        """Write all of `data`, or lose it after trouble."""
        rest = memoryview(data)
        try:
            while rest and self._trouble is None:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._trouble = error
        return len(data)

    def check(self) -> None:
        """Raise what went wrong since the file was opened.

        Raises:
            DeviceError: the disk is full or gone.
        """
        if self._trouble is not None:
            reason = self._trouble.strerror or str(self._trouble)
            raise DeviceError(
                f"recording {self._path} ended: {reason}; "
                f"choose a folder with room that you may write"
            ) from self._trouble

    def close(self) -> None:
        """Close the file; a disk that is gone cannot stop that."""
        with suppress(OSError):
            self._file.close()


def _rate(frame: ProgramFrame) -> Fraction:
    return Fraction(frame.rate_numerator, frame.rate_denominator)


def _next_free(path: Path) -> Path:
    """Return `name-2.mp4`, `name-3.mp4` … : the first that does not exist."""
    number = 2
    while (candidate := path.with_stem(f"{path.stem}-{number}")).exists():
        number += 1
    return candidate
