"""Moving pictures of our own, for a stage without a camera: drawn by the visuals process.

In:     an address, as `engine/visuals/addresses.py` reads it: "", "slow red flames", "dancer #7".
Out:    frames [H, W, 3] uint8 RGB, 16 a second, in the shape of the model's pictures.
Thread: see base.py. `engine.visuals.player` draws, in a process of its own because the host never
        loads torch; its frames come through a ring that is ours, with a line of text for each.
Full:   the ring overwrites what nobody took; what the player left out is counted (`num_lost`).

A player that dies makes `advance` raise; opened again, the picture goes on from where it was. When
we die, the player reads the end of its stdin, removes our ring and leaves.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress

from engine.errors import ConfigError, SourceError
from engine.host.sources.base import Source, SourceFrame
from engine.protocol import frame_ring
from engine.protocol.frame_ring import RingFrame, RingReader
from engine.protocol.host_life import worker_environment

START_S = 60.0  # torch from a cold disk
_RING_SLOTS = 8
_SLICE_S = 0.1  # waits are cut into slices, so that an interrupt is noticed
_EXIT_S = 1.0  # between the end of its stdout and the end of the process


class Visuals(Source):
    """One player. The pictures of an address are always the same, and have no end."""

    def __init__(self, address: str, wanted_px: tuple[int, int]) -> None:
        super().__init__(address.strip())
        self._wanted_px = wanted_px
        self._player: _Player | None = None
        self._frame: RingFrame | None = None
        self._first = 0  # frame that the next player begins with
        self._skipped = 0  # by this player
        self._lost = 0  # by all players
        self._is_playing = False
        self._refusal = ""

    @property
    def name(self) -> str:
        """Return ``visuals`` and the address."""
        return f"visuals {self.address!r}" if self.address else "visuals"

    @property
    def num_lost(self) -> int:
        """Frames that the player left out because there was no time to draw them."""
        return self._lost

    def open(self) -> None:
        """Start a player and wait until it can draw.

        Raises:
            SourceError: the address means nothing, or the player does not start.
        """
        self.close()
        if self._refusal:  # an address does not get better by trying again
            raise SourceError(self._refusal)
        self._player = self._started()
        give_up_s = time.monotonic() + START_S
        while not self._is_playing:
            if self._interrupted.is_set() or time.monotonic() > give_up_s:
                self.close()
                raise SourceError(f"{self.name} did not start in time; select it again")
            self._listen(_SLICE_S)

    def advance(self, timeout_s: float) -> bool:
        """Wait until the player says that a frame is in the ring."""
        if self._player is None:
            raise SourceError(f"{self.name} is not open; select the source again")
        give_up_s = time.monotonic() + timeout_s
        while (left_s := give_up_s - time.monotonic()) > 0 and not self._interrupted.is_set():
            self._listen(min(left_s, _SLICE_S))
            frame = self._player.frames.latest()
            if frame is not None and frame.number > self._number:
                self._frame = frame
                self._first = frame.meta.media_index + 1
                return True
        return False

    def picture(self) -> SourceFrame:
        """Return the frame that was copied out of the ring."""
        if self._frame is None:
            raise SourceError(f"{self.name} holds no frame; select the source again")
        meta = self._frame.meta
        return SourceFrame(self._frame.pixels.copy(), meta.media_index, meta.captured_ns)

    def close(self) -> None:
        """End the player and remove the ring."""
        if self._player is not None:
            self._player.close()
        self._player = self._frame = None
        self._is_playing = False
        self._skipped = 0

    def _started(self) -> _Player:
        try:
            return _Player(self.address, self._wanted_px, self._first)
        except (ConfigError, OSError) as error:
            raise SourceError(f"{self.name} cannot start: {error}") from error

    @property
    def _number(self) -> int:
        return -1 if self._frame is None else self._frame.number

    def _listen(self, timeout_s: float) -> None:
        """Take in what the player says within `timeout_s`.

        Raises:
            SourceError: it refuses the address, or is gone.
        """
        assert self._player is not None  # only called while it is open
        lines = self._player.lines(timeout_s)
        if lines is None:
            raise SourceError(f"{self.name} stopped: its player {self._player.end()}")
        for line in lines:
            verb, _, said = line.partition(" ")
            if verb == "frame":
                self._lost += int(said) - self._skipped
                self._skipped = int(said)
            elif verb == "playing":
                self._is_playing = True
            else:  # refused
                self._refusal = said
                raise SourceError(said)


class _Player:
    """A process, the ring that it fills, and what it says."""

    def __init__(self, address: str, wanted_px: tuple[int, int], first: int) -> None:
        width, height = wanted_px
        with ExitStack() as undo:
            ring = frame_ring.create("visuals", _RING_SLOTS, width * height * 3)
            undo.callback(frame_ring.remove, ring)
            self.frames = RingReader(ring)
            undo.callback(self.frames.close)
            self._errors = undo.enter_context(tempfile.TemporaryFile())
            command = [sys.executable, "-m", "engine.visuals.player", "--ring", ring]
            command += [f"--width={width}", f"--height={height}", f"--first={first}"]
            self._process = undo.enter_context(
                subprocess.Popen(
                    [*command, f"--address={address}"],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env=worker_environment(),
                    start_new_session=True,  # Ctrl-C is for us
                )
            )
            undo.callback(self._process.kill)
            self._undo = undo.pop_all()
        assert self._process.stdout is not None  # it is a pipe
        self._stdout = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN)
        self._begun = b""  # of a line

    def lines(self, timeout_s: float) -> list[str] | None:
        """Return the lines that came within `timeout_s`; None when no more will come."""
        if not self._poll.poll(timeout_s * 1000):
            return []
        said = self._stdout.read(2**16)
        if not said:
            return None
        *lines, self._begun = (self._begun + said).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]

    def end(self) -> str:
        """Return how the process ended, as people read it."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_S)
        code = self._process.poll()
        if code is None:
            return "says nothing more"
        if code < 0:
            return f"was killed by signal {-code}"
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return f"ended with exit code {code}{f' ({last})' if last else ''}"

    def close(self) -> None:
        """End the process and let go of everything."""
        self._undo.close()
