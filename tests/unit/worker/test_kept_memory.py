"""Memory that tensors leave free stays with the worker."""

import subprocess
import sys

import pytest

_FAULTS = """
import resource
from engine.worker.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(2):
        held = [bytearray(20 << 20) for _ in range(4)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before, kept = faults(), keep_freed_memory()
faults()
print(int(kept), before, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the switch is glibc's")
def test_blocks_of_one_size_are_given_the_same_memory_again():
    command = [sys.executable, "-c", _FAULTS]  # a process of its own: the switch stays on
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, before, after = map(int, done.stdout.split())
    if not kept:
        pytest.skip("this C library has no such switch")
    assert after < 1000 < before
