"""Parity of whole rollouts: Self-Forcing and LongLive."""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from engine.bench.parity_checks import FileReport, Limit, Measure
from engine.bench.parity_files import GoldenError, GoldenFile, Section, transformer_of
from engine.worker.models.wan.cache_plan import (
    LONGLIVE,
    SELF_FORCING,
    CacheRule,
    CacheWindow,
    Positions,
)
from engine.worker.models.wan.passes import Steer
from engine.worker.models.wan.rollout import ChunkSampler, RolloutConfig
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.vace import VaceStack
from engine.worker.schedule import DenoisingSteps, SigmaTable


class RecordingSampler(ChunkSampler):
    """A sampler that keeps the velocity of every call, the clean ones included."""

    def __init__(
        self, model: CausalTransformer, config: RolloutConfig, vace: VaceStack | None = None
    ) -> None:
        self.flows: list[Tensor] = []
        super().__init__(model, config, vace)

    def _velocity(self, inputs: Tensor, timestep: float, steer: Steer | None = None) -> Tensor:
        flow = super()._velocity(inputs, timestep, steer)
        self.flows.append(flow)
        return flow

    def _context_pass(self, inputs: Tensor, timestep: float | None = None) -> None:
        super()._context_pass(inputs, timestep)
        # The real pass stops early and has no output. Running the same slots once more in full
        # writes the same keys and values and shows what the output would have been.
        told = self.config.context_timestep if timestep is None else timestep
        self._velocity(inputs, told)


@dataclass(frozen=True, slots=True)
class Rollout:
    """One case of a rollout file."""

    golden: GoldenFile
    name: str
    case: Section
    chunk: int

    def input(self, key: str) -> Tensor:
        """Input tensor of the case."""
        return self.golden.tensor(f"{self.name}/inputs/{key}")

    def expected(self, prefix: str = "") -> dict[str, Tensor]:
        """Expected tensors of the case below `prefix`."""
        return self.golden.under(f"{self.name}/expected/{prefix}")

    def noise(self, index: int, step: int) -> Tensor:
        """Noise of chunk `index` before denoising step `step`, [B, F, C, h, w]."""
        if step:
            return self.input("renoise")[index, step - 1].unsqueeze(0)
        return self.span(self.input("noise"), index)

    def span(self, latents: Tensor, index: int) -> Tensor:
        """Latents of chunk `index`."""
        return latents[:, index * self.chunk : (index + 1) * self.chunk]

    def config(self, rule: CacheRule, window: int, sink: int) -> RolloutConfig:
        """Settings of the sampler."""
        height, width = self.case.integers("latent_hw")
        try:
            cache_window = CacheWindow(window_latents=window, sink_latents=sink)
        except ValueError as error:
            raise GoldenError(f"{self.case.where}: {error}") from error
        return RolloutConfig(
            rule=rule,
            window=cache_window,
            height=height,
            width=width,
            latents_per_chunk=self.chunk,
        )

    def check_output(
        self, report: FileReport, chunks: list[Tensor], limit: Limit, key: str = "output"
    ) -> None:
        """Compare the finished latents chunk by chunk."""
        expected = self.golden.tensor(f"{self.name}/expected/{key}")
        lengths = [chunk.shape[1] for chunk in chunks]
        if sum(lengths) != expected.shape[1]:
            report.compare(f"{self.name}/{key}", torch.cat(chunks, 1), expected, limit)
            return
        for index, part in enumerate(torch.split(expected, lengths, 1)):
            report.compare(f"{self.name}/{key} chunk {index}", chunks[index], part, limit)

    def check_steps(self, report: FileReport, steps: DenoisingSteps, limit: Limit) -> None:
        """Compare the list of timesteps where the file has one."""
        for expected in self.expected("steps_t").values():
            report.compare(f"{self.name}/steps_t", torch.tensor(steps.timesteps), expected, limit)

    def check_cache(
        self, report: FileReport, cached: tuple[Tensor, Tensor], prefix: str, limit: Limit
    ) -> None:
        """Compare keys and values of one layer where the file has them."""
        expected = self.expected(f"{prefix}/")
        for name, found in zip("kv", cached, strict=True):
            if name in expected:
                report.compare(f"{self.name}/{prefix}/{name}", found, expected[name], limit)


def steps_of(settings: Section) -> DenoisingSteps:
    """Steps from a list that may be in unwarped units."""
    table = SigmaTable(settings.number("shift"))
    listed = settings.integers("denoising_step_list")
    return table.steps(
        table.warp(listed) if settings.get("warp_denoising_step") else [float(t) for t in listed]
    )


def check_self_forcing(golden: GoldenFile, report: FileReport) -> None:
    """Run every case of the Self-Forcing rollout."""
    limit = Limit(Measure.REL_L2, golden.limit("rel L2 <= NUMBER on expected/output"))
    first = Limit(Measure.REL_L2, golden.limit("<= NUMBER on the first call"))
    config = golden.meta.section("config")
    model = transformer_of(golden, config, "weights/")
    chunk = config.integer("num_frame_per_block")
    for name, case in golden.meta.sections("cases").items():
        rollout = Rollout(golden, name, case, chunk)
        settings = rollout.config(
            SELF_FORCING, case.integer("cache_frames"), case.integer("sink_size")
        )
        told = case.number("context_noise")
        sampler = RecordingSampler(model, replace(settings, context_timestep=told))
        steps = steps_of(case)
        chunks = _self_forcing_chunks(rollout, sampler, steps)
        rollout.check_steps(report, steps, limit)
        _check_flows(rollout, sampler.flows, report, ("call", first, limit))
        rollout.check_output(report, chunks, limit)
        for layer in range(model.config.num_layers):
            rollout.check_cache(report, sampler.cache.layer(layer), f"final_kv/layer{layer}", limit)


def _self_forcing_chunks(
    rollout: Rollout, sampler: RecordingSampler, steps: DenoisingSteps
) -> list[Tensor]:
    sampler.set_text(rollout.input("context"))
    chunks: list[Tensor] = []
    if rollout.case.integer("initial_frames"):
        for given in torch.split(rollout.input("initial_latent"), rollout.chunk, 1):
            sampler.prefill(given)
            chunks.append(given)
    for index in range(rollout.case.integer("chunks")):
        chunks.append(sampler.denoise_chunk(steps, partial(rollout.noise, index)))
        sampler.commit(chunks[-1])
    return chunks


def _check_flows(
    rollout: Rollout, flows: list[Tensor], report: FileReport, what: tuple[str, Limit, Limit]
) -> None:
    """Compare the velocities that the file has; the first call has a limit of its own."""
    prefix, first, later = what
    for key, expected in rollout.expected(prefix).items():
        call = int(key.split("/")[0])
        if call >= len(flows):
            raise GoldenError(f"{rollout.case.where}: call {call} expected, {len(flows)} made")
        limit = later if call else first
        report.compare(f"{rollout.name}/{prefix}{key}", flows[call], expected, limit)


def check_longlive(golden: GoldenFile, report: FileReport) -> None:
    """Run every case of the LongLive rollout with its prompt switches."""
    limit = Limit(Measure.REL_L2, golden.limit("rel L2 <= NUMBER"))
    config = golden.meta.section("config")
    model = transformer_of(golden, config, "weights/")
    steps = steps_of(config)
    for name, case in golden.meta.sections("cases").items():
        rollout = Rollout(golden, name, case, config.integer("num_frame_per_block"))
        positions = Positions.WINDOW if case.get("relative_rope") else Positions.ABSOLUTE
        keeps_sink = bool(case.get("global_sink"))
        rule = replace(LONGLIVE, positions=positions, recache_keeps_sink=keeps_sink)
        settings = rollout.config(rule, case.integer("local_attn_size"), case.integer("sink_size"))
        told = config.number("context_noise")
        sampler = RecordingSampler(model, replace(settings, context_timestep=told))
        chunks = _longlive_chunks(rollout, sampler, steps)
        _check_flows(rollout, sampler.flows, report, ("recache_call", limit, limit))
        rollout.check_output(report, chunks, limit)
        last = sampler.cache.layer(model.config.num_layers - 1)
        rollout.check_cache(report, last, "final_kv/last_layer", limit)


def _longlive_chunks(
    rollout: Rollout, sampler: RecordingSampler, steps: DenoisingSteps
) -> list[Tensor]:
    texts = torch.split(rollout.input("contexts"), 1)
    switches = rollout.case.integers("switch_frame_indices")
    sampler.set_text(texts[0])
    chunks: list[Tensor] = []
    for index in range(rollout.case.integer("chunks")):
        if sampler.num_finished in switches:
            sampler.set_text(texts[1 + switches.index(sampler.num_finished)])
            sampler.recache()
        chunks.append(sampler.denoise_chunk(steps, partial(rollout.noise, index)))
        sampler.commit(chunks[-1])
    return chunks
