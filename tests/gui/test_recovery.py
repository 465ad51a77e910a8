"""What a window that died leaves behind is offered by the next one, without a modal."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.__main__ import Session, _parser
from app.core.autosave import from_record
from app.recovery import Recovery
from app.session_store import FIRST_SHOW, SessionStore
from engine.protocol.journal import last_record
from engine.protocol.show_file import load_show, save_show
from tests.gui.conftest import playing, until
from tests.host_process import ROOT, host_process


@pytest.fixture
def own_show(tmp_path):
    return save_show(load_show(FIRST_SHOW), tmp_path / "mine")


def attach_recovery(window, was_closed):
    """Connect as the program does."""
    recovery = Recovery(window._client, window.instrument.desk, window)
    recovery.offered.connect(lambda offer: window.offer.say(offer.text))
    window.offer.accepted.connect(recovery.accept)
    window.offer.dismissed.connect(recovery.dismiss)
    recovery.noticed.connect(window.notices.add)
    recovery.begin(was_closed)
    return recovery


def last(home):
    return from_record(last_record(home / "autosave" / "journal.jsonl"))


def test_unsaved_changes_and_the_look_on_air_come_back_on_another_engine(
    play, own_show, segue_home
):
    async def die_in_mid_set(port):
        async with playing(port) as window:
            window.instrument.desk.put(own_show)
            attach_recovery(window, was_closed=True)
            window.instrument.desk.add_cue("Lotus")
            window.prompt.field.setText("slow pearl fog")
            window.cut_hard()
            await until(lambda: last(segue_home) and last(segue_home).look)
            await until(lambda: last(segue_home).look.prompt == "slow pearl fog")
        assert last(segue_home).is_saved is False
        return last(segue_home).look.seed

    async def come_back(port, seed):
        async with playing(port) as window:
            attach_recovery(window, was_closed=False)
            await until(window.offer.isVisible)
            assert "unsaved changes of First Light and" in window.offer.text.toolTip()
            QTest.mouseClick(window.offer.yes, Qt.MouseButton.LeftButton)
            assert not window.offer.isVisible()
            assert [cue.preset for cue in window.instrument.show.cues] == ["Lotus"]
            assert "edited" in window.top_bar.show_name.text()
            await until(lambda: window.instrument.state.prompt_now[0].text == "slow pearl fog")
            assert window.instrument.state.seed == seed

    with host_process("--show", str(FIRST_SHOW)) as first:
        seed = play(die_in_mid_set(first.port))
    with host_process("--show", str(FIRST_SHOW)) as second:
        play(come_back(second.port, seed))


def test_an_offer_that_nobody_answers_outlives_the_next_crash_and_leaving_it_keeps_a_file(
    play, host, own_show, segue_home
):
    async def live(edit, answer=None):
        async with playing(host.port) as window:
            window.instrument.desk.put(own_show)
            window.instrument.desk.is_saved = True
            attach_recovery(window, was_closed=False)
            if edit:
                window.instrument.desk.add_cue("Lotus")
            else:
                await until(window.offer.isVisible)
            if answer:
                answer(window)
                assert not window.offer.isVisible()

    play(live(edit=True))
    play(live(edit=False))
    play(live(edit=False, answer=lambda window: window.offer.no.click()))
    (kept,) = (segue_home / "autosave").glob("left-*.jsonl")
    assert from_record(last_record(kept)).show.cues[0].preset == "Lotus"


def test_an_engine_that_is_killed_comes_back_with_the_same_look_by_itself(play, segue_home, qapp):
    """The whole program: window, engine of its own, kill -9 of the engine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    options = _parser().parse_args(["--port", str(port), "--fake", "--no-midi"])

    async def lose_the_engine():
        session = Session(options, SessionStore(), load_show(FIRST_SHOW))
        session.open(with_midi=False)
        conversation = asyncio.ensure_future(session.client.run())
        instrument = session.instrument
        await until(lambda: instrument.state and instrument.state.playout.mode == "live")
        instrument.press_preset(load_show(FIRST_SHOW).preset("Lotus"))
        await until(lambda: instrument.state.look_name == "Lotus")
        seed, pid = instrument.state.seed, instrument.state.pid
        journal = segue_home / "autosave" / f"on-air-{port}.jsonl"
        await until(lambda: journal.exists() and b'"Lotus"' in journal.read_bytes())
        os.kill(pid, signal.SIGKILL)
        await until(lambda: instrument.state.pid != pid)
        assert (instrument.state.look_name, instrument.state.seed) == ("Lotus", seed)
        await session.close()
        await until(lambda: not session.client._process.is_running())
        conversation.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await conversation
        session.window.feed.follow("")
        session.window.close()
        session.window.deleteLater()

    play(lose_the_engine())


DYING_WINDOW = """
import asyncio, os, signal, sys
import qasync
from PySide6.QtWidgets import QApplication
from app.__main__ import Session, _parser
from app.session_store import SessionStore
from engine.protocol.show_file import load_show

application = QApplication([])
loop = qasync.QEventLoop(application)
asyncio.set_event_loop(loop)

async def die():
    options = _parser().parse_args(["--port", sys.argv[1], "--attach-only", "--no-midi"])
    session = Session(options, SessionStore(), load_show(sys.argv[2]))
    session.open(with_midi=False)
    asyncio.ensure_future(session.client.run())
    while session.instrument.state is None:
        await asyncio.sleep(0.02)
    session.instrument.desk.add_cue("Lotus")
    os.kill(os.getpid(), signal.SIGKILL)

loop.run_until_complete(die())
"""


def test_a_window_that_is_killed_right_after_an_edit_has_lost_nothing(play, host, own_show):
    run = subprocess.run(
        [sys.executable, "-c", DYING_WINDOW, str(host.port), str(own_show.folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert load_show(own_show.folder).cues == ()

    async def come_back():
        options = _parser().parse_args(["--port", str(host.port), "--attach-only", "--no-midi"])
        store = SessionStore()
        assert not store.session.closed
        session = Session(options, store, load_show(own_show.folder))
        session.open(with_midi=False)
        conversation = asyncio.ensure_future(session.client.run())
        window = session.window
        await until(window.offer.isVisible)
        assert "on air" not in window.offer.text.toolTip()  # the engine plays on with it
        window.activateWindow()
        QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier
                       | Qt.KeyboardModifier.ShiftModifier)  # fmt: skip
        assert [cue.preset for cue in session.instrument.show.cues] == ["Lotus"]
        assert session.instrument.save()
        await session.close()
        conversation.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await conversation
        window.feed.follow("")
        window.close()
        window.deleteLater()

    play(come_back())
    assert [cue.preset for cue in load_show(own_show.folder).cues] == ["Lotus"]
