"""The control context of VACE: the published one-shot form, and the same part by part."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.worker.models.wan.codec_stream import EncodeStream
from engine.worker.models.wan.vace_context import (
    clip_context,
    encode_alone,
    kept_and_redrawn,
    mask_channels,
    mask_frames,
    part_context,
    with_references,
)
from engine.worker.models.wan.vae import WanVAE, WanVAEConfig
from tests.reference import vace_reference
from tests.reference.tiny import randomise, tiny_codec

SIZE = 16


def wan_vae():
    config = WanVAEConfig(base_width=2, multiples=(1, 1, 2, 2), residual_blocks=1)
    vae = WanVAE(config)
    randomise(vae, 7)
    return vae


CODECS = {"Wan VAE": wan_vae(), "TAE": tiny_codec()}


def clip(seed, count):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(1, count, 3, SIZE, SIZE, generator=rng)


def still_mask(seed, count):
    rng = torch.Generator().manual_seed(seed)
    return (torch.rand(1, 1, 1, SIZE, SIZE, generator=rng) > 0.5).expand(-1, count, -1, -1, -1)


def in_parts(codec, frames, mask, lengths):
    inactive, reactive = EncodeStream(codec), EncodeStream(codec)
    cell = codec.config.pixels_per_latent
    parts = zip(frames.split(lengths, 1), mask.split(lengths, 1), strict=True)
    return [part_context(*part, cell, inactive.push, reactive.push) for part in parts]


@pytest.mark.parametrize("name", CODECS)
@given(groups=st.lists(st.integers(1, 3), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=12, deadline=None)
def test_frames_that_come_chunk_by_chunk_make_the_context_of_the_whole_clip(name, groups, seed):
    codec = CODECS[name]
    step, missing = 4, 4 - codec.config.frames_of_first_latent
    lengths = [step * groups[0] - missing, *(step * count for count in groups[1:])]
    frames, mask = clip(seed, sum(lengths)), still_mask(seed, sum(lengths))
    whole = clip_context(codec, frames, mask)
    parts = in_parts(codec, frames, mask, lengths)
    assert [part.shape[1] for part in parts] == groups
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-5)


def test_the_first_chunk_of_a_stream_is_the_published_form_of_its_nine_frames():
    frames, mask = clip(1, 9), clip(2, 9)[:, :, :1] > 0.5
    (first,) = in_parts(CODECS["Wan VAE"], frames, mask, [9])
    assert torch.equal(first, clip_context(CODECS["Wan VAE"], frames, mask))


@given(count=st.integers(1, 60), wanted=st.integers(1, 15))
def test_mask_frames_follow_the_nearest_exact_rule(count, wanted):
    signal = torch.arange(count, dtype=torch.float64).view(1, 1, -1)
    expected = torch.nn.functional.interpolate(signal, size=wanted, mode="nearest-exact")
    assert list(mask_frames(count, wanted)) == expected.flatten().int().tolist()


def test_mask_channels_equal_the_plain_reference():
    mask = clip(3, 9)[:, :, :1] > 0.5
    expected = vace_reference.mask_channels(mask[0, :, 0].double(), 8, 3)
    assert torch.equal(mask_channels(mask, 3, 8)[0].double(), expected)


def test_what_is_kept_and_what_is_redrawn_are_grey_where_the_other_is():
    frames, mask = clip(4, 4), still_mask(4, 4)
    kept, redrawn = kept_and_redrawn(frames, mask)
    assert torch.equal(torch.where(mask, redrawn, kept), frames)
    assert torch.all(torch.where(mask, kept, redrawn) == 0.5)


def test_a_mask_of_ones_keeps_nothing():
    frames = clip(5, 4)
    kept, redrawn = kept_and_redrawn(frames, torch.ones_like(frames[:, :, :1], dtype=torch.bool))
    assert torch.all(kept == 0.5)
    assert torch.equal(redrawn, frames)


@pytest.mark.parametrize("name", CODECS)
def test_references_come_first_each_encoded_alone_and_leave_nothing_to_redraw(name):
    codec, images = CODECS[name], [clip(6, 1)[:, 0], clip(7, 1)[:, 0]]
    count = 4 + codec.config.frames_of_first_latent
    plain = clip_context(codec, clip(8, count), still_mask(8, count))
    channels = codec.config.latent_channels
    both = with_references(plain, encode_alone(codec, images))
    assert torch.equal(both[:, 2:], plain)
    for index, image in enumerate(images):
        assert torch.equal(both[:, index, :channels], encode_alone(codec, [image])[:, 0])
    assert not both[:, :2, channels:].any()


@pytest.mark.parametrize(
    "mask", [torch.ones(1, 9, 1, 8, 8, dtype=torch.bool), torch.ones(1, 9, 1, SIZE, SIZE)]
)
def test_a_mask_that_does_not_fit_the_frames_is_refused(mask):
    with pytest.raises(ValueError, match=r"expected \[1, 9, 1, 16, 16\] of bool"):
        clip_context(CODECS["Wan VAE"], clip(9, 9), mask)
