"""A worker's last words: one sentence, and whether memory ran out."""

import io

import pytest
import torch

from engine.errors import OutOfMemoryError, WeightsError
from engine.protocol.codec import WORKER_EVENTS, read_framed
from engine.protocol.orders import WorkerFailed
from engine.worker.__main__ import Worker
from engine.worker.host_link import HostLink, OrderInbox


def last_words(error: BaseException) -> WorkerFailed:
    events = io.BytesIO()
    Worker(HostLink(io.BytesIO(), events)).fail(error)
    events.seek(0)
    failed = read_framed(events, WORKER_EVENTS)
    assert isinstance(failed, WorkerFailed)
    return failed


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OutOfMemoryError("the picture is too large"),
    ],
)
def test_running_out_of_memory_is_marked(error):
    assert last_words(error).out_of_memory


def test_running_out_of_memory_comes_with_a_remedy():
    assert "choose a smaller picture" in last_words(MemoryError()).reason


def test_a_deliberate_error_is_its_own_sentence():
    failed = last_words(WeightsError("house model: x is missing; restore it"))
    assert failed.reason == "house model: x is missing; restore it"
    assert not failed.out_of_memory


def test_an_unexpected_error_is_one_line_and_keeps_the_traceback_for_the_log():
    failed = last_words(ValueError("first line\nsecond line"))
    assert failed.reason == "the generator stopped: ValueError: first line"
    assert "second line" in failed.detail


def test_orders_come_out_in_order_and_none_is_lost():
    inbox = OrderInbox()
    for number in range(5):
        inbox.put(number)
    assert [inbox.take(0.0)[0] for _ in range(5)] == [0, 1, 2, 3, 4]
    assert inbox.take(0.0) is None
