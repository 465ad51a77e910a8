"""A panel in a window of its own: our thin bar instead of the system's, a grip in the corner."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QGuiApplication,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizeGrip, QVBoxLayout, QWidget

from app.core.dock_places import BAR_PX, Rect
from app.core.dock_tree import Floating
from app.core.panels import PANELS
from app.widgets import theme
from app.widgets.dock_bar import DockBar
from app.widgets.dock_shell import DockShell

_MARGIN_PX = 8
_GRIP_PX = 14


class DockWindow(QWidget):
    """A tool window of the instrument: its keys go on to be the instrument's."""

    placed = Signal(Floating)
    close_requested = Signal(str)

    def __init__(self, panel: str, owner: QWidget) -> None:
        super().__init__(owner, Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("window")
        self.setWindowTitle(f"Segue: {PANELS[panel].title}")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_MacAlwaysShowToolWindow)
        self.panel = panel
        self.bar = DockBar(self)
        self.bar.setFixedHeight(BAR_PX)
        self._grip = QSizeGrip(self)
        self._grip.setFixedSize(_GRIP_PX, _GRIP_PX)
        self._grip.setToolTip("Drag: larger or smaller")
        self._inside = QVBoxLayout(self)
        self._inside.setContentsMargins(_MARGIN_PX, 3, _MARGIN_PX, _MARGIN_PX)
        self._inside.setSpacing(3)
        self._inside.addWidget(self.bar)
        self._held: QPoint | None = None  # where on us the hand holds us
        self._is_placing = False

    def hold(self, shell: DockShell) -> None:
        """Take the panel in."""
        shell.move_to(self)
        self._inside.addWidget(shell, 1)

    def show_at(self, rect: Rect, chosen: str, is_unlocked: bool) -> None:
        """Be there, drawn as locked or not."""
        self.bar.show_place((self.panel,), self.panel, chosen, is_unlocked)
        self._grip.setVisible(is_unlocked)
        if self.rect_now() != rect and self._held is None:
            self._is_placing = True
            self.setGeometry(*rect)
            self._is_placing = False
        if self.isHidden():
            self.show()

    def rect_now(self) -> Rect:
        """Return where we are on the desktop."""
        return Rect(self.x(), self.y(), self.width(), self.height())

    def follow(self, pointer: QPoint) -> None:
        """Go with the hand that drags our bar.

        A system that lets no window place itself moves us itself.
        """
        handle = self.windowHandle()
        if handle is not None and QGuiApplication.platformName().startswith("wayland"):
            handle.startSystemMove()
            return
        if self._held is None:
            self._held = pointer - self.pos()
        self.move(pointer - self._held)

    def let_go(self) -> None:
        """The hand is gone."""
        self._held = None
        self._say_place()

    def forget_hand(self) -> None:
        """The hand is gone and meant nothing: `show_at` puts us back."""
        self._held = None

    def _say_place(self) -> None:
        if self._held is None and not self._is_placing and self.isVisible():
            self.placed.emit(Floating(self.panel, *self.rect_now()))

    def moveEvent(self, event: QMoveEvent) -> None:
        """Say where we are, unless a hand still holds us."""
        self._say_place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the grip in its corner."""
        self._grip.move(self.width() - _GRIP_PX, self.height() - _GRIP_PX)
        self._grip.raise_()
        self._say_place()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The system's way to close hides the panel."""
        event.ignore()
        self.close_requested.emit(self.panel)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line around us: there is no frame."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QPen(theme.colour(theme.LINE), 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
