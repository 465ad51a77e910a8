"""The figures of the head-up display, and the chips of the top bar. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.protocol.messages import EngineState, OutputState, WorkerState

STALE_FRAMES = 4
"""Control that is this many frames behind the source, a quarter of a second, is seen to lag."""


class Level(StrEnum):
    """How a figure is coloured."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: a caption, what it says, and a sentence for the tooltip."""

    caption: str
    value: str
    help: str = ""
    level: Level = Level.PLAIN


def figures(state: EngineState) -> tuple[Figure, ...]:
    """Return the display from left to right."""
    return (
        *_rates(state), _control(state), _latency(state), _reservoir(state), *_machine(state),
        _trouble(state), _remote(state),
    )  # fmt: skip


BLANK = tuple(
    Figure(caption=caption, value="–")
    for caption in (
        "INPUT", "GENERATION", "OUTPUT", "CONTROL", "CUT TO PICTURE", "RESERVOIR",
        "GENERATOR", "DEVICE", "BACKEND", "RESTARTS · RESETS · DROPS", "REMOTE",
    )
)  # fmt: skip
"""What stands there before an engine tells its state."""


def _rates(state: EngineState) -> tuple[Figure, ...]:
    rates = state.rates
    target = rates.output_target_fps
    short = target > 0 and rates.output_fps < 0.97 * target
    return (
        Figure(
            caption="INPUT",
            value=f"{rates.input_fps:.1f}" if state.source.status != "none" else "–",
            help="Frames a second from the source.",
        ),
        Figure(
            caption="GENERATION",
            value=f"{rates.generation_fps:.1f}",
            help="Frames a second that the generator makes.",
            level=Level.PLAIN if state.worker.status == "live" else Level.WARNING,
        ),
        Figure(
            caption="OUTPUT",
            value=f"{rates.output_fps:.2f}",
            help=f"Frames a second that leave; declared {target:.3f}.",
            level=Level.FAULT if short else Level.GOOD,
        ),
    )


def _control(state: EngineState) -> Figure:
    worker = state.worker
    is_used = state.source.status != "none" and state.live.get("control_amount", 0.0) > 0
    stale = worker.stale_frames
    return Figure(
        caption="CONTROL",
        value=_control_text(worker) if is_used and worker.control_kind else "–",
        help=f"What of the source steers the picture. In the last chunk it was {stale} frames "
        "behind the source; a slow control map is late, the picture never.",
        level=Level.WARNING if is_used and stale >= STALE_FRAMES else Level.PLAIN,
    )


def _control_text(worker: WorkerState) -> str:
    stale = f" −{worker.stale_frames}" if worker.stale_frames else ""
    return f"{worker.control_kind}{stale}"


def latency_ms(state: EngineState) -> float:
    """Return the way of a cut made now: wait for the boundary, then chunk and reservoir.

    Measured from boundary to first picture; before a chunk was seen, what they take is added up.
    """
    chunk_ms = state.worker.stage_ms.get("total", state.chunk_period_s * 1000)
    ahead_ms = state.beat.lookahead_s * 1000 or chunk_ms + state.playout.delay_ms
    return state.boundary_in_s * 1000 + ahead_ms


def _latency(state: EngineState) -> Figure:
    playout = state.playout
    return Figure(
        caption="CUT TO PICTURE",
        value=f"{latency_ms(state) / 1000:.1f} s" if state.worker.status == "live" else "–",
        help=(
            f"A cut now waits {state.boundary_in_s * 1000:.0f} ms for the boundary. From there its "
            f"first picture is made and waits its turn in the reservoir, where a picture spends "
            f"{playout.delay_ms:.0f} ms."
        ),
    )


def _reservoir(state: EngineState) -> Figure:
    playout = state.playout
    live = playout.mode in ("live", "freeze", "black")
    return Figure(
        caption="RESERVOIR",
        value=f"{playout.reservoir_frames}" if live else playout.mode.upper(),
        help=f"Frames that wait to be shown; aims at {playout.target_delay_frames}. "
        f"Shown {playout.shown}, repeated {playout.repeated}, underruns {playout.underruns}.",
        level=Level.PLAIN if live else Level.WARNING,
    )


def _machine(state: EngineState) -> tuple[Figure, ...]:
    worker = state.worker
    main = worker.backends.get("attention", next(iter(worker.backends.values()), "–"))
    listed = ", ".join(f"{op}: {name}" for op, name in sorted(worker.backends.items()))
    place = " ".join(part for part in (worker.device, worker.dtype) if part)
    return (
        Figure(
            caption="GENERATOR",
            value=worker.model or worker.status,
            help=f"{worker.status}. {worker.message} {worker.memory_bytes / 2**20:.0f} MiB.",
            level=_worker_level(state),
        ),
        Figure(caption="DEVICE", value=place or "–", help="Where it runs and in what precision."),
        Figure(
            caption="BACKEND",
            value=main,
            help=f"What really computes attention; in all: {listed or 'nothing yet'}",
        ),
    )


def _worker_level(state: EngineState) -> Level:
    match state.worker.status:
        case "live":
            return Level.GOOD
        case "stopped":
            return Level.FAULT
        case _:
            return Level.WARNING


def dropped_frames(state: EngineState) -> int:
    """Return the frames that somebody would miss: of this window's own monitor nobody does."""
    missed = sum(output.dropped for output in state.outputs if output.name != "preview")
    return state.playout.dropped + missed


def _trouble(state: EngineState) -> Figure:
    worker = state.worker
    late = f" · {worker.late_chunks} late" if worker.late_chunks else ""
    return Figure(
        caption="RESTARTS · RESETS · DROPS",
        value=f"{worker.restarts} · {worker.resets} · {dropped_frames(state)}{late}",
        help=f"Generator restarts, forced cache resets, dropped frames. "
        f"{state.playout.late} output frames were late. {worker.late_chunks} chunks kept the "
        "prompt before, because theirs was not encoded in time.",
        level=Level.WARNING if worker.restarts or worker.late_prompts else Level.PLAIN,
    )


def _remote(state: EngineState) -> Figure:
    remote = state.remote
    places = {"OSC": remote.osc_at, "Page": remote.page_at}
    listed = ". ".join(f"{name} at {place}" for name, place in places.items() if place)
    refused = f" · {remote.refused} refused" if remote.refused else ""
    return Figure(
        caption="REMOTE",
        value=f"{remote.received}{refused}" if listed or remote.received else "off",
        help=f"What came over OSC and HTTP. {listed or 'OSC is off'}. {remote.osc_listeners} OSC "
        f"listeners, {remote.pages} pages; {remote.dropped} messages came too fast. "
        f"{remote.last_refusal}".strip(),
        level=Level.WARNING if remote.dropped else Level.PLAIN,
    )


def ndi_output(state: EngineState) -> OutputState | None:
    """Return the state of the NDI output; None when there is none."""
    return next((output for output in state.outputs if output.name == "ndi"), None)


def is_on_program(state: EngineState | None) -> bool:
    """Whether a receiver says that we are on its program."""
    return state is not None and any(output.program_tally for output in state.outputs)


def num_receivers(state: EngineState | None) -> int:
    """Return how many receive us."""
    return sum(output.receivers for output in state.outputs) if state is not None else 0
