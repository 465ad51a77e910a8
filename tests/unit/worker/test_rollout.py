"""Chunked, cached generation against one uncached forward, and what each call changes."""

import dataclasses

import pytest
import torch

from engine.worker.models.wan.cache_plan import KREA, CacheRule, ContextWrite, Positions
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.schedule import SigmaTable, steps_from_sigmas
from tests.reference import wan_reference
from tests.reference.tiny import (
    CHUNK,
    TINY,
    noise_of,
    rel_l2,
    sizes_of,
    tiny_model,
    tiny_sampler,
    weights_of,
)

RELATIVE = CacheRule(positions=Positions.WINDOW)
ABSOLUTE = CacheRule(positions=Positions.ABSOLUTE)
STEPS = steps_from_sigmas((1.0, 0.6))


class Recorder(ChunkSampler):
    """Keeps what the model was asked and what it answered."""

    def __init__(self, model, config):
        self.calls = []
        super().__init__(model, config)

    def _velocity(self, inputs, timestep, hints_of=None):
        flow = super()._velocity(inputs, timestep, hints_of)
        self.calls.append((inputs[0].double(), timestep, flow[0]))
        return flow


def generate(sampler, num_chunks, steps=STEPS, **given):
    """Latents of every chunk, [1, F, C, h, w] each."""
    chunks = []
    for index in range(num_chunks):
        chunks.append(
            sampler.denoise_chunk(steps, lambda step, i=index: noise_of(100 * i + step), **given)
        )
        sampler.commit(chunks[-1], control=given.get("control"))
    return chunks


@pytest.mark.parametrize("rule", [RELATIVE, ABSOLUTE], ids=["relative", "absolute"])
@pytest.mark.parametrize(
    ("window", "sink"), [(10, 0), (4, 0), (4, 1), (6, 2), (5, 3)],
    ids=["global", "rolling", "sink 1", "sink 2", "uneven"],
)  # fmt: skip
def test_chunked_generation_equals_one_uncached_block_causal_forward(rule, window, sink):
    made = tiny_sampler(rule, window, sink)
    sampler = Recorder(made.model, made.config)
    sampler.set_text(made.text._text)
    clean = [chunk[0].double() for chunk in generate(sampler, 5)]
    for step in range(len(STEPS)):
        calls = sampler.calls[step :: len(STEPS)]
        copies = wan_reference.block_causal(
            clean, [(x, t) for x, t, _ in calls], made.text._text[0].double(),
            window=window, sink=sink, is_relative=rule is RELATIVE,
        )  # fmt: skip
        flows = wan_reference.flows(weights_of(made.model), sizes_of(TINY), copies)[len(clean) :]
        # float32 against float64 over two layers
        assert rel_l2(torch.stack([flow for _, _, flow in calls]), torch.stack(flows)) < 5e-6


def test_recomputed_context_equals_an_uncached_forward_over_context_and_chunk():
    sampler, context, text = tiny_sampler(KREA, 6), noise_of(1, frames=4), noise_of(2)
    sampler.recompute(context)
    made = sampler.denoise_chunk(steps_from_sigmas((1.0,)), lambda _: text)
    rows = sampler.text._text[0].double()
    copies, sees = [], []
    for block in range(2):  # blocks of one chunk's length see themselves and the past
        sees = sees + [(block, frame, 2 * block + frame) for frame in range(2)]
        latents = context[0, 2 * block : 2 * block + 2].double()
        copies.append(wan_reference.Copy(latents, 0.0, rows, sees, [2 * block, 2 * block + 1]))
    seen = [*sees, (2, 0, 4), (2, 1, 5)]
    copies.append(wan_reference.Copy(text[0].double(), 1000.0, rows, seen, [4, 5]))
    flow = wan_reference.flows(weights_of(sampler.model), sizes_of(TINY), copies)[-1]
    assert rel_l2(made[0], text[0].double() - flow) < 5e-6


def test_relative_and_absolute_positions_agree_until_the_window_rolls():
    relative = generate(tiny_sampler(RELATIVE, 6, 1), 4)
    absolute = generate(tiny_sampler(ABSOLUTE, 6, 1), 4)
    errors = [rel_l2(a, b) for a, b in zip(relative, absolute, strict=True)]
    assert max(errors[:3]) < 1e-6
    assert errors[3] > 1e-3


def test_a_show_past_1500_chunks_needs_no_reset_and_stays_finite():
    model = tiny_model(dataclasses.replace(TINY, num_layers=1))
    sampler = tiny_sampler(RELATIVE, 3, model=model, chunk=1, height=2, width=2)
    one_step = steps_from_sigmas((1.0,))
    for index in range(1500):
        latents = sampler.denoise_chunk(
            one_step, lambda _, i=index: noise_of(i, frames=1, height=2, width=2)
        )
        sampler.commit(latents)
    assert sampler.num_finished == 1500
    assert sampler.cache.state.position == 1500
    assert latents.isfinite().all()
    assert latents.std() < 10


def test_the_same_recent_past_gives_the_same_chunk_however_long_the_show_ran():
    late, early = (tiny_sampler(RELATIVE, 2 * CHUNK) for _ in range(2))
    generate(late, 7)
    for sampler in (late, early):
        for seed in (51, 52, 53):
            # the window forgets everything before the last chunk but for what its keys absorbed
            sampler.prefill(noise_of(seed))
    chunk = [s.denoise_chunk(STEPS, lambda step: noise_of(77 + step)) for s in (late, early)]
    assert rel_l2(*chunk) < 0.05


def test_a_commit_comes_after_the_frames_and_changes_only_what_follows():
    sampler = tiny_sampler(RELATIVE)
    first = sampler.denoise_chunk(STEPS, lambda step: noise_of(step))
    keys = sampler.cache.layer(1)[0].clone()
    handed_on = first.clone()
    sampler.commit(first)
    assert torch.equal(first, handed_on)
    assert not torch.equal(sampler.cache.layer(1)[0], keys)


def test_without_a_clean_pass_the_cache_keeps_what_the_last_step_wrote():
    rule = dataclasses.replace(RELATIVE, context_write=ContextWrite.NONE)
    sampler = tiny_sampler(rule)
    latents = sampler.denoise_chunk(STEPS, lambda step: noise_of(step))
    keys = sampler.cache.layer(1)[0].clone()
    sampler.commit(latents)
    assert torch.equal(sampler.cache.layer(1)[0], keys)
    assert sampler.num_finished == CHUNK


def test_the_short_clean_pass_leaves_the_keys_of_a_full_one():
    short, full = tiny_sampler(RELATIVE), tiny_sampler(RELATIVE)
    for sampler in (short, full):
        latents = sampler.denoise_chunk(STEPS, lambda step: noise_of(step))
    short.commit(latents)
    full.cache.begin_repeat(CHUNK)
    full._velocity(latents, 0.0)
    for layer in range(2):
        assert torch.equal(short.cache.layer(layer)[0], full.cache.layer(layer)[0])
        assert torch.equal(short.cache.layer(layer)[1], full.cache.layer(layer)[1])


def test_a_reset_makes_the_show_start_over_exactly():
    sampler = tiny_sampler(RELATIVE, 4)
    first = generate(sampler, 3)
    sampler.reset()
    again = generate(sampler, 3)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_recache_under_the_same_text_changes_little_and_under_another_much():
    plain, same, other = (tiny_sampler(RELATIVE, 4) for _ in range(3))
    for sampler in (plain, same, other):
        generate(sampler, 2)
    other.set_text(torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(4)))
    assert [same.recache(), other.recache()] == [4, 4]
    other.set_text(plain.text._text)
    kept = plain.denoise_chunk(STEPS, lambda step: noise_of(step))
    small, large = (
        rel_l2(sampler.denoise_chunk(STEPS, lambda step: noise_of(step)), kept)
        for sampler in (same, other)
    )
    assert small < large / 3


def test_recache_of_an_empty_show_does_nothing():
    assert tiny_sampler(RELATIVE).recache() == 0


def test_recache_sees_the_control_that_the_chunks_were_made_under():
    model = tiny_model(dataclasses.replace(TINY, in_dim=18))
    control = torch.randn(1, CHUNK, 2, 4, 6)
    ridden, bare = (tiny_sampler(RELATIVE, 4, model=model) for _ in range(2))
    for sampler in (ridden, bare):
        generate(sampler, 1, control=control)
    bare._recent = torch.cat([bare._recent[:, :, :16], torch.zeros(1, CHUNK, 2, 4, 6)], 2)
    ridden.recache()
    bare.recache()
    assert not torch.allclose(ridden.cache.layer(1)[0], bare.cache.layer(1)[0], atol=1e-3)


def test_no_control_is_zero_control_and_other_sizes_are_refused():
    model = tiny_model(dataclasses.replace(TINY, in_dim=18))
    sampler = tiny_sampler(RELATIVE, model=model)
    none = sampler.denoise_chunk(STEPS, lambda step: noise_of(step))
    sampler.reset()
    zeros = torch.zeros(1, CHUNK, 2, 4, 6)
    assert torch.equal(sampler.denoise_chunk(STEPS, lambda s: noise_of(s), control=zeros), none)
    with pytest.raises(ValueError, match="control is"):
        sampler.denoise_chunk(STEPS, lambda step: noise_of(step), control=zeros[:, :1])


def test_video_latents_are_kept_in_the_share_that_the_steps_leave_them():
    sampler, video = tiny_sampler(RELATIVE), noise_of(8)
    barely = dataclasses.replace(steps_from_sigmas((0.02,)), start_sigma=0.02)
    made = sampler.denoise_chunk(barely, lambda step: noise_of(step), video=video)
    assert rel_l2(made, video) < 0.1


def test_latents_of_another_size_are_refused_in_one_sentence():
    sampler = tiny_sampler(RELATIVE)
    with pytest.raises(ValueError, match=r"noise latents are .* expected \[1, F, 16, 4, 6\]"):
        sampler.denoise_chunk(STEPS, lambda _: torch.zeros(1, 2, 16, 4, 4))
    with pytest.raises(ValueError, match="commit latents are"):
        sampler.commit(torch.zeros(1, 2, 8, 4, 6))


def test_a_context_with_an_anchor_must_be_given_one():
    sampler = tiny_sampler(KREA, 4)
    chunks = generate(sampler, 2)
    plan = sampler.context_plan()
    assert plan.needs_anchor
    with pytest.raises(ValueError, match="anchor"):
        sampler.context_latents(plan)
    anchor = noise_of(5, frames=1)
    context = sampler.context_latents(plan, anchor)
    assert torch.equal(context, torch.cat([anchor, chunks[-1][:, -1:]], 1))


def test_bfloat16_follows_float32_to_its_own_rounding():
    half = tiny_sampler(RELATIVE, 4, model=tiny_model().bfloat16())
    exact = generate(tiny_sampler(RELATIVE, 4), 3)
    errors = [rel_l2(a, b) for a, b in zip(generate(half, 3), exact, strict=True)]
    assert max(errors) < 0.05
    assert half.cache.layer(0)[0].dtype is torch.bfloat16


def test_schedule_table_steps_run_as_well():
    table = SigmaTable(5.0)
    sampler = tiny_sampler(RELATIVE)
    made = sampler.denoise_chunk(table.steps(table.warp([1000, 500])), lambda s: noise_of(s))
    assert made.dtype is torch.float32
    assert made.isfinite().all()
