"""What the tests of training share."""

from contextlib import nullcontext

import pytest
import torch


@pytest.fixture
def float32_steps(monkeypatch):
    """Train in float32: most CPUs only emulate bfloat16, some twenty times slower.

    For tests of what several steps come to; that a step works under autocast is asserted by one
    test of each stage without this.
    """
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
