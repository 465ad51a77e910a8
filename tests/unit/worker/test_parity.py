"""The parity run passes our own golden files, fails a broken model, and names broken files."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from engine.bench import parity, parity_rollouts
from engine.bench.parity_checks import Limit, Measure, compare
from engine.worker.models.wan import kv_cache
from engine.worker.models.wan.blocks import Attention
from engine.worker.models.wan.rollout import ChunkSampler

GOLDEN = Path(__file__).parents[2] / "reference" / "golden"


@pytest.fixture
def folder(tmp_path):
    """A copy of the golden folder that a test may break."""
    copy = tmp_path / "golden"
    shutil.copytree(GOLDEN, copy)
    return copy


def rewrite(path, change_tensors=None, change_meta=None):
    """Save a golden file again with something changed."""
    with safe_open(path, "pt") as file:
        meta = json.loads(file.metadata()["meta"])
    tensors = load_file(path)
    if change_tensors:
        change_tensors(tensors)
    if change_meta:
        change_meta(meta)
    save_file(tensors, path, {"meta": json.dumps(meta)})


def failed_files(folder):
    report = parity.run(folder)
    assert not any(file.error for file in report.files)
    return {file.name for file in report.files if not file.passed}


def test_our_model_passes_the_golden_files_of_the_plain_reference(capsys):
    assert parity.main([str(GOLDEN)]) == 0
    assert "PARITY: 8 of 8 covered files passed" in capsys.readouterr().out


def test_the_report_is_json_where_a_script_wants_it(capsys):
    assert parity.main([str(GOLDEN), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passed"]
    checks = [check for file in report["files"] for check in file["checks"]]
    assert all(check["rel_l2"] < 1e-5 or check["max_abs"] < 1e-4 for check in checks)


def break_window(monkeypatch, change):
    """Let every rollout run with another (window, sink)."""
    plain = parity_rollouts.Rollout.config

    def changed(self, rule, window, sink):
        return plain(self, rule, *change(window, sink))

    monkeypatch.setattr(parity_rollouts.Rollout, "config", changed)


def test_no_clean_pass_fails(monkeypatch):
    def skip(self, inputs, timestep=None):
        self.flows.append(inputs)

    monkeypatch.setattr(parity_rollouts.RecordingSampler, "_context_pass", skip)
    assert failed_files(GOLDEN) == {"sf_causal_rollout", "longlive_rollout", "vace"}


def test_a_wrong_sink_fails(monkeypatch):
    break_window(monkeypatch, lambda window, _: (window, 0))
    assert failed_files(GOLDEN) == {"sf_causal_rollout", "longlive_rollout", "vace"}


def test_a_wrong_window_fails(monkeypatch):
    break_window(monkeypatch, lambda window, sink: (window + 1, sink))
    rollouts = {"sf_causal_rollout", "longlive_rollout", "krea_recompute", "vace"}
    assert failed_files(GOLDEN) == rollouts


def test_positions_that_are_relative_where_they_should_be_absolute_fail(monkeypatch):
    swapped = dataclasses.replace(parity_rollouts.SELF_FORCING, positions=kv_cache.Positions.WINDOW)
    monkeypatch.setattr(parity_rollouts, "SELF_FORCING", swapped)
    assert failed_files(GOLDEN) == {"sf_causal_rollout"}


def test_a_recache_that_forgets_the_new_text_fails(monkeypatch):
    monkeypatch.setattr(ChunkSampler, "recache", lambda _: 0)
    report = parity.run(GOLDEN)
    assert report.exit_code != 0


def test_norm_per_head_instead_of_full_width_fails(monkeypatch):
    def per_head(self, x):
        heads = self._heads(self.q(x))
        normed = heads * torch.rsqrt(heads.square().mean(-1, keepdim=True) + 1e-6)
        return normed * self._heads(self.norm_q.weight)

    monkeypatch.setattr(Attention, "queries", per_head)
    assert "wan_dit_bidirectional" in failed_files(GOLDEN)


def test_a_folder_with_some_of_the_files_runs_those(folder):
    (folder / "taehv.safetensors").unlink()
    report = parity.run(folder)
    assert report.exit_code == 0
    assert {file.name for file in report.files} == {
        "scheduler", "wan_dit_bidirectional", "sf_causal_rollout", "longlive_rollout",
        "krea_recompute", "wan_vae", "vace",
    }  # fmt: skip


def test_files_of_other_kinds_are_listed_as_not_covered(folder, capsys):
    save_file({"x": torch.zeros(1)}, folder / "depth_model.safetensors")
    assert parity.main([str(folder)]) == 0
    assert "not covered yet  depth_model" in capsys.readouterr().out


def test_one_changed_expectation_fails_with_exit_code_1(folder, capsys):
    def nudge(tensors):
        tensors["rolling_sink1/expected/output"][0, -1] *= 1.001

    rewrite(folder / "sf_causal_rollout.safetensors", nudge)
    assert parity.main([str(folder), "--failed-only"]) == 1
    assert "rolling_sink1/output chunk 3" in capsys.readouterr().out


def test_the_tolerance_is_read_from_the_file(folder):
    def tighten(meta):
        meta["tolerance"] = "fp32: rel L2 <= 1e-12."

    rewrite(folder / "wan_dit_bidirectional.safetensors", change_meta=tighten)
    assert failed_files(folder) == {"wan_dit_bidirectional"}


def drop(key):
    return lambda meta: meta.pop(key)


def resize(meta):
    meta["config"]["ffn_dim"] = 41


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("config"), "has no 'config'"),
        (drop("tolerance"), "has no 'tolerance'"),
        (resize, "weights are missing, unexpected or misshapen"),
        (lambda meta: meta.update(tolerance="close enough"), "has no figure like"),
        (lambda meta: meta["config"].update(dim="wide"), "expected a whole number"),
        (lambda meta: meta["cases"]["global"].update(chunks=9), "contradicts itself"),
    ],
)
def test_a_file_that_contradicts_its_kind_is_one_sentence_and_exit_code_2(
    folder, capsys, change, sentence
):
    rewrite(folder / "sf_causal_rollout.safetensors", change_meta=change)
    assert parity.main([str(folder), "--failed-only"]) == 2
    broken = [line for line in capsys.readouterr().out.splitlines() if "BROKEN" in line]
    assert len(broken) == 1
    assert sentence in broken[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("decode"), "has no 'decode'"),
        (lambda meta: meta.update(decode="as usual"), "says nothing like"),
        (lambda meta: meta.update(encode_groups=[1, 2]), "are not 7 frames"),
        (lambda meta: meta["config"].update(attn_scales=[0.5]), "attn_scales has to be empty"),
        (lambda meta: meta["config"].update(dim=10**6), "missing, unexpected or misshapen"),
        (lambda meta: meta["config"].update(latent_mean=[0.0]), "got 1 and 16"),
        (lambda meta: meta["config"].update(latent_std="wide"), "expected numbers"),
    ],
)
def test_an_autoencoder_that_contradicts_its_kind_is_one_sentence(tmp_path, change, sentence):
    shutil.copy(GOLDEN / "wan_vae.safetensors", tmp_path)
    rewrite(tmp_path / "wan_vae.safetensors", change_meta=change)
    (file,) = parity.run(tmp_path).files
    assert sentence in file.error


def test_what_nothing_computes_of_an_autoencoder_is_listed(tmp_path):
    shutil.copy(GOLDEN / "wan_vae.safetensors", tmp_path)
    more = {"expected/decoder_upsamples_99": torch.zeros(1)}
    rewrite(tmp_path / "wan_vae.safetensors", lambda tensors: tensors.update(more))
    (file,) = parity.run(tmp_path).files
    assert file.passed
    assert file.not_covered == ["decoder_upsamples_99"]


def test_a_missing_tensor_is_named(folder, capsys):
    rewrite(folder / "taehv.safetensors", lambda tensors: tensors.pop("inputs/latents"))
    assert parity.main([str(folder)]) == 2
    assert "tensor 'inputs/latents' is missing" in capsys.readouterr().out


def test_a_truncated_file_is_named_and_the_others_still_run(folder):
    path = folder / "taehv.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    report = parity.run(folder)
    assert report.exit_code == 2
    assert "cannot be read" in next(file.error for file in report.files if file.error)
    assert sum(file.passed for file in report.files) == 7


def test_a_folder_without_golden_files_is_exit_code_2(tmp_path, capsys):
    assert parity.main([str(tmp_path)]) == 2
    assert parity.main([str(tmp_path / "nowhere")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.0])
def test_what_is_not_a_small_finite_error_never_passes(value):
    limit = Limit(Measure.REL_L2, 1e-4)
    assert not compare("x", torch.tensor([value]), torch.tensor([1.0]), limit).passed
    assert not compare("x", torch.zeros(2), torch.zeros(3), limit).passed
