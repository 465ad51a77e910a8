"""Training forwards see exactly what the engine's streaming forward sees."""

import torch

from engine.worker.models.house.house import CONTROL_CHANNELS
from engine.worker.models.spec import HOUSE
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.schedule import steps_from_sigmas
from training.forced import Chunks, forced_velocity, step_velocity
from training.rollout import Sampling, ShowInputs, roll_out

TINY = TransformerConfig(
    dim=24, ffn_dim=32, num_heads=2, num_layers=2, text_dim=6, text_len=8, in_dim=21
)
NUM_CHUNKS, SIDE = 4, 4


def tiny_model():
    torch.manual_seed(0)
    model = CausalTransformer(TINY)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.requires_grad_(False)


def chunks(sigma: float, seed: int) -> Chunks:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(2, NUM_CHUNKS, 3, 21, SIDE, SIDE, generator=generator)
    text = torch.randn(2, NUM_CHUNKS, 8, 6, generator=torch.Generator().manual_seed(9))
    return Chunks(inputs, torch.full((2, NUM_CHUNKS), sigma), text)


def part(whole: Chunks, start: int, stop: int) -> Chunks:
    return Chunks(
        whole.inputs[:, start:stop], whole.sigma[:, start:stop], whole.text[:, start:stop]
    )


def test_teacher_forcing_equals_chunk_by_chunk():
    model, clean = tiny_model(), chunks(0.0, 1)
    noisy = [chunks(0.8, 2), chunks(0.3, 3)]
    at_once = forced_velocity(model, part(clean, 0, NUM_CHUNKS - 1), noisy)
    memory = None
    for n in range(NUM_CHUNKS):
        for together, version in zip(at_once, noisy, strict=True):
            alone, _ = step_velocity(model, part(version, n, n + 1), memory)
            torch.testing.assert_close(together[:, n], alone, atol=2e-6, rtol=1e-5)
        _, memory = step_velocity(model, part(clean, n, n + 1), memory)


def test_a_noisy_chunk_never_sees_the_future():
    model, clean, noisy = tiny_model(), chunks(0.0, 1), chunks(0.8, 2)
    context = part(clean, 0, NUM_CHUNKS - 1)
    before = forced_velocity(model, context, [noisy])[0]
    context.inputs[:, 1] += 1
    after = forced_velocity(model, context, [noisy])[0]
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2], after[:, 2])


def test_the_training_rollout_equals_the_engines_sampler():
    model, num_steps = tiny_model(), 2
    generator = torch.Generator().manual_seed(4)
    text = torch.randn(1, NUM_CHUNKS, 8, 6, generator=generator)
    control = torch.rand(1, NUM_CHUNKS, 3, CONTROL_CHANNELS, SIDE, SIDE, generator=generator)
    video = torch.zeros(1, NUM_CHUNKS, 3, 16, SIDE, SIDE)
    inputs = ShowInputs(text, control, text[0, 0], video, torch.ones(1))
    rolled = roll_out(model, inputs, Sampling(), generator=torch.Generator().manual_seed(5))
    config = RolloutConfig(rule=HOUSE.rule, window=HOUSE.window, height=SIDE, width=SIDE)
    sampler, draws = ChunkSampler(model, config), torch.Generator().manual_seed(5)
    for n in range(NUM_CHUNKS):
        noise = [torch.randn(1, 3, 16, SIDE, SIDE, generator=draws) for _ in range(num_steps)]
        sampler.set_text(text[:, n])
        steps = steps_from_sigmas(Sampling().sigmas)
        latents = sampler.denoise_chunk(steps, noise.__getitem__, control=control[:, n])
        sampler.commit(latents, control=control[:, n])
        torch.testing.assert_close(latents, rolled.latents[:, n], atol=1e-5, rtol=1e-5)
