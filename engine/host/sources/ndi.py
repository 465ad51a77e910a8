"""Receive an NDI source, by name or by `host:port`.

In:     NDI video of any size and rate; the SDK hands it over as RGBX or RGBA.
Out:    frames [H, W, 3] uint8 RGB at the sender's rate.
Thread: see base.py. The SDK owns the memory of the frame we hold; it is given back when the next
        one comes and on `close`.
Full:   the SDK drops what is not taken and counts it (`num_lost`).

A sender that vanishes leaves the receiver without a connection: `advance` raises, and opening again
looks for it by name, so a sender that comes back on another port is found.
"""

from __future__ import annotations

import re
import time
from typing import Any

import cv2
import NDIlib

from engine.errors import SourceError
from engine.host.sources.base import Source, SourceFrame
from engine.protocol.frame_ring import Frame

FIND_S = 3.0
FIRST_FRAME_S = 3.0
GONE_AFTER_S = 2.0
_SLICE_S = 0.1  # waits are cut into slices, so that an interrupt is noticed
_URL = re.compile(r"[\w.-]+:\d{2,5}")


class NdiSource(Source):
    """One NDI receiver. A name may be a part of the full name; empty takes the first one found."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._receiver: Any = None
        self._video: Any = None  # the frame we hold; its memory is the SDK's
        self._index = -1
        self._captured_ns = 0
        self._silent_since_s = 0.0

    @property
    def name(self) -> str:
        """Return ``NDI source`` and its address."""
        return f"NDI source {self.address!r}" if self.address else "first NDI source"

    @property
    def num_lost(self) -> int:
        """Frames that the SDK dropped because nobody took them in time."""
        if self._receiver is None:
            return 0
        _, dropped = NDIlib.recv_get_performance(self._receiver)
        return int(dropped.video_frames)

    def open(self) -> None:
        """Find the source, connect and wait for its first frame.

        Raises:
            SourceError: NDI does not run here, nobody sends under that name, or nothing comes.
        """
        self.close()
        if not NDIlib.initialize():
            raise SourceError("NDI does not run on this processor; choose another source")
        target = NDIlib.Source(p_url_address=self.address) if is_url(self.address) else self._find()
        self._receiver = NDIlib.recv_create_v3(
            NDIlib.RecvCreateV3(
                source_to_connect_to=target,
                color_format=NDIlib.RECV_COLOR_FORMAT_RGBX_RGBA,
                allow_video_fields=False,
                p_ndi_recv_name="Segue input",
            )
        )
        if self._receiver is None:
            raise SourceError(f"{self.name}: the NDI receiver cannot be made; run `segue doctor`")
        self._wait_for_first_frame()

    def advance(self, timeout_s: float) -> bool:
        """Take the next frame from the SDK."""
        if self._receiver is None:
            raise SourceError(f"{self.name} is not open; select the source again")
        wait_ms = int(min(timeout_s, _SLICE_S) * 1000)
        kind, video, _, _ = NDIlib.recv_capture_v2(self._receiver, wait_ms, True, False, False)
        if kind == NDIlib.FRAME_TYPE_VIDEO:
            self._hold(video)
            return True
        self._raise_if_gone()
        return False

    def picture(self) -> SourceFrame:
        """Copy the frame that we hold."""
        if self._video is None:
            raise SourceError(f"{self.name} holds no frame; select the source again")
        pixels: Frame = cv2.cvtColor(self._video.data, cv2.COLOR_RGBA2RGB)
        return SourceFrame(pixels, self._index, self._captured_ns)

    def close(self) -> None:
        """Give the held frame back and disconnect."""
        self._let_go()
        if self._receiver is not None:
            NDIlib.recv_destroy(self._receiver)
            self._receiver = None

    def _find(self) -> Any:
        """Return the NDI source whose name fits, waiting for it to announce itself."""
        finder = NDIlib.find_create_v2()
        try:
            give_up_s = time.monotonic() + FIND_S
            while time.monotonic() < give_up_s and not self._interrupted.is_set():
                found = NDIlib.find_get_current_sources(finder)
                match = best_match(self.address, [source.ndi_name for source in found])
                if match is not None:
                    # Our own strings: those in `found` are the finder's and go with it.
                    return NDIlib.Source(
                        p_ndi_name=str(found[match].ndi_name),
                        p_url_address=str(found[match].url_address),
                    )
                NDIlib.find_wait_for_sources(finder, int(_SLICE_S * 1000))
            names = [source.ndi_name for source in NDIlib.find_get_current_sources(finder)]
        finally:
            NDIlib.find_destroy(finder)
        seen = f"found are {', '.join(names)}" if names else "no NDI source is announced here"
        raise SourceError(f"{self.name} does not answer: {seen}; start its sender or pick another")

    def _wait_for_first_frame(self) -> None:
        self._silent_since_s = time.monotonic()
        give_up_s = self._silent_since_s + FIRST_FRAME_S
        while time.monotonic() < give_up_s and not self._interrupted.is_set():
            kind, video, _, _ = NDIlib.recv_capture_v2(
                self._receiver, int(_SLICE_S * 1000), True, False, False
            )
            if kind == NDIlib.FRAME_TYPE_VIDEO:
                self._hold(video)
                return
        self.close()
        raise SourceError(
            f"{self.name} sends no picture: nothing came in {FIRST_FRAME_S:.0f} s; check its sender"
        )

    def _hold(self, video: Any) -> None:
        self._let_go()
        self._video = video
        self._index += 1
        self._captured_ns = time.monotonic_ns()
        self._silent_since_s = time.monotonic()

    def _let_go(self) -> None:
        if self._video is not None:
            NDIlib.recv_free_video_v2(self._receiver, self._video)
            self._video = None

    def _raise_if_gone(self) -> None:
        """A sender of stills may be silent for long; gone is who is silent and not connected."""
        silent_s = time.monotonic() - self._silent_since_s
        if silent_s > GONE_AFTER_S and NDIlib.recv_get_no_connections(self._receiver) == 0:
            raise SourceError(f"{self.name} vanished; it comes back by itself when its sender does")


def is_url(address: str) -> bool:
    """Return whether `address` reads as host:port and not as a name."""
    return _URL.fullmatch(address) is not None


def best_match(wanted: str, names: list[str]) -> int | None:
    """Return the position of the name that fits best, or None.

    In this order: the full name, the part in brackets as NDI writes ``MACHINE (name)``, the only
    name that contains `wanted`. Case does not matter; "" is the first name there is.
    """
    want = wanted.casefold()
    folded = [name.casefold() for name in names]
    if not want:
        return 0 if names else None
    for position, name in enumerate(folded):
        if name == want or name.endswith(f"({want})"):
            return position
    containing = [position for position, name in enumerate(folded) if want in name]
    return containing[0] if len(containing) == 1 else None
