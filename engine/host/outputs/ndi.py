"""Send the program over NDI.

In:     `ProgramFrame`s BGRX; size and rate may change from frame to frame.
Out:    an NDI source named `MACHINE (name)`, full bandwidth, progressive, true rate, timecode.
Thread: `ndi`; it alone touches the sender, because two threads on one sender halve its rate.
Full:   drops its own oldest frame and counts it.

Sends BGRX and lets the library make 4:2:2 of it: our own conversion at 1080p costs 7.7 ms a frame
on one core, the library's 0.8 ms (2026-11). Sends synchronously: the call returns when the pixels
are read, so a buffer is never overwritten under the library. The name stays the same for a whole
show, because receivers lose a source that restarts for seconds, some until it is chosen again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from engine.errors import ConfigError, DeviceError
from engine.host.outputs.base import Notices, Output, ProgramFrame, no_notices
from engine.protocol.frame_ring import Frame
from engine.protocol.messages import OutputState
from engine.protocol.values import OutputSpec, Severity

_CAPACITY = 3
_NUM_NAMES = 9  # "name", "name 2" … "name 9"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who watches: receivers connected, and whether one of them has us on air or in preview."""

    receivers: int = 0
    program_tally: bool = False
    preview_tally: bool = False


class NdiOutput(Output):
    """An NDI source. Named after `OutputSpec.ndi_name`; off when `OutputSpec.ndi` is False."""

    def __init__(self, notices: Notices = no_notices) -> None:
        super().__init__("ndi", _CAPACITY, notices)
        self._sender: Sender | None = None
        self._wanted = ("", False)
        self._source_name = ""
        self._audience = Audience()

    def state(self) -> OutputState:
        """Return what the window shows; `detail` is the full source name."""
        base, audience = super().state(), self._audience
        return OutputState(
            name=base.name, status=base.status, message=base.message, detail=self._source_name,
            receivers=audience.receivers, program_tally=audience.program_tally,
            preview_tally=audience.preview_tally, sent=base.sent, dropped=base.dropped,
        )  # fmt: skip

    def _takes_over(self, spec: OutputSpec) -> bool:
        return super()._takes_over(spec) and self._wanted == (spec.ndi_name, spec.ndi)

    def _open(self, spec: OutputSpec) -> bool:
        self._wanted = (spec.ndi_name, spec.ndi)
        if not spec.ndi:
            return False
        self._sender, name = _create_sender(spec.ndi_name)
        self._source_name = self._sender.source_name
        if name != spec.ndi_name:
            self._notices(
                Severity.WARNING,
                self.name,
                f"NDI name {spec.ndi_name!r} is taken on this machine; sending as {name!r}",
            )
        return True

    def _write(self, frame: ProgramFrame) -> None:
        if self._sender is not None:
            self._sender.send(frame)

    def _poll(self) -> None:
        if self._sender is not None:
            self._audience = self._sender.audience()

    def _close(self) -> None:
        self._audience, self._source_name = Audience(), ""
        if self._sender is not None:
            self._sender.close()


def _create_sender(wanted: str) -> tuple[Sender, str]:
    """Return a sender under the first free name of "name", "name 2", … and that name.

    Raises:
        DeviceError: no name was free, or NDI is not there.
    """
    library = _library()
    for number in range(1, _NUM_NAMES + 1):
        name = wanted if number == 1 else f"{wanted} {number}"
        handle = _try_create(library, name)
        if handle is not None:
            return Sender(library, handle, name), name
    raise DeviceError(
        f"NDI output: no sender could be made as {wanted!r} up to '{wanted} {_NUM_NAMES}'; "
        f"close other senders of that name or choose another"
    )


def _library() -> Any:
    """Return the NDI library, initialized; imported late, since it is 27 MB.

    Raises:
        DeviceError: it is not installed or refuses this machine.
    """
    try:
        import NDIlib
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"NDI output: the library does not load ({error}); install ndi-python again"
        ) from error
    if not NDIlib.initialize():
        raise DeviceError("NDI output: the library refuses this processor; it needs SSE4.2 or NEON")
    return NDIlib


def _try_create(library: Any, name: str) -> object | None:
    settings = library.SendCreate()
    settings.ndi_name = name
    settings.clock_video = settings.clock_audio = False  # the playout clock paces
    handle: object | None = library.send_create(settings)
    return handle


class Sender:
    """One NDI sender handle, destroyed exactly once: a second time would crash the process."""

    def __init__(self, library: Any, handle: object, name: str) -> None:
        self._library = library
        self._handle: object | None = handle
        self._video = library.VideoFrameV2()
        self._tally = library.Tally()
        self.source_name: str = library.send_get_source_name(handle).ndi_name
        self._describe(name)

    def send(self, frame: ProgramFrame) -> None:
        """Send one frame; returns when the library has read the pixels.

        Raises:
            ConfigError: the pixels are not what NDI reads; nothing was sent.
        """
        check_pixels(frame.pixels)
        video = self._video
        video.data = frame.pixels  # no copy; also sets width, height and stride
        video.FourCC = self._library.FOURCC_VIDEO_TYPE_BGRX
        video.frame_rate_N = frame.rate_numerator
        video.frame_rate_D = frame.rate_denominator
        video.timecode = frame.timecode_100ns
        if self._handle is not None:
            self._library.send_send_video_v2(self._handle, video)

    def audience(self) -> Audience:
        """Ask who watches; takes about 0.1 ms."""
        if self._handle is None:
            return Audience()
        self._library.send_get_tally(self._handle, self._tally, 0)
        receivers = self._library.send_get_no_connections(self._handle, 0)
        return Audience(receivers, bool(self._tally.on_program), bool(self._tally.on_preview))

    def close(self) -> None:
        """Destroy the sender; receivers see the source end. Safe to call twice."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._library.send_destroy(handle)

    def _describe(self, name: str) -> None:
        """Tell every receiver that connects who we are."""
        metadata = self._library.MetadataFrame()
        metadata.data = (
            '<ndi_product long_name="Segue" short_name="Segue" manufacturer="Segue" '
            f'version="1" session={quoteattr(name)} serial="{os.getpid()}"/>'
        )
        self._library.send_add_connection_metadata(self._handle, metadata)


def check_pixels(pixels: Frame) -> None:
    """Raise when the library would misread `pixels`: it checks nothing itself.

    Raises:
        ConfigError: not [H, W, 4] uint8, not contiguous, or an odd size.
    """
    is_bgrx = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 4
    if not is_bgrx or not pixels.flags.c_contiguous or pixels.shape[0] % 2 or pixels.shape[1] % 2:
        raise ConfigError(
            f"NDI output: got a frame {pixels.dtype} {pixels.shape}, "
            f"expected contiguous BGRX [H, W, 4] uint8 of even size"
        )
