"""Play a scripted set on the real window with real keys, under Xvfb and xdotool.

    python -m tests.show.long_set --seconds 600 --pictures FOLDER [--show presets/main-stage]

A performer's night in small: the window on a screen of its own, the real host and the real house
model, keys as they come from a keyboard, a screenshot every minute. Returns what a night must never
show: faults, restarts, a dead process, a picture that stands still.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import cv2
import msgspec
import numpy as np

from engine.protocol.messages import EngineState

ROOT = Path(__file__).resolve().parents[2]
DISPLAY = ":97"
WIDTH_PX, HEIGHT_PX = 1280, 800
START_S = 90.0
PICTURE_EVERY_S = 60.0
KEY_EVERY_S = 5.0
KEYS = (
    "g", "2", "shift+space", "g", "ctrl+3", "alt+5", "period", "g", "shift+g", "x", "x", "x", "x",
    "q", "space", "q", "q", "q", "q", "a", "4", "shift+t", "a", "bracketright", "alt+6",
    "Escape", "Prior", "Next", "f", "f", "b", "b", "F1", "F1", "ctrl+7", "g", "p", "p", "c", "c",
    "ctrl+z", "ctrl+k", "g", "8", "comma", "g", "w", "w", "v", "Escape", "1",
    "F4", "3", "F5", "d", "Escape", "d", "shift+d", "ctrl+d", "ctrl+shift+Right", "shift+d", "F2",
)  # fmt: skip
"""Cuts of every kind, cues, beat, preview, panic and back, panels, layouts and undo; on and on."""


@dataclass
class Night:
    """What was seen: states minute by minute, what went wrong, and the last words of the window."""

    states: list[EngineState] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    num_keys: int = 0
    said: str = ""


def play_set(seconds: float, show: Path, pictures: Path, port: int) -> Night:
    """Play for so many seconds."""
    night = Night()
    with tempfile.TemporaryDirectory() as folder, screen(Path(folder)) as framebuffer:
        home = Path(folder) / "home"
        environment = os.environ | {"DISPLAY": DISPLAY, "SEGUE_HOME": str(home)}
        environment.pop("QT_QPA_PLATFORM", None)
        log = Path(folder) / "window.log"
        with log.open("w") as said:
            window = subprocess.Popen(
                [sys.executable, "-m", "app", "--show", str(show), "--port", str(port),
                 "--no-midi", "--osc", "off"],
                cwd=ROOT, env=environment, stdout=said, stderr=said,
            )  # fmt: skip
            try:
                _play(night, window, seconds, port, framebuffer, pictures)
            finally:
                window.terminate()
                window.wait(30)
        night.said = log.read_text()
    if "Traceback" in night.said:
        night.troubles.append("the window wrote a traceback")
    return night


@contextmanager
def screen(folder: Path):
    """Run an X server; yields the file that holds its picture."""
    server = subprocess.Popen(
        ["Xvfb", DISPLAY, "-screen", "0", f"{WIDTH_PX}x{HEIGHT_PX}x24", "-fbdir", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    framebuffer = folder / "Xvfb_screen0"
    try:
        _until(framebuffer.exists, 20)
        yield framebuffer
    finally:
        server.terminate()
        server.wait(20)


def _play(night, window, seconds, port, framebuffer, pictures) -> None:
    if not _until(lambda: _is_playing(port), START_S):
        night.troubles.append(f"no picture after {START_S} s")
        return
    # Without a window manager nobody gives the window the keyboard.
    _xdotool("search", "--sync", "--onlyvisible", "--name", "Segue", "windowfocus")
    _xdotool("key", "Escape")  # the tour of a first start
    began = time.monotonic()
    next_picture = 0.0
    while (at := time.monotonic() - began) < seconds:
        if window.poll() is not None:
            night.troubles.append(f"the window ended with code {window.returncode}")
            return
        _xdotool("key", KEYS[night.num_keys % len(KEYS)])
        night.num_keys += 1
        if at >= next_picture:
            next_picture += min(PICTURE_EVERY_S, seconds / 4)
            _look(night, port, framebuffer, pictures / f"set-{int(at):04d}s.png")
        Event().wait(KEY_EVERY_S)
    _look(night, port, framebuffer, pictures / f"set-{int(seconds):04d}s.png")
    _judge(night)


def _look(night: Night, port: int, framebuffer: Path, path: Path) -> None:
    state = state_of(port)
    if state is None:
        night.troubles.append("the engine does not answer")
        return
    night.states.append(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), screenshot(framebuffer))


def _judge(night: Night) -> None:
    states = night.states
    for before, after in itertools.pairwise(states):
        if after.pid != before.pid:
            night.troubles.append("the host was started again")
        if after.worker.restarts != before.worker.restarts:
            night.troubles.append("the generator was started again")
        sent = [s.playout.shown + s.playout.repeated for s in (before, after)]
        if sent[1] <= sent[0]:
            night.troubles.append("no picture was sent between two looks")
        if after.chunk_index <= before.chunk_index:
            night.troubles.append("no chunk was made between two looks")
    if len({state.look_name for state in states}) < 2:
        night.troubles.append("no key changed the look")


def screenshot(framebuffer: Path) -> np.ndarray:
    """Return the X server's picture, BGR: an XWD file of 32 bits a pixel."""
    raw = framebuffer.read_bytes()
    header = np.frombuffer(raw[:100], ">u4")
    start = int(header[0]) + 12 * int(header[19])  # the header, then the colour map
    pixels = np.frombuffer(raw, np.uint8, WIDTH_PX * HEIGHT_PX * 4, start)
    return pixels.reshape(HEIGHT_PX, WIDTH_PX, 4)[..., :3]


def state_of(port: int) -> EngineState | None:
    """Return the engine's state; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=5) as page:
            return msgspec.json.decode(page.read(), type=EngineState)
    except (OSError, msgspec.DecodeError):
        return None


def _is_playing(port: int) -> bool:
    state = state_of(port)
    return state is not None and state.playout.shown > 0


def _xdotool(*arguments: str) -> None:
    subprocess.run(
        ["xdotool", *arguments], env=os.environ | {"DISPLAY": DISPLAY}, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20,
    )  # fmt: skip


def _until(condition, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        Event().wait(0.3)
    return False


def why_not() -> str:
    """Return what is missing on this machine; nothing if the set can be played."""
    lacking = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
    return f"needs {' and '.join(lacking)}" if lacking else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--show", type=Path, default=ROOT / "presets" / "main-stage")
    parser.add_argument("--port", type=int, default=7790)
    given = parser.parse_args()
    night = play_set(given.seconds, given.show, given.pictures, given.port)
    for state in night.states:
        playout = state.playout
        sys.stdout.write(
            f"{state.uptime_s:6.0f} s chunk {state.chunk_index:4} shown {playout.shown} repeated "
            f"{playout.repeated} late {playout.late} underruns {playout.underruns} "
            f"look {state.look_name!r} cue {state.cues.on_air!r}\n"
        )
    sys.stdout.write(f"{night.num_keys} keys, troubles: {night.troubles or 'none'}\n")
    if night.said:
        sys.stdout.write(night.said[-2000:])
    return 1 if night.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
