"""A steady chunk as one piece of work for the device: denoise, decode, hand on, context. HOT.

In:     `ChunkInputs`.
Out:    frames that `FramesOut` has begun to hand on; the context of the next chunk.
Thread: generator.   Plain twin: the chunk loop's own stages, one recording a pass.
Full:   cannot fill. What is not steady (the start of a show, a cache that fills, numbers of steps
        or references that the warm-up did not record) is left to the twin, and counted.

    present stream   inputs  steps ──┬──────────────── context pass ──┬── what the host remembers
    beside it                        └─ decode ─ BGRX ─┐              │
    copy streams                                       └─ to the host ┘

Decoder and copies run beside the context pass and before it where both want the device. The host
waits for the copies alone, so frames leave while the context is being made. Only where a context
begins with a frame that was just decoded (KREA's anchor) does it wait for the decoder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import partial

from torch import Tensor

from engine.worker.frames_out import FramesOut
from engine.worker.kernels.beside import Beside
from engine.worker.kernels.graphs import Graphs
from engine.worker.model import LoadedModel
from engine.worker.models.wan.fast_passes import FastPasses
from engine.worker.models.wan.kv_cache import CachePass
from engine.worker.models.wan.whole_steps import ChunkInputs, StepsPlan, WholeSteps
from engine.worker.streams import PictureStream
from engine.worker.telemetry import RecordedSpans, Telemetry

_NUM_WARM_UP_CHUNKS = 2

Views = tuple[CachePass, CachePass, CachePass]


class WholeChunk:
    """Plays chunks as one where it can; where not, says so and leaves everything as it was."""

    def __init__(
        self, model: LoadedModel, picture: PictureStream, out: FramesOut, telemetry: Telemetry
    ) -> None:
        device, passes = model.compute.device, model.sampler.passes
        self.is_on = device.type == "cuda"
        self.num_played = 0
        self.by_pass: Counter[str] = Counter()
        """Why a chunk was not played as one → how many were not."""
        self.ran = ""
        """How the last chunk ran, as a backend is named."""
        self._sampler = model.sampler
        self._passes = passes
        self._steps = WholeSteps(model.sampler, passes) if isinstance(passes, FastPasses) else None
        self._graphs = passes.graphs if isinstance(passes, FastPasses) else Graphs(device)
        self._picture = picture
        self._decoder = picture.steady(model.codec)
        self._anchor = model.anchor
        self._num_frames = model.spec.frames_per_chunk
        self._out = out
        self._telemetry = telemetry
        self._spans = RecordedSpans(device)
        self._beside = Beside(device)
        self._may_record = False
        self._refusal = ""
        self._warm: set[Hashable] = set()

    @property
    def num_warm_up_chunks(self) -> int:
        """Steady chunks that a warm-up plays: pass by pass, then recorded."""
        return _NUM_WARM_UP_CHUNKS if self.is_on and self._graphs.is_on else 0

    @property
    def backends(self) -> dict[str, str]:
        """How the last chunk ran; empty where chunks are never played as one."""
        return {"chunk": self.ran} if self.ran and (self.is_on or self.num_played) else {}

    def forget_counts(self) -> None:
        """Count from now on: what a warm-up did is not the show's."""
        self.num_played = 0
        self.by_pass.clear()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record meanwhile what comes a second time, its kernels having run the first time."""
        self._may_record = True
        yield
        self._may_record = False

    def try_play(self, given: ChunkInputs) -> bool:
        """Make a chunk and begin to hand it on; False where that is the twin's to do."""
        steps = self._steps
        plan = steps.plan(given) if steps is not None and self.is_on else None
        reason = self._why_not(plan)
        if steps is None or plan is None or reason:
            return self._left(reason)
        with self._telemetry.span("chunk"):
            steps.take(plan, given)
            self._decoder.take()
            made = self._run(plan, steps)
            if made is None:
                return self._left(self._refusal)
            latents, frames = made
            steps.finish(plan, latents)
            if self._anchor is not None:
                self._anchor.push(frames[None])
        self._telemetry.adopt(self._spans)
        self.num_played += 1
        self.ran = "one recording" if self._graphs.is_on else "in one"
        return True

    def _left(self, reason: str) -> bool:
        self.by_pass[reason] += 1
        self.ran = f"pass by pass: {reason}"
        return False

    def _why_not(self, plan: StepsPlan | None) -> str:
        """Return why the next chunk is the twin's, or nothing."""
        if self._refusal or not self.is_on:
            return self._refusal or "switched off"
        if self._sampler.passes is not self._passes or self._steps is None:
            return "passes are plain"
        if self._picture.is_fresh or not self._sampler.num_finished:
            return "the first chunk"
        if plan is None or self._sampler.config.batch != 1:
            return "its context is not steady"
        if plan.needs_anchor and not self._has_anchor():
            return "its anchor lies further back"
        return "" if self._is_ready(self._key(plan)) else "not recorded"

    def _has_anchor(self) -> bool:
        return self._anchor is not None and self._anchor.lies_in(self._num_frames)

    def _is_ready(self, key: Hashable) -> bool:
        """Whether a chunk is recorded, or may be now that its kernels have run pass by pass."""
        if not self._graphs.is_on or self._graphs.has(key):
            return True
        if not self._may_record:
            return False
        is_warm = key in self._warm
        self._warm.add(key)
        return is_warm

    def _key(self, plan: StepsPlan) -> Hashable:
        return "chunk", plan.key, self._decoder.key

    def _run(self, plan: StepsPlan, steps: WholeSteps) -> tuple[Tensor, Tensor] | None:
        """Return latents and frames; None if this device refuses to record them."""
        key = self._key(plan)
        work = partial(self._work, plan, steps, steps.views(plan))
        is_recorded = self._graphs.has(key) or not self._graphs.is_on
        try:
            return self._graphs.run(key, work, is_warm=True)
        except RuntimeError as error:
            if is_recorded:
                raise
            # Nothing has run, so the chunk can still be made pass by pass, and so can the show.
            self._refusal = f"it cannot be recorded ({(str(error).splitlines() or [''])[0]})"
            return None

    def _work(self, plan: StepsPlan, steps: WholeSteps, views: Views) -> tuple[Tensor, Tensor]:
        """Do the device's part of a chunk."""
        span, beside = self._spans.span, self._beside
        with span("denoise"):
            latents = steps.denoise(plan, views[:2])
        with beside.fork(), span("decode"):
            frames = self._decoder.run(latents)
            self._out.begin(frames)
        if plan.needs_anchor:
            beside.join()
        with span("commit"):
            encoder = self._anchor if plan.needs_anchor else None
            anchor = None if encoder is None else encoder.latent_in(frames[None])
            steps.context(plan, views[2], latents, anchor)
        beside.join()
        self._out.join()
        return latents, frames
