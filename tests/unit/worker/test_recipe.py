"""What a plan asks of the sampler."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.orders import KV_CACHE
from engine.protocol.values import Reset
from engine.worker import recipe
from engine.worker.conditions import NO_CONDITION, Condition
from engine.worker.models.spec import HOUSE, KREA_14B
from engine.worker.recipe import Commit
from engine.worker.steps import start_sigma
from tests.tiny_worker import plan

AMOUNTS = st.floats(0, 1)
SHARES = st.floats(0.05, 1)  # a chunk that starts from no noise at all is none
VIDEO = Condition(video=torch.zeros(1, 3, 16, 4, 4))


def asked(**parameters):
    return plan(0, parameters=parameters)


@given(AMOUNTS)
def test_without_a_video_a_chunk_starts_from_noise_alone(amount):
    steps = recipe.steps_of(HOUSE, asked(input_amount=amount), NO_CONDITION)
    assert steps == HOUSE.steps


@given(AMOUNTS, SHARES)
def test_a_measured_share_of_noise_goes_before_the_knob(amount, share):
    measured = Condition(video=VIDEO.video, noise_share=share)
    found = recipe.steps_of(HOUSE, asked(input_amount=amount), measured)
    assert found == recipe.steps_of(HOUSE, asked(), measured)


@given(AMOUNTS)
def test_with_a_video_the_knob_says_where_a_chunk_starts(amount):
    found = recipe.steps_of(HOUSE, asked(input_amount=amount), VIDEO)
    assert found.start_sigma == pytest.approx(min(start_sigma(amount), HOUSE.steps.start_sigma))


@given(st.integers(0, 8), st.integers(0, 2**20), st.integers(0, 2**20))
def test_no_two_draws_of_a_chunk_share_their_noise(step, reference, other):
    keys = {
        recipe.noise_key(asked(), step),
        recipe.noise_key(asked(), recipe.MEMORY_STEP),
        recipe.noise_key(asked(), recipe.REFERENCE_STEP + reference),
        recipe.noise_key(asked(), recipe.REFERENCE_STEP + other),
    }
    assert len(keys) == 3 + (reference != other)


@given(st.floats(0.001, 0.4))
def test_memory_noise_changes_what_is_committed_unless_the_model_recomputes(sigma):
    assert recipe.commit_of(HOUSE, asked()) is Commit.CLEAN
    assert recipe.commit_of(HOUSE, asked(memory_noise=sigma)) is Commit.NOISY
    assert recipe.commit_of(KREA_14B, asked(memory_noise=sigma)) is Commit.RECOMPUTE


def test_only_a_lost_cache_begins_a_new_picture():
    others = [Reset(state="input queue", reason="hard cut")]
    assert not recipe.starts_anew(others)
    assert recipe.starts_anew([*others, Reset(state=KV_CACHE, reason="hard cut")])
