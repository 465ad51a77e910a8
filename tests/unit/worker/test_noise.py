"""Noise: a known stream, a function of its key alone, and as normal as the docstring says."""

import hashlib
import math
from statistics import NormalDist

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.worker.noise import NoiseKey, normal_from_bits, normal_noise, philox

CPU = torch.device("cpu")
KEY = NoiseKey(seed=7, cut=1, chunk=2, step=3)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (0xFFFFFFFF, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ],
)
def test_philox_gives_the_published_words(word, expected):
    # Source: Random123 known-answer vectors for philox4x32 with 10 rounds.
    words = philox((torch.full((1,), word),) * 4, (word, word))
    assert tuple(int(w) for w in words) == expected


def test_the_samples_are_these_bits_on_every_machine_and_version():
    samples = normal_noise((1000,), KEY, CPU)
    digest = hashlib.sha256(samples.numpy().tobytes()).hexdigest()
    assert digest == "7ae07d373addce3a18621f4b3b7696feba798140beb5f6f9ba35b88caa4cc0b7"


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 400))
def test_a_longer_draw_begins_with_the_shorter_one(a, b):
    short, long = sorted((a, b))
    assert torch.equal(normal_noise((long,), KEY, CPU)[:short], normal_noise((short,), KEY, CPU))


parts = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**64 - 1),
        "cut": st.integers(0, 2**32 - 1),
        "chunk": st.integers(0, 2**32 - 1),
        "step": st.integers(0, 2**32 - 1),
    }
)


@settings(deadline=None)
@given(parts, parts)
def test_any_other_key_gives_other_noise(one, other):
    draws = [normal_noise((32,), NoiseKey(**key), CPU) for key in (one, other)]
    assert torch.equal(*draws) == (one == other)


def test_neighbouring_keys_are_uncorrelated():
    base = normal_noise((40_000,), KEY, CPU)
    for change in ({"seed": 8}, {"cut": 2}, {"chunk": 3}, {"step": 4}):
        fields = {"seed": 7, "cut": 1, "chunk": 2, "step": 3} | change
        other = normal_noise((40_000,), NoiseKey(**fields), CPU)
        # standard deviation of the estimate is 1 / 200
        assert abs(float((base * other).mean())) < 0.02


def test_shape_and_threads_do_not_change_a_bit():
    flat = normal_noise((3 * 16 * 32 * 32,), KEY, CPU)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    shaped = normal_noise((1, 3, 16, 32, 32), KEY, CPU)
    torch.set_num_threads(threads)
    assert torch.equal(shaped.flatten(), flat)


def test_moments_are_those_of_the_unit_normal():
    x = normal_noise((2_000_000,), KEY, CPU).double()
    # four standard errors each
    assert abs(float(x.mean())) < 4 / math.sqrt(2e6)
    assert abs(float(x.var()) - 1) < 4 * math.sqrt(2 / 2e6)
    assert abs(float((x**3).mean())) < 4 * math.sqrt(15 / 2e6)
    assert abs(float((x**4).mean()) - 3) < 4 * math.sqrt(96 / 2e6)


def test_the_distribution_passes_kolmogorov_smirnov():
    x, _ = normal_noise((500_000,), KEY, CPU).double().sort()
    cdf = 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    ranks = torch.arange(1, len(x) + 1) / len(x)
    distance = float((cdf - ranks).abs().max())
    assert distance < 1.63 / math.sqrt(len(x))  # the 1 % point


def test_every_16_bit_pattern_maps_near_its_quantile():
    high = torch.arange(0, 1 << 16, 257)
    found = normal_from_bits((high << 15) | (1 << 14)).tolist()
    exact = [NormalDist().inv_cdf(0.5 + (int(h) + 0.5) / (1 << 17)) for h in high]
    # inside a bin the quantile is a straight line; its bend shows only in the outermost bins
    assert max(abs(a - b) for a, b in zip(found, exact, strict=True)) < 0.2
    assert max(abs(a - b) for a, b in zip(found[:-2], exact[:-2], strict=True)) < 1e-4


def test_the_top_bit_is_the_sign():
    words = torch.arange(0, 1 << 31, 99_991)
    assert torch.equal(normal_from_bits(words | (1 << 31)), -normal_from_bits(words))


@pytest.mark.parametrize("bad", [{"seed": -1}, {"seed": 1 << 64}, {"chunk": 1 << 32}])
def test_keys_that_would_wrap_around_are_refused(bad):
    with pytest.raises(ValueError, match="outside"):
        NoiseKey(**({"seed": 1, "chunk": 1} | bad))
