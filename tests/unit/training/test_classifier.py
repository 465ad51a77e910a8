"""The judge of the bench learns from rendered clips, and saves and resumes like every stage."""

import random

import pytest
import torch

from engine.bench.classifier import PictureClassifier, Reading, load_classifier
from engine.visuals.looks import random_look
from engine.worker.models.house.vocabulary import COLOURS, FAMILIES
from training.classifier import (
    ClassifierRun,
    ClassifierTrainer,
    ClipPool,
    accuracy,
    classifier_loss,
    degrade,
    draw_labelled,
    labels_of,
)
from training.runtime import start_runtime

CPU = torch.device("cpu")
TOY_FAMILIES = ("tunnel", "bars")


def toy(folder, **changes):
    settings = {
        "seconds": 1, "out": folder, "state": folder, "batch_size": 16, "full_px": 32,
        "capacity": 96, "first_fill": 96, "draw_size": 32, "test_clips": 64,
        "families": TOY_FAMILIES,
    } | changes  # fmt: skip
    return ClassifierRun(**settings)


@pytest.fixture
def trainer(tmp_path):
    runtime, run = start_runtime(), toy(tmp_path)
    rng = runtime.rng(run.seed)
    return ClassifierTrainer(run, runtime, ClipPool(run, runtime.device, rng))


def test_labels_are_the_words_of_the_look():
    looks = [random_look(random.Random(seed)) for seed in range(20)]
    families, colours = labels_of(looks, CPU)
    assert [FAMILIES[i] for i in families.tolist()] == [look.family for look in looks]
    for look, row in zip(looks, colours, strict=True):
        assert {name for name, named in zip(COLOURS, row, strict=True) if named} == set(
            look.colours
        )


def test_the_pool_keeps_bytes_and_replaces_the_oldest(tmp_path):
    run = toy(tmp_path, capacity=48, first_fill=48)
    pool = ClipPool(run, CPU, random.Random(1))
    before = pool.sample(48).clips.shape
    pool.add()
    assert (before, pool.num_clips) == ((48, 12, 3, 32, 32), 48)
    assert pool.sample(4).clips.dtype == torch.uint8


def test_the_same_seed_draws_the_same_clips(tmp_path):
    a, b = (draw_labelled(random.Random(3), 4, CPU, toy(tmp_path)) for _ in range(2))
    assert torch.equal(a.clips, b.clips)
    assert torch.equal(a.family, b.family)


def test_degraded_clips_stay_pictures_and_differ():
    torch.manual_seed(0)
    clips = torch.rand(32, 12, 3, 32, 32)
    changed = degrade(clips)
    assert changed.shape == clips.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert ((changed - clips).abs().flatten(1).amax(1) > 0.01).float().mean() > 0.8


def test_degrading_keeps_the_mean_colour_of_a_plain_clip():
    torch.manual_seed(0)
    red = torch.zeros(64, 12, 3, 32, 32)
    red[:, :, 0] = 0.6
    strongest = degrade(red).mean((1, 3, 4)).argmax(1)
    assert (strongest == 0).all()


def test_every_weight_of_the_classifier_has_a_gradient(tmp_path):
    torch.manual_seed(0)
    net = PictureClassifier()
    classifier_loss(net, draw_labelled(random.Random(1), 4, CPU, toy(tmp_path))).total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.usefixtures("float32_steps")
def test_a_toy_run_learns_to_tell_two_families(trainer):
    before = accuracy(trainer.net, trainer.run, CPU)
    for _ in range(40):
        trainer.train_step(0.3)
    found = accuracy(trainer.net, trainer.run, CPU)
    assert before.family < 0.2
    assert found.family > 0.8
    assert set(found.by_family) == set(TOY_FAMILIES)


def test_a_run_starts_from_earlier_weights_and_may_see_more_of_some_modifiers(trainer, tmp_path):
    trainer.save()
    run = toy(
        tmp_path / "later", weights=trainer.run.out / "classifier.safetensors", worn=("neon",)
    )
    later = ClassifierTrainer(run, trainer.runtime, trainer.pool)
    assert later.step == 0
    torch.testing.assert_close(
        later.net.state_dict(), trainer.average.module.state_dict(), atol=1e-2, rtol=1e-2
    )
    seen = [draw_labelled(random.Random(3), 8, CPU, run, worn) for worn in ((), run.worn)]
    assert not torch.equal(seen[0].clips, seen[1].clips)


def test_a_run_resumes_where_it_stopped_and_its_weights_load(trainer):
    trainer.train_step(0.0)
    trainer.save()
    again = ClassifierTrainer(trainer.run, trainer.runtime, trainer.pool)
    assert again.step == 1
    torch.testing.assert_close(again.net.state_dict(), trainer.net.state_dict())
    loaded = load_classifier(CPU, trainer.run.out / "classifier.safetensors")
    clip = trainer.pool.sample(1).clips[0]
    mine = trainer.average.module.read(clip)
    shipped = loaded.read(clip)
    assert isinstance(shipped, Reading)
    torch.testing.assert_close(mine.families, shipped.families, atol=0.02, rtol=0)


def test_the_weights_are_small_enough_to_ship(trainer):
    trainer.save()
    assert (trainer.run.out / "classifier.safetensors").stat().st_size <= 1_500_000
