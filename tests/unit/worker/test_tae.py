"""The tiny autoencoder: any chunking is exact, and streams share nothing but weights."""

import dataclasses
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.worker.models.wan.codec import decode_clip, encode_clip
from engine.worker.models.wan.codec_stream import DecodeStream, EncodeStream
from engine.worker.models.wan.tae import TAE, TAEW2_1, TAEPath
from tests.reference.tiny import TINY_CODEC, rel_l2, tiny_codec

CODEC = tiny_codec()
LATENTS = torch.randn(1, 9, 5, 2, 3, generator=torch.Generator().manual_seed(1))
FRAMES = torch.rand(1, 24, 3, 16, 24, generator=torch.Generator().manual_seed(2))


def chunked(total, cuts):
    """Lengths between sorted cuts."""
    places = [0, *sorted(set(cuts)), total]
    return [b - a for a, b in itertools.pairwise(places) if b > a]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 8), max_size=5))
def test_decoding_in_any_chunks_equals_the_whole_clip(cuts):
    stream = DecodeStream(CODEC)
    parts = [stream.push(part) for part in torch.split(LATENTS, chunked(9, cuts), 1)]
    # the same products, summed in an order that depends on the batch: last-bit differences
    assert torch.allclose(torch.cat(parts, 1), decode_clip(CODEC, LATENTS), atol=2e-6)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 5), max_size=4))
def test_encoding_in_any_chunks_equals_the_whole_clip(cuts):
    stream = EncodeStream(CODEC)
    lengths = [4 * length for length in chunked(6, cuts)]
    parts = [stream.push(part) for part in torch.split(FRAMES, lengths, 1)]
    assert torch.allclose(torch.cat(parts, 1), encode_clip(CODEC, FRAMES), atol=1e-5)


def test_two_streams_over_one_codec_do_not_hear_each_other():
    alone, first, second = (DecodeStream(CODEC) for _ in range(3))
    expected = [alone.push(part) for part in torch.split(LATENTS, 3, 1)]
    for part, want in zip(torch.split(LATENTS, 3, 1), expected, strict=True):
        assert torch.equal(first.push(part), want)
        second.push(-part)


def test_reset_starts_a_stream_over():
    stream = EncodeStream(CODEC)
    first = stream.push(FRAMES[:, :8])
    assert not torch.allclose(stream.push(FRAMES[:, :8]), first, atol=1e-3)
    stream.reset()
    assert torch.equal(stream.push(FRAMES[:, :8]), first)


def test_only_the_first_chunk_of_a_stream_is_trimmed():
    stream = DecodeStream(tiny_codec(dataclasses.replace(TINY_CODEC, frames_to_trim=3)))
    counts = [stream.push(part).shape[1] for part in torch.split(LATENTS, 3, 1)]
    stream.reset()
    assert [*counts, stream.push(LATENTS[:, :3]).shape[1]] == [9, 12, 12, 9]


def test_a_stream_refuses_another_shape_or_type_until_it_is_reset():
    stream = DecodeStream(CODEC)
    stream.push(LATENTS)
    with pytest.raises(ValueError, match="began with"):
        stream.push(LATENTS[..., :2])
    with pytest.raises(ValueError, match="float64"):
        stream.push(LATENTS.double())
    stream.reset()
    assert stream.push(LATENTS[..., :2]).shape == (1, 36, 3, 16, 16)


def test_what_is_no_clip_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        EncodeStream(CODEC).push(FRAMES[:, :5])
    with pytest.raises(ValueError, match="expected \\[B, F, 5, h, w\\]"):
        DecodeStream(CODEC).push(LATENTS[:, :, :4])


def test_the_last_latent_of_a_clip_is_filled_with_its_last_frame():
    filled = torch.cat([FRAMES[:, :6], FRAMES[:, 5:6], FRAMES[:, 5:6]], 1)
    assert torch.equal(encode_clip(CODEC, FRAMES[:, :6]), encode_clip(CODEC, filled))


def test_a_batch_is_its_samples_side_by_side():
    pair = torch.cat([LATENTS[:, :3], LATENTS[:, 3:6]])
    both, memory = CODEC.decode(pair)
    assert torch.allclose(both[1:], CODEC.decode(pair[1:])[0], atol=2e-6)
    assert all(state.shape[0] == 2 for state in memory)


def test_the_colour_shortcut_carries_mean_colour_past_the_network():
    codec = TAE(TINY_CODEC)
    for layers in (codec.encoder, codec.decoder):
        torch.nn.init.zeros_(layers[-1].weight)
        torch.nn.init.zeros_(layers[-1].bias)
    torch.nn.init.orthogonal_(codec.colour_encode.weight)
    for linear in (codec.colour_encode, codec.colour_decode):
        torch.nn.init.zeros_(linear.bias)
    codec.colour_decode.weight.data.copy_(torch.linalg.pinv(codec.colour_encode.weight.data))
    flat = torch.tensor([0.9, 0.2, 0.4]).view(1, 1, 3, 1, 1).expand(1, 4, 3, 16, 16)
    with torch.inference_mode():
        seen = codec.decode(codec.encode(flat)[0])[0]
    # 5 latent channels cannot hold 12 numbers, but the same colour lies in their range or nowhere
    assert seen.var((3, 4)).max() < 1e-6
    assert not torch.allclose(seen, torch.full_like(seen, 0.5), atol=0.05)


def test_latent_statistics_are_weights_only_where_the_config_says_so():
    assert "latent_mean" in CODEC.state_dict()
    with torch.device("meta"):
        published = TAE(TAEW2_1)
    assert "latent_mean" not in published.state_dict()
    count = {
        part: sum(p.numel() for p in getattr(published, part).parameters())
        for part in ("encoder", "decoder")
    }
    # Source: the published autoencoder has 1.47 and 9.84 million.
    assert count == {"encoder": 1_470_928, "decoder": 9_844_611}


def test_layout_in_memory_does_not_change_the_result():
    spread = LATENTS.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    assert torch.allclose(CODEC.decode(spread)[0], CODEC.decode(LATENTS)[0], atol=2e-6)


def test_bfloat16_follows_float32_to_its_own_rounding():
    half = tiny_codec().bfloat16()
    assert rel_l2(decode_clip(half, LATENTS), decode_clip(CODEC, LATENTS)) < 0.03


def test_paths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="needs as many"):
        TAEPath(widths=(4, 4), memblocks=(1,), space=(True,), time=(True,))
    flat = TAEPath(widths=(4, 4), memblocks=(1, 1), space=(True,), time=(False,))
    with pytest.raises(ValueError, match="halves"):
        dataclasses.replace(TINY_CODEC, decoder=flat)
