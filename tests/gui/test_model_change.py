"""Another model by a click: asked of the engine, and in the show once it plays."""

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.engine_client import EngineClient
from app.instrument import Instrument
from app.session_store import FIRST_SHOW, SessionStore
from engine.protocol.messages import ChangeModel, WorkerState
from engine.protocol.show_file import load_show
from engine.protocol.values import ModelChoice
from tests.fakes import engine_state
from tests.gui.conftest import playing, until
from tests.host_process import host_process

WIDE = ModelChoice(name="house", width_px=256, height_px=144)


@pytest.fixture
def client(qapp):
    """A client whose commands are kept instead of sent."""
    client = EngineClient(0, None)
    client.sent = []
    client.send = client.sent.append
    return client


@pytest.fixture
def instrument(client, segue_home):
    return Instrument(client, SessionStore(), load_show(FIRST_SHOW))


def tell(client, choice, coming=None):
    worker = WorkerState(status="live", choice=choice, coming=coming)
    client.state_arrived.emit(engine_state(worker=worker))


def test_a_model_is_in_the_show_once_it_plays_and_not_before(client, instrument):
    before = instrument.show.model
    instrument.play_model(WIDE)
    assert client.sent == [ChangeModel(model=WIDE)]
    tell(client, before)
    tell(client, before, coming=WIDE)
    assert instrument.show.model == before
    assert instrument.desk.is_saved
    tell(client, WIDE)
    assert instrument.show.model == WIDE
    assert not instrument.desk.is_saved


def test_what_others_play_and_what_never_plays_is_not_in_the_show(client, instrument):
    before = instrument.show.model
    tell(client, WIDE)
    assert instrument.show.model == before
    instrument.play_model(ModelChoice(name="gone"))
    tell(client, before, coming=ModelChoice(name="gone"))
    tell(client, before)
    assert instrument.show.model == before


def test_a_model_that_comes_late_is_not_put_into_another_show(client, instrument):
    instrument.play_model(WIDE)
    instrument.open_show(str(FIRST_SHOW))
    tell(client, WIDE)
    assert instrument.show.model == load_show(FIRST_SHOW).model


def test_undo_of_another_edit_leaves_the_model_that_plays(client, instrument):
    instrument.desk.add_cue(instrument.show.presets[0].name)
    instrument.play_model(WIDE)
    tell(client, WIDE)
    instrument.undo()
    assert instrument.show.model == WIDE


def test_play_on_a_card_brings_the_model_at_that_size_on_air_and_into_the_show(play, segue_home):
    async def change(port):
        async with playing(port) as window:
            window.toggle_models()
            await until(lambda: "house" in window.models.cards)
            card = window.models.cards["house"]
            await until(lambda: card.chip.text() == "ON AIR 256×256")
            await until(lambda: window.shop._process is None)  # the list is whole
            await asyncio.sleep(0.1)  # and laid out
            card.size_box.setCurrentText("256 × 144")
            shown = window.instrument.state.playout.shown
            QTest.mouseClick(card.play, Qt.MouseButton.LeftButton)
            await until(lambda: window.instrument.state.worker.choice == WIDE)
            assert window.instrument.show.model == WIDE
            assert window.instrument.state.playout.shown > shown  # the output went on
            await until(lambda: card.chip.text() == "ON AIR 256×144")

    with host_process("--show", str(FIRST_SHOW)) as host:
        play(change(host.port))
