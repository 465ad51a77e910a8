"""The window on a small screen: nothing grows out of it, everything says what it is."""

from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget, QPushButton, QWidget

from tests.gui.conftest import open_window, until

SMALL = (1280, 800)


def explains_itself(widget, window):
    while widget is not None and widget is not window:
        if widget.toolTip():
            return True
        widget = widget.parentWidget()
    return False


def test_cue_list_and_preview_fit_a_small_screen_together(host, play):
    async def look():
        async with open_window(host.port) as window:
            window.resize(*SMALL)
            await until(lambda: window.instrument.state is not None)
            window.cues.editor.all.click()
            window.instrument.preview.toggle()
            window.instrument.set_parameter("saturation", 1.7)
            await until(lambda: window.preview.panel.isVisible() and window.cues.strip.isVisible())
            window.toggle_cues()
            await until(lambda: (window.width(), window.height()) == SMALL)
            least = window.layout().minimumSize()
            assert (least.width() <= SMALL[0], least.height() <= SMALL[1]) == (True, True)
            window.instrument.preview.toggle()

    play(look())


def test_every_button_field_and_list_has_a_tooltip(host, play):
    async def look():
        async with open_window(host.port) as window:
            await until(lambda: window.instrument.state is not None)
            kinds = (QPushButton, QLineEdit, QComboBox, QListWidget)
            silent = [
                f"{type(widget).__name__} {widget.objectName()}"
                for widget in window.findChildren(QWidget)
                if isinstance(widget, kinds) and not explains_itself(widget, window)
            ]
            assert silent == []

    play(look())
