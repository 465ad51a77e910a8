"""The room of the panels: lays them out as the arrangement says, and turns hands into another one.

Panels never change their parent while they are docked, so that nothing flickers and the field that
is written in keeps the keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.core import dock_moves
from app.core.dock_hands import Drop, dragged, drop_at, grip_of
from app.core.dock_places import BAR_PX, Grip, Limits, Place, Plan, Rect, limits_of, plan
from app.core.dock_tree import Arrangement, Floating, is_docked, leaf_of
from app.core.panels import FIXED, PANELS
from app.core.screens import inside_screen
from app.widgets import theme
from app.widgets.dock_bar import HANDLE_PX, DockBar
from app.widgets.dock_shell import DockShell
from app.widgets.dock_window import DockWindow

_LEAST_PX = QSize(1248, 690)  # what a screen of 1280x800 has: no layout makes the window larger


class DockArea(QWidget):
    """Draws an arrangement; emits the one that hands make of it."""

    arranged = Signal(Arrangement)
    placed = Signal()  # panels have other sizes, or came and went

    def __init__(self, panels: Mapping[str, QWidget], arrangement: Arrangement) -> None:
        super().__init__()
        self.arrangement = arrangement
        self.plan = Plan((), ())
        self.chosen = ""  # what the keys move
        self._is_unlocked = False
        self._least = QSize(0, 0)
        self._bars: list[DockBar] = []
        self._windows: dict[str, DockWindow] = {}
        self._held: tuple[Grip, QPoint] | None = None
        self._is_laying = False
        self._laid_for: dict[str, Limits] = {}
        self.shells = {name: DockShell(name, panels[name], self) for name in PANELS}
        self.shade = DropShade(self)
        for shell in self.shells.values():
            shell.opened.connect(self.reveal)
            shell.closed.connect(self.close_panel)
            shell.woke.connect(self.lay)
        self.setMouseTracking(True)
        self.lay()

    # ------------------------------------------------------------ drawing

    @property
    def is_unlocked(self) -> bool:
        """Whether hands may move the panels."""
        return self._is_unlocked

    def set_unlocked(self, is_unlocked: bool) -> None:
        """Let hands move the panels, or not."""
        self._is_unlocked = is_unlocked
        if not is_unlocked:
            self.chosen = ""
        self.lay()
        self.update()

    def show_arrangement(self, arrangement: Arrangement) -> None:
        """Draw another arrangement."""
        self.arrangement = arrangement
        self.lay()

    def choose(self, panel: str) -> None:
        """Mark what the keys move."""
        self.chosen = panel
        self.lay()

    def seen(self) -> tuple[str, ...]:
        """Return the panels that have room, docked or floating, in front or behind a tab."""
        awake = (name for name, shell in self.shells.items() if shell.is_awake)
        return tuple(name for name in awake if name not in self.arrangement.hidden)

    def lay(self) -> None:
        """Give every panel its room. Cheap: nothing that is right already is touched."""
        if self._is_laying:
            return
        self._is_laying = True
        limits = self._laid_for = self._limits()
        seen = [name for name in self.seen() if is_docked(self.arrangement, name)]
        root = self.arrangement.root
        least = limits_of(root, limits, seen)
        room, handle_px = Rect(0, 0, self.width(), self.height()), self._handle_px(limits, seen)
        self.plan = plan(root, room, limits, seen, handle_px)
        self._lay_windows()
        self._hide_all_but({place.front for place in self.plan.places})
        for place in self.plan.places:
            self._lay_place(place)
        self._lay_bars()
        if least is not None and self._least != QSize(least.least_width, least.least_height):
            self._least = QSize(least.least_width, least.least_height)
            self.updateGeometry()
        self._is_laying = False
        self.placed.emit()

    def _limits(self) -> dict[str, Limits]:
        return {name: shell.limits() for name, shell in self.shells.items()}

    def _handle_px(self, limits: Mapping[str, Limits], seen: list[str]) -> int:
        """Return how much room the handles get: none where it is too low, then they lie over."""
        if not self._is_unlocked:
            return 0
        needed = limits_of(self.arrangement.root, limits, seen, HANDLE_PX)
        fits = needed is not None and needed.least_height <= self.height()
        return HANDLE_PX if fits else 0

    def _hide_all_but(self, front: set[str]) -> None:
        focus = QApplication.focusWidget()
        for name, shell in self.shells.items():
            if name in front or shell.window() is not self.window():
                continue
            if focus is not None and shell.isAncestorOf(focus):
                self.window().setFocus()  # not the next field: the keys are the instrument's
            shell.set_seen(False)

    def _lay_place(self, place: Place) -> None:
        shell, body = self.shells[place.front], place.body
        most = shell.limits()
        width, height = min(body.width, most.most_width), min(body.height, most.most_height)
        shell.setGeometry(body.x, body.y, width, height)
        shell.set_seen(True)

    def _lay_bars(self) -> None:
        shown = [place for place in self.plan.places if len(place.panels) > 1 or self._is_unlocked]
        while len(self._bars) < len(shown):
            self._bars.append(self._joined(DockBar(self)))
        for bar in self._bars[len(shown) :]:
            bar.hide()
        for bar, place in zip(self._bars, shown, strict=False):
            x, y, width, _ = place.rect
            high = BAR_PX if len(place.panels) > 1 else HANDLE_PX
            bar.setGeometry(x, y, width, high)
            bar.show_place(place.panels, place.front, self.chosen, self._is_unlocked)
            bar.show()
            bar.raise_()

    def _lay_windows(self) -> None:
        wanted = {one.panel: one for one in self.arrangement.floating}
        for panel in [panel for panel in self._windows if panel not in wanted]:
            self.shells[panel].move_to(self)
            self._windows.pop(panel).deleteLater()
        for panel, one in wanted.items():
            if panel not in self._windows:
                self._windows[panel] = self._opened(panel)
            window = self._windows[panel]
            if panel in self.seen():
                self.shells[panel].set_seen(True)
                place = Rect(one.x, one.y, one.width, one.height)
                window.show_at(place, self.chosen, self._is_unlocked)
            else:
                window.hide()
                self.shells[panel].set_seen(False)

    def _opened(self, panel: str) -> DockWindow:
        window = DockWindow(panel, self.window())
        window.hold(self.shells[panel])
        window.placed.connect(lambda one: self._emit(dock_moves.floated(self.arrangement, one)))
        window.close_requested.connect(self.close_panel)
        self._joined(window.bar)
        return window

    def _joined(self, bar: DockBar) -> DockBar:
        bar.raised.connect(lambda panel: self._emit(dock_moves.raised(self.arrangement, panel)))
        bar.chosen.connect(self._on_chosen)
        bar.float_requested.connect(self.toggle_float)
        bar.hide_requested.connect(self.close_panel)
        bar.drag_moved.connect(self._on_drag_moved)
        bar.drag_ended.connect(self._on_drag_ended)
        bar.drag_cancelled.connect(self._on_drag_cancelled)
        return bar

    # ------------------------------------------------------------ intents

    def _emit(self, arrangement: Arrangement) -> None:
        if arrangement != self.arrangement:
            self.arrangement = arrangement
            self.lay()
            self.arranged.emit(arrangement)

    def reveal(self, panel: str) -> None:
        """Let a panel be seen: not hidden, before its tabs, its window on top."""
        self._emit(dock_moves.shown_again(self.arrangement, panel))
        self.lay()  # it may have closed itself behind a tab
        if panel in self._windows:
            self._windows[panel].raise_()
            self._windows[panel].activateWindow()

    def close_panel(self, panel: str) -> None:
        """Hide a panel."""
        self._emit(dock_moves.hid(self.arrangement, panel))
        self.lay()

    def toggle_float(self, panel: str) -> None:
        """Let a panel float where it is, or dock it where it was."""
        if panel in self._windows:
            self._emit(dock_moves.docked(self.arrangement, panel))
            return
        shell = self.shells[panel]
        corner = shell.mapToGlobal(QPoint(24, 24))
        self._float_at(panel, corner)

    def _float_at(self, panel: str, corner: QPoint) -> None:
        row, limits = PANELS[panel], self.shells[panel].limits()
        width = max(row.width_px, limits.least_width) + 16
        height = max(row.height_px, limits.least_height) + BAR_PX + 14
        room = self.screen().availableGeometry()
        screen = Rect(room.x(), room.y(), room.width(), room.height())
        place = inside_screen(Rect(corner.x(), corner.y(), width, height), screen)
        self._emit(dock_moves.floated(self.arrangement, Floating(panel, *place)))

    def grow(self, panel: str, by_px: int, is_row: bool) -> None:
        """Make a panel wider or higher, or less for a negative number."""
        if panel in self._windows:
            return
        path, _ = leaf_of(self.arrangement.root, panel)
        found = grip_of(self.plan, path, is_row)
        if found is not None:
            grip, sign = found
            sizes = dragged(grip, sign * by_px)
            self._emit(dock_moves.resized(self.arrangement, grip.path, sizes))

    def nudge(self, panel: str, by: Rect) -> None:
        """Move or resize a floating panel by some pixels; nothing with a docked one."""
        for one in self.arrangement.floating:
            if one.panel == panel:
                least = self._windows[panel].minimumSizeHint()
                width = max(one.width + by.width, least.width())
                height = max(one.height + by.height, least.height())
                place = Floating(panel, one.x + by.x, one.y + by.y, width, height)
                self._emit(dock_moves.floated(self.arrangement, place))

    def hide_windows(self) -> None:
        """Take the floating panels off the screen: the instrument closes."""
        for window in self._windows.values():
            window.hide()

    def _on_chosen(self, panel: str) -> None:
        if self._is_unlocked:
            self.choose(panel)

    # ------------------------------------------------------------ dragging a panel

    def _on_drag_moved(self, panel: str, pointer: QPoint) -> None:
        if panel in self._windows:
            self._windows[panel].follow(pointer)
        self.shade.show_drop(self._drop(panel, pointer))

    def _on_drag_ended(self, panel: str, pointer: QPoint) -> None:
        drop = self._drop(panel, pointer)
        self.shade.show_drop(None)
        was_floating = panel in self._windows
        if was_floating:
            self._windows[panel].let_go()
        if drop is not None and drop.target:
            self._emit(dock_moves.moved(self.arrangement, panel, drop.target, drop.side))
        elif drop is not None:
            self._emit(dock_moves.moved_to_edge(self.arrangement, panel, drop.side))
        elif panel not in FIXED and not was_floating and not self._is_over_window(pointer):
            self._float_at(panel, pointer - QPoint(40, 10))

    def _on_drag_cancelled(self, panel: str) -> None:
        self.shade.show_drop(None)
        if panel in self._windows:
            self._windows[panel].forget_hand()
        self.lay()

    def _is_over_window(self, pointer: QPoint) -> bool:
        return self.window().geometry().contains(pointer)

    def _drop(self, panel: str, pointer: QPoint) -> Drop | None:
        at = self.mapFromGlobal(pointer)
        room = Rect(0, 0, self.width(), self.height())
        return drop_at(self.arrangement, self.plan, room, panel, (at.x(), at.y()))

    # ------------------------------------------------------------ dragging a gap

    def _grip_at(self, point: QPoint) -> Grip | None:
        if not self._is_unlocked:
            return None
        return next((g for g in self.plan.grips if g.rect.contains(point.x(), point.y())), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a gap between two panels."""
        point = event.position().toPoint()
        grip = self._grip_at(point)
        if grip is not None and event.button() is Qt.MouseButton.LeftButton:
            self._held = (grip, point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the gap; over one, show that it can be dragged."""
        point = event.position().toPoint()
        if self._held is not None:
            grip, began = self._held
            by = point.x() - began.x() if grip.is_row else point.y() - began.y()
            self._emit(dock_moves.resized(self.arrangement, grip.path, dragged(grip, by)))
            return
        over = self._grip_at(point)
        if over is None:
            self.unsetCursor()
        else:
            row, column = Qt.CursorShape.SplitHCursor, Qt.CursorShape.SplitVCursor
            self.setCursor(row if over.is_row else column)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the gap go."""
        self._held = None

    # ------------------------------------------------------------ Qt

    def minimumSizeHint(self) -> QSize:
        """Return what the panels need, though never more than a small screen has."""
        return self._least.boundedTo(_LEAST_PX)

    def sizeHint(self) -> QSize:
        """Return a usual window's room."""
        return self._least.expandedTo(_LEAST_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out anew."""
        self.lay()

    def event(self, event: QEvent) -> bool:
        """Lay out anew when a panel has become larger or smaller inside."""
        if event.type() is QEvent.Type.LayoutRequest and self._limits() != self._laid_for:
            self.lay()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dots in the gaps, while they can be dragged."""
        if not self._is_unlocked:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.LINE), 2))
        for grip in self.plan.grips:
            middle = QRect(*grip.rect).center()
            reach = QPoint(0, 14) if grip.is_row else QPoint(14, 0)
            painter.drawLine(middle - reach, middle + reach)


class DropShade(QWidget):
    """Where the panel goes that is let go now."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_drop(self, drop: Drop | None) -> None:
        """Show the place, or nothing."""
        if drop is None:
            self.hide()
            return
        self.setGeometry(*drop.rect)
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Amber: it waits for the hand to let go."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour(theme.PENDING), 2))
        painter.setBrush(theme.colour(theme.PENDING, 0.18))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 8, 8)
