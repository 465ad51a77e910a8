"""What moves parameters by itself: two lines each, and + to add one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from app.core.modulator_form import LABELS, form_of, share_of, with_rate
from app.widgets import parts, theme
from engine.protocol.beat import BeatState
from engine.protocol.beat_settings import DEFAULT_INPUT
from engine.protocol.modulators import FOLLOWERS, MODULATED, SHAPES, Modulator

_EMPTY = "Nothing moves by itself. + lets a wave move a slider, in step with the beat."


class ModulatorPanel(parts.Card):
    """Emits what the hand makes of a row; what becomes of it is decided elsewhere."""

    add_requested = Signal()
    changed = Signal(int, Modulator)
    remove_requested = Signal(int)
    sound_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__("MODULATORS")
        self.sound = SoundLine()
        self.sound.chosen.connect(self.sound_chosen)
        self.add = parts.button("quiet", "+ MODULATOR", "Let something move a parameter (W)")
        self.add.clicked.connect(self.add_requested)
        self.rows: list[ModulatorRow] = []
        self._empty = QLabel(_EMPTY)
        self._empty.setObjectName("status")
        self._empty.setWordWrap(True)
        self.body.addWidget(self._empty)
        self.body.addWidget(self.add)
        self.body.addWidget(self.sound)

    def show_modulators(self, modulators: tuple[Modulator, ...]) -> None:
        """Draw these; a row that is there is changed, not made anew."""
        while len(self.rows) > len(modulators):
            self.rows.pop().deleteLater()
        while len(self.rows) < len(modulators):
            self._add_row()
        for row, one in zip(self.rows, modulators, strict=True):
            row.show_modulator(one)
        self._empty.setVisible(not modulators)

    def _add_row(self) -> None:
        row, index = ModulatorRow(), len(self.rows)
        row.changed.connect(lambda one: self.changed.emit(index, one))
        row.remove_requested.connect(lambda: self.remove_requested.emit(index))
        self.rows.append(row)
        self.body.insertWidget(self.body.indexOf(self.add), row)


class ModulatorRow(QWidget):
    """Parameter and shape above; rate, depth and offset below."""

    changed = Signal(Modulator)
    remove_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._one = Modulator(parameter=MODULATED[0])
        self._rates = form_of(self._one).rates
        self.parameter = _list(LABELS, "The parameter that is moved")
        self.shape = _list(SHAPES, "Waves go to either side of the slider, envelopes to one")
        self.rate = _list([rate.text for rate in self._rates], "How long a cycle is")
        self.reach = _percent("How far: share of the slider's travel, -100 to 100 %")
        self.offset = _percent("Where in its cycle the beat finds it, 0 to 100 %")
        self.remove = parts.button("quiet", "×", "Remove it (Ctrl Z undoes)")
        self._lay_out()
        self.parameter.activated.connect(lambda n: self._emit(parameter=MODULATED[n]))
        self.shape.activated.connect(lambda n: self._emit(shape=SHAPES[n]))
        self.rate.activated.connect(self._on_rate_chosen)
        self.reach.editingFinished.connect(self._on_depth_written)
        self.offset.editingFinished.connect(self._on_offset_written)
        self.remove.clicked.connect(self.remove_requested)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 6)
        grid.setSpacing(6)
        grid.addWidget(self.parameter, 0, 0, 1, 2)
        grid.addWidget(self.shape, 0, 2)
        grid.addWidget(self.remove, 0, 3)
        grid.addWidget(self.rate, 1, 0)
        grid.addWidget(self.reach, 1, 1, 1, 2)
        grid.addWidget(self.offset, 1, 3)
        for column, stretch in enumerate((4, 1, 3, 2)):
            grid.setColumnStretch(column, stretch)

    def show_modulator(self, one: Modulator) -> None:
        """Draw it; a field that is being written in is left alone."""
        form = form_of(one)
        self._one = one
        if form.rates != self._rates:
            self._rates = form.rates
            self.rate.clear()
            self.rate.addItems([rate.text for rate in form.rates])
        for box, place in ((self.parameter, form.label), (self.shape, form.shape),
                           (self.rate, form.rate)):  # fmt: skip
            box.setCurrentIndex(place)
        for widget in (self.rate, self.offset):
            widget.setVisible(one.shape not in FOLLOWERS)
        for field, text in ((self.reach, form.depth), (self.offset, form.offset)):
            if not field.hasFocus():
                field.setText(f"{text} %")

    def _on_rate_chosen(self, place: int) -> None:
        new = with_rate(self._one, self._rates[place])
        self._emit(beats=new.beats, hz=new.hz)

    def _on_depth_written(self) -> None:
        self._written(self.reach, "depth", -1.0)

    def _on_offset_written(self) -> None:
        self._written(self.offset, "offset", 0.0)

    def _written(self, field: parts.Line, name: str, low: float) -> None:
        share = share_of(field.text(), low, 1.0)
        value = getattr(self._one, name) if share is None else share
        field.setText(f"{value * 100:g} %")
        if value != getattr(self._one, name):
            self._emit(**{name: value})

    def _emit(self, **fields: object) -> None:
        values = {name: getattr(self._one, name) for name in self._one.__struct_fields__}
        self.changed.emit(Modulator(**{**values, **fields}))


class SoundLine(QWidget):
    """Which sound input is heard, and how loud its bands are."""

    chosen = Signal(str)  # a device; empty: none

    def __init__(self) -> None:
        super().__init__()
        self.button = parts.button("segment", "SOUND", "Listen to a sound input", checkable=True)
        self.button.clicked.connect(lambda on: self._choose() if on else self.chosen.emit(""))
        self.field = parts.Line()
        self.field.setPlaceholderText("default input, or a name")
        self.field.setToolTip("A part of the name of a sound input; Enter listens to it")
        self.field.returnPressed.connect(self._choose)
        self.meters = Meters()
        self._device = ""  # that the field shows, as the engine calls it
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.button)
        line.addWidget(self.field, 1)
        line.addWidget(self.meters)

    def _choose(self) -> None:
        self.field.clearFocus()
        self.chosen.emit(self.field.text().strip() or DEFAULT_INPUT)

    def show_sound(self, beat: BeatState) -> None:
        """Show what is heard; the tooltip says from where, or why nothing is."""
        self.button.setChecked(bool(beat.sound))
        self.button.setToolTip(beat.sound or "Listen to a sound input")
        self.meters.show_levels(beat.levels)
        if beat.device != self._device and not self.field.hasFocus():
            self._device = beat.device  # of the show, or set elsewhere
            if beat.device:
                self.field.setText("" if beat.device == DEFAULT_INPUT else beat.device)


class Meters(QWidget):
    """A bar a band, and one that flashes with onsets."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[str, float] = {}
        self.setFixedSize(len(FOLLOWERS) * 10, 26)
        self.setToolTip(", ".join(FOLLOWERS))

    def show_levels(self, levels: Mapping[str, float]) -> None:
        """Draw these."""
        if levels != self.levels:
            self.levels = dict(levels)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars from below."""
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        for number, name in enumerate(FOLLOWERS):
            painter.setBrush(theme.colour(theme.RAISED))
            painter.drawRect(QRectF(number * 10, 0, 7, self.height()))
            height = self.levels.get(name, 0.0) * self.height()
            painter.setBrush(theme.colour(theme.PENDING if name == "onset" else theme.LIVE))
            painter.drawRect(QRectF(number * 10, self.height() - height, 7, height))


def _list(entries: tuple[str, ...] | list[str], tip: str) -> QComboBox:
    box = QComboBox()
    box.addItems(list(entries))
    box.setToolTip(tip)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.setMinimumContentsLength(4)
    return box


def _percent(tip: str) -> parts.Line:
    line = parts.Line()
    line.setToolTip(tip)
    line.setMinimumWidth(40)
    return line
