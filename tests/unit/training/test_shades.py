"""What the judge knows of colours is counted over rendered looks, the same for the same seed."""

import torch
from safetensors.torch import load_file

from engine.bench.palette_reader import NUM_LIGHTS, NUM_SHADES, PaletteReader, load_palettes
from training import shades
from training.runtime import start_runtime
from training.shades import ShadesRun, colour_accuracy, counted_spread


def run_in(folder, **changes):
    settings = {"seconds": 0, "out": folder, "state": folder, "looks": 24, "full_px": 64}
    return ShadesRun(**settings | {"test_looks": 24} | changes)


def test_a_count_is_a_share_and_follows_from_its_seed(tmp_path):
    runtime = start_runtime()
    first, again = (counted_spread(run_in(tmp_path), runtime) for _ in range(2))
    other = counted_spread(run_in(tmp_path, seed=1), runtime)
    assert first.shape == (NUM_SHADES, NUM_LIGHTS)
    torch.testing.assert_close(first.sum(), torch.tensor(1.0))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_counted_on_few_looks_it_reads_most_colours_of_others(tmp_path):
    runtime = start_runtime()
    runtime.rng(1)
    run = run_in(tmp_path)
    found = colour_accuracy(PaletteReader(counted_spread(run, runtime)), run, runtime)
    assert found.plain > 0.7
    assert found.degraded > 0.6


def test_the_stage_writes_what_the_judge_loads(tmp_path, monkeypatch):
    out = tmp_path / "new"
    arguments = ["--looks", "8", "--test-looks", "2", "--full-px", "32", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["shades", *arguments])
    shades.main()
    assert set(load_file(out / "shades.safetensors")) == {"spread"}
    assert isinstance(load_palettes(out / "shades.safetensors"), PaletteReader)
