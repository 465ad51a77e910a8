"""The VACE context of a show: what is redrawn, what is kept, what is followed."""

import numpy as np
import pytest
import torch

from engine.errors import ConfigError
from engine.worker.models.wan.vace_context import clip_context, encode_alone
from engine.worker.models.wan.vae import WanVAE, WanVAEConfig
from engine.worker.streams import Streams
from engine.worker.vace_stage import VaceStage
from tests.reference.tiny import randomise

NUM_FRAMES, SIZE = 12, 16
CPU = torch.device("cpu")


def wan_vae():
    vae = WanVAE(WanVAEConfig(base_width=2, multiples=(1, 1, 2, 2), residual_blocks=1))
    randomise(vae, 7)
    return vae


VAE = wan_vae()


def stage():
    return VaceStage(VAE, Streams.of(VAE), (NUM_FRAMES, SIZE, SIZE), CPU)


def clip(seed, count=NUM_FRAMES):
    return torch.rand(1, count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


def pixels(image):
    return torch.from_numpy(image).movedim(-1, 0).float() / 255


HALF = np.zeros((SIZE, SIZE), np.bool_)
HALF[:, : SIZE // 2] = True


def ones(frames):
    return torch.ones_like(frames[:, :, :1], dtype=torch.bool)


def test_chunk_by_chunk_the_context_of_pure_control_is_that_of_the_whole_clip():
    show, parts = stage(), [clip(1), clip(2), clip(3)]
    found = torch.cat([show.push(part, None).joined() for part in parts], 1)
    whole = torch.cat(parts, 1)[:, 3:]
    assert torch.allclose(found, clip_context(VAE, whole, ones(whole)), atol=1e-5)


def test_chunk_by_chunk_a_masked_context_is_that_of_the_whole_clip():
    show = stage()
    show.set_mask(HALF)
    control, source = [clip(1), clip(2)], [clip(3), clip(4)]
    found = torch.cat([show.push(*x).joined() for x in zip(control, source, strict=True)], 1)
    whole = torch.cat([torch.cat(control, 1), torch.cat(source, 1)])[:, 3:]
    mask = torch.from_numpy(HALF).expand(1, whole.shape[1], 1, SIZE, SIZE)
    expected = clip_context(VAE, torch.where(mask, whole[:1], whole[1:]), mask)
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_mask_that_is_set_in_mid_show_finds_the_streams_as_they_would_be():
    show = stage()
    show.push(clip(1), None)
    show.set_mask(HALF)
    found = show.push(clip(2), clip(4)).joined()
    mask = torch.cat([ones(clip(1)), torch.from_numpy(HALF).expand(1, 12, 1, SIZE, SIZE)], 1)
    frames = torch.cat([clip(1), torch.where(mask[:, 12:], clip(2), clip(4))], 1)
    expected = clip_context(VAE, frames[:, 3:], mask[:, 3:])[:, 3:]
    channels = 2 * VAE.config.latent_channels
    assert torch.allclose(found[:, :, :channels], expected[:, :, :channels], atol=1e-5)


def test_a_mask_that_moves_is_taken_frame_by_frame():
    show, moving = stage(), np.random.default_rng(0).random((NUM_FRAMES, SIZE, SIZE)) > 0.5
    show.push(clip(0), clip(0))
    show.set_mask(moving)
    masks = show.push(clip(1), clip(2)).masks[0]
    for latent, frame in enumerate((2, 6, 10)):
        cells = moving[frame].reshape(2, 8, 2, 8).transpose(1, 3, 0, 2).reshape(64, 2, 2)
        assert np.array_equal(masks[latent].numpy(), cells)


def test_without_a_source_a_mask_keeps_nothing():
    masked, plain = stage(), stage()
    masked.set_mask(HALF)
    assert torch.equal(masked.push(clip(1), None).joined(), plain.push(clip(1), None).joined())


def test_without_control_what_is_redrawn_is_grey():
    grey = torch.full((1, NUM_FRAMES, 3, SIZE, SIZE), 0.5)
    assert torch.equal(stage().push(None, None).joined(), stage().push(grey, None).joined())


def test_references_are_encoded_alone_and_come_first():
    show = stage()
    show.set_references([picture(1), picture(2)])
    context = show.push(clip(1), None)
    alone = encode_alone(VAE, [pixels(picture(1))[None], pixels(picture(2))[None]])
    assert context.num_references == 2
    assert torch.allclose(context.joined()[:, :2, :16], alone)
    show.set_references([])
    assert show.push(clip(2), None).joined().shape[1] == 3


def test_a_first_frame_is_kept_whole_in_the_next_chunk_only():
    show, plain = stage(), stage()
    show.give_frames(first=picture(1))
    assert show.is_set
    found, other = show.push(None, None), plain.push(None, None)
    assert not show.is_set
    still = encode_alone(VAE, [pixels(picture(1))[None]])
    assert torch.allclose(found.inactive[:, :1], still, atol=1e-5)
    assert torch.equal(found.reactive, other.reactive)
    assert show.push(None, None).masks.all()


def test_a_last_frame_is_kept_whole():
    show = stage()
    show.give_frames(last=picture(1))
    found = show.push(None, None).joined()
    frames = torch.full((1, 9, 3, SIZE, SIZE), 0.5)
    mask = ones(frames)
    frames[:, -1], mask[:, -1] = pixels(picture(1)), False
    assert torch.allclose(found, clip_context(VAE, frames, mask), atol=1e-5)


@pytest.mark.parametrize(
    "mask", [np.ones((8, 8), np.bool_) & False, np.zeros((SIZE, SIZE), np.uint8)]
)
def test_a_mask_of_another_kind_is_refused_and_the_one_before_stays(mask):
    show = stage()
    show.set_mask(HALF)
    with pytest.raises(ConfigError, match="the mask before stays"):
        show.set_mask(mask)
    assert show.needs_source


def test_a_picture_of_another_size_is_refused_and_changes_nothing():
    show = stage()
    show.set_references([picture(1)])
    small = picture(1)[:8]
    with pytest.raises(ConfigError, match="reference image 2 is"):
        show.set_references([picture(2), small])
    with pytest.raises(ConfigError, match="last frame is"):
        show.give_frames(first=picture(2), last=small)
    assert show.push(None, None).masks.all()
    assert show.is_set
