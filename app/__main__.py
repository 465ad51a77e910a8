"""`python -m app`: open the window. Makes every long-lived object once."""

from __future__ import annotations

import argparse
import asyncio
import base64
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import qasync
from PySide6.QtCore import QByteArray, QSize, QTimer
from PySide6.QtWidgets import QApplication

from app.core.autosave import Offer
from app.core.session import Leaving, leaving
from app.devices.midi import MidiInput
from app.engine_client import DEFAULT_PORT, EngineClient, LinkStatus
from app.engine_process import EngineProcess
from app.instrument import Instrument
from app.main_window import MainWindow
from app.recovery import Recovery
from app.session_store import FIRST_SHOW, SessionStore, other_window_is_open, this_window
from app.widgets import theme
from engine.errors import EngineError, ExitCode, ShowError
from engine.protocol.show import Show
from engine.protocol.show_file import load_show
from engine.protocol.values import Severity

_SIZE_PX = (1440, 900)
_SIGNAL_POLL_MS = 200
_SECOND = "Another window is open and keeps the journal; what you change in this one, save often"


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run the window; returns the exit code. Trouble is one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        store = SessionStore()
        show = _choose_show(options.show, store)
    except EngineError as error:
        sys.stderr.write(f"segue: {error}\n")
        return error.exit_code
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Segue")
    application.setFont(theme.font(14))
    application.setQuitOnLastWindowClosed(False)  # there is a little to do after that
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    with loop:
        return ExitCode(loop.run_until_complete(_run(options, store, show)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="segue", description="Open the instrument.")
    add = parser.add_argument
    add("--port", type=int, default=DEFAULT_PORT, help="port of the engine on 127.0.0.1")
    add("--show", type=Path, help="folder of the show; without it the last one")
    add("--osc", default="auto", help="[ADDRESS:]PORT of OSC, auto: --port + 1 on 127.0.0.1, off")
    add("--remote", default="off", help="[ADDRESS:]PORT of the page for phones; on: 0.0.0.0:7702")
    add("--attach-only", action="store_true", help="never start or stop an engine")
    add("--fake", action="store_true", help="start the engine with a generator without torch")
    add("--no-midi", action="store_true", help="do not look for MIDI devices")
    add("--screenshot", type=Path, help="save a picture of the window, then close")
    add("--after", type=float, default=5.0, help="seconds before the screenshot")
    return parser


def _choose_show(asked: Path | None, store: SessionStore) -> Show:
    """Return the show that was asked for, else the last one, else the factory's first."""
    if asked is not None:
        return load_show(asked)
    if store.session.show:
        with suppress(ShowError):  # moved or broken since: begin afresh, it stays where it is
            return load_show(store.session.show)
    return load_show(FIRST_SHOW)


class Session:
    """One run of the window, from its first to its last moment."""

    def __init__(self, options: argparse.Namespace, store: SessionStore, show: Show) -> None:
        self._store = store
        self._is_second = other_window_is_open(store.session)
        self._may_own_engine = not options.attach_only
        process = None if options.attach_only else EngineProcess(_engine_arguments(options, show))
        self.client = EngineClient(options.port, process)
        self.instrument = Instrument(self.client, store, show)
        self.window = MainWindow(self.client, self.instrument)
        self.recovery = Recovery(self.client, self.instrument.desk)
        self.recovery.noticed.connect(self._say)
        self.recovery.offered.connect(self._on_offered)
        self.window.offer.accepted.connect(self.recovery.accept)
        self.window.tour.ended.connect(lambda: self._journal(tour_seen=True))
        self.window.offer.dismissed.connect(self.recovery.dismiss)
        self.midi = MidiInput()
        self.instrument.midi.attach(self.midi)
        self.client.link_changed.connect(self._on_link_changed)

    def open(self, with_midi: bool, with_tour: bool = False, fits_screen: bool = True) -> None:
        """Show the window where it was, and say what the last session left behind."""
        session = self._store.session
        room = self.window.screen().availableSize()
        usual = QSize(*_SIZE_PX)
        self.window.resize(usual.boundedTo(room) if fits_screen else usual)
        if session.geometry and fits_screen:  # one that is none leaves the window as it is
            self.window.restoreGeometry(QByteArray.fromBase64(session.geometry.encode()))
        self.window.docks.begin(self._is_second)
        self.window.show()
        if self._is_second:
            self._say(Severity.WARNING, _SECOND)
        else:
            if not session.closed:
                self._say(Severity.INFO, "The last session did not end well; it is back as it was")
            self.recovery.begin(was_closed=session.closed)
        if session.left_running:
            text = f"The engine was left running for {session.left_running}"
            self._say(Severity.INFO, text)
        for remark in self.instrument.show.remarks:
            self._say(Severity.INFO, remark)
        folder = str(self.instrument.show.folder or "")
        pid, began_s = this_window()
        self._journal(
            show=folder, closed=False, left_running="", window_pid=pid, window_began_s=began_s
        )
        if with_tour and not session.tour_seen and not self._is_second:
            self.window.tour.begin()
        if with_midi:
            self.midi.start()

    async def close(self) -> None:
        """Let MIDI go, decide what becomes of the engine, write the journal."""
        geometry = self.window.saveGeometry().data()
        self.instrument.midi.lamps.leave()
        self.midi.stop()
        self.recovery.close()
        is_live = self.client.link.status is LinkStatus.LIVE
        state = self.instrument.state if is_live and self._may_own_engine else None
        decision, why = leaving(state, self._store.session)
        self._journal(
            closed=True,
            left_running=why,
            geometry=base64.b64encode(geometry).decode("ascii"),
        )
        if decision is Leaving.STOP:
            await self.client.stop_engine()

    def _on_link_changed(self, _link: object) -> None:
        pid = self.client.spawned_pid
        if pid and pid != self._store.session.engine_pid:
            self._journal(engine_pid=pid)

    def _on_offered(self, offer: Offer) -> None:
        self.window.offer.say(offer.text)

    def _say(self, severity: Severity, text: str) -> None:
        self.window.notices.add(severity, text)

    def _journal(self, **changes: object) -> None:
        if self._is_second:
            return
        self._store.write(msgspec.structs.replace(self._store.session, **changes))


def _engine_arguments(options: argparse.Namespace, show: Show) -> list[str]:
    fake = ["--fake"] if options.fake else []
    doors = ["--osc", options.osc, "--remote", options.remote]
    return ["--port", str(options.port), "--show", str(show.folder), *doors, *fake]


async def _run(options: argparse.Namespace, store: SessionStore, show: Show) -> ExitCode:
    closed = asyncio.Event()
    session = Session(options, store, show)
    session.window.closed.connect(closed.set)
    _close_on_signals(session.window)
    is_seen = options.screenshot is None  # else it is large, however small the screen
    session.open(with_midi=not options.no_midi, with_tour=is_seen, fits_screen=is_seen)
    if options.screenshot is not None:
        after_ms = round(options.after * 1000)
        QTimer.singleShot(after_ms, lambda: _take_screenshot(session.window, options.screenshot))
    conversation = asyncio.ensure_future(session.client.run())
    await closed.wait()
    await session.close()
    conversation.cancel()
    with suppress(asyncio.CancelledError):
        await conversation
    return ExitCode.OK


def _close_on_signals(window: MainWindow) -> None:
    """Close like the button does. Python sees signals only when it runs, so it runs often."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close())
    timer = QTimer(window, interval=_SIGNAL_POLL_MS)
    timer.timeout.connect(lambda: None)
    timer.start()


def _take_screenshot(window: MainWindow, path: Path) -> None:
    window.grab().save(str(path))
    window.close()


if __name__ == "__main__":
    sys.exit(main())
