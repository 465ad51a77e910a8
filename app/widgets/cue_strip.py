"""The cue list as it is played: GO, BACK, one card a cue, the countdown to the follow-on."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.core.cue_view import CueLight, CueView
from app.widgets import parts, theme

_HEIGHT_PX = 62
_CARD_PX = 166
_BLINK_MS = 250
_SIDE_PX = 148


class CueCard(QWidget):
    """One cue: red on air, amber while it waits for its boundary, green when it stands by."""

    pressed = Signal(str)

    def __init__(self, view: CueView) -> None:
        super().__init__()
        self.view = view
        self._is_lit = False  # of the blink
        self.setFixedSize(QSize(_CARD_PX, _HEIGHT_PX))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.show_view(view)

    def show_view(self, view: CueView) -> None:
        """Draw another state."""
        self.view = view
        how = f"{view.name}: {view.how}"
        self.setToolTip(f"{how}\n{view.note}\nClick: it stands by" if view.note else how)
        self.setAccessibleName(f"cue {view.number} {view.name}, {view.light}")
        self.update()

    def blink(self, is_lit: bool) -> None:
        """Take a step of the blink."""
        if self.view.light is CueLight.QUEUED:
            self._is_lit = is_lit
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Let it stand by."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.pressed.emit(self.view.name)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Surface, border, number, how it comes, name, note."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        on_air = self.view.light is CueLight.ON_AIR
        painter.setBrush(theme.mixed(theme.SURFACE, theme.AIR, 0.72 if on_air else 0.0))
        painter.setPen(self._border())
        painter.drawRoundedRect(box, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(self.view.colour))
        painter.drawRoundedRect(QRectF(box.left() + 8, box.top() + 9, 4, box.height() - 18), 2, 2)
        self._paint_words(painter, box.adjusted(20, 6, -8, -6), on_air)

    def _border(self) -> QPen:
        match self.view.light:
            case CueLight.STANDBY:
                return QPen(theme.colour(theme.GOOD), 2.5)
            case CueLight.QUEUED:
                return QPen(theme.colour(theme.PENDING if self._is_lit else theme.LINE), 3)
            case CueLight.ON_AIR:
                return QPen(theme.colour(theme.AIR), 2)
            case CueLight.IDLE:
                return QPen(theme.colour(theme.LINE), 1)

    def _paint_words(self, painter: QPainter, box: QRectF, on_air: bool) -> None:
        view, top = self.view, Qt.AlignmentFlag.AlignTop
        painter.setPen(theme.colour(theme.TEXT if on_air else theme.DIM))
        painter.setFont(theme.font(11, QFont.Weight.DemiBold))
        width = int(box.width())
        left = painter.fontMetrics().horizontalAdvance("000 ")
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | top, str(view.number))
        how = painter.fontMetrics().elidedText(view.how, Qt.TextElideMode.ElideRight, width - left)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | top, how)
        bottom = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        note = painter.fontMetrics().elidedText(view.note, Qt.TextElideMode.ElideRight, width)
        painter.drawText(box, bottom, note)
        painter.setPen(theme.colour(theme.TEXT))
        painter.setFont(theme.font(15, QFont.Weight.DemiBold))
        name = painter.fontMetrics().elidedText(view.name, Qt.TextElideMode.ElideRight, width)
        middle = box.adjusted(0, 0, 0, 0 if view.note else 14)
        painter.drawText(middle, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)


class CueStrip(QWidget):
    """GO and what it fires. Hidden while the show has no cues."""

    go_requested = Signal()
    back_requested = Signal()
    hold_requested = Signal()
    cue_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[CueCard] = []
        self.go = parts.button("go", "GO", "Fire the cue that stands by (G)")
        self.back = parts.button("quiet", "BACK", "Take GO back, or go back a cue (Shift G)")
        self.countdown = parts.ElidedLabel("status")
        self.hold = parts.button("quiet", "HOLD", "Stop the countdown (Ctrl G)", checkable=True)
        self._area = self._scrolling()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        line.addWidget(self.go)
        line.addWidget(self._area, 1)
        line.addLayout(self._side())
        self.go.setFixedSize(112, _HEIGHT_PX)
        self.setFixedHeight(_HEIGHT_PX + 10)
        self.go.clicked.connect(self.go_requested)
        self.back.clicked.connect(self.back_requested)
        self.hold.clicked.connect(self.hold_requested)
        self._is_lit = False
        self._blink = QTimer(self, interval=_BLINK_MS)
        self._blink.timeout.connect(self._on_blink)
        self.hide()

    def _scrolling(self) -> QScrollArea:
        inside = QWidget()
        self._line = QHBoxLayout(inside)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(8)
        self._line.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        area.setFixedHeight(_HEIGHT_PX + 10)
        area.setWidget(inside)
        return area

    def _side(self) -> QVBoxLayout:
        column, buttons = QVBoxLayout(), QHBoxLayout()
        column.setSpacing(4)
        buttons.setSpacing(6)
        buttons.addWidget(self.back)
        buttons.addWidget(self.hold)
        self.countdown.setFixedWidth(_SIDE_PX)
        column.addWidget(self.countdown)
        column.addLayout(buttons)
        return column

    def show_views(self, views: tuple[CueView, ...]) -> None:
        """Draw the cues; a card that is there is changed, not made anew."""
        while len(self.cards) > len(views):
            card = self.cards.pop()
            self._line.removeWidget(card)
            card.deleteLater()
        while len(self.cards) < len(views):
            card = CueCard(views[len(self.cards)])
            card.pressed.connect(self.cue_chosen)
            self._line.insertWidget(len(self.cards), card)
            self.cards.append(card)
        for card, view in zip(self.cards, views, strict=True):
            if card.view != view:
                came = view.light in (CueLight.STANDBY, CueLight.QUEUED)
                card.show_view(view)
                if came:
                    self._area.ensureWidgetVisible(card, _CARD_PX, 0)
        self.setVisible(bool(views))
        if any(view.light is CueLight.QUEUED for view in views) != self._blink.isActive():
            self._blink.stop() if self._blink.isActive() else self._blink.start()

    def show_countdown(self, text: str, is_held: bool) -> None:
        """Show when the next cue goes by itself, or when one that waits for the beat moves."""
        counts = text.startswith("goes")
        is_soon = text.startswith("moves") or (counts and not is_held)
        self.countdown.say(text, "warning" if is_soon else "plain")
        self.hold.setChecked(is_held)
        self.hold.setEnabled(counts or is_held)

    def _on_blink(self) -> None:
        self._is_lit = not self._is_lit
        for card in self.cards:
            card.blink(self._is_lit)
