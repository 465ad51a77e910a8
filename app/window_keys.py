"""What each key of the table does in the window. The table itself is `app.core.keys`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence, QShortcut

from app.core.keys import KEYS, Key
from engine.protocol.preview import PRE_ROLL_CHUNKS
from engine.protocol.values import Cut

if TYPE_CHECKING:  # the window imports us
    from app.main_window import MainWindow

_PADS = {"pad": Cut.NONE, "pad_hard": Cut.HARD, "pad_soft": Cut.SOFT}
_PANELS: dict[str, Callable[[MainWindow, int], object]] = {
    "layout": lambda window, index: window.docks.go_to_key(index),
    "panel_move": lambda window, index: window.docks.step(index),
    "panel_resize": lambda window, index: window.docks.grow(index),
}
_REPEATING = (
    "dimmer_up", "dimmer_down", "undo", "redo", "beat_earlier", "beat_later", "panel_resize",
)  # fmt: skip


def bind_keys(window: MainWindow) -> None:
    """Bind every key of the table."""
    for _, rows in KEYS:
        for row in rows:
            _bind(window, row)


def _bind(window: MainWindow, row: Key) -> None:
    for index, keys in enumerate(row.keys):
        shortcut = QShortcut(QKeySequence(keys), window)
        shortcut.setAutoRepeat(row.action in _REPEATING)
        shortcut.activated.connect(action(window, row.action, index))


def action(window: MainWindow, name: str, index: int) -> Callable[[], object]:
    """Return what the `index`-th key of an action does."""
    if name in _PADS:
        return lambda: window.press_pad(index, _PADS[name])
    if name in _PANELS:
        return lambda: _PANELS[name](window, index)
    stages = {**window.beat.actions(), **window.docks.actions()}
    return {**_playing(window), **_showing(window), **stages}[name]


def _playing(window: MainWindow) -> dict[str, Callable[[], object]]:
    instrument = window.instrument
    return {
        "cut_hard": window.cut_hard,
        "cut_soft": window.cut_soft,
        "cut_cancel": instrument.cancel,
        "soft_shorter": lambda: instrument.set_soft_chunks(instrument.soft_chunks - 1),
        "soft_longer": lambda: instrument.set_soft_chunks(instrument.soft_chunks + 1),
        "preview": instrument.preview.toggle,
        "take_hard": lambda: window.preview.take(Cut.HARD),
        "take_soft": lambda: window.preview.take(Cut.SOFT),
        "take_pre_roll": lambda: window.preview.take(Cut.HARD, PRE_ROLL_CHUNKS),
        "go": instrument.go,
        "back": instrument.back,
        "standby_previous": lambda: instrument.move_standby(-1),
        "standby_next": lambda: instrument.move_standby(1),
        "hold_follow": instrument.hold_follow,
        "freeze": lambda: instrument.toggle("freeze"),
        "black": lambda: instrument.toggle("black"),
        "dimmer_up": lambda: instrument.nudge("dimmer", 0.05),
        "dimmer_down": lambda: instrument.nudge("dimmer", -0.05),
        "record": instrument.toggle_recording,
        "restart": instrument.restart_worker,
    }


def _showing(window: MainWindow) -> dict[str, Callable[[], object]]:
    instrument = window.instrument
    return {
        "prompt": window.focus_prompt,
        "store": lambda: instrument.desk.store_look(instrument.state, window.monitor_picture()),
        "snapshot": window.cues.snapshot,
        "cues": window.toggle_cues,
        "recover": window.offer.accept,
        "undo": instrument.undo,
        "redo": instrument.redo,
        "guides": window.show_guides,
        "modulator": window.add_modulator,
        "monitor": window.toggle_full_screen,
        "clean": window.clean.step,
        "sliders": lambda: window.go_to_panel("sliders", window.parameters),
        "source": lambda: window.go_to_panel("source", window.source),
        "output": lambda: window.go_to_panel("output", window.output),
        "learn": lambda: window.midi.set_learning(not window.learn.isVisible()),
        "controllers": window.midi.step_panel,
        "models": window.toggle_models,
        "notices": window.toggle_notices,
        "show_previous": lambda: instrument.set_list.step(-1),
        "show_next": lambda: instrument.set_list.step(1),
        "open": window.ask_for_show,
        "save": instrument.save,
        "pack": instrument.desk.pack,
        "help": window.help.toggle,
        "tour": window.tour.begin,
        "menu": window.open_menu,
        "phones": instrument.phones.toggle,
        "quit": window.close,
    }
