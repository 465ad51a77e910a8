"""`segue bench --cpu`: what counts as floor, what counts as a clean run, and one small real run."""

import json
import subprocess
import sys
import time

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from hypothesis import given
from hypothesis import strategies as st

from engine.bench import house_cpu
from engine.bench.bare_floor import BareFloor
from engine.bench.house_cpu_run import percentile
from engine.bench.machine_load import CLEAN_CORES, Load, LoadWatch, busiest, others_cores
from engine.errors import ConfigError

BURN = "import time\nend = time.monotonic() + 20\nwhile time.monotonic() < end: pass"


def load(cores):
    return Load(others_cores=cores, num_cores=2, names=(("obs", cores),), load_average=1.0)


def test_the_floor_is_products_attention_and_convolutions_and_nothing_else():
    floor = BareFloor()
    x, weight = torch.ones(2, 3), torch.ones(3, 3)
    picture, kernel = torch.ones(1, 3, 4, 4), torch.ones(2, 3, 3, 3)
    with torch.inference_mode(), floor.recording():
        torch.mm(x, weight).relu_().add_(1).cos()
        torch.softmax(x, -1)
        F.conv2d(picture, kernel)
        F.layer_norm(x, (3,))
    assert [call.kind for call in floor.calls] == ["products", "attention", "convolutions"]


def test_the_floor_plays_recorded_calls_on_numbers_of_its_own():
    floor = BareFloor()
    x, weight, out = torch.ones(2, 3), torch.ones(3, 3), torch.zeros(2, 3)
    with torch.inference_mode(), floor.recording():
        torch.mm(x, weight, out=out)
    out.zero_()
    spent_ms = floor.run()
    assert spent_ms["products"] > 0
    assert spent_ms["convolutions"] == 0
    assert not out.any()


def test_one_input_seen_twice_stays_one_input_and_two_places_stay_two():
    floor = BareFloor()
    x = torch.ones(3, 3)
    with torch.inference_mode(), floor.recording():
        torch.mm(x, x)
        torch.mm(x, x)
    first, second = (call.positional for call in floor.calls)
    assert first[0] is second[0]
    assert first[0] is not first[1]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_a_percentile_is_the_least_value_that_enough_do_not_exceed(values, share):
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    assert sum(value < found for value in values) < share * len(values) + 1e-6


def test_only_what_others_used_counts_against_a_run():
    assert others_cores(busy_s=10.0, own_s=10.0, wall_s=5.0) == 0.0
    assert others_cores(busy_s=12.0, own_s=10.0, wall_s=5.0) == pytest.approx(0.4)
    assert others_cores(busy_s=9.9, own_s=10.0, wall_s=5.0) == 0.0


def test_the_busiest_others_are_named_first_and_idle_ones_not_at_all():
    before = {1: ("obs", 10.0), 2: ("idle", 5.0)}
    after = {1: ("obs", 14.0), 2: ("idle", 5.0), 3: ("new", 1.0)}
    assert busiest(before, after, wall_s=4.0) == (("obs", 1.0), ("new", 0.25))


def test_a_process_that_burns_a_core_makes_a_run_unclean():
    with subprocess.Popen([sys.executable, "-c", BURN]) as burner:
        watch = LoadWatch()
        burning_s = time.monotonic()
        while time.monotonic() < burning_s + 1.0:
            pass
        found = watch.stop()
        burner.kill()
    assert not found.is_clean
    assert found.others_cores > CLEAN_CORES


@pytest.mark.parametrize(
    ("cores", "said"), [(0.0, "clean run"), (CLEAN_CORES, "clean run"), (0.5, "NOT CLEAN")]
)
def test_a_contended_run_is_never_called_clean(cores, said):
    first, *others = house_cpu.verdict(load(cores))
    assert first.startswith(said)
    assert bool(others) == (said == "NOT CLEAN")


def test_a_run_tells_every_stage_both_ratios_and_the_load(capsys):
    options = ["--model", "untrained", "--size", "32x16", "--chunks", "2", "--threads", "1"]
    assert house_cpu.main([*options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (result,) = found["results"]
    assert result["size"] == "32x16"
    assert set(result["fast"]["stage_ms"]) >= {"denoise", "decode", "commit", "total"}
    assert result["fast"]["fps"] > 0
    assert result["times_plain"] > 0
    assert 0 < result["share_of_floor"] < 1
    assert "is_clean" in found["load"]


def test_the_table_prints_fast_plain_and_floor_of_each_size(capsys):
    house_cpu.main(["--model", "untrained", "--size", "16", "--size", "32", "--chunks", "1"])
    table = capsys.readouterr().out
    for name in ("fast", "plain twin", "bare floor"):
        assert table.count(f"\n{name}") == 2


def test_a_size_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="'wide' is no size"):
        house_cpu.main(["--size", "wide"])
