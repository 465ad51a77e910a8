"""The shipped house model: its files, its errors, and that it plays."""

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import WeightsError
from engine.worker.models.house.house import (
    HOUSE_CODEC,
    HOUSE_TRANSFORMER,
    WEIGHTS_DIR,
    control_maps,
    load_house,
    with_control,
)
from engine.worker.models.spec import HOUSE, rollout_config
from engine.worker.models.wan.rollout import ChunkSampler

CPU = torch.device("cpu")
SIDE_PX = 96
MAX_BYTES = 40e6


@pytest.fixture(scope="module")
def house():
    return load_house(CPU, torch.float32)


def play(house, prompt, num_chunks, control=None):
    """Return frames [F, 3, H, W] of a small show."""
    sampler = ChunkSampler(house.transformer, rollout_config(HOUSE, SIDE_PX, SIDE_PX))
    sampler.set_text(house.text.encode(prompt)[0][None])
    generator = torch.Generator().manual_seed(1)
    shape = (1, 3, 16, SIDE_PX // 8, SIDE_PX // 8)
    frames, state = [], None
    with torch.inference_mode():
        for _ in range(num_chunks):
            noise = [torch.randn(shape, generator=generator) for _ in HOUSE.steps.sigmas]
            latents = sampler.denoise_chunk(HOUSE.steps, noise.__getitem__, control=control)
            decoded, state = house.codec.decode(latents, state)
            sampler.commit(latents, control=control)
            frames.append(decoded[0].clamp(0, 1))
    return torch.cat(frames)


def test_the_weights_fit_into_the_repository():
    assert sum(path.stat().st_size for path in WEIGHTS_DIR.glob("*.safetensors")) <= MAX_BYTES


def test_it_moves_and_is_in_colour(house):
    frames = play(house, "fast green gold red bars", 3)
    assert frames.diff(dim=0).abs().mean() > 0.01
    assert (frames.amax(1) - frames.amin(1)).mean() > 0.1
    assert frames.mean(1).std() > 0.1


@pytest.mark.parametrize(("prompt", "channel"), [("red flames", 0), ("blue waves", 2)])
def test_its_colour_follows_the_prompt(house, prompt, channel):
    mean = play(house, prompt, 2).mean((0, 2, 3))
    assert mean.argmax() == channel


def test_its_picture_follows_the_control_map(house):
    grey = torch.zeros(1, 12, SIDE_PX, SIDE_PX)
    grey[..., : SIDE_PX // 2] = 1
    blank = torch.zeros(1, 3, 16, SIDE_PX // 8, SIDE_PX // 8)
    control = with_control(blank, control_maps(grey))[:, :, 16:]
    bright = play(house, "medium blue cyan caustics", 2, control).amax(1)
    left, right = bright[..., : SIDE_PX // 2].mean(), bright[..., SIDE_PX // 2 :].mean()
    assert left > 1.4 * right


def test_latent_statistics_were_measured(house):
    assert not torch.equal(house.codec.latent_std, torch.ones(16))


def test_control_channels_say_whether_control_is_meant():
    latents = torch.randn(1, 3, 16, 4, 4)
    without, with_zeros = (
        with_control(latents, None),
        with_control(latents, torch.zeros(1, 3, 4, 4, 4)),
    )
    assert without.shape[2] == with_zeros.shape[2] == HOUSE_TRANSFORMER.in_dim
    assert without[:, :, 16:].abs().sum() == 0
    assert torch.equal(with_zeros[:, :, -1], torch.ones(1, 3, 4, 4))


def test_control_maps_average_the_frames_of_a_latent():
    grey = torch.arange(8.0).view(1, 8, 1, 1).expand(1, 8, 16, 16) / 8
    maps = control_maps(grey)
    assert maps.shape == (1, 2, HOUSE_CODEC.frames_per_latent, 2, 2)
    assert torch.equal(maps[0, 1, :, 0, 0], torch.tensor([4, 5, 6, 7]) / 8)


def test_part_of_a_latent_is_no_control():
    with pytest.raises(ValueError, match="multiple of 4"):
        control_maps(torch.zeros(1, 6, 16, 16))


def test_missing_weights_are_one_clear_sentence(tmp_path):
    with pytest.raises(WeightsError, match="is missing; reinstall"):
        load_house(CPU, torch.float32, weights_dir=tmp_path)


def test_truncated_weights_are_one_clear_sentence(tmp_path):
    whole = (WEIGHTS_DIR / "transformer.safetensors").read_bytes()
    (tmp_path / "transformer.safetensors").write_bytes(whole[:100_000])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_house(CPU, torch.float32, weights_dir=tmp_path)


def test_weights_of_another_model_name_the_first_wrong_key(tmp_path):
    save_file({"stranger": torch.zeros(1)}, tmp_path / "transformer.safetensors")
    with pytest.raises(WeightsError, match=r"of another model.*blocks\.0"):
        load_house(CPU, torch.float32, weights_dir=tmp_path)


def test_random_weights_need_no_files(tmp_path):
    first, again = (
        load_house(CPU, torch.float32, weights_dir=tmp_path, random_seed=3) for _ in range(2)
    )
    rows = [house.text.encode("fire")[0] for house in (first, again)]
    assert torch.equal(*rows)
