"""The autoencoder of Wan 2.1: any chunking is exact, streams stay whole, mistakes are seen."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bench import parity
from engine.worker.models.wan import anchor as anchor_module
from engine.worker.models.wan import vae_layers
from engine.worker.models.wan.anchor import AnchorFrames
from engine.worker.models.wan.codec import decode_clip, encode_clip
from engine.worker.models.wan.codec_stream import DecodeStream, EncodeStream
from engine.worker.models.wan.tae import TAE
from engine.worker.models.wan.vae import WAN_VAE, WanVAE, WanVAEConfig
from engine.worker.models.wan.vae_layers import History, RMSNorm, Upsample, causal_conv
from engine.worker.streams import PictureStream, Streams
from tests.reference import vae_reference
from tests.reference.tiny import TINY_CODEC, randomise, rel_l2

GOLDEN = Path(__file__).parents[2] / "reference" / "golden"
CHANNELS = 5
SMALL = WanVAEConfig(
    base_width=6,
    latent_channels=CHANNELS,
    multiples=(1, 2, 2),
    residual_blocks=1,
    halves_time=(True, True),
    latent_mean=(-0.5, -0.2, 0.0, 0.3, 0.6),
    latent_std=(0.5, 0.8, 1.0, 1.5, 2.0),
)


def small_vae(config=SMALL, seed=0):
    vae = WanVAE(config)
    randomise(vae, seed)
    for name, weight in vae.named_parameters():
        if name.endswith("gamma"):
            weight.data.mul_(0.2).add_(1)
    return vae


VAE = small_vae()
LATENTS = torch.randn(1, 9, CHANNELS, 2, 3, generator=torch.Generator().manual_seed(1))
FRAMES = torch.rand(1, 25, 3, 8, 12, generator=torch.Generator().manual_seed(2))


def chunked(total, cuts):
    """Lengths between sorted cuts."""
    places = [0, *sorted(set(cuts)), total]
    return [b - a for a, b in itertools.pairwise(places) if b > a]


def in_turn(function, parts):
    """Results of a codec function for the parts of one stream, and its last state."""
    state, results = None, []
    for part in parts:
        result, state = function(part, state)
        results.append(result)
    return torch.cat(results, 1), state


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 8), max_size=8))
def test_decoding_in_any_chunks_equals_the_whole_clip(cuts):
    parts = torch.split(LATENTS, chunked(9, cuts), 1)
    found, state = in_turn(VAE.decode, parts)
    whole, end = VAE.decode(LATENTS)
    assert torch.allclose(found, whole, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(state, end, strict=True))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 6), max_size=6))
def test_encoding_in_any_chunks_equals_the_whole_clip(cuts):
    # the first latent has one frame, each of the others four
    lengths = [4 * count for count in chunked(7, cuts)]
    parts = torch.split(FRAMES, [lengths[0] - 3, *lengths[1:]], 1)
    found, state = in_turn(VAE.encode, parts)
    whole, end = VAE.encode(FRAMES)
    assert torch.allclose(found, whole, atol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(state, end, strict=True))


def test_frames_and_latents_agree_with_the_plain_reference():
    sizes = vae_reference.VAESizes(6, CHANNELS, (1, 2, 2), 1, (True, True))
    w = {name: value.double() for name, value in VAE.state_dict().items()}
    mean, std = (
        torch.tensor(row, dtype=torch.float64).view(-1, 1, 1)
        for row in (SMALL.latent_mean, SMALL.latent_std)
    )
    pixels = FRAMES[0, :13].double() * 2 - 1
    moments = vae_reference.run_clip(w, vae_reference.encoder_plan(sizes), pixels)
    expected = (moments[:, :CHANNELS] - mean) / std
    assert rel_l2(VAE.encode(FRAMES[:, :13])[0][0], expected) < 1e-5
    latents = LATENTS[0, :4].double() * std + mean
    painted = vae_reference.run_clip(w, vae_reference.decoder_plan(sizes), latents)
    assert rel_l2(VAE.decode(LATENTS[:, :4])[0][0], (painted + 1) / 2) < 1e-5


def test_a_chunk_changes_nothing_that_came_before_it():
    first, state = VAE.decode(LATENTS[:, :3])
    kept = [part.clone() for part in state]
    again = [VAE.decode(LATENTS[:, 3:6], state)[0] for _ in range(2)]
    assert torch.equal(*again)
    assert all(torch.equal(a, b) for a, b in zip(state, kept, strict=True))
    assert torch.equal(first, VAE.decode(LATENTS[:, :3])[0])


def test_neither_frames_nor_latents_are_changed_in_place():
    frames, latents = FRAMES.clone(), LATENTS.clone()
    VAE.encode(frames)
    VAE.decode(latents)
    assert torch.equal(frames, FRAMES)
    assert torch.equal(latents, LATENTS)


def test_the_state_does_not_keep_the_whole_chunk_alive():
    for state in (VAE.decode(LATENTS)[1], VAE.encode(FRAMES)[1]):
        assert all(s.untyped_storage().nbytes() == s.numel() * s.element_size() for s in state)


def test_a_batch_is_its_samples_side_by_side():
    pair = torch.cat([LATENTS[:, :3], LATENTS[:, 3:6]])
    assert torch.allclose(VAE.decode(pair)[0][1:], VAE.decode(pair[1:])[0], atol=1e-5)
    clips = torch.cat([FRAMES[:, :5], FRAMES[:, 5:10]])
    assert torch.allclose(VAE.encode(clips)[0][1:], VAE.encode(clips[1:])[0], atol=1e-5)


def test_the_published_sizes_are_the_default():
    with torch.device("meta"):
        published = WanVAE()
    # Source: parameters, entries and temporal slots of the published checkpoint.
    assert sum(p.numel() for p in published.parameters()) == 126_892_531
    assert len(published.state_dict()) == 194
    assert WAN_VAE.frames_per_latent == 4
    assert WAN_VAE.pixels_per_latent == 8
    names = published.state_dict()
    assert names["decoder.upsamples.3.time_conv.weight"].shape == (768, 384, 3, 1, 1)
    assert names["encoder.downsamples.5.resample.1.weight"].shape == (192, 192, 3, 3)


def test_the_published_topology_has_its_slots_of_memory():
    slim = small_vae(WanVAEConfig(base_width=2))
    _, encoded = slim.encode(torch.rand(1, 1, 3, 8, 8))
    _, decoded = slim.decode(torch.randn(1, 1, 16, 1, 1))
    assert (len(encoded), len(decoded)) == (24, 32)


def test_weights_may_move_into_a_module_that_was_made_without_memory():
    with torch.device("meta"):
        moved = WanVAE(SMALL)
    moved.load_state_dict(VAE.state_dict(), assign=True)
    assert torch.equal(moved.decode(LATENTS)[0], VAE.decode(LATENTS)[0])


@pytest.mark.parametrize(("dtype", "limit"), [(torch.bfloat16, 0.02), (torch.float16, 0.003)])
def test_half_precision_follows_float32_to_its_own_rounding(dtype, limit):
    half = small_vae().to(dtype)
    frames, latents = half.decode(LATENTS)[0], half.encode(FRAMES)[0]
    assert frames.dtype == latents.dtype == dtype
    assert rel_l2(frames, VAE.decode(LATENTS)[0]) < limit
    assert rel_l2(latents, VAE.encode(FRAMES)[0]) < limit


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_norm_holds_for_large_values_and_for_none(dtype):
    norm = RMSNorm(384).to(dtype)
    large = torch.full((1, 384, 1, 1, 1), 3000.0, dtype=dtype)
    assert torch.allclose(norm(large).float(), torch.ones(1), atol=1e-2)
    assert torch.equal(norm(torch.zeros_like(large)), torch.zeros_like(large))


def test_a_whole_clip_may_end_within_a_latent():
    filled = torch.cat([FRAMES[:, :7], FRAMES[:, 6:7], FRAMES[:, 6:7]], 1)
    assert torch.equal(encode_clip(VAE, FRAMES[:, :7]), VAE.encode(filled)[0])
    assert decode_clip(VAE, LATENTS).shape == (1, 33, 3, 8, 12)


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        (FRAMES[:, :4], "got 4 frames at the start of a stream, expected 1 \\+ a multiple of 4"),
        (FRAMES[..., :10], "H and W multiples of 4"),
        (FRAMES[:, :, :2], "expected \\[B, T, 3, H, W\\]"),
        (FRAMES[0], "expected \\[B, T, 3, H, W\\]"),
        (FRAMES[:, :0], "expected \\[B, T, 3, H, W\\]"),
    ],
)
def test_frames_that_do_not_fit_are_one_sentence(frames, sentence):
    with pytest.raises(ValueError, match=sentence):
        VAE.encode(frames)


def test_one_frame_more_is_refused_within_a_stream():
    _, state = VAE.encode(FRAMES[:, :5])
    with pytest.raises(ValueError, match="got 5 frames within a stream, expected a multiple of 4"):
        VAE.encode(FRAMES[:, 5:10], state)


@pytest.mark.parametrize("latents", [LATENTS[:, :, :4], LATENTS[0], LATENTS[:, :0]])
def test_latents_that_do_not_fit_are_one_sentence(latents):
    with pytest.raises(ValueError, match="expected \\[B, F, 5, h, w\\]"):
        VAE.decode(latents)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"halves_time": (True,)}, "needs 2 halves_time flags, got 1"),
        ({"base_width": 0}, "1 or more"),
        ({"multiples": (1, 2, 3), "base_width": 3}, "have to be even"),
        ({"latent_mean": (0.0,)}, "got 1 and 5"),
        ({"latent_std": (1.0, 1.0, 1.0, 1.0, 0.0)}, "above 0"),
    ],
)
def test_sizes_that_make_no_autoencoder_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **change)


# Streams


def test_a_decode_stream_begins_with_one_frame():
    stream = DecodeStream(VAE)
    counts = [stream.push(part).shape[1] for part in torch.split(LATENTS, 3, 1)]
    stream.reset()
    assert [*counts, stream.push(LATENTS[:, :1]).shape[1]] == [9, 12, 12, 1]


def test_an_encode_stream_asks_for_one_frame_first_and_refuses_without_harm():
    stream = EncodeStream(VAE)
    with pytest.raises(ValueError, match="T a multiple of 4 less 3"):
        stream.push(FRAMES[:, :8])
    assert stream.push(FRAMES[:, :9]).shape[1] == 3
    assert stream.push(FRAMES[:, 9:13]).shape[1] == 1
    with pytest.raises(ValueError, match="began with"):
        stream.push(FRAMES[:, :4, :, :4])


def test_every_chunk_of_pictures_is_whole_and_is_what_the_codec_decodes():
    stream = PictureStream(VAE)
    parts = [stream.push(part) for part in torch.split(LATENTS, 3, 1)]
    assert [len(part) for part in parts] == [12, 12, 12]
    frames = torch.cat(parts)
    assert torch.allclose(frames[3:], decode_clip(VAE, LATENTS)[0], atol=1e-5)
    assert all(torch.equal(frame, frames[3]) for frame in frames[:3])


def test_the_first_pictures_after_a_reset_are_those_of_a_fresh_stream():
    stream = PictureStream(VAE)
    first = stream.push(LATENTS[:, :3])
    stream.push(LATENTS[:, 3:6])
    stream.reset()
    assert torch.equal(stream.push(LATENTS[:, :3]), first)


def test_a_video_stream_takes_whole_chunks_and_starts_with_the_frame_that_fits():
    video = Streams.of(VAE).video
    parts = [video.push(part) for part in torch.split(FRAMES[:, :24], 12, 1)]
    assert [part.shape[1] for part in parts] == [3, 3]
    assert torch.allclose(torch.cat(parts, 1), encode_clip(VAE, FRAMES[:, 3:24]), atol=1e-5)


def test_a_video_stream_refuses_a_broken_chunk_and_stays_fresh():
    video = Streams.of(VAE).video
    with pytest.raises(ValueError, match="multiple of 4"):
        video.push(FRAMES[:, :9])
    assert video.is_fresh


# The anchor


def test_the_anchor_is_the_frame_before_the_latents_that_are_kept():
    frames = AnchorFrames(VAE, 3)
    for part in torch.split(FRAMES, 5, 1):
        frames.push(part)
    assert torch.equal(frames.frame(), FRAMES[:, -9:-8])
    assert torch.equal(frames.latent(), VAE.encode(FRAMES[:, -9:-8])[0])


def test_an_anchor_that_was_never_shown_is_refused():
    frames = AnchorFrames(VAE, 3)
    frames.push(FRAMES[:, :9])
    frames.reset()
    frames.push(FRAMES[:, :8])
    with pytest.raises(ValueError, match="lies 9 frames back but only 8 were pushed"):
        frames.latent()


def test_a_codec_that_cannot_encode_one_frame_has_no_anchor():
    with pytest.raises(ValueError, match="encodes 4 frames at least"):
        AnchorFrames(TAE(TINY_CODEC), 3)


# Deliberate mistakes


def failures(name):
    report = parity._run_file(GOLDEN / f"{name}.safetensors", parity.CHECKS[name])
    assert not report.error
    return {check.name for check in report.checks if not check.passed}


@pytest.mark.parametrize("name", ["wan_vae", "krea_recompute"])
def test_nothing_fails_and_nothing_is_left_out_without_a_mistake(name):
    report = parity._run_file(GOLDEN / f"{name}.safetensors", parity.CHECKS[name])
    assert report.passed
    assert not report.not_covered


def test_a_first_latent_that_enters_the_history_of_time_fails(monkeypatch):
    def enters(self, conv, x, history):
        if not history.is_start:
            return vae_layers._pairs_in_time(causal_conv(conv, x, history))
        return vae_layers._pairs_in_time(causal_conv(conv, x, history))[:, :, 1:]

    monkeypatch.setattr(Upsample, "_double_time", enters)
    assert "decoded" in failures("wan_vae")


def test_the_newest_frame_twice_in_the_history_of_time_fails(monkeypatch):
    plain = History.keep

    def twice(self, frames):
        plain(self, frames[:, :, -1:].expand(-1, -1, frames.shape[2], -1, -1))

    monkeypatch.setattr(History, "keep", twice)
    found = failures("wan_vae")
    assert "decoded in chunks of 2" in found
    assert "decoded" not in found


def test_padding_on_all_sides_before_halving_fails(monkeypatch):
    plain = torch.nn.functional.pad

    def pad(x, sides):
        return plain(x, (1, 0, 1, 0) if sides == (0, 1, 0, 1) else sides)

    monkeypatch.setattr(vae_layers.F, "pad", pad)
    found = failures("wan_vae")
    assert {"latents", "single_frame_latent"} <= found
    assert "decoded" not in found


def test_latents_that_are_not_normalised_fail(monkeypatch):
    plain = WanVAE.encode

    def bare(self, frames, state=None):
        latents, state = plain(self, frames, state)
        return latents * self.latent_std + self.latent_mean, state

    monkeypatch.setattr(WanVAE, "encode", bare)
    assert "latents" in failures("wan_vae")
    assert "anchored/last_anchor/latent end to end" in failures("krea_recompute")


def test_an_anchor_one_frame_late_fails_end_to_end_alone(monkeypatch):
    monkeypatch.setattr(anchor_module.AnchorFrames, "frame", lambda self: self._frames[:, 1:2])
    found = failures("krea_recompute")
    assert "anchored/last_anchor/pixel_frame end to end" in found
    assert "anchored_in_blocks/block04/context_latents end to end" in found
    assert all(name.endswith("end to end") for name in found)
    assert not any(name.startswith("keep_first") for name in found)


def test_an_anchor_encoded_within_a_stream_fails(monkeypatch):
    def within(self):
        _, state = self._codec.encode(self._frames[:, :1])
        return self._codec.encode(self._frames[:, :1].expand(-1, 4, -1, -1, -1), state)[0]

    monkeypatch.setattr(AnchorFrames, "latent", within)
    assert "anchored/last_anchor/latent end to end" in failures("krea_recompute")
