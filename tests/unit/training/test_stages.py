"""Every stage trains, saves and resumes, at toy size."""

import random
import sys
from types import SimpleNamespace

import pytest
import torch

from engine.bench.picture_measures import measure
from engine.worker.models.house.house import HOUSE_CODEC
from engine.worker.models.wan.tae import TAE
from engine.worker.models.wan.transformer import TransformerConfig
from training.checkpoints import load_weights, save_weights
from training.codec import dead_share, init_codec, load_earlier, train_step
from training.distil import Distiller, DistilRun
from training.evaluate import parse_variant
from training.optimisers import trapezoid_scale
from training.pool import LatentPool, PoolSet, PoolSettings, favouring, frozen_codec
from training.runtime import start_runtime
from training.stage import parse_run, stage_parser
from training.transformer import HouseNet, TransformerRun, TransformerTrainer, noisy_chunks

SMALL = {"capacity": 6, "first_fill": 4, "draw_size": 4, "num_chunks": 2}
POOL = PoolSettings(width_px=32, height_px=32, **SMALL)
WIDE = PoolSettings(width_px=64, height_px=32, share=0.5, batch_scale=0.5, starts_at=0.5, **SMALL)
TINY = TransformerConfig(
    dim=24, ffn_dim=32, num_heads=2, num_layers=2, text_dim=64, text_len=8, in_dim=21
)


@pytest.fixture
def runtime():
    return start_runtime()


@pytest.fixture
def pool(runtime):
    torch.manual_seed(0)
    codec = TAE(HOUSE_CODEC)
    init_codec(codec)
    return LatentPool(frozen_codec(codec, runtime.device), POOL, runtime.device, random.Random(1))


@pytest.fixture
def pools(runtime):
    torch.manual_seed(0)
    codec = TAE(HOUSE_CODEC)
    init_codec(codec)
    frozen = frozen_codec(codec, runtime.device)
    return PoolSet(frozen, (POOL, WIDE), runtime.device, random.Random(1))


def transformer_run(folder):
    return TransformerRun(
        seconds=1, out=folder, state=folder, batch_size=2, compiled=False, config=TINY
    )


def judged_apart(distiller, produced):
    """By how much the judge's mean logit of rendered chunks lies above that of played ones."""
    sample, means = produced.sample, []
    text = sample.text(distiller.critic.captions)
    for latents, past in (
        (sample.latents, sample.latents[:, :-1]),
        (produced.latents, produced.past),
    ):
        sigma = torch.full(latents.shape[:2], 0.1)
        context = noisy_chunks(sample, past, torch.zeros_like(sigma[:, 1:]), past, text)
        noisy = noisy_chunks(sample, latents, sigma, torch.zeros_like(latents), text)
        means.append(float(distiller.judge(distiller._features(context, noisy)).mean()))
    return means[0] - means[1]


def test_a_new_codec_shows_the_picture_before_it_has_learnt_anything():
    torch.manual_seed(0)
    codec = TAE(HOUSE_CODEC)
    init_codec(codec)
    frames = torch.rand(1, 8, 3, 2, 2).repeat_interleave(16, 3).repeat_interleave(16, 4)
    decoded = codec.decode(codec.encode(frames)[0])[0]
    assert (decoded - frames).abs().mean() < 0.15
    assert dead_share(codec, frames) < 0.1


def test_a_codec_step_has_a_gradient_for_every_weight():
    codec = TAE(HOUSE_CODEC)
    init_codec(codec)
    train_step(codec, torch.rand(1, 12, 3, 16, 16), 1, 0.5, "cpu").total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in codec.parameters())


def test_the_pool_gives_unit_shapes_and_matching_captions(pool):
    sample = pool.sample(3)
    assert sample.latents.shape == (3, 2, 3, 16, 4, 4)
    assert sample.control.shape == (3, 2, 3, 5, 4, 4)
    assert (sample.caption_from[:, 0] > 0).all()


def test_a_full_pool_replaces_its_oldest_clips(pool):
    pool.add()
    pool.add()
    assert pool.num_clips == POOL.capacity


def test_a_pool_set_takes_each_size_when_it_may(pools):
    early = {tuple(pools.sample(2, 0.1).latents.shape[-2:]) for _ in range(20)}
    late = {tuple(pools.sample(2, 0.9).latents.shape[-2:]) for _ in range(20)}
    assert (early, late) == ({(4, 4)}, {(4, 4), (4, 8)})


def test_a_transformer_run_resumes_where_it_stopped(tmp_path, runtime, pools):
    first = TransformerTrainer(transformer_run(tmp_path), runtime, pools)
    first.train_step(0.0)
    first.save()
    second = TransformerTrainer(transformer_run(tmp_path), runtime, pools)
    assert second.step == 1
    assert all(map(torch.equal, first.net.parameters(), second.net.parameters()))


@pytest.mark.parametrize("judge", [0.0, 0.5])
def test_distillation_moves_the_student_and_leaves_the_teacher(tmp_path, runtime, pools, judge):
    HouseNet(TINY).save(tmp_path, "-base")
    run = DistilRun(seconds=1, out=tmp_path, state=tmp_path, batch_size=2, config=TINY, judge=judge)
    distiller = Distiller(run, runtime, pools)
    distiller.step = 100  # past the critic's warm-up
    before = [p.clone() for p in distiller.student.transformer.parameters()]
    distiller.student_step(1.0, 1.0)
    distiller.critic_step(1.0)  # until now critic and teacher agreed
    distiller.student_step(1.0, 1.0)
    moved = zip(before, distiller.student.transformer.parameters(), strict=True)
    kept = zip(before, distiller.teacher.transformer.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in moved)
    assert all(torch.equal(old, new) for old, new in kept)


def test_a_judge_learns_to_tell_rendered_from_played(tmp_path, runtime, pools):
    HouseNet(TINY).save(tmp_path, "-base")
    run = DistilRun(
        seconds=1, out=tmp_path, state=tmp_path, batch_size=4, rate=2e-3, config=TINY, judge=1.0
    )
    distiller = Distiller(run, runtime, pools)
    distiller.student_step(1.0, 0.0)
    (produced,) = distiller._produced
    with torch.no_grad():
        before = judged_apart(distiller, produced)
        with torch.enable_grad():
            for _ in range(40):
                distiller.critic_step(1.0)
        assert judged_apart(distiller, produced) > before + 0.1


def test_some_steps_go_on_where_the_step_before_ended(tmp_path, runtime, pools):
    HouseNet(TINY).save(tmp_path, "-base")
    run = DistilRun(seconds=1, out=tmp_path, state=tmp_path, batch_size=2, config=TINY, judge=0.5)
    distiller = Distiller(run, runtime, pools)
    distiller.step = 100
    ends = []
    while not ends or distiller._produced[-1].num_given == 0:
        ends.append(distiller._tail[1] if distiller._tail else None)
        distiller.student_step(1.0, 0.0)
        distiller.critic_step(1.0)
    last = distiller._produced[-1]
    assert last.latents.shape[1] == POOL.num_chunks + 1
    assert torch.equal(last.latents[:, :1], ends[-1])


def test_distillation_resumes_with_its_optimisers(tmp_path, runtime, pools):
    HouseNet(TINY).save(tmp_path, "-base")
    run = DistilRun(seconds=1, out=tmp_path, state=tmp_path, batch_size=2, config=TINY)
    first = Distiller(run, runtime, pools)
    first.student_step(1.0, 0.0)
    first.critic_step(1.0)
    first.save()
    second = Distiller(run, runtime, pools)
    moments = [d._adam_critic.state_dict()["state"][0]["exp_avg_sq"] for d in (first, second)]
    assert torch.equal(*moments)


def test_a_codec_goes_on_from_an_earlier_one_on_raw_latents(tmp_path):
    earlier, codec = TAE(HOUSE_CODEC), TAE(HOUSE_CODEC)
    earlier.latent_std.fill_(2)
    save_weights(earlier, tmp_path / "codec.safetensors")
    load_earlier(codec, tmp_path / "codec.safetensors")
    assert float(codec.latent_std[0]) == 1
    assert torch.equal(codec.encoder[0].weight, earlier.encoder[0].weight.bfloat16().float())


def test_saved_weights_come_back_as_bf16_values(tmp_path):
    module, again = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    save_weights(module, tmp_path / "linear.safetensors")
    load_weights(again, tmp_path / "linear.safetensors")
    assert torch.equal(again.weight, module.weight.bfloat16().float())


def test_a_missing_stage_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="run the stage"):
        load_weights(torch.nn.Linear(1, 1), tmp_path / "codec.safetensors")


def test_the_rate_warms_up_holds_and_falls():
    scales = [trapezoid_scale(p, step, 10, 0.6, 0.03) for p, step in ((0, 0), (0.3, 50), (1, 99))]
    assert scales == pytest.approx([0.1, 1.0, 0.03])


def test_a_seam_at_chunk_edges_is_measured():
    clips = torch.zeros(1, 36, 3, 8, 8, dtype=torch.uint8)
    clips[:, :, :, 0] = torch.arange(36).view(1, 36, 1, 1).to(torch.uint8)
    clips[:, 12:24] += 40
    result = measure(clips)
    assert result.chunk_seam > 5 * result.latent_seam


def test_variants_read_from_the_command_line():
    variant = parse_variant("base8:-base:1,0.5:2:0.1:ode")
    assert (variant.name, variant.suffix, variant.sampling.sigmas) == ("base8", "-base", (1.0, 0.5))
    assert (variant.sampling.guidance, variant.sampling.deterministic) == (2.0, True)


def test_a_pool_that_favours_words_holds_more_of_them(runtime):
    codec = TAE(HOUSE_CODEC)
    init_codec(codec)
    plain = PoolSettings(width_px=16, height_px=16, **SMALL)
    (settings,) = favouring((plain,), "cubes,neon,crystals")
    drawn = LatentPool(
        frozen_codec(codec, runtime.device), settings, runtime.device, random.Random(2)
    )
    assert drawn.num_clips == 4
    assert settings.favoured == ("cubes", "crystals")
    assert settings.favoured_modifiers == ("neon",)
    assert favouring((settings,), "")[0].favoured == ()
    with pytest.raises(ValueError, match="neither family nor modifier: cats; there are"):
        favouring((settings,), "cubes,cats")


def test_every_run_leaves_its_command_beside_its_weights(tmp_path, monkeypatch):
    out = str(tmp_path / "run")
    parser = stage_parser("A stage.", seconds=9, seed=1, out="weights")
    for seed in ("4", "5"):
        arguments = ["training.x", "--out", out, "--seed", seed]
        monkeypatch.setattr(sys, "argv", arguments)
        monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python3", "-m", *arguments])
        assert parse_run(parser, SimpleNamespace).seed == int(seed)
    assert (tmp_path / "run" / "commands.txt").read_text() == (
        f"python -m training.x --out {out} --seed 4\npython -m training.x --out {out} --seed 5\n"
    )
