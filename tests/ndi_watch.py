"""Start tests/ndi_receiver.py in another process and read what it says."""

import json
import subprocess
import sys
from pathlib import Path

_RECEIVER = Path(__file__).with_name("ndi_receiver.py")


class NdiWatch:
    """A receiver in a process of its own; use it as a context manager, so that none is left."""

    def __init__(self, name, seconds, *options):
        command = [sys.executable, str(_RECEIVER), "--name", name, "--seconds", str(seconds)]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait_for(self, event):
        """Return the fields of the next `event`, or raise when the receiver fails or ends."""
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == event:
                return self.events[-1]
            assert self.events[-1]["event"] != "failed", self.events[-1]["reason"]
        raise AssertionError(f"the receiver ended without {event!r}: {self.events}")

    def report(self):
        """Wait until the receiver is through and return what it counted."""
        return self.wait_for("done")
