"""The controllers: devices with their lights, bindings, the last messages. Beside the monitor."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.midi_book import BindingView, DeviceView, beat_text
from app.core.midi_monitor import MAX_LINES, MonitorLine
from app.widgets import parts, theme
from app.widgets.binding_list import BindingList
from engine.protocol.beat import BeatClock

_LINE_PX = 17
_SHOWN_LINES = 9
_LEAST_LINES = 4  # on a low screen the bindings need the room more
_LEAST_LIST_PX = 150
_GLOW_MS = 250
_BEATS = 4


class MidiPanel(QWidget):
    """Over the sliders; not modal. It takes no keys until its list is clicked or stepped into."""

    panic_requested = Signal()
    page_requested = Signal(str, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("window")  # opaque: what lies below must not shine through
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.devices: dict[str, DeviceRow] = {}
        self.list = BindingList()
        self.monitor = MessageMonitor()
        self.beat = BeatLine()
        self.shift = parts.label("chip", "⇧")
        parts.set_level(self.shift, "warning")
        self.status = parts.ElidedLabel("status")
        self.panic = parts.button("record", "PANIC", "Nothing held, nothing waiting, lights anew")
        self.panic.clicked.connect(self.panic_requested)
        self._devices_card = parts.Card("DEVICES")
        self._empty = parts.label("status", "No controller is connected. Plug one in.")
        self._devices_card.body.addWidget(self._empty)
        self._devices_card.body.addWidget(self.beat)
        self._lay_out()
        self.hide()

    def toggle(self) -> bool:
        """Open or close; returns whether it is open now."""
        if self.isVisible():
            self.hide()
            return False
        self.raise_()
        self.show()
        return True

    def step(self) -> bool:
        """Open, then go into the list, then close; returns whether it is open now."""
        if self.isVisible() and not self.list.hasFocus():
            self.list.setFocus()
            return True
        return self.toggle()

    def show_devices(self, views: Sequence[DeviceView], message: str, restarts: int) -> None:
        """Draw the devices; a row that is there is changed, not made anew."""
        for port in [port for port in self.devices if port not in {v.port for v in views}]:
            self.devices.pop(port).deleteLater()
        for view in views:
            if view.port not in self.devices:
                self._add(view.port)
            self.devices[view.port].show_view(view)
        self._empty.setVisible(not views)
        again = f"MIDI restarted {restarts}×" if restarts else ""
        text = message or again
        self.status.say(text, "warning" if message else "plain")

    def show_bindings(self, views: tuple[BindingView, ...], is_shifted: bool) -> None:
        """Draw the bindings, and whether shift is held."""
        self.shift.setVisible(is_shifted)
        self.list.show_views(views)

    def show_lines(self, lines: Sequence[MonitorLine]) -> None:
        """Draw the last messages, the newest on top; the device of the newest glows."""
        is_new = tuple(lines) != self.monitor.lines
        self.monitor.show_lines(lines)
        if is_new and lines and lines[-1].port in self.devices:
            self.devices[lines[-1].port].glow()

    def _add(self, port: str) -> None:
        row = DeviceRow()
        row.page_requested.connect(lambda page: self.page_requested.emit(port, page))
        self.devices[port] = row
        self._devices_card.body.insertWidget(self._devices_card.body.count() - 1, row)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(parts.label("caption", "CONTROLLERS"))
        head.addWidget(self.shift)
        head.addWidget(self.status, 1)
        head.addWidget(self.panic)
        self.close_button = parts.button(
            "quiet", "CLOSE", "Close this (Shift L: into the list, then close)"
        )
        self.close_button.clicked.connect(self.hide)
        head.addWidget(self.close_button)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setMinimumHeight(_LEAST_LIST_PX)
        area.setWidget(self.list)
        self.list.closed.connect(self.hide)
        self.list.row_chosen.connect(lambda y: area.ensureVisible(0, y, 0, 40))
        bound = parts.Card("BINDINGS")
        bound.body.addWidget(area, 1)
        heard = parts.Card("LAST MESSAGES")
        heard.body.addWidget(self.monitor)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addLayout(head)
        whole.addWidget(self._devices_card)
        whole.addWidget(bound, 1)
        whole.addWidget(heard)


class DeviceRow(QWidget):
    """One device: a light that glows when it speaks, its map, its page."""

    page_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.light = parts.label("status", "●")
        self.name = parts.ElidedLabel("row")
        self.map = parts.ElidedLabel("status")
        self.page = parts.button("segment", "", "Next page of this controller")
        self.page.clicked.connect(self._on_page_clicked)
        self._view = DeviceView(port="", map_text="")
        self._calm = QTimer(self, singleShot=True, interval=_GLOW_MS)
        self._calm.timeout.connect(lambda: parts.set_level(self.light, "plain"))
        text = QVBoxLayout()
        text.setSpacing(0)
        text.addWidget(self.name)
        text.addWidget(self.map)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.light)
        line.addLayout(text, 1)
        line.addWidget(self.page)

    def show_view(self, view: DeviceView) -> None:
        """Draw a device."""
        self._view = view
        self.light.setText(view.mark or "●")
        lights = "It listens: its lights show the show." if view.is_lit else "It has no lights."
        self.name.say(view.port, tip=f"{view.port}\n{lights}")
        self.map.say(view.map_text)
        self.page.setVisible(view.num_pages > 1)
        self.page.setText(f"PAGE {view.page}/{view.num_pages}")

    def glow(self) -> None:
        """It has just said something."""
        parts.set_level(self.light, "good")
        self._calm.start()

    def _on_page_clicked(self) -> None:
        self.page_requested.emit(self._view.page % self._view.num_pages + 1)


class BeatLine(QWidget):
    """Tempo, and four dots that follow the beat."""

    def __init__(self) -> None:
        super().__init__()
        self.beat = BeatClock()
        self.now_s = 0.0
        self.setFixedHeight(18)

    def show_beat(self, beat: BeatClock, now_s: float) -> None:
        """Draw this moment of the beat."""
        if (beat, now_s) != (self.beat, self.now_s):
            self.beat, self.now_s = beat, now_s
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Text on the left, dots on the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(13))
        painter.setPen(theme.colour(theme.TEXT if self.beat.is_known else theme.FAINT))
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(self.rect(), middle, beat_text(self.beat))
        if not self.beat.is_known:
            return
        place = int(self.beat.phase_at(self.now_s, _BEATS) * _BEATS)
        painter.setPen(Qt.PenStyle.NoPen)
        for number in range(_BEATS):
            painter.setBrush(theme.colour(theme.LIVE if number == place else theme.RAISED))
            painter.drawEllipse(QRectF(self.width() - (_BEATS - number) * 18, 4, 10, 10))


class MessageMonitor(QWidget):
    """The last messages and what they did."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[MonitorLine, ...] = ()
        self.setMinimumHeight(_LEAST_LINES * _LINE_PX)
        self.setMaximumHeight(_SHOWN_LINES * _LINE_PX)

    def show_lines(self, lines: Sequence[MonitorLine]) -> None:
        """Draw these, the newest on top; the tooltip has all of them."""
        shown = tuple(lines)
        if shown != self.lines:
            self.lines = shown
            newest = reversed(shown[-MAX_LINES:])
            self.setToolTip("\n".join(f"{x.port}  {x.said}  → {x.meant}" for x in newest))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """One line a message; older ones fade."""
        painter = QPainter(self)
        painter.setFont(theme.font(12))
        middle = Qt.AlignmentFlag.AlignVCenter
        half = self.width() * 0.5
        if not self.lines:
            painter.setPen(theme.colour(theme.FAINT))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Nothing moved yet")
        for number, line in enumerate(reversed(self.lines[-_SHOWN_LINES:])):
            fade = 1 - 0.07 * number
            left = QRectF(0, number * _LINE_PX, half - 6, _LINE_PX)
            right = QRectF(half, number * _LINE_PX, half, _LINE_PX)
            painter.setPen(theme.colour(theme.DIM, fade))
            painter.drawText(left, middle | Qt.AlignmentFlag.AlignLeft, line.said)
            painter.setPen(theme.colour(theme.TEXT, fade))
            metrics = painter.fontMetrics()
            text = metrics.elidedText(line.meant, Qt.TextElideMode.ElideRight, int(half))
            painter.drawText(right, middle | Qt.AlignmentFlag.AlignLeft, text)
