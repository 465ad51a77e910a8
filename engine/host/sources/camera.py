"""Read a camera through OpenCV: by index, device path or stream URL.

In:     whatever the driver delivers; the smallest delay is asked for (one buffer).
Out:    frames [H, W, 3] uint8 RGB at the camera's rate.
Thread: see base.py. `advance` grabs, which is cheap; decoding happens in `picture`.
Full:   the driver overwrites its own oldest.

A camera that is pulled out fails its next grab; `feed.py` then tries to open it again.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

# Seconds that OpenCV waits for a silent V4L2 device; its default of 10 would hold up a stop.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2

from engine.errors import SourceError
from engine.host.sources.base import Source, SourceFrame
from engine.host.sources.cameras import list_cameras
from engine.protocol.frame_ring import Frame


class Camera(Source):
    """One camera. `address` is an index ("0"), a path ("/dev/video2") or a URL ("rtsp://…")."""

    def __init__(self, address: str) -> None:
        super().__init__(address or "0")
        self._capture: cv2.VideoCapture | None = None
        self._index = -1
        self._captured_ns = 0

    @property
    def name(self) -> str:
        """Return ``camera`` and its address."""
        return f"camera {self.address}"

    def open(self) -> None:
        """Open the device.

        Raises:
            SourceError: there is no such camera, or another program holds it.
        """
        self.close()
        _silence_opencv()
        device = _device_of(self.address)
        if device is not None and not device.exists():
            raise SourceError(f"{self.name} is not there: {_cameras_text()}")
        capture = cv2.VideoCapture(int(self.address) if self.address.isdigit() else self.address)
        if not capture.isOpened():
            raise SourceError(
                f"{self.name} cannot be opened: another program may be using it; {_cameras_text()}"
            )
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture = capture

    def advance(self, timeout_s: float) -> bool:
        """Grab the next frame; the driver's own patience is the timeout."""
        if self._capture is None or not self._capture.grab():
            raise SourceError(f"{self.name} stopped delivering; check its cable")
        self._index += 1
        self._captured_ns = time.monotonic_ns()
        return True

    def picture(self) -> SourceFrame:
        """Decode the grabbed frame."""
        ok, pixels = self._capture.retrieve() if self._capture is not None else (False, None)
        if not ok or pixels is None:
            raise SourceError(f"{self.name} delivered a frame that cannot be decoded")
        return SourceFrame(_to_rgb(pixels), self._index, self._captured_ns)

    def close(self) -> None:
        """Release the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _device_of(address: str) -> Path | None:
    """Return the file to look for before OpenCV is asked; None when it is not a Linux device."""
    if not sys.platform.startswith("linux"):
        return None
    if address.isdigit():
        return Path(f"/dev/video{address}")
    return None if "://" in address else Path(address)


def _cameras_text() -> str:
    cameras = list_cameras()
    return f"connected are {', '.join(cameras)}" if cameras else "no camera is connected"


def _to_rgb(pixels: Frame) -> Frame:
    is_grey = pixels.ndim == 2 or pixels.shape[2] == 1
    rgb: Frame = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if is_grey else cv2.COLOR_BGR2RGB)
    return rgb


def _silence_opencv() -> None:
    # What fails is said in our own one sentence; OpenCV would add a page of its own.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
