"""A real window on a real host with the generator that needs no torch."""

import asyncio
import gc
import os
from contextlib import asynccontextmanager, suppress

import pytest
import qasync

from app.engine_client import EngineClient
from app.instrument import Instrument
from app.main_window import MainWindow
from app.session_store import FIRST_SHOW, SessionStore
from engine.protocol.beat_commands import SetQuantum
from engine.protocol.messages import CancelCut, QueuePrompt, SetParameters
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show_file import load_show
from engine.protocol.values import Cut
from tests import jack
from tests.host_process import SOON_S, host_process

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def windows_are_collected_here():
    """Python's collector runs in whichever thread fills it; a window that is deleted by another
    than Qt's own crashes Qt, perhaps tests later. The app has no such threads, tests have.
    """
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(scope="session")
def host():
    """One host for all tests that only look and play."""
    with host_process("--show", str(FIRST_SHOW), "--fake") as process:
        assert process.port
        yield process


@pytest.fixture(scope="session")
def server():
    """A JACK server for the tests of MIDI."""
    with jack.jack_server("window") as (environment, _):
        yield environment


@pytest.fixture
def on_our_server(server, monkeypatch):
    """Whatever starts now finds that server."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def play(qapp):
    """Run a coroutine on the loop that Qt and asyncio share."""
    qapp.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(qapp, already_running=False)
    asyncio.set_event_loop(loop)
    yield loop.run_until_complete
    loop.close()
    asyncio.set_event_loop(None)


async def until(condition, timeout_s=SOON_S):
    """Let the window live until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_window(port, process=None, show=None):
    """A window attached to the engine on `port`, with its first state drawn."""
    client = EngineClient(port, process)
    instrument = Instrument(client, SessionStore(), show or load_show(FIRST_SHOW))
    window = MainWindow(client, instrument)
    window.resize(1440, 900)
    window.show()
    conversation = asyncio.ensure_future(client.run())
    try:
        yield window
    finally:
        conversation.cancel()
        with suppress(asyncio.CancelledError):
            await conversation
        window.feed.follow("")
        window.close()
        window.deleteLater()
        await asyncio.sleep(0.05)


async def put_to_rest(window):
    """Take back what an earlier test left with the host: it is that of all, in any order."""
    await until(lambda: window.instrument.state is not None)
    for command in what_is_left(window.instrument.state):
        window._client.send(command)
    now = window.instrument
    await until(lambda: not now.state.pending and not what_is_left(now.state))


def what_is_left(state):
    """Commands that bring a host to where it began, but for what is on air."""
    values = {name: row.default for name, row in PARAMETERS.items()}
    commands = []
    if {**values, **state.live, **state.pending} != values:
        commands.append(SetParameters(values=values))
    if state.cut.pending is not Cut.NONE or state.cut.soft_chunks:
        commands.append(CancelCut())
    if state.beat.quantum_beats:
        commands.append(SetQuantum(quantum_beats=0.0))
    if state.prompt_next:
        commands.append(QueuePrompt(text=""))
    return commands


@asynccontextmanager
async def playing(port):
    """An attached window that shows a live picture of a host at rest."""
    async with open_window(port) as window:
        await put_to_rest(window)
        await until(lambda: window.instrument.state.playout.mode == "live")
        await until(lambda: not window.monitor.image.isNull())
        yield window
