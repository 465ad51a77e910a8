"""Depth as a control map: its memory over frames, and where its file lies."""

import numpy as np
import pytest
import torch

from engine.worker.models.depth import depth_anything, video_depth
from engine.worker.preprocess import depth as depth_module
from engine.worker.preprocess.depth import Depth, load_depth_preprocessor
from tests.tiny_worker import CPU


class Scripted(torch.nn.Module):
    """Answers with the depths that the test gives, one a frame."""

    patch_px = 14
    num_resets = 0

    def __init__(self, depths, *, is_steady=False):
        super().__init__()
        self.depths = iter(depths)
        self.is_steady = is_steady

    def reset(self):
        self.num_resets += 1

    def forward(self, pictures):
        shape = pictures.shape[-2:]
        return torch.full((1, *shape), 0.0) + torch.as_tensor(next(self.depths)).float()


def ramp(scale=4.0, shift=0.0):
    return torch.linspace(0, 1, 28)[None, :] * scale + shift


def pushed(depths, *, is_steady=False):
    depths, frame = list(depths), np.zeros((64, 64, 3), np.uint8)
    preprocessor = Depth(Scripted(depths, is_steady=is_steady), CPU.device, short_px=28)
    return np.stack([preprocessor.push(frame) for _ in depths]).astype(int)


def test_what_is_near_is_bright_and_what_is_far_is_dark():
    maps = pushed([ramp()])
    assert maps.shape == (1, 8, 8)
    assert (np.diff(maps[0], axis=1) > 0).all()
    assert maps[0, :, -1].min() > 220
    assert maps[0, :, 0].max() < 30


def test_a_unit_that_drifts_does_not_pump_the_map():
    scales = 4 + 0.2 * np.sin(np.arange(60))
    maps = pushed(ramp(scale, shift=scale / 8) for scale in scales)
    assert np.abs(np.diff(maps, axis=0)).max() <= 6


def test_flicker_is_smoothed_and_motion_is_not():
    noise = np.random.default_rng(0)
    flicker = pushed(ramp() + torch.from_numpy(noise.normal(0, 0.08, (28, 28))) for _ in range(30))
    stepped = pushed([ramp()] * 5 + [ramp().flip(1)] * 2)
    assert np.abs(np.diff(flicker[5:], axis=0)).mean() < 2
    assert np.abs(stepped[6] - stepped[4][:, ::-1]).max() < 25


def test_a_network_that_is_steady_by_itself_is_shown_as_it_is():
    lifted = [ramp(), ramp() + 0.1 * ramp().flip(1), ramp()]
    steady, calmed = (pushed(lifted, is_steady=it_is) for it_is in (True, False))
    left = [np.abs(maps[2] - maps[0]).max() for maps in (steady, calmed)]
    assert left[0] <= 2  # the range has moved
    assert left[1] >= 4


def test_another_source_makes_the_network_forget_too():
    network = Scripted([])
    preprocessor = Depth(network, CPU.device, short_px=28)
    before = network.num_resets
    preprocessor.reset()
    assert network.num_resets == before + 1


def test_a_frame_of_nothing_but_nan_or_of_one_value_makes_no_jump_to_white():
    maps = pushed([ramp(), torch.full((28, 28), torch.nan), torch.full((28, 28), 2.0)])
    assert maps[1].max() <= maps[0].max()
    assert np.isfinite(maps).all()


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(256, 256, (70, 70)), (480, 832, (126, 70)), (832, 480, (70, 126))],
)
def test_the_network_sees_whole_patches_in_about_the_shape_of_the_frame(height, width, size):
    preprocessor = Depth(Scripted([]), CPU.device, short_px=70)
    assert preprocessor.input_size(np.zeros((height, width, 3), np.uint8)) == size


def put(module, model):
    path = module.PUBLISHED.path()
    path.parent.mkdir(parents=True)
    torch.save(model.state_dict(), path)


def test_the_published_file_in_the_models_folder_is_found_and_the_steadier_one_is_preferred(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    monkeypatch.setattr(depth_module, "_SHORT_CPU_PX", 28)
    folder, frame = tmp_path / "models", np.zeros((64, 96, 3), np.uint8)
    published = folder / "depth/depth_anything_v2_vits.pth"
    assert depth_anything.PUBLISHED.path() == published
    put(depth_anything, depth_anything.DepthAnything())
    alone = load_depth_preprocessor(CPU)
    assert not alone._model.is_steady
    assert alone.push(frame).shape == (8, 12)
    put(video_depth, video_depth.VideoDepth())
    assert video_depth.PUBLISHED.path() == folder / "video-depth/video_depth_anything_vits.pth"
    steady = load_depth_preprocessor(CPU)
    assert steady._model.is_steady
    assert steady.push(frame).shape == (8, 12)
