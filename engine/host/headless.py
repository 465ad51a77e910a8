"""A show in the terminal: one status line a second, a report at the end.

In:     `EngineState`, twice a second, in the event loop's thread; lines of orders, where wanted.
Out:    on a terminal one line that is rewritten, elsewhere a line each; notices on stderr.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import msgspec

from engine.errors import ExitCode
from engine.host.floor_plan import Engine, HostConfig
from engine.host.run import run
from engine.host.spoken import Listener
from engine.protocol.cues import CueState
from engine.protocol.messages import EngineState, OutputState
from engine.protocol.values import Cut

_CLEAR_LINE = "\r\x1b[K"
_STATE_PERIOD_S = 0.5
_PROMPT_CHARACTERS = 32


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. Rates are means from the moment that generation has a rate."""

    exit_code: int
    seconds: float
    generation_fps: float
    output_fps: float
    state: EngineState | None


def play(
    config: HostConfig, *, as_json: bool, status_every_s: float, orders: int | None = None
) -> ExitCode:
    """Run a show in the foreground.

    Args:
        config: the show.
        as_json: print a `Report` on stdout at the end; the status then goes to stderr.
        status_every_s: seconds between status lines; 0 for none.
        orders: file descriptor on which lines like `go` arrive; None: nobody speaks.

    Raises:
        EngineError: it could not be started; nothing is left behind.
    """
    screen = Screen(sys.stderr if as_json else sys.stdout, status_every_s, orders)
    _send_notices_to(screen)
    code = run(config, screen.on_started, screen.on_state, _STATE_PERIOD_S)
    screen.end()
    if as_json:
        sys.stdout.write(msgspec.json.encode(screen.report(code)).decode() + "\n")
    return code


class Screen:
    """Writes what happens."""

    def __init__(self, stream: TextIO, status_every_s: float, orders: int | None = None) -> None:
        self._orders = orders
        self._stream = stream
        self._rewrites = stream.isatty()
        self._every_s = status_every_s
        self._next_s = 0.0
        self._is_gone = False
        self._last: EngineState | None = None
        self._sums = [0.0, 0.0]
        self._count = 0

    def on_started(self, engine: Engine) -> None:
        """Say where apps attach."""
        self.note(f"windows attach at ws://127.0.0.1:{engine.port}/ws")
        if page := engine.state().remote.page_at:
            self.note(f"the page for phones is at {page}")
        if self._orders is not None:
            self._listener = Listener(self._orders, engine.desk.answer, self.note)
            self._listener.start()

    def on_state(self, state: EngineState) -> None:
        """Take in a state; write the status line when it is time."""
        self._last = state
        if state.rates.generation_fps > 0:  # 0 until the second chunk: nothing measured yet
            self._count += 1
            self._sums[0] += state.rates.generation_fps
            self._sums[1] += state.rates.output_fps
        if self._every_s > 0 and state.uptime_s >= self._next_s:
            self._next_s = state.uptime_s + self._every_s - _STATE_PERIOD_S / 2
            line = status_line(state)
            self._write(f"{_CLEAR_LINE}{line}" if self._rewrites else f"{line}\n")

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self._write(f"{_CLEAR_LINE if self._rewrites else ''}{text}\n")

    def end(self) -> None:
        """Leave the cursor on a line of its own."""
        if self._rewrites:
            self._write("\n")

    def report(self, code: ExitCode) -> Report:
        """Return the sum of it all."""
        count = max(1, self._count)
        return Report(
            exit_code=int(code),
            seconds=self._last.uptime_s if self._last else 0.0,
            generation_fps=self._sums[0] / count,
            output_fps=self._sums[1] / count,
            state=self._last,
        )

    def _write(self, text: str) -> None:
        """A terminal that was closed ends the status, not the show."""
        if self._is_gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._is_gone = True


def status_line(state: EngineState) -> str:
    """Return the whole truth in one line."""
    rates = state.rates
    parts = [
        _clock(state.uptime_s),
        f"in {rates.input_fps:4.1f}  gen {rates.generation_fps:4.1f}  "
        f"out {rates.output_fps:5.2f}/{rates.output_target_fps:g} fps",
        f"chunk {state.chunk_index}",
        _cut(state),
        *_cues(state.cues),
        *(_output(output) for output in state.outputs if output.status != "off" and output.detail),
    ]
    if state.worker.status != "live":
        parts.insert(1, f"generator {state.worker.status}")
    return " | ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:d}:{rest:02d}"


def _cut(state: EngineState) -> str:
    cut = state.cut
    now = max(state.prompt_now, key=lambda mixed: mixed.weight).text if state.prompt_now else ""
    short = now if len(now) <= _PROMPT_CHARACTERS else f"{now[: _PROMPT_CHARACTERS - 1]}…"
    if cut.soft_step:
        return f"soft cut {cut.soft_step}/{cut.soft_chunks} to “{short}”"
    if cut.pending is not Cut.NONE:
        return f"{cut.pending} cut is next, now “{short}”"
    return f"“{short}”"


def _cues(cues: CueState) -> list[str]:
    """Return where the cue list stands; nothing without one."""
    if not cues.names:
        return []
    counts = "" if cues.follow_in_s is None else f" in {cues.follow_in_s:.0f} s"
    held = " (held)" if cues.is_held and counts else ""
    queued = f" → {cues.queued}" if cues.queued else ""
    follows = f", {cues.standby}{counts}{held} is next" if cues.standby else ", at its end"
    return [f"cue {cues.on_air or '–'}{queued}{follows}"]


def _output(output: OutputState) -> str:
    if output.status == "failed":
        return f"{output.name} failed: {output.message}"
    tally = " ON AIR" if output.program_tally else ""
    receivers = f" {output.receivers} receivers" if output.name.lower().startswith("ndi") else ""
    lost = f" {output.dropped} dropped" if output.dropped else ""
    return f"{output.name} {output.detail}{receivers}{tally}{lost}"


class _NoticeHandler(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.INFO)
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.note(f"{record.levelname.lower()}: {record.getMessage()}")


def _send_notices_to(screen: Screen) -> None:
    """What the conductor tells the performer goes through the log; here the log is the screen."""
    log = logging.getLogger("segue")
    log.addHandler(_NoticeHandler(screen))
    log.propagate = False
    log.setLevel(logging.WARNING)
    logging.getLogger("segue.conductor").setLevel(logging.INFO)
