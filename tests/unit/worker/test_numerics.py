"""The numerics report: what it finds, that it refuses, and that the doctor shows it."""

from __future__ import annotations

import math

import pytest
import torch

from engine.host.doctor_devices import check_numerics
from engine.host.findings import Level
from engine.protocol import places
from engine.protocol.numerics import (
    LayerError,
    NumericsReport,
    numerics_file,
    read_reports,
    remember,
)
from engine.worker import fast_path
from engine.worker.device import Compute
from engine.worker.kernels import has_triton
from engine.worker.kernels.attention import attention
from engine.worker.kernels.attention_backends import fastest
from engine.worker.numerics import compare_passes, layer_error
from tests.unit.worker.test_fast_passes import sampler_of, use_fast


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path))


def report(cosine: float = 0.9999, **changes: object) -> NumericsReport:
    layers = (LayerError(cosine=1.0, max_error=0.0), LayerError(cosine=cosine, max_error=0.1))
    values = {
        "model": "krea-14b", "backend": "fp8 rows, cudnn", "against": "plain bfloat16",
        "card": "H100", "torch": "2.13.0", "day": "2026-11-27",
        "velocity": LayerError(cosine=cosine, max_error=0.1), "layers": layers,
    }  # fmt: skip
    return NumericsReport(**(values | changes))  # type: ignore[arg-type]


def test_passes_that_compute_the_same_are_found_to() -> None:
    sampler = sampler_of("rolling")
    found = compare_passes(sampler, use_fast(sampler), "tiny", "float32, sdpa")
    assert len(found.layers) == sampler.model.config.num_layers
    assert min(layer.cosine for layer in (*found.layers, found.velocity)) > 1 - 1e-6
    assert found.is_good
    assert sampler.cache.state.cached == 0
    assert not sampler.text.is_valid
    with pytest.raises(ValueError, match="no text set"):
        sampler.text.kvs()


def test_a_wrong_layer_is_named_and_refused() -> None:
    sampler = sampler_of("rolling")
    fast = use_fast(sampler)
    block = fast._blocks[1]
    block.o = block.o._replace(values=-3 * block.o.values)
    found = compare_passes(sampler, fast, "tiny", "float32, sdpa")
    assert found.layers[0].cosine > 1 - 1e-6
    assert found.layers[1].cosine < 0.999
    assert not found.is_good


def test_numbers_that_are_not_finite_are_refused() -> None:
    broken = torch.tensor([1.0, math.nan])
    assert layer_error(broken, torch.ones(2)).cosine == -1
    assert layer_error(torch.ones(2), torch.ones(2)).cosine == pytest.approx(1)


def test_quicken_puts_bf16_in_the_place_of_an_fp8_that_fails(monkeypatch) -> None:
    sampler = sampler_of("rolling")
    good = fast_path._tried(sampler, attention, "tiny", fast_path.Kind("sdpa"))
    assert good.backends == {
        "attention": "sdpa",
        "text attention": "padding as one key",
        "linear": "bf16, fused",
    }
    plain = sampler.plain
    sampler.passes = plain
    monkeypatch.setattr(fast_path, "compare_passes", lambda *_: report(0.9))
    kind = fast_path.Kind("fp8", narrow_products=True, narrow_attention=True)
    refused = fast_path._tried(sampler, attention, "tiny", kind)
    assert not refused.backends
    assert "cosine 0.90000" in refused.notices[0]
    assert sampler.passes is plain
    assert sampler.cache._narrow is None


def test_a_processor_gets_no_fast_path() -> None:
    sampler = sampler_of("rolling")
    found = fast_path.quicken(sampler, Compute(torch.device("cpu"), torch.float32), "tiny")
    assert found == fast_path.FastPath()
    assert sampler.passes is sampler.plain


def test_reports_are_kept_one_a_backend_and_shown_by_the_doctor() -> None:
    assert check_numerics() == []
    remember(report(0.9))
    remember(report(0.9993))
    remember(report(0.99, backend="bf16, cudnn"))
    assert [found.velocity.cosine for found in read_reports()] == [0.9993, 0.99]
    good, bad = check_numerics()
    assert (good.level, bad.level) == (Level.OK, Level.WARN)
    assert "krea-14b, fp8 rows, cudnn: cosine 0.99930" in good.text
    assert bad.text.startswith("refused: ")


def test_a_damaged_file_of_reports_is_no_trouble() -> None:
    numerics_file().write_text("{", encoding="utf-8")
    assert read_reports() == []
    remember(report())
    assert len(read_reports()) == 1


@pytest.mark.parametrize(
    ("ms", "name"),
    [
        ({"cudnn": 1.0, "flash": 0.99}, "cudnn"),
        ({"cudnn": 1.0, "flash": 0.9}, "flash"),
        ({"cudnn": 1.0, "flash": 0.9, "other": 0.89}, "flash"),
        ({"flash": 5.0}, "flash"),
    ],
)
def test_only_a_clearly_faster_backend_goes_before_one_above_it(ms, name) -> None:
    assert fastest(ms) == name


def test_a_gpu_without_room_plays_plain_and_says_so(monkeypatch) -> None:
    sampler = sampler_of("rolling")

    def full(*_args: object, **_options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(fast_path, "FastPasses", full)
    kind = fast_path.Kind("fp8", narrow_products=True, narrow_attention=True)
    path = fast_path._tried(sampler, attention, "tiny", kind)
    assert path.notices == ("The GPU has no room for fast passes in fp8 rows.",)
    assert sampler.passes is sampler.plain
    assert sampler.cache._narrow is None


def test_kernels_that_cannot_be_compiled_leave_plain_passes_with_the_reason(monkeypatch) -> None:
    sampler = sampler_of("rolling")
    reason = "Triton does not compile here: no C compiler"
    monkeypatch.setattr(fast_path, "why_no_triton", lambda: reason)
    compute = Compute(torch.device("cuda", 0), torch.bfloat16)
    path = fast_path.quicken(sampler, compute, "tiny")
    assert path.notices == (f"Plain passes run, which is slower: {reason}.",)
    assert sampler.passes is sampler.plain


def test_a_failing_trial_is_a_reason_and_no_exception(monkeypatch) -> None:
    pytest.importorskip("triton", reason="torch brings Triton only with CUDA")

    def fail() -> bool:
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC.")

    monkeypatch.setattr(has_triton.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(has_triton, "_trial", fail)
    found = has_triton.why_no_triton.__wrapped__()
    assert found == "Triton does not compile here: Failed to find C compiler."
