"""The source panel by itself: what is chosen with hands is what is asked for."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.widgets.source_panel import SourcePanel
from engine.protocol.messages import SourceState
from engine.protocol.show import SOURCE_KINDS
from engine.protocol.values import SourceSpec
from engine.protocol.visuals import MAPS


@pytest.fixture
def panel(qtbot):
    panel = SourcePanel()
    qtbot.addWidget(panel)
    panel.chosen = []
    panel.source_selected.connect(panel.chosen.append)
    return panel


def write(panel, text):
    panel.address.setText(text)
    QTest.keyClick(panel.address, Qt.Key.Key_Return)


def test_every_kind_of_source_has_its_button(panel):
    assert tuple(panel.kinds) == SOURCE_KINDS


def test_visuals_wander_at_once_and_then_draw_what_is_written(panel):
    panel.kinds["visuals"].click()
    assert panel.chosen == [SourceSpec(kind="visuals")]
    write(panel, " dancer #7 ")
    assert panel.chosen[1:] == [SourceSpec(kind="visuals", address="dancer #7")]


def test_visuals_wander_again_when_the_words_are_taken_away(panel):
    panel.show_state(SourceState(spec=SourceSpec(kind="visuals", address="dancer"), status="live"))
    write(panel, "")
    assert panel.chosen == [SourceSpec(kind="visuals")]


def test_the_field_says_what_visuals_can_be(panel):
    panel.kinds["visuals"].click()
    assert "wanders" in panel.address.placeholderText()
    assert all(name in panel.address.toolTip() for name in MAPS)


def test_a_file_is_not_chosen_without_a_path(panel):
    panel.kinds["file"].click()
    write(panel, "")
    assert panel.chosen == []
    assert panel.address.toolTip() == "Path of a video"
