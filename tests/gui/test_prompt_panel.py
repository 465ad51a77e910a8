"""The panel of the two prompts, on its own."""

import pytest

from app.widgets.prompt_panel import PromptPanel
from engine.protocol.orders import PromptRead

TEXT = "<b> jellyfish in deep space, flmaes"
READ = PromptRead(
    text=TEXT,
    understood=("jellyfish → metaballs cyan", "flmaes → flames"),
    unknown=("b", "deep space"),
    left_out=("deep space",),
)


@pytest.fixture
def panel(qapp):
    return PromptPanel()


def test_the_reading_shows_what_words_became_and_strikes_the_unknown(panel):
    panel.show_queued(TEXT)
    panel.show_reading(TEXT, READ)
    shown = panel.reading.text()
    assert "jellyfish → metaballs cyan · flmaes → flames" in shown
    assert "Not: <s>b</s>" in shown
    assert "No room: deep space" in shown
    assert "deep space: no room" in panel.reading.toolTip()


def test_the_words_on_air_that_mean_nothing_are_marked_also_inside_a_phrase(panel):
    panel.show_now(TEXT, READ, "")
    assert panel.now.text().count("underline") == 3


def test_a_text_being_written_is_not_shown_with_the_reading_of_another(panel):
    panel.show_queued(TEXT)
    panel.field.setText("gold")
    panel.show_queued(TEXT)
    panel.show_reading(TEXT, READ)
    assert "jellyfish" not in panel.reading.text()
    assert panel.reading.toolTip() == ""


def test_the_panel_keeps_its_height_whatever_the_reading_says(panel):
    panel.resize(600, panel.sizeHint().height())
    heights = set()
    for text, read in (("", None), (TEXT, None), (TEXT, READ)):
        panel.show_queued(text)
        panel.field.setText(text)
        panel.show_reading(text, read)
        heights.add(panel.sizeHint().height())
    assert len(heights) == 1


def test_a_prompt_on_air_that_is_too_long_ends_in_an_ellipsis_and_stands_in_the_tooltip(panel):
    text = "fast red orange gold flames kaleidoscope, pyrotechnics over a roaring crowd"
    panel.show()
    panel.resize(360, 140)
    panel.layout().activate()
    panel.show_now(text, None, "")
    shown = panel.now.text()
    assert shown.endswith("…")
    assert panel.now.fontMetrics().horizontalAdvance(shown) <= panel.now.width()
    assert panel.now.toolTip() == text
    panel.resize(1200, 140)
    panel.layout().activate()
    panel.show_now(text, None, "")
    assert panel.now.text() == text
