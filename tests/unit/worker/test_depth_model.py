"""The depth models against plain ones, and their checkpoints."""

import pytest
import torch
from safetensors.torch import save_file

from engine.errors import WeightsError
from engine.worker.models.depth.depth_anything import (
    SMALL,
    DepthAnything,
    DepthConfig,
    load_depth,
)
from engine.worker.models.depth.encoder import EncoderConfig
from engine.worker.models.depth.head import HeadConfig
from engine.worker.models.depth.over_time import MotionConfig
from engine.worker.models.depth.video_depth import (
    VIDEO_SMALL,
    VideoDepth,
    VideoDepthConfig,
    load_video_depth,
)
from tests.reference import depth_reference
from tests.tiny_worker import CPU

TINY = DepthConfig(
    encoder=EncoderConfig(dim=24, num_heads=3, num_layers=5, grid=5, taps=(0, 2, 3, 4)),
    head=HeadConfig(features=8, widths=(4, 6, 8, 10)),
)
TINY_VIDEO = VideoDepthConfig(
    encoder=TINY.encoder, head=TINY.head, motion=MotionConfig(num_heads=2, norm_groups=2)
)


def drawn(model, seed=0):
    model.requires_grad_(False).eval()
    rng = torch.Generator().manual_seed(seed)
    for name, weight in model.state_dict().items():
        if not name.endswith(".pe"):
            centre = 1.0 if ("norm" in name and name.endswith("weight")) or "gamma" in name else 0.0
            weight.copy_(centre + torch.randn(weight.shape, generator=rng) * 0.2)
    return model


def tiny_model(seed=0):
    return drawn(DepthAnything(TINY), seed)


def tiny_video():
    return drawn(VideoDepth(TINY_VIDEO))


def frames(count, height=28, width=42):
    return torch.stack([picture(height, width, seed) for seed in range(count)])


def streamed(model, shown):
    return torch.cat([model(frame[None]) for frame in shown])


def picture(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [(70, 70), (28, 98), (84, 56), (14, 14)])
def test_it_computes_what_a_plain_one_computes_at_any_size_of_whole_patches(size):
    model, seen = tiny_model(), picture(*size)
    found = model(seen[None])[0]
    encoder = TINY.encoder
    wanted = depth_reference.depth(
        dict(model.state_dict()),
        seen,
        heads=encoder.num_heads,
        taps=encoder.taps,
        grid=encoder.grid,
    )
    assert found.shape == size
    assert wanted.std() > 0.01
    assert torch.allclose(found.double(), wanted, atol=1e-5 * float(wanted.abs().max()))


def test_a_size_that_cuts_a_patch_is_refused():
    with pytest.raises(ValueError, match="multiples of 14"):
        tiny_model()(picture(28, 30)[None])


def test_the_small_model_has_the_keys_and_the_size_of_the_published_file():
    with torch.device("meta"):
        weights = DepthAnything(SMALL).state_dict()
    # Source: README of DepthAnything/Depth-Anything-V2: 24.8M parameters.
    assert sum(weight.numel() for weight in weights.values()) == 24_785_089
    shapes = {key: tuple(weight.shape) for key, weight in weights.items()}
    assert len(shapes) == 239
    assert shapes["pretrained.pos_embed"] == (1, 1370, 384)
    assert shapes["pretrained.blocks.11.attn.qkv.weight"] == (1152, 384)
    assert shapes["pretrained.blocks.0.ls2.gamma"] == (384,)
    assert shapes["depth_head.resize_layers.0.weight"] == (48, 48, 4, 4)
    assert shapes["depth_head.scratch.refinenet4.resConfUnit1.conv2.bias"] == (64,)
    assert shapes["depth_head.scratch.output_conv2.2.weight"] == (1, 32, 1, 1)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_in_the_published_layout_loads_to_the_same_model(tmp_path, suffix):
    model, path = tiny_model(), tmp_path / f"depth{suffix}"
    if suffix == ".pth":
        torch.save(model.state_dict(), path)
    else:
        save_file(model.state_dict(), path)
    loaded = load_depth(path, CPU.device, torch.float32, TINY)
    assert torch.equal(loaded(picture(28, 42)[None]), model(picture(28, 42)[None]))


def garbage(path):
    path.write_bytes(b"no weights at all")


def other_keys(path):
    weights = dict(tiny_model().state_dict())
    weights["pretrained.register_tokens"] = weights.pop("pretrained.mask_token")
    torch.save(weights, path)


def other_shape(path):
    torch.save({**tiny_model().state_dict(), "pretrained.cls_token": torch.zeros(1, 1, 8)}, path)


def nothing(path):
    pass


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (nothing, "or put depth_anything_v2_vits.pth of depth-anything"),
        (garbage, "cannot be read"),
        (other_keys, "2 keys are missing, unexpected or misshapen, first pretrained.mask_token"),
        (other_shape, "1 keys are missing, unexpected or misshapen, first pretrained.cls_token"),
        (lambda path: torch.save([1, 2], path), "holds no weights by name"),
    ],
    ids=["missing", "garbage", "keys", "shape", "list"],
)
def test_a_file_that_is_not_the_model_is_refused_in_one_sentence(tmp_path, write, said):
    path = tmp_path / "depth_anything_v2_vits.pth"
    write(path)
    with pytest.raises(WeightsError, match=said):
        load_depth(path, CPU.device, torch.float32, TINY)


def test_a_stream_computes_what_a_plain_one_computes_until_its_window_has_moved_on():
    model, shown = tiny_video(), frames(46)
    wanted = depth_reference.video_depth(
        dict(model.state_dict()),
        shown,
        heads=TINY.encoder.num_heads,
        taps=TINY.encoder.taps,
        grid=TINY.encoder.grid,
        motion_heads=2,
        groups=2,
    )
    found = streamed(model, shown)
    assert wanted[45].std() > 0.01
    assert torch.allclose(found.double(), wanted, atol=1e-5 * float(wanted.abs().max()))
    assert not torch.allclose(model(shown[:1])[0], found[0])  # the past counts


def test_what_a_frame_sees_is_the_first_one_an_old_one_and_the_newest():
    assert depth_reference.frames_seen(1) == [0] * 31
    assert depth_reference.frames_seen(100) == [0, 59, *range(71, 100)]


@pytest.mark.parametrize("other", [lambda model: model.reset(), lambda model: model(frames(1, 14))])
def test_a_reset_or_another_size_begins_anew(other):
    model, shown = tiny_video(), frames(3)
    first = streamed(model, shown)
    other(model)
    assert torch.equal(streamed(model, shown), first)


def test_memory_stops_growing():
    model = tiny_video()
    streamed(model, frames(44, 14, 14))
    before = [len(kept) for kept in model._memory._frames]
    streamed(model, frames(20, 14, 14))
    assert [len(kept) for kept in model._memory._frames] == before


def test_the_small_video_model_has_the_keys_and_the_size_of_the_published_file():
    weights = VideoDepth(VIDEO_SMALL).state_dict()
    # Source: the published file of 116 440 756 bytes holds these in float32, and their names.
    assert sum(weight.numel() for weight in weights.values()) == 29_080_193
    assert len(weights) == 351
    prefix = "head.motion_modules.1.temporal_transformer."
    shapes = {key.removeprefix(prefix): tuple(weight.shape) for key, weight in weights.items()}
    block = "transformer_blocks.0."
    assert shapes[block + "attention_blocks.1.pos_encoder.pe"] == (1, 32, 384)
    assert shapes[block + "attention_blocks.0.to_out.0.bias"] == (384,)
    assert shapes[block + "ff.net.0.proj.weight"] == (3072, 384)
    assert shapes[block + "ff.net.2.weight"] == (384, 1536)
    assert shapes["head.scratch.output_conv2.2.weight"] == (1, 32, 1, 1)


def test_a_video_model_loads_from_its_own_file_and_refuses_that_of_the_other(tmp_path):
    path, shown = tmp_path / "video_depth_anything_vits.pth", frames(3)
    torch.save(tiny_video().state_dict(), path)
    loaded = load_video_depth(path, CPU.device, torch.float32, TINY_VIDEO)
    assert torch.equal(streamed(loaded, shown), streamed(tiny_video(), shown))
    torch.save(tiny_model().state_dict(), path)
    with pytest.raises(WeightsError, match="expected video_depth_anything_vits"):
        load_video_depth(path, CPU.device, torch.float32, TINY_VIDEO)
