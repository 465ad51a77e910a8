import os
from pathlib import Path

import msgspec
import psutil
import pytest

from app.core.session import (
    Leaving,
    Session,
    from_text,
    leaving,
    record,
    recovered_bindings,
    to_text,
)
from app.session_store import (
    FIRST_SHOW,
    SessionStore,
    other_window_is_open,
    own_copy,
    this_window,
)
from engine.protocol.messages import OutputState
from engine.protocol.show import Binding, ControlKind, Show
from engine.protocol.show_file import load_show
from tests.fakes import engine_state

BINDING = Binding(kind=ControlKind.NOTE, channel=2, number=36, target="cut:hard", port="pads")
OURS = Session(engine_pid=7)


def engine(pid=7, receivers=0, recording=""):
    ndi = OutputState(name="ndi", status="live", receivers=receivers)
    return engine_state(pid=pid, outputs=(ndi,), recording=recording)


def test_the_journal_comes_back_as_it_was_written():
    session = Session(show="/x", bindings=record((BINDING,)), engine_pid=3, left_running="y")
    assert from_text(to_text(session)) == session


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', '{"engine_pid": "x"}'])
def test_a_journal_that_is_none_of_ours_is_never_in_the_way(text):
    assert from_text(text) == Session()


def test_bindings_that_a_crash_kept_from_the_file_come_back_for_that_show_only():
    show = Show(name="S", folder=Path("/x"))
    journal = Session(show="/x", bindings=record((BINDING,)))
    assert recovered_bindings(journal, show) == (BINDING,)
    assert recovered_bindings(journal, Show(name="T", folder=Path("/y"))) == ()
    assert recovered_bindings(Session(show="/x"), show) == ()


@pytest.mark.parametrize(
    ("state", "decision", "why"),
    [
        (engine(), Leaving.STOP, ""),
        (engine(receivers=1), Leaving.GO_ON, "1 receiver"),
        (engine(receivers=2, recording="a.mp4"), Leaving.GO_ON, "2 receivers and a recording"),
        (engine(pid=8), Leaving.GO_ON, ""),
        (None, Leaving.GO_ON, ""),
    ],
)
def test_closing_stops_our_engine_unless_somebody_would_miss_it(state, decision, why):
    assert leaving(state, OURS) == (decision, why)


def test_the_store_keeps_each_change_and_a_broken_file_begins_afresh(segue_home):
    store = SessionStore()
    store.write(msgspec.structs.replace(store.session, show="/x", closed=False))
    assert SessionStore().session.show == "/x"
    (segue_home / "autosave" / "session.json").write_text("{")
    assert SessionStore().session == Session()


def test_a_factory_show_is_copied_before_it_is_changed_and_never_over_an_older_copy(segue_home):
    first = own_copy(load_show(FIRST_SHOW))
    second = own_copy(load_show(FIRST_SHOW))
    assert first.folder == segue_home / "shows" / "first-light"
    assert second.folder == segue_home / "shows" / "first-light-2"
    assert load_show(first.folder) == load_show(FIRST_SHOW)
    assert own_copy(first) is first


def test_another_window_is_one_that_lives_began_then_and_is_not_us():
    pid, began_s = this_window()
    parent = psutil.Process(os.getppid())
    alive = Session(closed=False, window_pid=parent.pid, window_began_s=parent.create_time())
    assert other_window_is_open(alive)
    ours = Session(closed=False, window_pid=pid, window_began_s=began_s)
    closed = msgspec.structs.replace(alive, closed=True)
    reused = msgspec.structs.replace(alive, window_began_s=alive.window_began_s - 99)
    nobody = msgspec.structs.replace(alive, window_pid=2**22 + 1)
    assert not any(map(other_window_is_open, (ours, closed, reused, nobody, Session())))
