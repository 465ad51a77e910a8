"""Name of the show, how the engine is, who watches, MIDI, help."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.widgets import parts
from app.widgets.lock_button import LockButton

_LEAST_PX = 720
_NAME_PX = 100  # of the show's name


class TopBar(QWidget):
    """Chips light up when they have something to say."""

    learn_toggled = Signal(bool)
    cues_requested = Signal()
    models_requested = Signal()
    controllers_requested = Signal()
    help_requested = Signal()
    preview_requested = Signal()
    menu_requested = Signal()
    layouts_requested = Signal()
    lock_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.show_name = parts.ElidedLabel("show")
        self.link = parts.label("chip")
        self.air = parts.label("chip")
        self.recording = parts.label("chip", "REC")
        self.midi = parts.label("chip", "MIDI")
        self.learn = parts.button("quiet", "LEARN", "Learn MIDI controls (L)", checkable=True)
        self.cues = parts.button("quiet", "CUES", "Write the cue list (C)")
        self.controllers = parts.button(
            "quiet", "CONTROLLERS", "MIDI devices, bindings, messages (Shift L)"
        )
        self.models = parts.button("quiet", "MODELS", "List, get and check models (M)")
        self.preview = parts.button("quiet", "PREVIEW", "Prepare a look beside the one on air (A)")
        self.layouts = parts.button("quiet", "LAYOUT", "Layouts and panels (D); F2 … F9 go to one")
        self.lock = LockButton()
        self.help = parts.button("quiet", "?", "All keys (F1)")
        self.menu = parts.button("quiet", "☰", "Every command, and the clean output (F10)")
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(parts.label("wordmark", "SEGUE"))
        line.addSpacing(8)
        line.addWidget(self.show_name, 1)
        chips = (self.link, self.air, self.recording, self.midi)
        self._giving_way = (
            self.controllers, self.models, self.preview, self.learn, self.cues, self.layouts,
        )  # fmt: skip
        panels = (self.preview, self.cues, self.learn, self.controllers, self.models)
        for widget in (*chips, *panels, self.layouts, self.lock, self.help, self.menu):
            line.addWidget(widget)
        self.learn.clicked.connect(self.learn_toggled)
        self.cues.clicked.connect(self.cues_requested)
        self.controllers.clicked.connect(self.controllers_requested)
        self.models.clicked.connect(self.models_requested)
        self.preview.clicked.connect(self.preview_requested)
        self.layouts.clicked.connect(self.layouts_requested)
        self.lock.clicked.connect(self.lock_requested)
        self.help.clicked.connect(self.help_requested)
        self.menu.clicked.connect(self.menu_requested)
        self.show_recording("")
        self.show_midi("", (), "looking for devices")

    def minimumSizeHint(self) -> QSize:
        """Return what a small screen has; buttons give way, first those needed least in a show."""
        return QSize(_LEAST_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many buttons as there is room for; the menu has them all."""
        self._fit()

    def _fit(self) -> None:
        line = self.layout()
        for button in self._giving_way:
            button.show()
        room = self.width() - _NAME_PX
        for button in self._giving_way:
            if line is None or line.minimumSize().width() <= room:
                break
            button.hide()

    def show_show(self, name: str, is_read_only: bool, is_saved: bool) -> None:
        """Show which show is open, and whether its files are as it is."""
        marks = ("read-only",) * is_read_only + ("edited",) * (not is_saved)
        self.show_name.say(" · ".join((name, *marks)))

    def show_link(self, text: str, level: str, tip: str) -> None:
        """Show how we stand with the engine."""
        _say(self.link, text, level, tip)

    def show_air(self, receivers: int, is_on_program: bool) -> None:
        """Show who watches."""
        counted = f" · {receivers}" if receivers else ""
        text = f"ON AIR{counted}" if is_on_program else f"RECEIVERS {receivers}"
        level = "fault" if is_on_program else "good" if receivers else "plain"
        _say(self.air, text, level, "Receivers of the NDI output; red: we are on a program")

    def show_recording(self, path: str) -> None:
        """Show the recording chip while one runs."""
        if self.recording.isHidden() == bool(path):
            self.recording.setVisible(bool(path))
            self._fit()
        _say(self.recording, "REC", "fault", path)

    def show_midi(self, backend: str, ports: tuple[str, ...], message: str) -> None:
        """Show whether MIDI is there."""
        tip = message or f"{backend}: {', '.join(ports)}"
        _say(self.midi, "MIDI" if backend else "NO MIDI", "good" if backend else "plain", tip)


def _say(chip: QLabel, text: str, level: str, tip: str) -> None:
    chip.setText(text)
    chip.setToolTip(tip)
    parts.set_level(chip, level)
