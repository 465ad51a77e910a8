"""The visuals process: `python -m engine.visuals.player`, started by the host's source.

In:     an address, a ring that the host made; standard input is its life line.
Out:    frames [H, W, 3] uint8 RGB in that ring, 16 a second; a line on standard output for each:
        first `playing CAPTION` or `refused SENTENCE`, then `frame SKIPPED` whenever one is in the
        ring, with the number of frames left out so far.
Thread: `main` writes; `painter` draws ahead; `host-gone` waits for the end of standard input.
Full:   the ring overwrites its oldest. A machine too slow to draw in time gets coarser pictures
        (pace.py), and where that is not enough frames are left out and counted: it is never late.

A process of its own, because the host never loads torch. It gives way to everybody, draws with one
thread, and keeps below 15 % of a core: at 192 px 36 families and 20 maps take 3.8 ms a frame in
the mean, `fireworks` 12 ms, which is then drawn at 160 px in 9 ms (x86-64 server core, 2026-11).
"""

from __future__ import annotations

import argparse
import os
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from engine.errors import ConfigError, ExitCode
from engine.protocol.frame_ring import Frame, FrameMeta, RingWriter
from engine.protocol.host_life import clean_up_after_host, host_pid
from engine.urgency import give_way
from engine.visuals import pace
from engine.visuals.addresses import Wish, listing, read_address

if TYPE_CHECKING:
    from engine.visuals.endless import Endless  # loads torch

_FPS = 16.0  # the model's, as `looks.FPS`
_FRAMES_AT_ONCE = 4  # half the cost of one by one
_STRETCHES_AHEAD = 2
_BEGIN_S = 0.25  # from the first stretch drawn to its first frame


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Play until standard input ends."""
    options = _parser().parse_args(arguments)
    give_way()  # before torch starts its threads
    if options.list:
        _tell(listing())
        return ExitCode.OK
    host = host_pid()
    threading.Thread(target=_host_gone_thread, args=(host,), name="host-gone", daemon=True).start()
    try:
        _play(options)
    except BrokenPipeError:
        return ExitCode.OK  # nobody listens any more
    except ConfigError as error:
        _tell(f"refused {error}")
        return error.exit_code
    finally:
        clean_up_after_host(host)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="engine.visuals.player", description="Play visuals.")
    add = parser.add_argument
    add("--list", action="store_true", help="say what can be played, and leave")
    add("--ring", help="path of the frame ring to fill")
    add("--address", default="", help="what to play; nothing: wander")
    add("--width", type=int, default=192, help="of what is wanted, pixels; never more is drawn")
    add("--height", type=int, default=192, help="of what is wanted, pixels")
    add("--first", type=int, default=0, help="number of the frame to begin with")
    return parser


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Frames [F, H, W, 3] uint8 from number `first` on; `skipped` were left out so far."""

    first: int
    frames: Frame
    skipped: int


def _play(options: argparse.Namespace) -> NoReturn:
    """Write frames for ever.

    Raises:
        ConfigError: the address means nothing.
        RemoteProtocolError: the ring is gone.
        BrokenPipeError: nobody listens any more.
    """
    wish = read_address(options.address)
    ring = RingWriter(options.ring)
    painter = _Painter(wish, (options.width, options.height), options.first)
    _tell(f"playing {wish}")
    painter.start()
    never = threading.Event()
    while True:
        stretch = painter.ready.get()
        if isinstance(stretch, BaseException):
            raise stretch
        for index, pixels in enumerate(stretch.frames, stretch.first):
            never.wait(max(0.0, painter.clock.due_s(index) - time.monotonic()))
            ring.write(pixels, FrameMeta(media_index=index, captured_ns=time.monotonic_ns()))
            _tell(f"frame {stretch.skipped}")


class _Painter:
    """Draws stretches ahead of need, as finely as there is time for."""

    def __init__(self, wish: Wish, wanted_px: tuple[int, int], first: int) -> None:
        import torch

        torch.set_num_threads(1)
        self._wish = wish
        self._wanted_px = wanted_px
        self._index = first
        self._skipped = 0
        self._detail = pace.Detail()
        self._by_size: dict[tuple[int, int], Endless] = {}
        # Not one of the host's mailboxes: drawing ahead has to wait when it is far enough ahead.
        self.ready: queue.Queue[_Stretch | BaseException] = queue.Queue(_STRETCHES_AHEAD)
        self._endless().draw(self._index, 1)  # torch warms up before the clock runs
        origin_s = time.monotonic() + _BEGIN_S
        self.clock = pace.Clock(first=self._index, origin_s=origin_s, fps=_FPS)

    def start(self) -> None:
        """Begin to fill `ready`."""
        threading.Thread(target=self._painter_thread, name="painter", daemon=True).start()

    def _painter_thread(self) -> None:
        try:
            while True:
                self.ready.put(self._next_stretch())
        except BaseException as error:  # noqa: BLE001 - thread entry: `main` raises it again
            self.ready.put(error)

    def _next_stretch(self) -> _Stretch:
        began_s, began_cpu_s = time.monotonic(), time.thread_time()
        first = self.clock.next_index(self._index, began_s)
        self._skipped += first - self._index
        frames = self._endless().draw(first, _FRAMES_AT_ONCE)
        self._index = first + len(frames)
        lasts_s = len(frames) / _FPS
        busy = (time.thread_time() - began_cpu_s) / lasts_s
        slow = (time.monotonic() - began_s) / lasts_s
        self._detail = pace.judged(self._detail, busy, slow)
        return _Stretch(first, frames, self._skipped)

    def _endless(self) -> Endless:
        """Return what draws at the present detail."""
        size_px = pace.drawn_px(self._wanted_px, self._detail.step)
        if size_px not in self._by_size:
            from engine.visuals.endless import Endless, passages_of

            self._by_size[size_px] = Endless(passages_of(self._wish, *size_px))
        return self._by_size[size_px]


def _tell(line: str) -> None:
    os.write(1, f"{' '.join(line.split())}\n".encode())


def _host_gone_thread(host: int) -> None:
    """End at once when the host closes the source or dies, and remove what a dead host left."""
    while os.read(0, 4096):
        pass
    clean_up_after_host(host)
    os._exit(ExitCode.OK)


if __name__ == "__main__":
    # Not sys.exit: torch takes a while to go.
    code = main()
    os._exit(code)
