"""Pictures that steer, from the performer's hands to the chunk and into the show."""

import shutil

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.session_store import FIRST_SHOW
from app.widgets.guide_panel import GuidePanel
from engine.protocol.guides import NO_GUIDES
from engine.protocol.messages import WorkerState
from engine.protocol.show_file import load_show
from engine.protocol.values import Guides, Mask
from tests.fakes import engine_state
from tests.gui.conftest import open_window, until

TAKES = WorkerState(status="live", takes_guides=True)


def write(folder, name):
    path = folder / f"{name}.png"
    cv2.imwrite(str(path), np.full((8, 8, 3), len(name), np.uint8))
    return str(path)


@pytest.fixture
def panel(qtbot):
    panel = GuidePanel()
    qtbot.addWidget(panel)
    panel.asked = []
    panel.guides_edited.connect(panel.asked.append)
    panel.show_state(engine_state(worker=TAKES))
    panel.show()
    return panel


def drop(panel, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    panel.dropEvent(
        QDropEvent(
            QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip


def choose(panel, button, *paths):
    """Choose files in the dialog that a button opens."""
    QTest.keyClick(button, Qt.Key.Key_Return)
    dialog = panel.findChildren(QFileDialog)[-1]
    assert not dialog.isModal()
    dialog.fileSelected.emit(paths[0])
    dialog.filesSelected.emit(list(paths))
    dialog.close()


def test_pictures_are_followed_from_a_drop_a_dialog_and_taken_away_by_their_button(panel):
    drop(panel, "/a/face.png", "/a/film.mp4")
    choose(panel, panel.add, "/a/hat.png", "/a/coat.png")
    assert panel.asked[-1].references == ("/a/face.png", "/a/hat.png", "/a/coat.png")
    panel._followed.itemAt(1).widget().click()
    assert panel.asked[-1].references == ("/a/face.png", "/a/coat.png")


def test_first_and_last_frame_come_and_go(panel):
    choose(panel, panel.first, "/a/start.png")
    choose(panel, panel.last, "/a/end.png")
    panel.later.click()
    panel.sooner.click()
    panel.sooner.click()
    assert panel.asked[-1] == Guides(
        first_frame="/a/start.png", last_frame="/a/end.png", last_frame_chunk=3
    )
    panel.clear_first.click()
    panel.clear_last.click()
    assert (panel.asked[-1].first_frame, panel.asked[-1].last_frame) == ("", "")
    assert not panel.clear_first.isVisible()


def test_a_mask_is_chosen_by_its_kind_and_remembers_its_picture(panel):
    panel.masks["image"].click()
    assert panel.asked == []  # without a picture there is no such mask yet
    assert panel.masks["none"].isChecked()
    choose(panel, panel.masks["image"], "/a/stage.png")
    panel.inverted.click()
    panel.masks["person"].click()
    assert panel.asked[-1].mask == Mask(kind="person", inverted=True)
    panel.masks["image"].click()
    assert panel.asked[-1].mask == Mask(kind="image", image="/a/stage.png", inverted=True)


def test_an_edit_on_its_way_is_not_undone_by_an_older_state_but_by_the_truth_later(panel):
    drop(panel, "/a/face.png")
    panel.show_state(engine_state(worker=TAKES))
    assert panel._followed.count() == 2
    for _ in range(12):
        panel.show_state(engine_state(worker=TAKES))
    assert panel._followed.count() == 1


def test_without_vace_it_says_what_is_needed_and_takes_nothing(panel):
    panel.show_state(engine_state(worker=WorkerState(status="live")))
    assert not panel.first.isVisible()
    assert panel.status.toolTip() == "Needs a model with VACE (M)"
    QTest.keyClick(panel.masks["person"], Qt.Key.Key_Return)
    assert panel.asked == []


def test_a_picture_goes_to_the_chunk_and_into_the_show(play, host, tmp_path):
    show = tmp_path / "mine"
    shutil.copytree(FIRST_SHOW, show)
    face, gone = write(tmp_path, "face"), str(tmp_path / "gone.png")

    async def script():
        async with open_window(host.port, show=load_show(show)) as window:
            instrument = window.instrument
            await until(lambda: instrument.state and instrument.state.worker.takes_guides)
            await until(lambda: not window.monitor.image.isNull())
            QTest.keyClick(window, Qt.Key.Key_P)
            assert window.guides.masks["none"].hasFocus()
            drop(window.guides, face)
            await until(lambda: "reference" in instrument.state.worker.guides)
            await until(lambda: window.guides.status.toolTip() == "Steers: reference")
            drop(window.guides, gone)
            await until(lambda: any("gone.png" in text for _, text in window.notices.kept))
            assert instrument.state.guides.references == (face,)
            instrument.desk.store_look(instrument.state, window.monitor_picture())
            instrument.set_guides(NO_GUIDES)
            await until(lambda: instrument.state.worker.guides == ())

    play(script())
    stored = load_show(show).presets[-1].guides
    assert stored.references == (str(show / "images" / "face.png"),)


def test_pictures_are_undone_and_an_open_preview_prepares_them(play, host, tmp_path):
    face, hat = write(tmp_path, "face"), write(tmp_path, "hat")

    async def script():
        async with open_window(host.port) as window:
            instrument = window.instrument
            await until(lambda: instrument.state and instrument.state.worker.takes_guides)
            drop(window.guides, face)
            await until(lambda: instrument.state.worker.guides == ("reference",))
            instrument.undo()
            await until(lambda: instrument.state.worker.guides == ())
            instrument.redo()
            await until(lambda: instrument.state.worker.guides == ("reference",))
            instrument.preview.toggle()
            drop(window.guides, hat)
            await until(lambda: window.guides.status.toolTip() == "Prepared: references")
            assert instrument.state.guides.references == (face,)
            instrument.cut_hard()
            await until(lambda: instrument.state.guides.references == (face, hat))
            instrument.preview.toggle()
            await until(lambda: instrument.state.worker.guides == ("references",))
            instrument.set_guides(NO_GUIDES)
            await until(lambda: instrument.state.worker.guides == ())

    play(script())
