"""Mixing the rows of prompts: linear, and along the sphere."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.worker.text_mix import Mixing, mix_rows

DIM = 6


def rows_of(seed: int, length: int = 5, dim: int = DIM) -> torch.Tensor:
    return torch.randn(length, dim, generator=torch.Generator().manual_seed(seed))


def unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=-1, keepdim=True)


def angle(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.acos((unit(a.double()) * unit(b.double())).sum(-1).clamp(-1, 1))


@pytest.mark.parametrize("mixing", Mixing)
def test_one_prompt_comes_back_bit_for_bit(mixing):
    rows = rows_of(1).bfloat16()
    assert torch.equal(mix_rows([rows], [1.0], mixing), rows.float())


@pytest.mark.parametrize("mixing", Mixing)
def test_the_last_step_of_a_blend_is_the_target_and_nothing_else(mixing):
    start, target = rows_of(1), rows_of(2)
    assert torch.equal(mix_rows([start, target], [0.0, 1.0], mixing), target)


def test_a_linear_mix_is_the_weighted_sum_and_counts_missing_rows_as_zeros():
    long, short = rows_of(1, length=5), rows_of(2, length=3)
    mixed = mix_rows([short, long], [0.25, 0.75], Mixing.LINEAR)
    assert torch.allclose(mixed[:3], 0.25 * short + 0.75 * long[:3])
    assert torch.allclose(mixed[3:], 0.75 * long[3:])


@pytest.mark.parametrize("step", range(1, 8))
def test_a_spherical_blend_turns_by_equal_angles_and_grows_by_equal_lengths(step):
    start, target, blend = rows_of(1), 3 * rows_of(2), step / 8
    mixed = mix_rows([start, target], [1 - blend, blend], Mixing.SPHERICAL)
    assert torch.allclose(angle(start, mixed), blend * angle(start, target), atol=1e-5)
    assert torch.allclose(angle(mixed, target), (1 - blend) * angle(start, target), atol=1e-5)
    lengths = (1 - blend) * start.norm(dim=-1) + blend * target.norm(dim=-1)
    assert torch.allclose(mixed.norm(dim=-1), lengths, rtol=1e-5)


def test_three_prompts_of_which_two_are_the_same_lie_on_the_arc_of_the_two():
    start, target = rows_of(1), rows_of(2)
    three = mix_rows([start, target, start], [0.3, 0.4, 0.3], Mixing.SPHERICAL)
    two = mix_rows([start, target], [0.6, 0.4], Mixing.SPHERICAL)
    assert torch.allclose(three, two, atol=1e-4)


def test_the_order_of_the_prompts_does_not_matter():
    rows, weights = [rows_of(seed) for seed in range(4)], [0.1, 0.2, 0.3, 0.4]
    there = mix_rows(rows, weights, Mixing.SPHERICAL)
    back = mix_rows(rows[::-1], weights[::-1], Mixing.SPHERICAL)
    assert torch.allclose(there, back, atol=1e-5)


def test_the_weighted_arcs_from_the_spherical_mix_to_its_prompts_cancel():
    # Within a right angle of one another, as the rows of prompts are.
    rows = [unit(torch.ones(5, DIM) + 0.6 * rows_of(seed)) for seed in range(5)]
    weights = [0.1, 0.3, 0.2, 0.25, 0.15]
    mean = mix_rows(rows, weights, Mixing.SPHERICAL).double()
    arcs = torch.zeros(5, DIM, dtype=torch.float64)
    for part, weight in zip(rows, weights, strict=True):
        aside = part.double() - (part.double() * mean).sum(-1, keepdim=True) * mean
        arcs += weight * angle(part, mean)[:, None] * unit(aside)
    assert arcs.norm(dim=-1).max() < 1e-4


def test_where_the_sphere_has_no_answer_the_mix_is_linear():
    start = rows_of(1, length=4)
    target = torch.stack([-2 * start[0], 2 * start[1], torch.zeros(DIM)])
    mixed = mix_rows([start, target], [0.5, 0.5], Mixing.SPHERICAL)
    assert torch.allclose(mixed, mix_rows([start, target], [0.5, 0.5], Mixing.LINEAR), atol=1e-6)


@pytest.mark.parametrize("mixing", Mixing)
def test_the_mix_of_a_prompt_with_itself_is_the_prompt(mixing):
    rows = rows_of(1)
    mixed = mix_rows([rows] * 3, [0.2, 0.3, 0.5], mixing)
    assert torch.allclose(mixed, rows, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=8),
    lengths=st.lists(st.integers(1, 9), min_size=8, max_size=8),
    parts=st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8),
    mixing=st.sampled_from(Mixing),
)
def test_any_mix_is_finite_and_no_longer_than_its_longest_prompt(seeds, lengths, parts, mixing):
    rows = [rows_of(seed, length=n) for seed, n in zip(seeds, lengths, strict=False)]
    weights = [part + 1e-3 for part, _ in zip(parts, rows, strict=False)]
    shares = [weight / sum(weights) for weight in weights]
    mixed = mix_rows(rows, shares, mixing)
    assert mixed.shape == (max(part.shape[0] for part in rows), DIM)
    assert mixed.isfinite().all()
    assert mixed.norm(dim=-1).max() <= max(part.norm(dim=-1).max() for part in rows) * 1.0001


def test_a_mix_without_prompts_or_with_other_weights_is_refused():
    for rows, weights in (([], []), ([rows_of(1)], [0.5, 0.5])):
        with pytest.raises(ValueError, match="expected as many"):
            mix_rows(rows, weights, Mixing.LINEAR)


def test_a_half_turned_row_is_a_right_angle():
    rows = [torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])]
    mixed = mix_rows(rows, [0.5, 0.5], Mixing.SPHERICAL)
    assert torch.allclose(mixed, torch.full((1, 2), math.sqrt(0.5)))
