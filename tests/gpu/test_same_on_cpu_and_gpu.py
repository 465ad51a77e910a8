"""What must not depend on the device. Run with `pytest -m gpu` on a machine with an NVIDIA GPU."""

import pytest
import torch

from engine.worker.models.house.house import load_house
from engine.worker.models.spec import HOUSE, rollout_config
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.noise import NoiseKey, normal_noise

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]

CPU = torch.device("cpu")


def cuda() -> torch.device:
    return torch.device("cuda", 0)


@pytest.mark.parametrize("shape", [(1, 3, 16, 32, 32), (1, 3, 16, 60, 104), (7,)])
def test_noise_is_the_same_bits(shape: tuple[int, ...]) -> None:
    key = NoiseKey(seed=2**63 + 5, cut=3, chunk=1_000_003, step=2)
    assert torch.equal(normal_noise(shape, key, CPU), normal_noise(shape, key, cuda()).cpu())


def rollout(device: torch.device, num_chunks: int) -> torch.Tensor:
    house = load_house(device, torch.float32, random_seed=1)
    sampler = ChunkSampler(house.transformer, rollout_config(HOUSE, 64, 64))
    text, _ = house.text.encode("slow red flames")
    sampler.set_text(text[None])
    chunks = []
    for chunk in range(num_chunks):
        latents = sampler.denoise_chunk(
            HOUSE.steps,
            lambda step, chunk=chunk: normal_noise(
                (1, 3, 16, 8, 8), NoiseKey(seed=1, chunk=chunk, step=step), device
            ),
        )
        sampler.commit(latents)
        chunks.append(latents)
    frames, _ = house.codec.decode(torch.cat(chunks, 1))
    return frames.float().cpu()


def test_house_model_generates_the_same_picture_in_float32() -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    on_cpu, on_gpu = rollout(CPU, 3), rollout(cuda(), 3)
    # float32 sums in another order; five forwards deep that is far under a grey level
    assert (on_cpu - on_gpu).norm() / on_cpu.norm() < 1e-4
