"""The soak on tiny rows: files in the published layout, loaded as a worker does, and played."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from engine.bench import soak
from engine.bench.rig import loop_rig
from engine.bench.soak_files import write_model
from engine.errors import ConfigError
from engine.worker.models.spec import LONGLIVE_1_3B_VACE, PUBLISHED_VACE, SELF_FORCING_1_3B_VACE
from tests.published import load_row, tiny_row


@pytest.mark.parametrize("row", PUBLISHED_VACE, ids=lambda row: row.name)
def test_a_row_is_written_loaded_and_played_through_all_modes(row, tmp_path, capsys) -> None:
    spec = tiny_row(row)
    write_model(tmp_path, spec, torch.device("cpu"))
    with loop_rig(load_row(tmp_path, spec)) as rig, torch.inference_mode():
        assert soak.soak(rig, 15) == 0
    said = capsys.readouterr().out
    assert "15 chunks, 0 broken, 1 with resets, 0 without the control that was asked for" in said


def test_a_picture_that_is_not_finite_is_a_failure(tmp_path, capsys) -> None:
    spec = tiny_row(SELF_FORCING_1_3B_VACE)
    write_model(tmp_path, spec, torch.device("cpu"))
    model = load_row(tmp_path, spec)
    model.sampler.model.head.head.bias.data.fill_(float("nan"))
    with loop_rig(model) as rig, torch.inference_mode():
        assert soak.soak(rig, 2) == 1
    assert "not finite" in capsys.readouterr().out


def test_steps_cover_modes_and_cuts() -> None:
    steps = [soak.step_of(index) for index in range(60)]
    assert Counter(step.mode for step in steps) == {"text": 20, "video": 20, "control": 20}
    assert all(sum(part.weight for part in step.text) == pytest.approx(1) for step in steps)
    assert sum(len(step.text) == 2 for step in steps) == 18


def test_an_unknown_row_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(ConfigError, match=f"choose of .*{LONGLIVE_1_3B_VACE.name}"):
        soak.main(["nothing", "--folder", str(tmp_path)])
