"""VACE: hints that steer a chunk, held against the plain reference and against mistakes."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from engine.bench import parity, parity_vace
from engine.worker.models.wan import vace, vace_context
from engine.worker.models.wan.cache_plan import KREA, SELF_FORCING, CacheWindow
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.transformer import TransformerConfig
from engine.worker.models.wan.vace import (
    VACE_1_3B,
    VACE_14B,
    VaceConfig,
    VaceControl,
    VaceStack,
    forward_with_vace,
)
from engine.worker.schedule import steps_from_sigmas
from tests.reference.tiny import CHUNK, HEIGHT, TINY, WIDTH, noise_of, randomise, tiny_model

GOLDEN = Path(__file__).parents[2] / "reference" / "golden"
IN_DIM = 40
STEPS = steps_from_sigmas((1.0, 0.6))


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """A folder with the golden file of VACE and the autoencoder that it names."""
    folder = tmp_path_factory.mktemp("vace")
    for name in ("vace", "wan_vae"):
        shutil.copy(GOLDEN / f"{name}.safetensors", folder)
    return folder


def failed_checks(folder):
    (file,) = (file for file in parity.run(folder).files if file.name == "vace")
    assert not file.error
    return {check.name.split(" chunk")[0] for check in file.checks if not check.passed}


def sampler_of(model=None, *, stack=None, rule=SELF_FORCING):
    made = stack or tiny_stack()
    config = RolloutConfig(
        rule=rule, window=CacheWindow(window_latents=6), height=HEIGHT, width=WIDTH,
        latents_per_chunk=CHUNK,
    )  # fmt: skip
    sampler = ChunkSampler(model or tiny_model(), config, made)
    sampler.set_text(torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(9)))
    return sampler


def tiny_stack(seed=5, layers=(0, 1)):
    stack = VaceStack(TINY, VaceConfig(layers=layers, in_dim=IN_DIM))
    randomise(stack, seed)
    return stack


def control_of(seed, scale=1.0, references=0):
    rng = torch.Generator().manual_seed(seed)
    context = torch.randn(1, references + CHUNK, IN_DIM, HEIGHT, WIDTH, generator=rng)
    return VaceControl(
        context=context, scale=scale, num_references=references,
        reference_noise=lambda step: noise_of(90 + step, references),
    )  # fmt: skip


def chunk(sampler, control=None, seed=0):
    return sampler.denoise_chunk(STEPS, lambda step: noise_of(seed + step), vace=control)


def test_every_tensor_of_the_golden_file_is_compared_and_passes(golden):
    assert parity.main([str(golden)]) == 0
    (file,) = (file for file in parity.run(golden).files if file.name == "vace")
    assert file.not_covered == []


def test_an_expectation_that_nothing_computes_is_listed(golden, tmp_path):
    shutil.copytree(golden, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "vace.safetensors"
    with safe_open(path, "pt") as file:
        meta = file.metadata()
    save_file(load_file(path) | {"bidirectional/expected/hint7": torch.zeros(1)}, path, meta)
    (file,) = (file for file in parity.run(tmp_path).files if file.name == "vace")
    assert file.not_covered == ["bidirectional/hint7"]


ROLLOUT = {"causal_chunkwise/output", "causal_chunkwise/first_call_flow"}
FORWARDS = {"bidirectional/output_scale0.6", "bidirectional/output_scale1.0"}


def test_a_stack_that_does_not_see_the_latents_fails(golden, monkeypatch):
    plain = VaceStack.hints
    monkeypatch.setattr(VaceStack, "hints", lambda self, x, *rest: plain(self, 0 * x, *rest))
    assert failed_checks(golden) >= ROLLOUT | FORWARDS


def test_hints_on_other_layers_fail(golden, monkeypatch):
    plain = VaceStack.hints

    def swapped(self, *inputs):
        hints = plain(self, *inputs)
        return dict(zip(hints, reversed(hints.values()), strict=True))

    monkeypatch.setattr(VaceStack, "hints", swapped)
    assert failed_checks(golden) >= ROLLOUT | FORWARDS


def test_attention_to_padding_fails(golden, monkeypatch):
    """A public port pads the tokens of the chunk with zeros and lets them be attended to."""
    plain = vace.attend_all

    def padded(config, grid, device):
        longer = plain(config, grid._replace(num_latents=grid.num_latents + 1), device)
        pad = (0, 0, 0, 0, 0, grid.tokens_per_latent)

        def attend(layer, *qkv):
            seen = longer(layer, *(torch.nn.functional.pad(x, pad) for x in qkv))
            return seen[:, : grid.num_tokens]

        return attend

    monkeypatch.setattr(vace, "attend_all", padded)
    assert failed_checks(golden) >= ROLLOUT | FORWARDS


def test_a_clean_pass_with_hints_fails(golden, monkeypatch):
    def steered(self, inputs, timestep=None):
        self.cache.begin_repeat(inputs.shape[1])
        self._velocity(inputs, 0.0, self.last_hints)

    plain = ChunkSampler._velocity

    def remember(self, inputs, timestep, hints_of=None):
        self.last_hints = hints_of or getattr(self, "last_hints", None)
        return plain(self, inputs, timestep, hints_of)

    monkeypatch.setattr(ChunkSampler, "_velocity", remember)
    monkeypatch.setattr(parity_vace.RecordingSampler, "_context_pass", steered)
    assert failed_checks(golden) == {"causal_chunkwise/output"}


def test_inactive_and_reactive_the_wrong_way_round_fail(golden, monkeypatch):
    plain = vace_context.kept_and_redrawn
    monkeypatch.setattr(vace_context, "kept_and_redrawn", lambda *x: plain(*x)[::-1])
    contexts = {"context/vace_context", "context/vace_context_with_reference"}
    assert failed_checks(golden) == contexts


def test_mask_channels_in_another_order_fail(golden, monkeypatch):
    def by_columns(mask, num_latents, cell):
        made = vace_context.mask_channels(mask.transpose(3, 4), num_latents, cell)
        return made.transpose(3, 4)

    monkeypatch.setattr(parity_vace, "mask_channels", by_columns)
    assert failed_checks(golden) == {"context/mask_channels"}


def rewritten(golden, folder, change):
    shutil.copytree(golden, folder, dirs_exist_ok=True)
    path = folder / "vace.safetensors"
    with safe_open(path, "pt") as file:
        meta = json.loads(file.metadata()["meta"])
    change(meta)
    save_file(load_file(path), path, {"meta": json.dumps(meta)})
    (file,) = (file for file in parity.run(folder).files if file.name == "vace")
    return file


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda meta: meta["config"].pop("vace_layers"), "has no 'vace_layers'"),
        (lambda meta: meta["config"].update(vace_layers=[0, 9]), "with more layers"),
        (lambda meta: meta["config"].update(vace_layers=[2, 0]), "rising"),
        (lambda meta: meta["config"].update(vace_in_dim=47), "missing, unexpected or misshapen"),
        (lambda meta: meta.update(vae="some other file"), "names no .safetensors file"),
        (lambda meta: meta.update(vae="see gone.safetensors"), "cannot be read"),
    ],
)
def test_a_file_that_contradicts_its_kind_is_one_sentence(golden, tmp_path, change, sentence):
    assert sentence in rewritten(golden, tmp_path, change).error


def test_scale_zero_skips_the_stack_and_equals_no_control(monkeypatch):
    plain = chunk(sampler_of())

    def never(*_):
        raise AssertionError("the stack ran")

    monkeypatch.setattr(VaceStack, "hints", never)
    assert torch.equal(chunk(sampler_of(), control_of(1, scale=0.0)), plain)


def test_more_scale_moves_the_chunk_further():
    plain = chunk(sampler_of())
    moved = [(chunk(sampler_of(), control_of(1, scale=s)) - plain).norm() for s in (0.2, 0.5, 1)]
    assert 0 < moved[0] < moved[1] < moved[2]


def test_a_chunk_without_control_is_untouched_by_the_control_of_the_one_before():
    steered, plain = sampler_of(), sampler_of()
    latents = chunk(steered, control_of(1))
    for sampler in (steered, plain):
        if sampler is plain:
            chunk(plain)
        sampler.commit(latents)
    assert torch.equal(chunk(steered, seed=7), chunk(plain, seed=7))


@pytest.mark.parametrize("rule", [SELF_FORCING, KREA])
def test_what_the_context_remembers_is_made_without_hints(rule):
    sampler = sampler_of(rule=rule)
    latents = chunk(sampler, control_of(1))
    sampler.commit(latents)
    plain = sampler_of(rule=rule)
    plain.prefill(latents)
    sampler.recompute(latents)
    for layer in range(2):
        for got, expected in zip(sampler.cache.layer(layer), plain.cache.layer(layer), strict=True):
            assert torch.allclose(got, expected, atol=1e-6)


def test_the_text_reaches_the_stack_and_a_new_text_too():
    sampler = sampler_of()
    first = sampler.text.vace_kvs()[0].k.clone()
    sampler.set_text(torch.randn(1, 3, 8))
    assert not torch.equal(sampler.text.vace_kvs()[0].k, first)


def test_references_change_the_chunk_and_not_its_length():
    plain = chunk(sampler_of(), control_of(1))
    seen = chunk(sampler_of(), control_of(1, references=2))
    assert seen.shape == plain.shape
    assert not torch.equal(seen, plain)


def test_references_that_are_the_first_latents_give_the_hints_of_the_longer_chunk():
    """What the stack sees with references is a longer chunk whose first latents are known."""
    model, stack, control = tiny_model(), tiny_stack(), control_of(1, references=1)
    hints = vace.ChunkHints(model, stack, control, sampler_of(model, stack=stack).text.vace_kvs())
    noisy, sigma = noise_of(4), 0.6
    _, e6 = model.embed_time(torch.tensor([[600.0]]))
    first = 0.4 * control.context[:, :1, :16] + sigma * control.reference_noise(1)
    longer = model.embed_patches(torch.cat([first, noisy], 1))
    text = sampler_of(model, stack=stack).text.vace_kvs()
    expected = stack.hints(
        longer, stack.embed_context(control.context), e6, text, model.grid(3, HEIGHT, WIDTH)
    )
    got = hints.at(1, sigma, model.embed_patches(noisy), e6)
    tokens = model.grid(1, HEIGHT, WIDTH).num_tokens
    for layer, hint in expected.items():
        assert torch.allclose(got[layer], hint[:, tokens:], atol=1e-5)


def test_the_bidirectional_forward_at_scale_zero_is_the_plain_one():
    model, x = tiny_model(), noise_of(3)
    t, text = torch.tensor([[700.0]]), torch.randn(1, 3, 8)
    steered = forward_with_vace(model, tiny_stack(), (x, t), text, control_of(1, scale=0.0))
    assert torch.equal(steered, model(x, t, text))


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        (dataclasses.replace(control_of(1), context=torch.zeros(1, 3, IN_DIM, 4, 6)), "2 latents"),
        (dataclasses.replace(control_of(1), context=torch.zeros(1, 2, 7, 4, 6)), "expected"),
        (dataclasses.replace(control_of(1), num_references=1), "1 references"),
    ],
)
def test_a_context_that_does_not_fit_the_chunk_is_refused(control, sentence):
    with pytest.raises(ValueError, match=sentence):
        chunk(sampler_of(), control)


def test_a_model_without_a_stack_refuses_control():
    sampler = sampler_of()
    sampler.vace = None
    with pytest.raises(ValueError, match="no VACE stack"):
        chunk(sampler, control_of(1))


def test_references_without_noise_are_refused():
    with pytest.raises(ValueError, match="need reference_noise"):
        VaceControl(context=torch.zeros(1), num_references=1)


@pytest.mark.parametrize(
    ("dim", "ffn_dim", "heads", "layers", "config", "parameters"),
    [
        (1536, 8960, 12, 30, VACE_1_3B, 734_975_232),
        (5120, 13824, 40, 40, VACE_14B, 3_049_101_312),
    ],
)
def test_the_published_stacks_have_their_published_sizes(
    dim, ffn_dim, heads, layers, config, parameters
):
    sizes = TransformerConfig(
        dim=dim, ffn_dim=ffn_dim, num_heads=heads, num_layers=layers, text_dim=4096, text_len=512
    )
    with torch.device("meta"):
        stack = VaceStack(sizes, config)
    assert sum(p.numel() for p in stack.parameters()) == parameters
    assert len(stack.state_dict()) == 27 * len(config.layers) + 2 * len(config.layers) + 2 + 2
    assert {key.split(".")[0] for key in stack.state_dict()} == {
        "vace_blocks", "vace_patch_embedding",
    }  # fmt: skip
