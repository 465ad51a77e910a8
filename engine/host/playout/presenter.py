"""The playout thread: at every deadline one whole frame goes to every output, come what may.

In:     chunks of frames [h, w, 4] uint8 BGRX (`feed`), frame parameters, the output's spec.
Out:    one `ProgramFrame` [H, W, 4] uint8 BGRX a tick to each output; black before the first chunk.
Thread: playout; the only one here that reads the clock. `feed`, `has_room` and the setters: any.
Full:   `has_room` holds the generator back; content fed in spite of it is skipped and counted.

A tick: wake shortly before the deadline, fold what came in, ask the clock what to show, make the
picture, wait for the deadline, offer. The picture is ready before it is due, so the time it takes
to make does not show in the intervals.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2

from engine.errors import LocalProtocolError
from engine.host.mailbox import Inbox, Latest
from engine.host.modulation import Modulation, applied
from engine.host.outputs.base import Notices, Output, ProgramFrame, check_spec, no_notices
from engine.host.playout.aim import Aim, Due
from engine.host.playout.clock import Clock, Controls, Mode, fed, tick
from engine.host.playout.pace import granted, refused
from engine.host.playout.picture import Finish, PictureMaker
from engine.host.playout.reservoir import Reservoir
from engine.host.playout.ticks import NS_PER_S, Tick, Ticks, next_tick, with_rate
from engine.protocol.frame_ring import RingFrame
from engine.protocol.messages import PlayoutState
from engine.protocol.parameters import Applies, defaults
from engine.protocol.values import OutputSpec, Severity
from engine.urgency import run_promptly

_MAX_WAITING_EVENTS = 1024
_MEASURED_S = 2.0  # span of the measured output rate
_LEAD_NS = 2_000_000  # wake-up slack before making a picture
_LEAD_IN_NS = 50_000_000  # from start to the first frame: the first picture is made in time
_SWITCH_S = 0.001  # a busy Python thread of this process gives way to a due frame this soon
_CHUNKS_KNOWN = 8  # more than the reservoir ever holds
_SMOOTHING = 0.05  # of the delay shown, a tick


@dataclass(frozen=True, slots=True)
class _Arrival:
    frames: tuple[RingFrame, ...]
    native_fps: float
    starts_cut: bool
    at_s: float


@dataclass(frozen=True, slots=True)
class _RoomAnswer:
    has_room: bool
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """What other threads may see of the playout thread; replaced as a whole, never changed."""

    clock: Clock
    num_folded: int = 0  # frames of `feed` that the clock knows
    late: int = 0
    delay_ms: float = 0.0
    output_fps: float = 0.0
    cost_ms: float = 0.0
    chunk_shown: int = -1
    chunk_shown_s: float = 0.0


class Presenter:
    """Owns the program: what is on air leaves here.

    Args:
        spec: size and rate of what leaves.
        outputs: where it goes; started and stopped with the presenter.
        notices: told when something happened that the performer should know.

    Raises:
        ConfigError: the spec cannot be sent.
    """

    def __init__(
        self, spec: OutputSpec, outputs: Sequence[Output], notices: Notices = no_notices
    ) -> None:
        check_spec(spec)
        self._spec = spec
        self._outputs = tuple(outputs)
        self._notices = notices
        self._parameters: Mapping[str, float] = defaults(Applies.FRAME)
        self._modulation = Modulation()
        self._due: Due | None = None
        self._events: Inbox[_Arrival | _RoomAnswer] = Inbox(_MAX_WAITING_EVENTS)
        self._new_specs: Latest[OutputSpec] = Latest()
        self._num_fed = 0
        self._was_refused = False
        self._published = _Published(clock=Clock())
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        # Below: the playout thread's own.
        self._clock = Clock()
        self._reservoir = Reservoir()
        self._firsts: dict[int, int] = {}  # of the newest chunks: their first frames
        self._picture = PictureMaker(spec.width_px, spec.height_px)
        self._emitted_ns: deque[int] = deque()
        self._last_fault = ""

    # ------------------------------------------------------------ any thread

    def start(self) -> None:
        """Start the outputs and the thread; they, and what is started later, run promptly."""
        run_promptly()
        for output in self._outputs:
            output.start(self._spec)
        self._stop.clear()
        self._thread = threading.Thread(target=self._playout_thread, name="playout", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, then the outputs. Safe to call twice."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        for output in self._outputs:
            output.stop()

    def feed(
        self, frames: Sequence[RingFrame], native_fps: float, *, starts_cut: bool = False
    ) -> None:
        """Take the frames of one chunk, in order; never waits.

        Args:
            frames: [h, w, 4] uint8 BGRX each; they must not be changed any more.
            native_fps: frames a second at which the model's motion looks natural.
            starts_cut: the first of them begins after a hard cut: nothing is mixed across it, and
                a loop never reaches back over it.

        Raises:
            LocalProtocolError: a frame is not BGRX; none was taken.
        """
        for frame in frames:
            if frame.pixels.ndim != 3 or frame.pixels.shape[2] != 4:
                raise LocalProtocolError(
                    f"playout: got a frame {frame.pixels.shape}, expected BGRX [H, W, 4]"
                )
        if frames:
            self._num_fed += len(frames)
            self._events.put(_Arrival(tuple(frames), native_fps, starts_cut, time.monotonic()))

    def has_room(self, num_frames: int) -> bool:
        """Return whether the next chunk of `num_frames` may be planned now.

        Ask when the generator is free, and again every 10 to 20 ms until it is True: the time
        between is known not to be the generator's.
        """
        seen = self._published
        left = seen.clock.left_frames + self._num_fed - seen.num_folded
        has_room = seen.clock.pace.has_room(left, num_frames)
        if has_room is self._was_refused:
            self._was_refused = not has_room
            self._events.put(_RoomAnswer(has_room, time.monotonic()))
        return has_room

    def set_frame_parameters(self, values: Mapping[str, float]) -> None:
        """Take values of rows that apply at the frame; they show at the next tick."""
        self._parameters = {**self._parameters, **values}

    def set_modulation(self, modulation: Modulation) -> None:
        """Take what moves frame rows by itself; sampled for each output frame."""
        self._modulation = modulation

    def set_due(self, due: Due | None) -> None:
        """Take the chunk that is to meet a beat: one that was fed, or the next; None: no more."""
        self._due = due

    def set_output(self, spec: OutputSpec) -> None:
        """Change size, rate or NDI name of what leaves.

        Raises:
            ConfigError: the spec cannot be sent; the old one stays.
        """
        check_spec(spec)
        self._spec = spec
        self._new_specs.put(spec)
        if self._thread is not None:
            for output in self._outputs:
                output.start(spec)

    def add_output(self, output: Output) -> None:
        """Start one more output, for example a recording."""
        if self._thread is not None:
            output.start(self._spec)
        self._outputs = (*self._outputs, output)

    def remove_output(self, output: Output) -> None:
        """Take an output away and stop it; waits until it has closed."""
        self._outputs = tuple(o for o in self._outputs if o is not output)
        output.stop()

    def state(self) -> PlayoutState:
        """Return what the window shows."""
        seen, parameters = self._published, self._parameters
        counts, pace = seen.clock.counts, seen.clock.pace
        return PlayoutState(
            mode=_shown_mode(seen.clock.mode, parameters),
            reservoir_frames=max(0, round(seen.clock.num_fed - max(0.0, seen.clock.position))),
            target_delay_frames=pace.target_delay_frames,
            delay_ms=seen.delay_ms,
            shown=counts.shown, repeated=counts.repeated, dropped=counts.dropped,
            underruns=counts.underruns, late=seen.late,
            chunk_shown=seen.chunk_shown, chunk_shown_s=seen.chunk_shown_s,
            speed=pace.rate_fps / pace.native_fps, held_back_s=counts.held_back_s,
        )  # fmt: skip

    def rates(self) -> tuple[float, float]:
        """Return frames a second that left in the last two seconds, and those that should."""
        return self._published.output_fps, self._spec.rate_fps

    @property
    def cost_ms(self) -> float:
        """What making a picture takes, smoothed, in milliseconds."""
        return self._published.cost_ms

    # ------------------------------------------------------------ the playout thread

    def _playout_thread(self) -> None:
        cv2.setNumThreads(1)  # one resize is too small to share, and the cores are the generator's
        sys.setswitchinterval(_SWITCH_S)
        ticks = Ticks(rate=_rate(self._spec), origin_ns=time.monotonic_ns() + _LEAD_IN_NS)
        while not self._stop.is_set():
            try:
                ticks = self._tick(ticks)
            except Exception as error:  # noqa: BLE001 - thread entry: the program must go on
                ticks = replace(ticks, next_index=ticks.next_index + 1)
                self._tell_fault(f"output frames were left out: {type(error).__name__}: {error}")

    def _tell_fault(self, text: str) -> None:
        if text != self._last_fault:  # a fault of every tick is told once
            self._last_fault = text
            self._notices(Severity.FAULT, "playout", text)

    def _tick(self, ticks: Ticks) -> Ticks:
        ticks = self._with_new_spec(ticks)
        ticks, due = next_tick(ticks, time.monotonic_ns())
        if due.stalled_s:
            self._notices(
                Severity.WARNING,
                "playout",
                f"output stood still for {due.stalled_s:.1f} s (was the machine suspended?); "
                f"its clock starts anew",
            )
        self._wait_until(due.due_ns - self._lead_ns(ticks))
        frame = self._frame(ticks, due)
        self._wait_until(due.due_ns)
        if not self._stop.is_set():
            self._emit(ticks, due, frame)
        return ticks

    def _with_new_spec(self, ticks: Ticks) -> Ticks:
        spec = self._new_specs.try_take()
        if spec is None:
            return ticks
        self._picture.resize(spec.width_px, spec.height_px)
        rate = _rate(spec)
        return ticks if rate == ticks.rate else with_rate(ticks, rate)

    def _frame(self, ticks: Ticks, due: Tick) -> ProgramFrame:
        begin_ns = time.monotonic_ns()
        self._fold_events()
        due_s = due.due_ns / NS_PER_S
        parameters = applied(self._modulation, self._parameters, due_s, Applies.FRAME)
        dt_s = (1 + due.num_missed) / float(ticks.rate)
        controls = _controls(parameters, self._aim(due_s))
        self._clock, decision = tick(self._clock, dt_s, controls)
        self._reservoir.forget_before(self._clock.oldest_needed)
        lease = self._picture.make(decision, self._reservoir, Finish.of(parameters))
        self._publish(decision.frame, due, cost_ns=time.monotonic_ns() - begin_ns)
        return ProgramFrame(
            pixels=lease.pixels, lease=lease, index=due.index,
            timecode_100ns=due.timecode_100ns, due_ns=due.due_ns,
            rate_numerator=ticks.rate.numerator, rate_denominator=ticks.rate.denominator,
        )  # fmt: skip

    def _aim(self, now_s: float) -> Aim | None:
        """Return the frame that is to meet a beat; of a chunk that is to come, the next one fed."""
        due = self._due
        if due is None:
            return None
        is_to_come = due.chunk_index > max(self._firsts, default=-1)
        frame = self._clock.num_fed if is_to_come else self._firsts.get(due.chunk_index)
        return None if frame is None else Aim(frame, due.at_s - now_s, due.may_hold)

    def _fold_events(self) -> None:
        for event in self._events.take_all():
            if isinstance(event, _Arrival):
                self._reservoir.append(event.frames)
                self._firsts[event.frames[0].meta.chunk_index] = self._clock.num_fed
                self._firsts = dict(sorted(self._firsts.items())[-_CHUNKS_KNOWN:])
                self._clock = fed(
                    self._clock, len(event.frames), event.native_fps, event.at_s,
                    starts_cut=event.starts_cut,
                )  # fmt: skip
            else:
                answered = granted if event.has_room else refused
                self._clock = replace(self._clock, pace=answered(self._clock.pace, event.at_s))

    def _publish(self, frame_index: int | None, due: Tick, cost_ns: int) -> None:
        seen = self._published
        frame = None if frame_index is None else self._reservoir.get(frame_index)
        delay_ms = seen.delay_ms
        if frame is not None and frame.meta.captured_ns:
            newest_ms = (due.due_ns - frame.meta.captured_ns) / 1e6
            delay_ms += (newest_ms - delay_ms) * (_SMOOTHING if delay_ms else 1.0)
        if frame is not None and frame.meta.chunk_index > seen.chunk_shown:
            seen = replace(
                seen, chunk_shown=frame.meta.chunk_index, chunk_shown_s=due.due_ns / NS_PER_S
            )
        self._published = replace(
            seen,
            clock=self._clock, num_folded=self._reservoir.end, delay_ms=delay_ms,
            cost_ms=seen.cost_ms + (cost_ns / 1e6 - seen.cost_ms) * _SMOOTHING,
            late=seen.late + due.num_missed,
        )  # fmt: skip

    def _emit(self, ticks: Ticks, due: Tick, frame: ProgramFrame) -> None:
        now_ns = time.monotonic_ns()
        for output in self._outputs:
            output.offer(frame)
        emitted = self._emitted_ns
        emitted.append(now_ns)
        while now_ns - emitted[0] > _MEASURED_S * NS_PER_S:
            emitted.popleft()
        span_ns = emitted[-1] - emitted[0]
        self._published = replace(
            self._published,
            late=self._published.late + ticks.is_late(due.index, now_ns),
            output_fps=(len(emitted) - 1) * NS_PER_S / span_ns if span_ns else 0.0,
        )

    def _lead_ns(self, ticks: Ticks) -> int:
        """Return how long before the deadline to begin: twice the usual cost and some slack."""
        cost_ns = int(2 * self._published.cost_ms * 1e6)
        return min(cost_ns + _LEAD_NS, ticks.interval_ns * 3 // 4)

    def _wait_until(self, when_ns: int) -> None:
        self._stop.wait(max(0, when_ns - time.monotonic_ns()) / NS_PER_S)


def _rate(spec: OutputSpec) -> Fraction:
    return Fraction(spec.rate_numerator, spec.rate_denominator)


def _controls(parameters: Mapping[str, float], aim: Aim | None) -> Controls:
    blend, freeze = parameters["pacing"] >= 0.5, parameters["freeze"] >= 0.5
    return Controls(blend=blend, freeze=freeze, aim=aim)


def _shown_mode(mode: Mode, parameters: Mapping[str, float]) -> str:
    if parameters["black"] >= 0.5:
        return "black"
    return "freeze" if parameters["freeze"] >= 0.5 else mode.value
