"""The panel of models on a hub on loopback: what is clicked runs the real command."""

import sys

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core.model_book import ModelBook
from app.model_shop import ModelShop
from app.widgets.model_panel import ModelPanel
from engine.model_store.store import Store
from engine.protocol.messages import WorkerState
from engine.protocol.model_reports import ModelListed, ModelState
from engine.protocol.places import models_folder
from engine.protocol.values import ModelChoice
from tests import tiny_models
from tests.gui.conftest import playing, until
from tests.hub_server import FakeHub, serving
from tests.tiny_models import EXTRA, FREE, TINY, WEIGHTS

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
    QApplication.processEvents()  # where it is, is settled by the layout
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


def listed(name, state, **changes):
    row = {
        "summary": "A model", "total_bytes": 1, "is_exact": True, "here_bytes": 1, "gpu": "none",
        "is_accepted": True, "needs": (), "folder": "/m",
    }  # fmt: skip
    return ModelListed(name=name, state=state, licence=FREE, **row, **changes)


@pytest.fixture
def played(qtbot):
    """An open panel with a model that takes control, and what it asked to play."""
    panel = ModelPanel(None)
    shop = ModelShop(panel)
    shop.changed.connect(panel.show_views)
    panel.shop, panel.asked = shop, []
    panel.play_requested.connect(panel.asked.append)
    qtbot.addWidget(panel)
    panel.toggle()
    big = listed("big", ModelState.HERE, sizes=("832x480", "448x448"), control="steer")
    shop._put(ModelBook().heard(big).heard(listed("steer", ModelState.NOT_HERE)))
    return panel


def test_the_size_that_is_chosen_is_played_by_a_click(played):
    card = played.cards["big"]
    click(card.play)
    card.size_box.setCurrentIndex(1)
    click(card.play)
    assert played.asked == [
        ModelChoice(name="big", width_px=832, height_px=480),
        ModelChoice(name="big", width_px=448, height_px=448),
    ]
    assert not played.cards["steer"].play.isVisible()
    assert not played.cards["steer"].size_box.isVisible()


def test_the_size_that_is_chosen_outlives_every_redraw(played):
    card = played.cards["big"]
    card.size_box.setCurrentIndex(1)
    played.show_views(played.shop.book.views())
    assert card.size_box.currentText() == "448 × 448"
    played.shop._put(played.shop.book.heard(listed("steer", ModelState.HERE)))
    assert card.size_box.count() == 4
    assert card.size_box.currentText() == "448 × 448"
    card.size_box.setCurrentIndex(3)
    playing_it = WorkerState(status="live", choice=ModelChoice(name="big"))
    played.shop.show_worker(playing_it)
    click(card.play)
    assert played.asked == [ModelChoice(name="big-vace", width_px=448, height_px=448)]
    played.shop._put(played.shop.book.heard(listed("steer", ModelState.NOT_HERE)))
    assert card.size_box.currentText() == "832 × 480"  # what was chosen is offered no more


def test_while_a_model_loads_its_card_says_so_and_it_is_drawn_only_when_that_changes(played):
    drawn = []
    played.shop.changed.connect(drawn.append)
    card = played.cards["big"]
    worker = WorkerState(status="live", coming=ModelChoice(name="big"))
    for _ in range(3):
        played.shop.show_worker(worker)
    assert len(drawn) == 1
    assert card.chip.text() == "LOADING"
    assert card.progress.text() == "256 × 256 loads beside what plays (house, 256 × 256) …"
    assert card.play.isVisible()  # another size may be asked for, or the one that plays
    played.shop.show_worker(None)
    assert card.chip.text() == "HERE"
    assert card.play.isVisible()


def test_nothing_is_on_air_before_the_generator_is_live(played):
    played.shop.show_worker(WorkerState(status="loading", choice=ModelChoice(name="big")))
    assert played.cards["big"].chip.text() == "HERE"


def test_the_wheel_over_a_size_does_not_choose_another(played):
    box = played.cards["big"].size_box
    middle = QPointF(box.rect().center())
    wheel = QWheelEvent(
        middle, box.mapToGlobal(middle), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, wheel)
    assert box.currentIndex() == 0


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
            assert window.models.cards["house"].chip.text() == "ON AIR 256×256"
            QTest.keyClick(window, Qt.Key.Key_5)
            name = window.instrument.show.presets[4].name
            await until(lambda: window.instrument.state.look_name == name)
            QTest.keyClick(window, Qt.Key.Key_M)
            assert not window.models.isVisible()
            await until(lambda: window.shop._process is None)

    play(look())
