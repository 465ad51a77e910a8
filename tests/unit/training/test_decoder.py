"""The decoder learns alone: the encoder keeps every bit, clips are kept, a run resumes."""

from dataclasses import replace
from itertools import repeat

import pytest
import torch
from safetensors.torch import load_file

from engine.worker.models.house.house import HOUSE_CODEC, WEIGHTS_DIR
from engine.worker.models.wan.tae import TAE
from training.checkpoints import load_weights
from training.codec_losses import decoder_loss
from training.decoder import DecoderRun, DecoderTrainer, kept_pairs, measured
from training.runtime import start_runtime

SHIPPED = WEIGHTS_DIR / "codec.safetensors"


@pytest.fixture
def run(tmp_path):
    return DecoderRun(
        seconds=2, out=tmp_path, state=tmp_path, clips=4, test_clips=2, crop_px=32, full_px=64
    )


def shipped():
    codec = TAE(HOUSE_CODEC)
    load_weights(codec, SHIPPED)
    return codec


def trainer_of(run, runtime):
    codec = shipped()
    return DecoderTrainer(codec, kept_pairs(codec, run, runtime), run, runtime)


def moving(count, edge_step=0.02, step=0.02):
    """A grey that brightens by `step` a frame, and by `edge_step` from latent to latent."""
    steps = [edge_step if i % 4 == 0 else step for i in range(1, count)]
    light = torch.tensor([0.1, *steps]).cumsum(0)
    return light.view(1, -1, 1, 1, 1).expand(1, count, 3, 16, 16)


def test_only_the_decoder_changes_and_what_is_written_keeps_the_encoders_bits(run):
    runtime = start_runtime()
    trainer = trainer_of(replace(run, seconds=1), runtime)
    trainer.train(repeat(1.0))
    trainer.save()
    before, after = load_file(SHIPPED), load_file(run.out / "codec.safetensors")
    changed = {key.partition(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"decoder", "colour_decode"}
    assert trainer.step == 1


def test_clips_are_drawn_once_and_kept(run, monkeypatch):
    runtime = start_runtime()
    first = kept_pairs(shipped(), run, runtime)
    monkeypatch.setattr("training.decoder.draw_batch", None)  # drawing again would fail
    again = kept_pairs(shipped(), run, runtime)
    assert torch.equal(first.frames, again.frames)
    assert torch.equal(first.latents, again.latents)
    assert first.latents.shape == (6, 6, 16, 4, 4)


@pytest.mark.usefixtures("float32_steps")
def test_a_run_that_is_started_again_spends_only_what_is_left(run):
    runtime = start_runtime()
    first = trainer_of(replace(run, seconds=3), runtime)
    first.train(iter([1.0, 2.0]))
    first.save()
    second = trainer_of(replace(run, seconds=5), runtime)
    assert (second.step, second.spent_s) == (2, 3.0)
    second.train(repeat(1.0))
    assert second.step == 4


def test_a_step_at_latent_edges_costs_and_the_sources_own_does_not():
    even, stepped = moving(24), moving(24, edge_step=0.04)
    assert decoder_loss(even, even).edge < 1e-5
    assert decoder_loss(stepped, stepped).edge < 1e-5
    assert decoder_loss(stepped, even).edge > 0.5
    assert decoder_loss(moving(24, 0.01, 0.01), even).edge < 1e-5


def test_pale_colours_cost():
    red = torch.zeros(1, 8, 3, 16, 16)
    red[:, :, 0] = 0.8
    pale = red.lerp(red.mean(2, keepdim=True), 0.25)
    assert decoder_loss(red, red).saturation == 0
    assert float(decoder_loss(pale, red).saturation) == pytest.approx(0.2, abs=1e-5)


def test_a_decoder_is_measured_against_the_source(run):
    pairs = kept_pairs(shipped(), run, start_runtime())
    found = measured(shipped(), pairs)
    assert found.psnr_db > 15
    assert 0.5 < found.saturation < 1.2
    assert "at edges" in str(found)
