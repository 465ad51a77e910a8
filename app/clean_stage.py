"""The clean output, connected with the screens of this machine. Thread: Qt main."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage, QScreen
from PySide6.QtWidgets import QWidget

from app.core.screens import lost_text, next_screen
from app.widgets.clean_output import CleanOutput
from engine.protocol.values import Severity


class CleanStage(QObject):
    """Moves the clean output from screen to screen; one that is pulled out is waited for."""

    noticed = Signal(Severity, str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._awaited = ""  # the screen that was pulled out with the output on it
        self.output = CleanOutput()
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.screenRemoved.connect(self.on_screen_removed)
            application.screenAdded.connect(self._on_screen_added)

    @property
    def shown(self) -> str:
        """Name of the screen that shows the program; empty for none."""
        return _name(self.output.screen()) if self.output.isVisible() else ""

    def choices(self) -> tuple[list[str], str]:
        """Return the names of all screens, and of the one that shows the program."""
        return [_name(screen) for screen in QGuiApplication.screens()], self.shown

    def step(self) -> None:
        """To the next screen, or off."""
        names, shown = self.choices()
        self.show_on(next_screen(names, _name(self._window.screen()), shown))

    def show_on(self, name: str) -> None:
        """Show the program on the screen of that name; on none for an empty or unknown one."""
        self._awaited = ""
        screen = next((one for one in QGuiApplication.screens() if _name(one) == name), None)
        if screen is None:
            self.output.hide()
            self.noticed.emit(Severity.INFO, "The clean output is off")
            return
        self.output.show_on(screen)
        self._window.activateWindow()  # the keys stay with the instrument
        size = screen.geometry()
        said = f"Clean output on {name}, {size.width()} × {size.height()}"
        self.noticed.emit(Severity.INFO, f"{said}. Shift F11: the next screen, then off")

    def show_frame(self, image: QImage) -> None:
        """Pass a frame on while there is a screen for it."""
        if self.output.isVisible():
            self.output.show_frame(image)

    def close(self) -> None:
        """Leave the screens."""
        self.output.close()

    def on_screen_removed(self, screen: QScreen) -> None:
        """Hide: the system would move the output onto the instrument."""
        if self.output.isVisible() and self.output.screen() in (screen, None):
            self._awaited = _name(screen)
            self.output.hide()
            self.noticed.emit(Severity.WARNING, lost_text(self._awaited))

    def _on_screen_added(self, screen: QScreen) -> None:
        if self._awaited and _name(screen) == self._awaited:
            self.show_on(self._awaited)


def _name(screen: QScreen) -> str:
    """Return what the system calls a screen; some call it nothing."""
    return screen.name() or "this screen"
