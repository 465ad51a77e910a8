"""The preset pads: a colour, a name, a key; blinking while queued, lit while on air."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QGridLayout, QScrollArea, QSizePolicy, QWidget

from app.core.deck import PadState
from app.core.keys import PAD_KEYS
from app.core.pad_grid import GAP_PX, LEAST_HEIGHT_PX, LEAST_WIDTH_PX, columns
from app.widgets import theme
from engine.protocol.show import Preset
from engine.protocol.values import Cut

_NAME_SIZES_PX = (24, 20, 17, 14, 13, 12, 11, 10)
_MAX_NAME_SHARE = 0.19  # of the pad's height
_MAX_ROWS = 2  # that want to be seen without scrolling
_BLINK_MS = 250

_SHARE = {  # of its own colour in its surface
    PadState.IDLE: 0.10,
    PadState.QUEUED: 0.22,
    PadState.PREVIEW: 0.22,
    PadState.ACTIVE: 0.52,
}


class Pad(QWidget):
    """One preset."""

    pressed = Signal(Preset, Cut)

    def __init__(self, preset: Preset, key: str, picture: QImage | None = None) -> None:
        super().__init__()
        self.preset = preset
        self._key = key
        self._picture = QImage() if picture is None else picture
        self._state = PadState.IDLE
        self._is_lit = False  # of the blink
        self._is_hovered = False
        self.setMinimumSize(LEAST_WIDTH_PX, LEAST_HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(_tool_tip(preset, key))
        self.setAccessibleName(preset.name)

    def sizeHint(self) -> QSize:
        """A little wider than high."""
        return QSize(130, LEAST_HEIGHT_PX)

    @property
    def state(self) -> PadState:
        """How it is lit."""
        return self._state

    def show_state(self, state: PadState) -> None:
        """Light it."""
        if state is not self._state:
            self._state = state
            self.update()

    def blink(self, is_lit: bool) -> None:
        """Take a step of the blink."""
        if self._state is PadState.QUEUED:
            self._is_lit = is_lit
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Left: its own cut. Ctrl: hard. Alt: soft."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.pressed.emit(self.preset, Cut.HARD)
        elif modifiers & Qt.KeyboardModifier.AltModifier:
            self.pressed.emit(self.preset, Cut.SOFT)
        else:
            self.pressed.emit(self.preset, Cut.NONE)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.pressed.emit(self.preset, Cut.NONE)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the focus."""
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Lift it under the pointer."""
        self._is_hovered = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Let it down."""
        self._is_hovered = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Surface, colour, border, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        self._paint_surface(painter, box)
        self._paint_words(painter, box)

    def _paint_surface(self, painter: QPainter, box: QRectF) -> None:
        own = self.preset.colour
        share = _SHARE[self._state]
        painter.setBrush(theme.mixed(theme.SURFACE, own, share + 0.08 * self._is_hovered))
        painter.setPen(self._border())
        painter.drawRoundedRect(box, 9, 9)
        if not self._picture.isNull():
            self._paint_picture(painter, box.adjusted(1, 1, -1, -1))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(own))
        painter.drawRoundedRect(
            QRectF(box.left() + 12, box.bottom() - 12, box.width() - 24, 4), 2, 2
        )

    def _paint_picture(self, painter: QPainter, box: QRectF) -> None:
        """The look itself, dark where the words stand; bright while it is on air."""
        outline = QPainterPath()
        outline.addRoundedRect(box, 8, 8)
        painter.save()
        painter.setClipPath(outline)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, self._picture, _middle_of(self._picture, box))
        lit = self._state is PadState.ACTIVE or self._is_hovered
        shade = QLinearGradient(box.topLeft(), box.bottomLeft())
        shade.setColorAt(0.0, theme.colour(theme.NIGHT, 0.30 if lit else 0.62))
        shade.setColorAt(0.4, theme.colour(theme.NIGHT, 0.10 if lit else 0.50))
        shade.setColorAt(1.0, theme.colour(theme.NIGHT, 0.72 if lit else 0.86))
        painter.fillRect(box, shade)
        painter.restore()

    def _border(self) -> QPen:
        if self._state is PadState.QUEUED:
            return QPen(theme.colour(theme.PENDING if self._is_lit else theme.LINE), 3)
        if self._state is PadState.ACTIVE:
            return QPen(theme.colour(theme.TEXT), 2)
        if self._state is PadState.PREVIEW:
            return QPen(theme.colour(theme.GOOD), 2.5)
        if self.hasFocus():
            return QPen(theme.colour(theme.DIM), 2)
        return QPen(theme.mixed(theme.LINE, self.preset.colour, 0.25), 1)

    def _paint_words(self, painter: QPainter, box: QRectF) -> None:
        active = self._state is PadState.ACTIVE
        quiet = not active and self._picture.isNull()
        painter.setPen(theme.colour(theme.DIM if quiet else theme.TEXT))
        painter.setFont(theme.font(13, QFont.Weight.Bold))
        head = box.adjusted(12, 9, -12, 0)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self._key)
        soft = self.preset.cut is Cut.SOFT
        painter.setFont(theme.font(11, QFont.Weight.DemiBold))
        cut = f"soft {self.preset.chunks}" if soft else "hard"
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, cut)
        painter.setPen(theme.colour(theme.TEXT))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        name = box.adjusted(12, 26, -8, -18)
        painter.setFont(_name_font(self.preset.name, name.width(), box.height()))
        painter.drawText(name, flags | Qt.TextFlag.TextWordWrap, self.preset.name)


class PadRow(QScrollArea):
    """All pads of a show: twelve in a row, or fewer and larger ones where there is room."""

    preset_pressed = Signal(Preset, Cut)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pads: list[Pad] = []
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._grid = QGridLayout()
        self._columns = len(PAD_KEYS)
        self._is_lit = False
        self._blink = QTimer(self, interval=_BLINK_MS)
        self._blink.timeout.connect(self._on_blink)

    def show_presets(self, presets: Sequence[Preset], pictures: Mapping[str, QImage]) -> None:
        """Make a pad for each preset, with its picture if it has one."""
        inside = QWidget()
        self._grid = QGridLayout(inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP_PX)
        self.pads = []
        for index, preset in enumerate(presets):
            key = PAD_KEYS[index] if index < len(PAD_KEYS) else ""
            pad = Pad(preset, key, pictures.get(preset.name))
            pad.pressed.connect(self.preset_pressed)
            self.pads.append(pad)
        self._columns = columns(self.width(), self.height(), len(self.pads))
        self._place_pads()
        self.setWidget(inside)
        row_px = LEAST_HEIGHT_PX + GAP_PX
        rows = min(-(-len(presets) // len(PAD_KEYS)), _MAX_ROWS)
        self.setMinimumHeight(max(rows, 1) * row_px)
        self._blink.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the pads as the room wants it."""
        wanted = columns(self.width(), self.height(), len(self.pads))
        if wanted != self._columns:
            self._columns = wanted
            self._place_pads()
        super().resizeEvent(event)  # which asks the pads how wide they must be

    def _place_pads(self) -> None:
        for pad in self.pads:
            self._grid.removeWidget(pad)
        for column in range(len(PAD_KEYS)):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)
        for index, pad in enumerate(self.pads):
            self._grid.addWidget(pad, *divmod(index, self._columns))

    def show_states(self, states: Sequence[PadState]) -> None:
        """Light the pads, in order."""
        for pad, state in zip(self.pads, states, strict=True):
            pad.show_state(state)

    def _on_blink(self) -> None:
        self._is_lit = not self._is_lit
        for pad in self.pads:
            pad.blink(self._is_lit)


def _name_font(name: str, width_px: float, height_px: float) -> QFont:
    """Return the largest of our sizes at which every word fits into the width, or the smallest."""
    sizes = [size for size in _NAME_SIZES_PX if size <= max(_MAX_NAME_SHARE * height_px, 10)]
    fonts = [theme.font(size_px, QFont.Weight.DemiBold) for size_px in sizes]
    for font in fonts:
        measure = QFontMetricsF(font)
        if all(measure.horizontalAdvance(word) <= width_px for word in name.split()):
            return font
    return fonts[-1]


def _middle_of(picture: QImage, box: QRectF) -> QRectF:
    """Return the part of the picture that has the shape of the box."""
    height = min(picture.width() * box.height() / box.width(), picture.height())
    width = height * box.width() / box.height()
    left, top = (picture.width() - width) / 2, (picture.height() - height) / 2
    return QRectF(left, top, width, height)


def _tool_tip(preset: Preset, key: str) -> str:
    how = f"soft over {preset.chunks} chunks" if preset.cut is Cut.SOFT else "hard"
    pressed = f"Key {key}: {how}. " if key else f"Cuts {how}. "
    return f"{preset.prompt}\n{pressed}With Ctrl hard, with Alt soft."
