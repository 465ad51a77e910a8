"""Parity of the KREA rollout: context recomputed from latents, its anchor re-encoded from frames.

Every case runs twice: with the file's context latents fed in, which judges the transformer alone,
and end to end, where the anchor comes out of our own decoder and encoder.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.bench.parity_checks import FileReport, Limit, Measure
from engine.bench.parity_files import GoldenError, GoldenFile, transformer_of
from engine.bench.parity_rollouts import Rollout
from engine.bench.parity_vae import pixels_of, vae_of
from engine.worker.models.wan.anchor import AnchorFrames
from engine.worker.models.wan.cache_plan import KREA
from engine.worker.models.wan.codec_stream import DecodeStream
from engine.worker.models.wan.rollout import ChunkSampler
from engine.worker.models.wan.transformer import CausalTransformer
from engine.worker.models.wan.vae import WanVAE
from engine.worker.schedule import DenoisingSteps, SigmaTable

_FROM_FRAMES = ("last_anchor/pixel_frame", "last_anchor/latent", "pixels_last_block")


class _Pictures:
    """Frames of a show as our own autoencoder decodes them, and the anchors it makes of them."""

    def __init__(self, vae: WanVAE, num_context_latents: int) -> None:
        self._stream = DecodeStream(vae)
        self._anchor = AnchorFrames(vae, num_context_latents)
        self.found: dict[str, Tensor] = {}

    def push(self, latents: Tensor) -> None:
        """Decode a finished chunk [1, F, C, h, w]."""
        frames = self._stream.push(latents)
        self._anchor.push(frames)
        self.found["pixels_last_block"] = pixels_of(frames).transpose(1, 2)

    def anchor(self) -> Tensor:
        """Encode the anchor of the next context, [1, 1, C, h, w]."""
        latent = self._anchor.latent()
        self.found["last_anchor/pixel_frame"] = pixels_of(self._anchor.frame())[:, :, 0]
        self.found["last_anchor/latent"] = latent.transpose(1, 2)[0]
        return latent


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run of one case; without `pictures` the file's context latents are fed in."""

    rollout: Rollout
    sampler: ChunkSampler
    steps: DenoisingSteps
    report: FileReport
    limit: Limit
    pictures: _Pictures | None = None

    def run(self) -> None:
        """Generate every chunk and compare latents, contexts, caches and frames."""
        chunks: list[Tensor] = []
        for index in range(self.rollout.case.integer("chunks")):
            self._recompute(index)
            chunks.append(self._chunk(index))
            if self.pictures:
                self.pictures.push(chunks[-1])
        self.rollout.check_output(self.report, chunks, self.limit)
        if self.pictures:
            self._check_pictures(self.pictures.found)

    def _recompute(self, index: int) -> None:
        """Recompute the context before chunk `index`, comparing its latents with the file's."""
        plan = self.sampler.context_plan()
        if plan is None:
            return
        name = f"block{index:02d}"
        given = self.rollout.golden.tensor(f"{self.rollout.name}/expected/{name}/context_latents")
        anchor = None
        if plan.needs_anchor:
            anchor = self.pictures.anchor() if self.pictures else given[:, :1]
        own = self.sampler.context_latents(plan, anchor)
        self.report.compare(f"{self.rollout.name}/{name}/context_latents", own, given, self.limit)
        self.sampler.recompute(own if self.pictures else given)
        last = self.sampler.cache.layer(self.sampler.model.config.num_layers - 1)
        prefix = f"{name}/recomputed_kv/last_layer"
        self.rollout.check_cache(self.report, last, prefix, self.limit)

    def _chunk(self, index: int) -> Tensor:
        """Denoise chunk `index`; a new prompt applies from here, after the recomputation."""
        text = _text(self.rollout, index)
        if text is not None:
            self.sampler.set_text(text)
        is_video = self.steps.start_sigma < 1
        video = self._given("video_latents", index) if is_video else None

        def noise(step: int) -> Tensor:
            if is_video and step == 0:
                return self._given("video_noise", index)
            return self.rollout.noise(index, step)

        latents = self.sampler.denoise_chunk(self.steps, noise, video=video)
        self.sampler.commit(latents)
        return latents

    def _given(self, key: str, index: int) -> Tensor:
        return self.rollout.span(self.rollout.input(key), index)

    def _check_pictures(self, found: dict[str, Tensor]) -> None:
        """Compare what came out of the autoencoder where the file has it."""
        for key, expected in self.rollout.expected().items():
            if key not in _FROM_FRAMES:
                continue
            if key not in found:
                raise GoldenError(f"{self.rollout.case.where}: {key} expected, but nothing made it")
            self.report.compare(f"{self.rollout.name}/{key}", found[key], expected, self.limit)


def check_krea(golden: GoldenFile, report: FileReport) -> None:
    """Run every case of the KREA rollout, with the file's contexts and end to end."""
    limit = Limit(Measure.REL_L2, golden.limit("rel L2 <= NUMBER per chunk"))
    through_vae = Limit(Measure.REL_L2, golden.limit("<= NUMBER end to end"))
    config = golden.meta.section("config")
    dit = config.section("dit")
    model = transformer_of(golden, dit, "weights/dit/")
    vae = vae_of(golden, config.section("vae"), "weights/vae/")
    table = SigmaTable(dit.number("shift"))
    for name, case in golden.meta.sections("cases").items():
        rollout = Rollout(golden, name, case, dit.integer("num_frame_per_block"))
        steps = table.strength_steps(case.number("strength"), case.integer("num_denoising_steps"))
        rollout.check_steps(report, steps, limit)
        fed = _Run(
            rollout=rollout, sampler=_sampler(rollout, model), steps=steps, report=report,
            limit=limit,
        )  # fmt: skip
        fed.run()
        own = FileReport(golden.name)
        pictures = _Pictures(vae, case.integer("kv_cache_num_frames"))
        sampler = _sampler(rollout, model)
        replace(fed, sampler=sampler, report=own, limit=through_vae, pictures=pictures).run()
        report.checks += [replace(c, name=f"{c.name} end to end") for c in own.checks]


def _sampler(rollout: Rollout, model: CausalTransformer) -> ChunkSampler:
    count = rollout.case.integer("kv_cache_num_frames")
    settings = rollout.config(KREA, count + rollout.chunk, 0)
    keeps_first = bool(rollout.case.get("keep_first_frame"))
    return ChunkSampler(model, replace(settings, keep_first_latent=keeps_first))


def _text(rollout: Rollout, index: int) -> Tensor | None:
    """Text of chunk `index` where it changes: the first prompt, then a linear blend."""
    texts = torch.split(rollout.input("contexts"), 1)
    if index == 0:
        return texts[0]
    start = rollout.case.get("prompt_lerp_at_block")
    if start is None or index < start:
        return None
    steps = rollout.case.integer("prompt_lerp_steps")
    share = min((index - start) / (steps - 1), 1.0) if steps > 1 else 1.0
    return torch.lerp(texts[0], texts[1], share)
