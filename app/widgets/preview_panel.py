"""The preview beside the program: what a take goes to, and what it would change."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.widgets import parts, theme
from engine.protocol.preview import Preview

_WIDTH_PX = 256
_PICTURE_PX = 158
_LEAST_PICTURE_PX = 72
_MAX_LINES = 6
_MAX_LINES_LOW = 2  # where the cue list and a small screen leave less than this height:
_LOW_PX = 400


class PreviewPicture(QWidget):
    """The preset's picture in a green frame: nothing is generated for a preview."""

    def __init__(self) -> None:
        super().__init__()
        self.image = QImage()
        self.setMinimumHeight(_LEAST_PICTURE_PX)
        self.setMaximumHeight(_PICTURE_PX)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def show_image(self, image: QImage) -> None:
        """Show another picture; a null one leaves the frame."""
        self.image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture or a word, then the frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        if self.image.isNull():
            painter.setPen(theme.colour(theme.FAINT))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "no picture yet")
        else:
            painter.drawImage(box, self.image)
        painter.setPen(QPen(theme.colour(theme.GOOD), 3))
        painter.drawRect(box)


class PreviewPanel(parts.Card):
    """Hidden while hands play."""

    take_hard_requested = Signal()
    take_soft_requested = Signal()
    pre_roll_requested = Signal()
    close_requested = Signal()

    def __init__(self) -> None:
        super().__init__("PREVIEW")
        self.setFixedWidth(_WIDTH_PX)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.picture = PreviewPicture()
        self.name = parts.ElidedLabel("big")
        self.prompt = parts.ElidedLabel("row")
        self.lines = [parts.ElidedLabel("status") for _ in range(_MAX_LINES)]
        self.body.addWidget(self.picture, 1)
        self.body.addWidget(self.name)
        self.body.addWidget(self.prompt)
        column = QVBoxLayout()
        column.setSpacing(2)
        for line in self.lines:
            line.hide()
            column.addWidget(line)
        self.body.addLayout(column)
        self.body.addStretch()
        self.body.addLayout(self._buttons())
        self.status.say("hands prepare", tip="Knobs, pads and prompts go here")
        self.hide()

    def _buttons(self) -> QVBoxLayout:
        self.hard = parts.button("take", "TAKE", "Hard cut to the preview (Space or T)")
        self.soft = parts.button("takesoft", "SOFT", "Flow into it (Shift Space or Shift T)")
        self.rolled = parts.button(
            "take", "PRE-ROLL", "Hard cut that is seen when it already runs (Ctrl T)"
        )
        self.close_button = parts.button("quiet", "CLOSE", "Hands play again (A)")
        self.hard.clicked.connect(self.take_hard_requested)
        self.soft.clicked.connect(self.take_soft_requested)
        self.rolled.clicked.connect(self.pre_roll_requested)
        self.close_button.clicked.connect(self.close_requested)
        lines = QVBoxLayout()
        for pair in ((self.hard, self.soft), (self.rolled, self.close_button)):
            line = QHBoxLayout()
            line.setSpacing(6)
            for button in pair:
                line.addWidget(button, 1)
            lines.addLayout(line)
        return lines

    def show_preview(self, preview: Preview, picture: QImage, differences: tuple[str, ...]) -> None:
        """Draw what is prepared."""
        self.setVisible(preview.is_open)
        if picture is not self.picture.image:
            self.picture.show_image(picture)
        self.name.say(preview.name or "a look of its own")
        self.prompt.say(preview.prompt)
        room = _MAX_LINES if self.height() >= _LOW_PX else _MAX_LINES_LOW
        shown = list(differences[:room])
        if len(differences) > room:
            shown[-1] = f"and {len(differences) - room + 1} more"
        for line, text in zip(self.lines, [*shown, *[""] * _MAX_LINES], strict=False):
            line.say(text, "warning" if text else "plain")
            line.setVisible(bool(text))
