"""Test doubles and sample values; no other place defines any."""

from __future__ import annotations

from engine.protocol.messages import (
    CutState,
    EngineState,
    PlayoutState,
    Rates,
    SourceState,
    WorkerState,
)
from engine.protocol.orders import ChunkPlan, ChunkReport, WorkerReady
from engine.protocol.parameters import Applies, defaults
from engine.protocol.values import ModelChoice, OutputSpec, WeightedPrompt


class Notices:
    """Collects what the performer would read."""

    def __init__(self):
        self.all = []

    def __call__(self, severity, subject, text):
        self.all.append((severity, subject, text))

    @property
    def texts(self):
        return [text for _, _, text in self.all]


def chunk_plan(index, **changes):
    fields = {
        "chunk_index": index,
        "cut_number": 0,
        "chunk_in_cut": index,
        "snapshot_version": index + 1,
        "seed": 1,
        "text": (WeightedPrompt(text="ink", weight=1.0),),
        "parameters": defaults(Applies.CHUNK),
    }
    return ChunkPlan(**{**fields, **changes})


def chunk_report(index, **changes):
    fields = {"num_frames": 12, "stage_ms": {}, "backends": {}, "shapes": {}}
    return ChunkReport(chunk_index=index, **{**fields, **changes})


def worker_ready(**changes):
    fields = {
        "model": ModelChoice(),
        "device": "cpu",
        "dtype": "float32",
        "backends": {},
        "native_fps": 16.0,
        "frames_per_chunk": 12,
        "load_s": 0.5,
    }
    return WorkerReady(**{**fields, **changes})


def engine_state(**changes):
    fields = {
        "pid": 1,
        "uptime_s": 0.0,
        "prompt_now": (),
        "prompt_next": "",
        "look_name": "",
        "live": defaults(),
        "pending": {},
        "cut": CutState(),
        "chunk_index": 0,
        "seed": 1,
        "boundary_in_s": 0.0,
        "chunk_period_s": 0.0,
        "rates": Rates(),
        "playout": PlayoutState(),
        "source": SourceState(),
        "outputs": (),
        "output": OutputSpec(),
        "worker": WorkerState(),
        "preview_ring": "",
        "take": "",
        "recording": "",
    }
    return EngineState(**{**fields, **changes})


class WorkerDiary:
    """Listens to a supervisor and writes down what it is told."""

    def __init__(self):
        self.lines = []

    def on_ready(self, ready):
        self._write("ready", ready)

    def on_frames(self, frames):
        self._write("frames", frames)

    def on_report(self, report):
        self._write("report", report)

    def on_prompt_read(self, event):
        self._write("prompt", event)

    def on_prompt_failed(self, event):
        self._write("prompt failed", event)

    def on_next_ready(self):
        self._write("next ready", None)

    def on_next_failed(self, reason, *, out_of_memory):
        self._write("next failed", (reason, out_of_memory))

    def on_room_made(self, reason):
        self._write("room made", reason)

    def on_lost(self, reason, detail):
        self._write("lost", reason)

    def on_given_up(self, reason, detail):
        self._write("given up", reason)

    def said(self, kind):
        return [content for what, content in self.lines if what == kind]

    def _write(self, kind, content):
        self.lines.append((kind, content))
