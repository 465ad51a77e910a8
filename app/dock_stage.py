"""The panels' layouts, connected with the window: choose, keep, lock, move by keys, autosave.

Thread: Qt main; writing a book with its fsync takes milliseconds and is put off until hands rest.
Full: a disk that refuses is told once; the arrangement stays on screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

from app.core import dock_moves
from app.core import layouts as book_of
from app.core.dock_places import Rect
from app.core.dock_tree import Arrangement, Floating, Side
from app.core.layouts import LayoutBook, LayoutError
from app.core.screens import back_on_screen
from app.layout_store import LayoutStore
from app.widgets.dock_area import DockArea
from app.widgets.layout_bar import LayoutBar
from engine.protocol.values import Severity

_AUTOSAVE_MS = 800
_STEP_PX = 24
_SIDES = (Side.LEFT, Side.RIGHT, Side.ABOVE, Side.BELOW)
_WAYS = ((-_STEP_PX, 0), (_STEP_PX, 0), (0, -_STEP_PX), (0, _STEP_PX))
_LOCKED = "The panels are locked; Shift D unlocks them"


class DockStage(QObject):
    """Owns the book of layouts; the window only places `area`."""

    noticed = Signal(Severity, str)
    lock_changed = Signal(bool)  # whether hands may move the panels

    def __init__(self, panels: Mapping[str, QWidget], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._store = LayoutStore()
        self._may_write = False  # not before the book is read, and never in a second window
        self._has_failed = False
        self._is_locked = True  # at every start: a show begins with panels that stay
        self.book = LayoutBook()
        self.area = DockArea(panels, book_of.arrangement_of(self.book))
        self.bar = LayoutBar(window, panels["cuts"])
        self._autosave = QTimer(self, singleShot=True, interval=_AUTOSAVE_MS)
        self._autosave.timeout.connect(self.save)
        self._connect()
        self._draw_bar()

    def _connect(self) -> None:
        self.area.arranged.connect(self._on_arranged)
        self.area.placed.connect(self._on_placed)
        self.bar.layout_chosen.connect(self.go_to)
        self.bar.keep_requested.connect(self.keep)
        self.bar.delete_requested.connect(self.delete)
        self.bar.reset_requested.connect(self.reset)
        self.bar.panel_toggled.connect(self.toggle)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.screenRemoved.connect(self.on_screen_removed)

    def begin(self, is_second: bool) -> None:
        """Read the layouts and be as the last window was left; a second window writes nothing."""
        self.book, said = self._store.read(self._first_choice())
        self._may_write = not is_second
        self._show()
        self._mend()
        if said:
            self.noticed.emit(Severity.WARNING, said)

    def actions(self) -> dict[str, Callable[[], object]]:
        """Return what keys and controllers do here."""
        return {
            "layouts": self.bar.toggle,
            "lock": self.toggle_lock,
            "columns": self.reset,
            "panel_next": self.choose_next,
            "panel_tab": lambda: self._move(dock_moves.tabbed_with_neighbour),
            "panel_float": self._float_chosen,
            "panel_hide": self._hide_chosen,
        }

    # ------------------------------------------------------------ layouts

    def choices(self) -> tuple[list[str], str]:
        """Return the names of all layouts, and of the chosen one."""
        return [one.name for one in book_of.layouts(self.book)], self.book.chosen

    def go_to(self, name: str) -> None:
        """Go to a layout as it was kept."""
        self._change(lambda: book_of.chosen(self.book, name), f"Layout {name}")

    def go_to_key(self, index: int) -> None:
        """Go to the layout of a key, counted from F2."""
        layouts = book_of.layouts(self.book)
        if index < len(layouts):
            self.go_to(layouts[index].name)
        else:
            text = f"F{index + 2} has no layout yet; D opens the layouts, a name and Enter keep one"
            self.noticed.emit(Severity.INFO, text)

    def keep(self, name: str) -> None:
        """Keep the arrangement under a name."""
        said = f"The layout “{' '.join(name.split())}” is kept"
        if self._change(lambda: book_of.kept(self.book, name), said):
            self.bar.name.clear()
            self._window.setFocus()
            self.save()

    def delete(self, name: str) -> None:
        """Delete one's own layout; what is on screen stays."""
        said = f"The layout “{name}” is deleted; what is on screen stays"
        if self._change(lambda: book_of.deleted(self.book, name), said):
            self.save()

    def reset(self) -> None:
        """Go to the house's first layout; one's own are kept."""
        name = self._first_choice()
        said = f"The panels are as at first: {name}; your layouts are kept"
        self._change(lambda: book_of.reset(self.book, name), said)

    def _first_choice(self) -> str:
        return book_of.first_choice(self._window.width(), self._window.height())

    def toggle_lock(self) -> None:
        """Let hands move the panels, or lock them."""
        self._is_locked = not self._is_locked
        self.area.set_unlocked(not self._is_locked)
        self.lock_changed.emit(not self._is_locked)
        if not self._is_locked:
            text = "Unlocked: drag a panel by its bar, a gap to resize; Shift D locks"
            self.noticed.emit(Severity.INFO, text)

    def _change(self, change: Callable[[], LayoutBook], said: str) -> bool:
        """Change the book; a refusal is one sentence and changes nothing."""
        try:
            self.book = change()
        except LayoutError as error:
            self.noticed.emit(Severity.WARNING, str(error))
            return False
        self._show()
        self._mend()
        self.noticed.emit(Severity.INFO, said)
        return True

    # ------------------------------------------------------------ panels

    def reveal(self, panel: str) -> None:
        """Let a panel be seen."""
        self.area.reveal(panel)

    def toggle(self, panel: str) -> None:
        """Show a panel, or hide it."""
        if panel in self.area.arrangement.hidden:
            self.area.reveal(panel)
        else:
            self.area.close_panel(panel)

    def choose_next(self) -> None:
        """Mark the next panel: the keys move that one."""
        if self._is_unlocked():
            seen, now = self.area.seen(), self.area.arrangement
            panel = dock_moves.next_panel(now, self.area.chosen, seen)
            self.area.reveal(panel)
            self.area.choose(panel)

    def step(self, index: int) -> None:
        """Move the chosen panel: left, right, up, down; a floating one by some pixels."""
        side, (across, down) = _SIDES[index], _WAYS[index]
        self._move(lambda now, panel, seen: dock_moves.stepped(now, panel, side, seen))
        self.area.nudge(self.area.chosen, Rect(across, down, 0, 0))

    def grow(self, index: int) -> None:
        """Make the chosen panel narrower, wider, lower, higher."""
        if self._has_chosen():
            by = _STEP_PX if index in (1, 3) else -_STEP_PX
            self.area.grow(self.area.chosen, by, is_row=index < 2)
            wider, higher = _WAYS[index]
            self.area.nudge(self.area.chosen, Rect(0, 0, wider, higher))

    def _move(self, move: Callable[[Arrangement, str, tuple[str, ...]], Arrangement]) -> None:
        if self._has_chosen():
            area = self.area
            after = move(area.arrangement, area.chosen, area.plan.shown)
            area.show_arrangement(after)
            self._on_arranged(after)

    def _float_chosen(self) -> None:
        if self._has_chosen():
            self.area.toggle_float(self.area.chosen)

    def _hide_chosen(self) -> None:
        if self._has_chosen():
            self.area.close_panel(self.area.chosen)

    def _is_unlocked(self) -> bool:
        if self._is_locked:
            self.noticed.emit(Severity.INFO, _LOCKED)
        return not self._is_locked

    def _has_chosen(self) -> bool:
        """Return whether there is a panel to move; the first key chooses one."""
        if not self._is_unlocked():
            return False
        if not self.area.chosen:
            self.choose_next()
            return False
        return True

    # ------------------------------------------------------------ screens

    def on_screen_removed(self, screen: QScreen) -> None:
        """Bring back what floated there; the system has not moved it yet, or anywhere."""
        QTimer.singleShot(0, self._mend)

    def _mend(self) -> None:
        """Let no panel float where there is no screen."""
        screens = [_rect(screen) for screen in QGuiApplication.screens()]

        def mended(one: Floating) -> Floating:
            at = back_on_screen(Rect(one.x, one.y, one.width, one.height), screens)
            return Floating(one.panel, *at)

        before = self.area.arrangement
        after = dock_moves.on_screens(before, mended)
        if after != before:
            self.area.show_arrangement(after)
            self._on_arranged(after)

    # ------------------------------------------------------------ drawing and keeping

    def _on_arranged(self, arrangement: Arrangement) -> None:
        self.book = book_of.arranged(self.book, arrangement)
        self._draw_bar()
        self._autosave.start()

    def _show(self) -> None:
        self.area.show_arrangement(book_of.arrangement_of(self.book))
        self._draw_bar()
        self._autosave.start()

    def _draw_bar(self) -> None:
        layouts = book_of.layouts(self.book)
        self.bar.show_layouts(layouts, self.book.chosen, book_of.is_changed(self.book))
        self._draw_panels()

    def _on_placed(self) -> None:
        self.bar.place()
        self._draw_panels()

    def _draw_panels(self) -> None:
        self.bar.show_panels([p for p in self.bar.panels if p not in self.area.arrangement.hidden])

    def save(self) -> None:
        """Write the book."""
        self._autosave.stop()
        if not self._may_write:
            return
        try:
            self._store.write(self.book)
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                text = f"The layouts are not saved: {self._store.path}: {error.strerror}"
                self.noticed.emit(Severity.WARNING, text)
            self._has_failed = True

    def close(self) -> None:
        """Write what hands did last; the floating panels go with the window."""
        if self._autosave.isActive():
            self.save()
        self.area.hide_windows()


def _rect(screen: QScreen) -> Rect:
    room = screen.availableGeometry()
    return Rect(room.x(), room.y(), room.width(), room.height())
