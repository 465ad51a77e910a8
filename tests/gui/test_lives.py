"""Window and engine live and die apart: whole processes, as a performer has them."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from types import SimpleNamespace

import msgspec
import pytest
from PySide6.QtGui import QImage

import app.__main__ as app_main
from app.core.session import from_text
from app.engine_process import EngineProcess
from app.session_store import FIRST_SHOW, SessionStore
from engine.protocol.messages import EngineState, QueuePrompt, StartRecording, StopEngine
from engine.protocol.show_file import load_show
from tests.gui.conftest import open_window, until
from tests.host_process import ROOT, SOON_S, attached, is_running, wait_until


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def start_window():
    """Start windows in processes of their own; ends what is left of them."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "--no-midi", *arguments],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def state_of(port):
    """Return the engine's state, or None while there is no engine."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/state", timeout=5) as page:
            return msgspec.json.decode(page.read(), type=EngineState)
    except OSError:
        return None


def shown(port):
    state = state_of(port)
    return state.playout.shown if state is not None else 0


def journal(home):
    path = home / "autosave" / "session.json"
    return from_text(path.read_text()) if path.exists() else None


@pytest.fixture
def own_engine(segue_home, start_window):
    """A window that started an engine of its own; whatever is left of both is ended."""
    port = free_port()
    window = start_window("--port", str(port), "--fake", "--show", str(FIRST_SHOW))
    assert wait_until(lambda: shown(port) > 0)
    engine_pid = state_of(port).pid
    yield window, port, engine_pid
    if is_running(engine_pid):
        os.kill(engine_pid, signal.SIGTERM)
        wait_until(lambda: not is_running(engine_pid))


def test_kill_9_of_the_window_leaves_the_output_alone_and_a_new_one_shows_the_truth(
    play, host, start_window
):
    window = start_window("--port", str(host.port), "--attach-only")
    assert wait_until(lambda: shown(host.port) > 0)

    async def play_on():
        async with attached(host) as client:
            await client.ask(QueuePrompt(text="after the crash"))
        window.kill()
        window.wait()
        before = shown(host.port)
        assert wait_until(lambda: shown(host.port) > before + 10)
        async with open_window(host.port) as new:
            await until(lambda: new.prompt.field.text() == "after the crash")
            assert new.instrument.state.pid == host.pid
        async with attached(host) as client:
            await client.ask(QueuePrompt(text=""))

    play(play_on())


def test_the_engine_outlives_a_window_that_is_killed_and_the_next_one_owns_it(
    own_engine, segue_home, start_window
):
    window, port, engine_pid = own_engine
    window.kill()
    window.wait()
    assert is_running(engine_pid)
    assert journal(segue_home).closed is False
    picture = str(segue_home / "window.png")
    second = start_window("--port", str(port), "--screenshot", picture, "--after", "3")
    assert second.wait(SOON_S) == 0  # it closed like any window: attached, nobody receives
    assert wait_until(lambda: not is_running(engine_pid))


def test_closing_the_window_stops_its_engine_and_writes_the_journal(own_engine, segue_home):
    window, _, engine_pid = own_engine
    window.send_signal(signal.SIGTERM)
    assert window.wait(SOON_S) == 0
    assert wait_until(lambda: not is_running(engine_pid))
    session = journal(segue_home)
    assert session.closed
    assert session.show == str(FIRST_SHOW)


def test_closing_the_window_during_a_recording_leaves_the_engine_on(own_engine, segue_home, play):
    window, port, engine_pid = own_engine

    engine = SimpleNamespace(port=port)

    async def record():
        async with attached(engine) as client:
            await client.ask(StartRecording())

    play(record())
    assert wait_until(lambda: bool(state_of(port).recording))
    assert wait_until(lambda: window.poll() is None)
    wait_until(lambda: False, timeout_s=0.5)  # the window hears of it within a tenth of a second
    window.send_signal(signal.SIGTERM)
    assert window.wait(SOON_S) == 0
    assert is_running(engine_pid)
    assert journal(segue_home).left_running == "a recording"

    async def stop():
        async with attached(engine) as client:
            await client.ask(StopEngine())

    play(stop())


def test_an_engine_that_dies_is_started_again_by_its_window(own_engine):
    _, port, engine_pid = own_engine
    os.kill(engine_pid, signal.SIGKILL)
    assert wait_until(lambda: shown(port) > 0 and state_of(port).pid != engine_pid)
    os.kill(state_of(port).pid, signal.SIGTERM)


def test_a_broken_show_is_one_sentence_and_a_usage_error(tmp_path, start_window):
    (tmp_path / "show.toml").write_text('name = "x"\npresets = ["gone"]\n')
    window = start_window("--show", str(tmp_path))
    _, said = window.communicate(timeout=SOON_S)
    assert window.returncode == 2
    assert "show.toml line 2: field 'presets'" in said
    assert said.count("\n") == 1


def test_a_port_that_is_somebody_elses_is_said_and_nothing_is_started(play, tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "0", "-d", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    port = int(server.stdout.readline().split("port ")[1].split()[0])

    async def attach():
        async with open_window(port) as window:
            await until(lambda: window.top_bar.link.text() == "NO ENGINE")
            assert "expected a Segue engine" in window.top_bar.link.toolTip()

    try:
        play(attach())
    finally:
        server.kill()
        server.communicate()


def test_an_engine_that_does_not_start_is_said_with_its_last_words(play, segue_home):
    async def start():
        port = free_port()
        process = EngineProcess(["--port", str(port), "--size", "nonsense"])
        async with open_window(port, process) as window:
            await until(lambda: window.top_bar.link.text() == "NO ENGINE")
            assert "expected WIDTHxHEIGHT" in window.top_bar.link.toolTip()

    play(start())


def test_a_screenshot_has_the_size_of_the_window_and_a_picture(host, tmp_path, start_window):
    path = tmp_path / "window.png"
    arguments = ("--port", str(host.port), "--attach-only", "--screenshot", str(path))
    window = start_window(*arguments, "--after", "2")
    assert window.wait(SOON_S) == 0
    image = QImage(str(path))
    assert (image.width(), image.height()) == (1440, 900)
    colours = {image.pixel(x, 300) for x in range(40, 780, 20)}
    assert len(colours) > 5


def test_the_tour_is_there_at_the_first_start_and_never_again_once_it_was_ended(
    host, segue_home, play
):
    def options(*more):
        arguments = ["--port", str(host.port), "--attach-only", "--no-midi", *more]
        return app_main._parser().parse_args(arguments)

    async def start(end_it):
        session = app_main.Session(options(), SessionStore(), load_show(FIRST_SHOW))
        session.open(with_midi=False, with_tour=True)
        was_shown = session.window.tour.isVisible()
        if end_it:
            session.window.tour.end.click()
        await session.close()
        session.window.close()
        return was_shown

    assert play(start(end_it=False))
    assert play(start(end_it=True))  # it was not ended the first time
    assert not play(start(end_it=False))


def test_a_window_opens_whatever_the_journal_says_of_its_place(host, segue_home, play):
    store = SessionStore()
    store.write(msgspec.structs.replace(store.session, geometry="no base64 ü"))

    async def start():
        arguments = ["--port", str(host.port), "--attach-only", "--no-midi"]
        options = app_main._parser().parse_args(arguments)
        session = app_main.Session(options, SessionStore(), load_show(FIRST_SHOW))
        session.open(with_midi=False, with_tour=False)
        assert session.window.isVisible()
        await session.close()
        session.window.close()

    play(start())
