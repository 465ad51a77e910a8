"""Why a model that was to come does not: one sentence, memory named once."""

from types import SimpleNamespace

import pytest

from engine.host.understudy import Understudy
from engine.host.worker_pipe import WorkerEnd
from engine.protocol.orders import WorkerFailed


@pytest.mark.parametrize(
    ("reason", "is_oom", "said"),
    [
        ("it does not fit", True, "out of memory: it does not fit"),
        ("out of memory (CUDA error)", True, "out of memory (CUDA error)"),
        ("the file is broken", False, "the file is broken"),
    ],
)
def test_memory_that_ran_out_is_named_once(reason: str, is_oom: bool, said: str) -> None:
    coming = Understudy(SimpleNamespace(), SimpleNamespace())
    coming.heard(WorkerFailed(reason=reason, out_of_memory=is_oom, detail=""))
    assert coming.is_out_of_memory is is_oom
    assert coming.why(WorkerEnd(exit_code=1, last_lines=())) == said
