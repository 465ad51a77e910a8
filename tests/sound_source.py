"""A drum on a JACK server, as a process of its own: `python -m tests.sound_source BPM`.

It has a port `monitor` that an ear can hear; ends when stdin closes.
"""

from __future__ import annotations

import sys

import numpy as np
import sounddevice


def main(bpm: float) -> None:
    device = next(d for d in sounddevice.query_devices() if d["max_output_channels"] > 0)
    rate_hz, at = device["default_samplerate"], 0

    def play(outdata, frames, *_):
        nonlocal at
        since = (np.arange(at, at + frames) / rate_hz) % (60 / bpm)
        outdata[:] = (0.5 * np.exp(-since * 18) * np.sin(2 * np.pi * 70 * since))[:, None]
        at += frames

    with sounddevice.OutputStream(device=device["index"], channels=2, callback=play):
        sys.stdout.write("plays\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(float(sys.argv[1]))
