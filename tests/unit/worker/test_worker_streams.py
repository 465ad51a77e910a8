"""The codec's streams: own memory, whole chunks, no mixing."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.worker.models.wan.tae import TAE
from engine.worker.models.wan.vae import WanVAE, WanVAEConfig
from engine.worker.streams import InactiveEncodeStream, PictureStream, Streams
from tests.reference.tiny import randomise, tiny_codec
from tests.tiny_worker import TINY_CODEC


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    return TAE(TINY_CODEC).requires_grad_(False)


@pytest.fixture(scope="module")
def trimming_codec():
    torch.manual_seed(0)
    return TAE(replace(TINY_CODEC, frames_to_trim=3)).requires_grad_(False)


def frames(seed: int, count: int = 12) -> torch.Tensor:
    return torch.rand(1, count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def latents(seed: int) -> torch.Tensor:
    return torch.randn(1, 3, 16, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_every_chunk_is_whole_also_the_first_of_a_codec_that_trims(trimming_codec):
    stream = PictureStream(trimming_codec)
    assert [len(stream.push(latents(i))) for i in range(3)] == [12, 12, 12]


def test_the_first_chunk_after_a_reset_is_whole_too(trimming_codec):
    stream = PictureStream(trimming_codec)
    first = stream.push(latents(0))
    stream.push(latents(1))
    stream.reset()
    assert torch.equal(stream.push(latents(0)), first)


def test_chunked_decoding_equals_decoding_at_once(codec):
    stream, whole = PictureStream(codec), PictureStream(codec)
    parts = [latents(i) for i in range(3)]
    chunked = torch.cat([stream.push(part) for part in parts])
    assert torch.allclose(chunked, whole.push(torch.cat(parts, 1)), atol=1e-6)


def test_what_one_stream_saw_does_not_reach_another(codec):
    streams, alone = Streams.of(codec), Streams.of(codec)
    streams.video.push(frames(1))
    streams.inactive.push(frames(2))
    assert torch.equal(streams.reactive.push(frames(3)), alone.reactive.push(frames(3)))


def test_a_stream_remembers_the_frames_before(codec):
    streams = Streams.of(codec)
    first = streams.video.push(frames(1))
    assert not torch.equal(streams.video.push(frames(1)), first)


def test_latents_have_the_layout_in_which_a_take_gives_them_back():
    codec = TAE(TINY_CODEC).requires_grad_(False).to(memory_format=torch.channels_last)
    assert Streams.of(codec).video.push(frames(1)).is_contiguous()


def test_resetting_one_stream_leaves_the_others_alone(codec):
    streams = Streams.of(codec)
    streams.video.push(frames(1))
    streams.reactive.push(frames(1))
    streams.video.reset()
    assert (streams.video.is_fresh, streams.reactive.is_fresh) == (True, False)


def test_another_picture_size_in_mid_stream_is_refused(codec):
    streams = Streams.of(codec)
    streams.video.push(frames(1))
    with pytest.raises(ValueError, match="reset"):
        streams.video.push(torch.zeros(1, 4, 3, 64, 64))


def wan_vae():
    vae = WanVAE(WanVAEConfig(base_width=2, multiples=(1, 1, 2, 2), residual_blocks=1))
    randomise(vae, 7)
    return vae


GREY = torch.full((1, 12, 3, 16, 16), 0.5)
CODECS = {"Wan VAE": wan_vae(), "TAE": tiny_codec()}


@pytest.mark.parametrize("name", CODECS)
@given(before=st.integers(0, 8), after=st.integers(1, 3), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_grey_pushes_that_were_spared_leave_the_stream_as_if_they_had_been_encoded(
    name, before, after, seed
):
    spared, plain = InactiveEncodeStream(CODECS[name]), InactiveEncodeStream(CODECS[name])
    for _ in range(6):
        spared.push_grey(GREY)
    spared.reset()
    for _ in range(before):
        assert torch.equal(spared.push_grey(GREY), plain.push(GREY))
    for part in range(after):
        picture = frames(seed + part)[..., :16, :16]
        assert torch.equal(spared.push(picture), plain.push(picture))
    assert torch.equal(spared.push_grey(GREY), plain.push(GREY))


@pytest.mark.parametrize("name", CODECS)
def test_grey_is_encoded_once_until_it_repeats_itself_and_never_again(name, monkeypatch):
    stream, counted = InactiveEncodeStream(CODECS[name]), []
    encode = stream._encode
    monkeypatch.setattr(stream, "_encode", lambda x: counted.append(1) or encode(x))
    for _ in range(20):
        stream.push_grey(GREY)
    settled_after = len(counted)
    stream.reset()
    for _ in range(40):
        stream.push_grey(GREY)
    assert settled_after == len(counted) < 20


def test_a_stream_that_was_only_spared_is_not_fresh():
    stream = InactiveEncodeStream(CODECS["Wan VAE"])
    stream.push_grey(GREY)
    stream.reset()
    assert (stream.is_fresh, stream.num_dropped) == (True, 3)
    stream.push_grey(GREY)
    assert (stream.is_fresh, stream.num_dropped) == (False, 0)


def test_grey_of_another_length_is_encoded_as_it_comes():
    stream, plain = (InactiveEncodeStream(CODECS["Wan VAE"]) for _ in range(2))
    for length in (12, 12, 4, 8, 12):
        grey = GREY[:, :length]
        assert torch.equal(stream.push_grey(grey), plain.push(grey))
