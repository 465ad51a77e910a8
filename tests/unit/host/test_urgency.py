"""The host's threads run soon, the generator when it can; children inherit either."""

import os
import subprocess
import sys
import threading

import pytest

from engine.urgency import PROMPT_SLICE_NS, give_way, run_promptly, slice_ns


def in_a_thread(function):
    """Return what `function` returns in a thread of its own, so that ours stays as it is."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    thread.join()
    return answers[0]


def test_run_promptly_says_truly_whether_the_slices_are_short():
    took, slice_after_ns = in_a_thread(lambda: (run_promptly(), slice_ns()))
    assert took is (slice_after_ns == PROMPT_SLICE_NS)


@pytest.mark.skipif(not in_a_thread(run_promptly), reason="needs Linux 6.12 or later")
class TestOnASystemWithSlices:
    def test_threads_and_processes_started_afterwards_inherit_them(self):
        def of_a_child():
            run_promptly()
            command = "from engine.urgency import slice_ns; print(slice_ns())"
            child = subprocess.check_output([sys.executable, "-c", command])
            return int(child), in_a_thread(slice_ns)

        assert in_a_thread(of_a_child) == (PROMPT_SLICE_NS, PROMPT_SLICE_NS)

    def test_give_way_takes_them_back_and_lets_others_go_first(self):
        def slices_and_nice():
            run_promptly()
            give_way()
            return slice_ns(), os.getpriority(os.PRIO_PROCESS, 0)

        nice_before = os.getpriority(os.PRIO_PROCESS, 0)
        slice_after_ns, nice = in_a_thread(slices_and_nice)
        assert slice_after_ns > PROMPT_SLICE_NS
        assert nice == max(nice_before, 10)
