"""The panel of models on a hub on loopback: what is clicked runs the real command."""

import sys

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest

from app.model_shop import ModelShop
from app.widgets.model_panel import ModelPanel
from engine.model_store.store import Store
from engine.protocol.places import models_folder
from tests import tiny_models
from tests.gui.conftest import playing, until
from tests.hub_server import FakeHub, serving
from tests.tiny_models import EXTRA, TINY, WEIGHTS

SOON_MS = 30_000


@pytest.fixture
def hub(monkeypatch):
    fake = FakeHub()
    tiny_models.fill(fake)
    with serving(fake):
        monkeypatch.setenv("HF_ENDPOINT", fake.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield fake


@pytest.fixture
def panel(qtbot, hub):
    """An open panel whose shop runs the command with the tiny catalogue."""
    panel = ModelPanel(None)
    shop = ModelShop(panel)
    shop.program = (sys.executable, "-m", "tests.tiny_models")
    shop.changed.connect(panel.show_views)
    panel.get_requested.connect(shop.get)
    panel.accept_requested.connect(shop.accept)
    panel.dismiss_requested.connect(shop.dismiss)
    panel.cancel_requested.connect(shop.cancel)
    panel.check_requested.connect(shop.check)
    panel.shop = shop
    qtbot.addWidget(panel)
    panel.toggle()
    shop.refresh()
    qtbot.waitUntil(lambda: len(panel.cards) == 2, timeout=SOON_MS)
    wait_for_rest(qtbot, panel)
    yield panel
    shop.leave()


def wait_for_rest(qtbot, panel):
    qtbot.waitUntil(lambda: panel.shop._process is None, timeout=SOON_MS)


def click(button):
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_model_is_got_after_its_licences_are_accepted_by_a_click(qtbot, panel, hub):
    card = panel.cards["tiny"]
    assert card.chip.text() == "NOT HERE"
    assert card.warning.text() == "NON-COMMERCIAL"
    click(card.get)
    assert "Non-commercial: not for paid shows." in card.licence.text()
    assert hub.requests == []
    click(card.accept)
    qtbot.waitUntil(lambda: card.chip.text() == "HERE", timeout=SOON_MS)
    wait_for_rest(qtbot, panel)
    assert (Store(models_folder()).folder(TINY) / "more" / "extra.bin").read_bytes() == EXTRA
    assert not card.get.isVisible()
    click(card.check)
    qtbot.waitUntil(lambda: "60,000 parameters" in card.outcome.text(), timeout=SOON_MS)


def test_not_now_closes_the_licence_and_gets_nothing(panel, hub):
    card = panel.cards["tiny"]
    click(card.get)
    click(card.dismiss)
    assert not card.licence.isVisible()
    assert card.get.isVisible()
    assert hub.requests == []


def test_a_pull_that_is_cancelled_keeps_what_came_and_says_so(qtbot, panel, hub):
    hub.cuts, hub.stall_after = [len(tiny_models.NOTES), -1], 100_000
    card = panel.cards["tiny"]
    click(card.get)
    click(card.accept)
    store = Store(models_folder())
    qtbot.waitUntil(lambda: store.here_bytes(TINY) == 100_000, timeout=SOON_MS)
    qtbot.waitUntil(lambda: "downloading tiny" in card.progress.text(), timeout=SOON_MS)
    assert card.bar.value() > 0
    click(card.cancel)
    qtbot.waitUntil(lambda: card.chip.text() == "PARTLY HERE", timeout=SOON_MS)
    wait_for_rest(qtbot, panel)
    hub.go_on.set()
    assert "what came is kept" in card.outcome.text()
    assert store.here_bytes(TINY) == 100_000
    click(card.get)  # accepted before, so it goes on at once
    qtbot.waitUntil(lambda: card.chip.text() == "HERE", timeout=SOON_MS)
    assert hub.sent_bytes == len(WEIGHTS) + len(EXTRA) + len(tiny_models.NOTES)


def test_what_went_wrong_is_on_the_card_and_in_the_notices(qtbot, panel, hub):
    told = []
    panel.shop.noticed.connect(lambda _, text: told.append(text))
    hub.answers["us/shared", "deep/notes.json"] = (503, {})
    click(panel.cards["tiny"].get)
    click(panel.cards["tiny"].accept)
    outcome = panel.cards["tiny"].outcome
    qtbot.waitUntil(lambda: "answers 503" in outcome.text(), timeout=SOON_MS)
    assert outcome.property("level") == "fault"
    assert "answers 503" in told[0]


def test_a_command_that_breaks_without_a_word_is_told(qtbot, panel):
    panel.shop.program = (sys.executable, "-c", "raise SystemExit('no such thing')")
    panel.cards["tiny"].check.clicked.emit()
    outcome = panel.cards["tiny"].outcome
    qtbot.waitUntil(lambda: outcome.text() == "No such thing", timeout=SOON_MS)


def test_a_command_that_cannot_be_run_is_told(qtbot, panel):
    told = []
    panel.shop.noticed.connect(lambda _, text: told.append(text))
    panel.shop.program = ("/no/such/python",)
    panel.cards["tiny"].check.clicked.emit()
    qtbot.waitUntil(lambda: bool(told), timeout=SOON_MS)
    assert told[0].startswith("cannot run /no/such/python")


def test_m_opens_the_models_beside_the_picture_and_the_keys_still_play(host, play):
    async def look():
        async with playing(host.port) as window:
            window.activateWindow()
            QTest.keyClick(window, Qt.Key.Key_M)
            await until(lambda: "krea-14b" in window.models.cards)
            assert window.models.isVisible()
            for other in (window.monitor, window.panic):
                corner = window.models.mapFromGlobal(other.mapToGlobal(QPoint(0, 0)))
                assert not window.models.rect().intersects(QRect(corner, other.size()))
            assert window.models.cards["house"].chip.text() == "BUILT IN"
            QTest.keyClick(window, Qt.Key.Key_5)
            name = window.instrument.show.presets[4].name
            await until(lambda: window.instrument.state.look_name == name)
            QTest.keyClick(window, Qt.Key.Key_M)
            assert not window.models.isVisible()
            await until(lambda: window.shop._process is None)

    play(look())
