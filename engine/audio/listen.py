"""The ear's process: `python -m engine.audio.listen [DEVICE]`, started by the host.

In:     a sound input; standard input is its life line.
Out:    lines on standard output: `hears NAME`, or `refused SENTENCE` and the end; then
        `levels BASS MID TREBLE ONSET` fifty times a second.
Thread: `main` analyses; PortAudio's own thread only hands blocks on; `host-gone` waits for the end
        of standard input.
Full:   blocks that `main` is too late for are dropped, the oldest first.

A process of its own, because drivers of sound cards and JACK servers take their clients along when
they die, and the host must not.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.audio.bands import HOPS_PER_S, Ear, Samples, heard
from engine.errors import ConfigError, DeviceError, EngineError, ExitCode

if TYPE_CHECKING:
    from types import ModuleType

DEFAULT = "default"
_MAX_WAITING = 8
_SILENT_S = 3.0  # a driver that delivers nothing for so long has hung


def main(arguments: list[str]) -> ExitCode:
    """Listen until standard input ends."""
    threading.Thread(target=_host_gone_thread, name="host-gone", daemon=True).start()
    try:
        _listen(arguments[0] if arguments else DEFAULT)
    except EngineError as error:
        _tell(f"refused {error}")
        return error.exit_code
    except BrokenPipeError:
        return ExitCode.OK  # nobody listens any more
    return ExitCode.OK


def _host_gone_thread() -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(ExitCode.OK)


def _listen(name: str) -> None:
    sound = _sounddevice()
    device = _chosen(sound, name)
    blocks: queue.Queue[Samples] = queue.Queue(_MAX_WAITING)
    rate_hz = float(device["default_samplerate"])

    def take(indata: Samples, *_: object) -> None:
        if blocks.full():
            with suppress(queue.Empty):
                blocks.get_nowait()
        with suppress(queue.Full):
            blocks.put_nowait(indata.mean(axis=1))

    try:
        stream = sound.InputStream(
            device=device["index"], samplerate=rate_hz, dtype="float32", callback=take,
            channels=min(2, device["max_input_channels"]), blocksize=round(rate_hz / HOPS_PER_S),
        )  # fmt: skip
        with stream:
            _tell(f"hears {device['name']}")
            _analyse(blocks, rate_hz)
    except sound.PortAudioError as error:
        raise DeviceError(f"sound input {device['name']!r} cannot be opened: {error}") from error


def _sounddevice() -> ModuleType:
    """Return the library, or say what is missing of it."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: PortAudio itself is not there
        raise DeviceError(
            f"sound cannot be heard here: {error}; `pip install sounddevice`, and on Linux "
            f"`apt-get install libportaudio2`"
        ) from error
    return sounddevice  # type: ignore[no-any-return]  # untyped


def _chosen(sound: ModuleType, name: str) -> dict[str, Any]:
    """Return the input that is meant: the default, or the first that has the name in its own."""
    inputs = [device for device in sound.query_devices() if device["max_input_channels"] > 0]
    if not inputs:
        raise DeviceError("there is no sound input; plug one in, or start the sound server")
    if name == DEFAULT:
        usual = sound.default.device[0]
        return next((device for device in inputs if device["index"] == usual), inputs[0])
    for device in inputs:
        if name.lower() in device["name"].lower():
            return device  # type: ignore[no-any-return]  # untyped
    known = ", ".join(device["name"] for device in inputs)
    raise ConfigError(f"there is no sound input {name!r}; there are: {known}")


def _analyse(blocks: queue.Queue[Samples], rate_hz: float) -> None:
    ear = Ear(rate_hz=rate_hz)
    while True:
        try:
            block = blocks.get(timeout=_SILENT_S)
        except queue.Empty:
            raise DeviceError(f"the sound input delivered nothing for {_SILENT_S:g} s") from None
        ear = heard(ear, np.ascontiguousarray(block))
        levels = ear.levels.as_dict().values()
        _tell("levels " + " ".join(f"{level:.3f}" for level in levels))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
