"""A process that dies by SIGKILL at the n-th system call it makes while it writes.

`python -m tests.killed_writer n journal FILE` appends numbered records and says each that is safe;
`python -m tests.killed_writer n save FOLDER` saves the show there with every file changed.
A write dies in its middle: half of its bytes are on the disk.
"""

import os
import signal
import sys
from pathlib import Path

from engine.protocol import atomic_file, journal

COUNTED = ("open", "write", "fsync", "replace", "close", "chmod", "unlink", "fstat")


class DyingOs:
    """The module `os`, in which the n-th call of what changes files kills the process."""

    def __init__(self, calls_left):
        self.calls_left = calls_left

    def __getattr__(self, name):
        real = getattr(os, name)
        return self._counted(name, real) if name in COUNTED else real

    def _counted(self, name, real):
        def call(*arguments, **options):
            self.calls_left -= 1
            if self.calls_left == 0:
                if name == "write":
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call


def append_records(path):
    log = journal.Journal(path, max_bytes=70)
    for number in range(6):
        log.append(b'{"number": %d}' % number)
        os.write(1, b"%d\n" % number)  # acknowledged


def changed(show):
    """Return the show with every file of it changed."""
    from dataclasses import replace

    from engine.protocol.show import Cue

    cue = Cue(name="new", preset=show.presets[0].name)
    presets = tuple(replace(one, prompt=f"new {one.prompt}") for one in show.presets)
    return replace(show, name="new", presets=presets, cues=(*show.cues, cue))


def main(calls_left, what, path):
    if what == "journal":
        atomic_file.os = journal.os = DyingOs(calls_left)
        append_records(path)
        return
    from engine.protocol.show_file import load_show, save_show

    show = changed(load_show(path))
    atomic_file.os = DyingOs(calls_left)
    save_show(show)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
