"""The published models on air: tiny ones of every row play through the real chunk loop."""

import pytest
import torch

from engine.protocol.values import CacheAction, Cut, WeightedPrompt
from engine.worker.conditions import NO_CONDITION
from engine.worker.models.spec import (
    KREA_14B,
    LONGLIVE_1_3B,
    PUBLISHED,
    PUBLISHED_VACE,
    SELF_FORCING_1_3B,
)
from engine.worker.models.wan.anchor import AnchorFrames
from engine.worker.models.wan.cache_plan import CacheState, plan_chunk
from engine.worker.models.wan.lora import Merge, read_lora
from engine.worker.noise import NoiseKey, normal_noise
from engine.worker.recipe import steps_of
from engine.worker.streams import PictureStream
from tests.published import load_row, tiny_lora, tiny_row, write_lora, write_rows
from tests.reference.tiny import rel_l2
from tests.tiny_worker import CPU, plan, tiny_worker

EVERY = (*PUBLISHED, *PUBLISHED_VACE)
FIRE, WATER = "a slow red fire on black water", "neon rain falls on a quiet street"
BY_NAME = {"ids": lambda spec: spec.name}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One folder per row, with all its files."""
    return write_rows(tmp_path_factory.mktemp("models"), EVERY)


def mix(blend=1.0):
    parts = (WeightedPrompt(text=FIRE, weight=1 - blend), WeightedPrompt(text=WATER, weight=blend))
    return tuple(part for part in parts if part.weight)


# ---------------------------------------------------------------- played


class Positions:
    """Collects the largest time position that keys and queries are turned to."""

    def __init__(self, sampler):
        self.largest = 0
        self._table = sampler.cache._table
        sampler.cache._table = self

    def __call__(self, positions):
        self.largest = max(self.largest, *positions)
        return self._table(positions)


def long_show(index: int):
    """A plan with a hard cut at chunk 7, and soft cuts of four chunks at 3 and at 14."""
    text, cut = (mix(1.0), Cut.NONE) if 7 <= index < 14 else (mix(0.0), Cut.NONE)
    action = CacheAction.KEEP
    if index == 7:
        cut, action = Cut.HARD, CacheAction.RESET
    for start in (3, 14):
        if start <= index < start + 4:
            blend = (index - start + 1) / 4
            cut, action = Cut.SOFT, CacheAction.RECACHE
            text = mix(blend if start == 3 else 1 - blend)
    steps = (0.0, 1.0, 2.0, 6.0)[index % 4]
    return plan(
        index, cut=cut, cache_action=action, text=text, cut_number=int(index >= 7),
        chunk_in_cut=index - 7 if index >= 7 else index, seed=7 + int(index >= 7),
        parameters={"steps": steps, "memory_noise": 0.1 * (index % 5 == 4)},
    )  # fmt: skip


@pytest.mark.parametrize("latents", [1, 3])
@pytest.mark.parametrize("spec", PUBLISHED, **BY_NAME)
def test_twenty_chunks_with_cuts_play_and_only_the_cuts_reset(folders, spec, latents):
    size = (48, 32) if latents == 3 else (32, 64)
    model = load_row(folders[spec.name], tiny_row(spec, latents), *size)
    positions = Positions(model.sampler)
    model.prompts.wait_mixed(mix(0.5))
    resets, fingerprints = {}, set()
    with tiny_worker(model) as worker:
        for index in range(20):
            report = worker.run(long_show(index))
            fingerprints.add(report.frames_crc32)
            resets[index] = {reset.state for reset in report.resets}
            assert (report.discarded, report.late_prompts) == ("", ())
            assert report.num_frames == 4 * latents
            assert report.shapes["frames"] == (4 * latents, size[1], size[0])
    assert len(fingerprints) == 20
    cut = {index for index, states in resets.items() if "KV cache" in states}
    assert cut == {7}
    assert all(resets[i] <= {"cross-attention cache"} for i in range(20) if i != 7)
    assert positions.largest < model.spec.window.window_latents


@pytest.mark.parametrize("spec", PUBLISHED, **BY_NAME)
def test_no_show_ends_or_resets_by_its_length(folders, spec):
    model = load_row(folders[spec.name], tiny_row(spec, 1), 16, 16)
    positions = Positions(model.sampler)
    with tiny_worker(model) as worker:
        for index in range(70):
            assert worker.run(plan(index, parameters={"steps": 1.0})).resets == ()
    assert model.sampler.num_finished == 70
    assert positions.largest < model.spec.window.window_latents


def test_positions_reach_the_end_of_the_window_and_stay_there():
    spec, state, seen = SELF_FORCING_1_3B, CacheState(), []
    for _ in range(30):
        step = plan_chunk(spec.rule, spec.window, state, spec.latents_per_chunk)
        state, seen = step.after, [*seen, step.query_positions[-1]]
    assert seen == [2, 5, 8, 11, 14, 17, *[20] * 24]


def published_order(model, num_chunks, switch_at):
    """Latents of a KREA show in the order of the published inference, without the chunk loop.

    Before each chunk but the first its context is made anew, under the text before; then a new text
    comes in.
    """
    sampler, picture = model.sampler, PictureStream(model.codec)
    anchors = AnchorFrames(model.codec, model.spec.context_latents)
    shape = (1, 3, 16, 4, 6)
    for index in range(num_chunks):
        wanted = sampler.context_plan()
        if wanted:
            head = anchors.latent() if wanted.needs_anchor else None
            sampler.recompute(sampler.context_latents(wanted, head))
        if index in (0, switch_at):
            sampler.set_text(model.prompts.wait_mixed(mix(float(index > 0))).rows)

        def noise(step, chunk=index):
            return normal_noise(shape, NoiseKey(seed=7, chunk=chunk, step=step), CPU.device)

        latents = sampler.denoise_chunk(model.spec.steps, noise)
        sampler.commit(latents)
        anchors.push(picture.push(latents)[None])
    return sampler._recent


def test_the_loop_recomputes_as_published_inference_does(folders):
    spec = tiny_row(KREA_14B)
    by_hand, played = (load_row(folders["krea-14b"], spec) for _ in range(2))
    played.prompts.wait_mixed(mix(0.5))
    with torch.inference_mode():
        expected = published_order(by_hand, 6, switch_at=4)
    with tiny_worker(played) as worker:
        for index in range(6):
            text = mix(float(index >= 4))
            action = CacheAction.RECACHE if index == 4 else CacheAction.KEEP
            worker.run(plan(index, text=text, cache_action=action, parameters={}))
    assert torch.equal(played.sampler._recent, expected)


def test_a_hard_cut_forgets_the_frames_that_anchors_come_from(folders):
    model = load_row(folders["krea-14b"], tiny_row(KREA_14B))
    with tiny_worker(model) as worker:
        worker.run(plan(0))
        assert model.anchor.frame().shape == (1, 1, 3, 32, 48)
        cut = {"cut": Cut.HARD, "cache_action": CacheAction.RESET, "cut_number": 1}
        worker.loop.cross_boundary(plan(1, chunk_in_cut=0, **cut))
    with pytest.raises(ValueError, match="only 0 were pushed"):
        model.anchor.frame()


@pytest.mark.parametrize(
    ("spec", "wanted", "timesteps"),
    [
        (LONGLIVE_1_3B, {}, [1000, 937.5, 833.33, 625]),
        (LONGLIVE_1_3B, {"steps": 2.0}, [1000, 833.33]),
        (KREA_14B, {"steps": 5.0}, [1000, 937.5, 833.33, 625, 0]),
    ],
    ids=["own", "two", "five of krea"],
)
def test_a_chunk_is_made_in_the_steps_of_its_models_schedule(folders, spec, wanted, timesteps):
    with tiny_worker(load_row(folders[spec.name], tiny_row(spec))) as worker:
        steps = steps_of(worker.loop.model.spec, plan(0, parameters=wanted), NO_CONDITION)
    assert steps.timesteps == pytest.approx(timesteps, abs=0.01)


# ---------------------------------------------------------------- LoRAs


@pytest.fixture
def with_loras(folders, tmp_path):
    """A Self-Forcing folder with two LoRAs, and the row to load it with."""
    folder = tmp_path / "sf"
    folder.mkdir()
    for part in folders["self-forcing-1.3b"].iterdir():
        (folder / part.name).symlink_to(part)
    (folder / "loras").mkdir()
    spec = tiny_row(SELF_FORCING_1_3B)
    for name, seed in (("b", 22), ("a", 21)):
        path = write_lora(tmp_path, "peft", tiny_lora(spec.transformer, seed=seed))
        path.rename(folder / "loras" / f"{name}.safetensors")
    return folder, spec


def run_show(model, amounts):
    """Play a chunk per pair of LoRA amounts; returns latents and the states that were reset."""
    resets = set()
    with tiny_worker(model) as worker:
        for index, (first, second) in enumerate(amounts):
            report = worker.run(plan(index, parameters={"lora_1": first, "lora_2": second}))
            resets |= {reset.state for reset in report.resets}
    return model.sampler._recent.clone(), resets


def test_loras_are_named_in_order_and_one_too_many_is_told(with_loras):
    folder, spec = with_loras
    write_lora(folder / "loras", "peft", tiny_lora(spec.transformer)).rename(
        folder / "loras" / "c.safetensors"
    )
    assert load_row(folder, spec).notices == (
        "LoRA 1 is a, rank 4.", "LoRA 2 is b, rank 4.", "Only the first 2 of 3 LoRAs are loaded.",
    )  # fmt: skip


def test_a_lora_that_does_not_fit_is_left_out_with_its_reason(with_loras):
    folder, spec = with_loras
    wrong = {"blocks.9.ffn.0": (torch.zeros(2, 24), torch.zeros(40, 2))}
    write_lora(folder / "loras", "peft", wrong).rename(folder / "loras" / "a.safetensors")
    model = load_row(folder, spec)
    assert model.loras.names == ("b",)
    assert "1 unknown (blocks.9.ffn.0)" in model.notices[0]
    assert model.notices[0].endswith("it is left out.")


def test_a_show_with_a_played_lora_is_the_show_of_a_model_with_it_merged(with_loras):
    folder, spec = with_loras
    played, _ = run_show(load_row(folder, spec), [(0.8, 0.0)] * 3)
    model = load_row(folder, spec)
    merge = Merge(read_lora(folder / "loras" / "a.safetensors"), CPU.device, 0.8)
    merged = {key: merge(key, value) for key, value in model.sampler.model.state_dict().items()}
    model.sampler.model.load_state_dict(merged)
    expected, _ = run_show(model, [(0.0, 0.0)] * 3)
    plain, _ = run_show(load_row(folder, spec), [(0.0, 0.0)] * 3)
    # float32 sums in another order, over three chunks of four steps; the plain show is far off
    assert rel_l2(played, expected) < 1e-5
    assert rel_l2(plain, expected) > 1e-2


def test_loras_are_swapped_and_faded_without_a_reset(with_loras):
    folder, spec = with_loras
    fade = [(1.0, 0.0), (1.0, 0.0), (0.5, 0.5), (0.0, 1.0)]
    faded, resets = run_show(load_row(folder, spec), fade)
    kept, _ = run_show(load_row(folder, spec), [(1.0, 0.0)] * 4)
    assert resets == set()
    assert torch.equal(faded[:, :6], kept[:, :6])
    assert rel_l2(faded[:, 6:9], kept[:, 6:9]) > 1e-2
    assert rel_l2(faded[:, 9:], kept[:, 9:]) > 1e-2


def test_a_lora_changes_the_text_as_it_is_attended_to(with_loras):
    folder, spec = with_loras
    model = load_row(folder, spec)
    with tiny_worker(model) as worker:
        worker.run(plan(0))
        before = model.sampler.text.kvs()[0].k.clone()
        worker.run(plan(1, parameters={"lora_1": 1.0}))
        assert not torch.equal(model.sampler.text.kvs()[0].k, before)
        worker.run(plan(2))
        assert torch.equal(model.sampler.text.kvs()[0].k, before)


# ---------------------------------------------------------------- VACE


def steered(folder, spec, amount):
    """Play eight chunks of 32x32 after a moving square, with a cut; returns their reports."""
    with tiny_worker(load_row(folder, spec, 32, 32)) as worker:
        worker.loop.model.prompts.wait_mixed(mix(0.5))
        reports = []
        for index in range(8):
            newest = worker.deliver(4 * spec.latents_per_chunk)
            parameters = {"steps": 2.0, "control_amount": amount, "control_kind": 1.0}
            soft = {"cut": Cut.SOFT, "cache_action": CacheAction.RECACHE, "text": mix(0.5)}
            change = soft if index == 5 else {"text": mix(0.5 if index > 5 else 0.0)}
            reports.append(
                worker.run(plan(index, parameters=parameters, input_until=newest, **change))
            )
        return reports


@pytest.mark.parametrize("latents", [1, 3])
@pytest.mark.parametrize("spec", PUBLISHED_VACE, **BY_NAME)
def test_a_control_picture_steers_every_row_with_vace(folders, spec, latents):
    shows = [steered(folders[spec.name], tiny_row(spec, latents), amount) for amount in (0.0, 1.0)]
    for free, led in zip(*shows, strict=True):
        assert (free.condition, led.discarded) == (None, "")
        assert free.frames_crc32 != led.frames_crc32
    assert all(
        {reset.state for reset in report.resets} <= {"cross-attention cache"} for report in shows[1]
    )
