"""The models: what there is, its licence, getting, checking, playing it. A panel, not modal."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.model_book import ModelView, PlayChoice
from app.widgets import parts

_STEPS = 1000


class ModelPanel(QWidget):
    """One card a model. Of the keys it takes Tab and Enter: all others play on."""

    get_requested = Signal(str)
    accept_requested = Signal()
    dismiss_requested = Signal()
    cancel_requested = Signal()
    check_requested = Signal(str)
    play_requested = Signal(object)  # a ModelChoice: name and size

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("window")  # opaque: what lies below must not shine through
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.cards: dict[str, ModelCard] = {}
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._empty = parts.label("status", "Looking for what is here …")
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(self._head())
        self._area = self._scrolling()
        whole.addWidget(self._area, 1)
        self.hide()

    def toggle(self) -> bool:
        """Open or close; returns whether it is open now."""
        if self.isVisible():
            self.hide()
            self.window().setFocus()  # not the next field of text: keys are the instrument's
            return False
        self.raise_()
        self.show()
        self.close_button.setFocus()  # Tab goes on to the models
        return True

    def show_views(self, views: tuple[ModelView, ...]) -> None:
        """Draw the models; a card that is there is changed, not made anew."""
        self._empty.setVisible(not views)
        for view in views:
            if view.name not in self.cards:
                self._add(view.name)
            card = self.cards[view.name]
            was_asking = card.accept.isVisible()
            card.show_view(view)
            if view.licence and not was_asking:  # its buttons may lie below what is seen
                QTimer.singleShot(
                    0, lambda shown=card: self._area.ensureWidgetVisible(shown.accept)
                )

    def _head(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.addWidget(parts.label("caption", "MODELS"))
        line.addStretch(1)
        self.close_button = parts.button("quiet", "CLOSE", "Close the list (M)")
        self.close_button.clicked.connect(self.hide)
        line.addWidget(self.close_button)
        return line

    def _scrolling(self) -> QScrollArea:
        inside = QWidget()
        inside.setLayout(self._column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        return area

    def _add(self, name: str) -> None:
        card = ModelCard()
        card.get.clicked.connect(lambda: self.get_requested.emit(name))
        card.check.clicked.connect(lambda: self.check_requested.emit(name))
        card.cancel.clicked.connect(self.cancel_requested)
        card.accept.clicked.connect(self.accept_requested)
        card.dismiss.clicked.connect(self.dismiss_requested)
        card.play.clicked.connect(lambda: self._on_play_clicked(card))
        self.cards[name] = card
        self._column.insertWidget(self._column.count() - 1, card)

    def _on_play_clicked(self, card: ModelCard) -> None:
        if (choice := card.size_box.chosen) is not None:
            self.play_requested.emit(choice.model)


class SizeBox(QComboBox):
    """At which size a model would play; what was chosen stays chosen as long as it is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Size in pixels")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._choices: tuple[PlayChoice, ...] = ()

    @property
    def chosen(self) -> PlayChoice | None:
        """What is chosen; None while nothing is offered."""
        return self._choices[self.currentIndex()] if self._choices else None

    def offer(self, choices: tuple[PlayChoice, ...]) -> None:
        """Offer these; the same again changes nothing, not even an open list."""
        if choices == self._choices:
            return
        chosen = self.chosen
        self._choices = choices
        self.clear()
        self.addItems([choice.label for choice in choices])
        if chosen in choices:
            self.setCurrentIndex(choices.index(chosen))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the list of models: who scrolls it does not choose a size."""
        event.ignore()


class ModelCard(parts.Card):
    """One model; what does not apply is not shown."""

    def __init__(self) -> None:
        super().__init__()
        self.name = parts.label("length")
        self.chip = parts.label("chip")
        self.summary = _wrapped("row")
        self.facts = _wrapped("status")
        self.warning = parts.label("chip")
        self.licence = _wrapped("licence")
        self.bar = QProgressBar(maximum=_STEPS, textVisible=False)
        self.progress = _wrapped("status")
        self.outcome = _wrapped("status")
        self.get = parts.button("quiet", "Get", "Show the licence, then download")
        self.check = parts.button("quiet", "Check", "Files, sizes, checksums, headers")
        self.cancel = parts.button("quiet", "Cancel", "What came is kept")
        self.accept = parts.button("record", "Accept and get", "Accept these licences")
        self.dismiss = parts.button("quiet", "Not now", "Nothing is downloaded")
        self.size_box = SizeBox()
        self.play = parts.button(
            "quiet", "Play", "Loads beside what plays, then takes over at a chunk boundary"
        )
        self._lay_out()

    def show_view(self, view: ModelView) -> None:
        """Draw a model."""
        self.size_box.offer(view.choices)
        self.name.setText(view.name)
        self.chip.setText(view.chip)
        parts.set_level(self.chip, view.chip_level)
        parts.set_level(self.warning, "warning")
        for widget, text in (
            (self.summary, view.summary),
            (self.facts, view.facts),
            (self.warning, view.warning),
            (self.licence, view.licence),
            (self.progress, view.progress),
            (self.outcome, view.outcome.sentence),
        ):
            widget.setText(text)
            widget.setVisible(bool(text))
        parts.set_level(self.outcome, view.outcome.level)
        self.bar.setVisible(view.share is not None)
        self.bar.setValue(round((view.share or 0.0) * _STEPS))
        shown: tuple[tuple[QWidget, bool], ...] = (
            (self.size_box, view.can_play),
            (self.play, view.can_play),
            (self.get, view.can_get),
            (self.check, view.can_check),
            (self.cancel, view.can_cancel),
            (self.accept, bool(view.licence)),
            (self.dismiss, bool(view.licence)),
        )
        for control, is_shown in shown:
            control.setVisible(is_shown)

    def _lay_out(self) -> None:
        self.body.addLayout(_line(self.name, None, self.chip))
        self.body.addWidget(self.summary)
        self.body.addWidget(self.facts)
        self.body.addLayout(_line(self.warning, None))
        for widget in (self.licence, self.bar, self.progress, self.outcome):
            self.body.addWidget(widget)
        self.body.addLayout(_line(self.size_box, self.play, None))
        buttons: tuple[QPushButton, ...] = (
            self.get, self.check, self.cancel, self.accept, self.dismiss,
        )  # fmt: skip
        self.body.addLayout(_line(*buttons, None))


def _wrapped(style: str) -> QLabel:
    """Return a label that grows with its text; paths and checksums in it can be copied."""
    result = QLabel()
    result.setObjectName(style)
    result.setWordWrap(True)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return result


def _line(*widgets: QWidget | None) -> QHBoxLayout:
    """Return widgets side by side; None is room between them."""
    line = QHBoxLayout()
    line.setSpacing(8)
    for widget in widgets:
        if widget is None:
            line.addStretch(1)
        else:
            line.addWidget(widget)
    return line
