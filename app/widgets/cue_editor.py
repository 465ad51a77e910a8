"""The cue list as it is written: over the sliders, not modal."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.cue_form import AS_PRESET, CUTS, CueForm, form_of
from app.core.cue_view import CueView
from app.widgets import parts
from app.widgets.set_bar import SetBar
from engine.protocol.parameters import PARAMETERS
from engine.protocol.show import Cue, Show

_EMPTY = "No cues yet. Ctrl K keeps the look on air as one; + CUE makes one of a pad."
_MASK_COLUMNS = 3
_LEAST_LIST_PX = 72
_CUT_TIPS = {
    AS_PRESET: "Cuts as the pad does",
    "hard": "A new picture from the next chunk",
    "soft": "Flows into it over so many chunks",
    "values": "No cut: only the parameters move",
}


class CueEditor(QWidget):
    """A list, and the form of the cue that is chosen in it."""

    add_requested = Signal(str)  # a preset
    all_requested = Signal()
    snapshot_requested = Signal()
    remove_requested = Signal(str)
    move_requested = Signal(str, int)
    standby_requested = Signal(str)
    form_changed = Signal(str, CueForm)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("window")  # opaque: what lies below must not shine through
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._show: Show | None = None
        self._is_filling = False
        self.list = QListWidget()
        self.list.setMinimumHeight(_LEAST_LIST_PX)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setToolTip("The cues in their order: arrows choose one to write")
        self.list.currentRowChanged.connect(self._on_chosen)
        self.empty = QLabel(_EMPTY)
        self.empty.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._adding())
        column.addWidget(self.empty)
        column.addWidget(self.list, 1)
        column.addLayout(self._moving())
        self._form = self._make_form()
        column.addWidget(_scrolled(self._form), 2)
        self.set_bar = SetBar()
        column.addWidget(self.set_bar)
        self.hide()

    # ------------------------------------------------------------ making

    def _adding(self) -> QHBoxLayout:
        self.pads = QComboBox()
        self.pads.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.pads.setToolTip("The pad that + CUE makes a cue of")
        self.add = parts.button("quiet", "+ CUE", "A cue that goes to this pad")
        self.all = parts.button("quiet", "ALL", "A cue for each pad that has none")
        self.snap = parts.button("quiet", "SNAP", "Keep the look on air as pad and cue (Ctrl K)")
        self.add.clicked.connect(lambda: self.add_requested.emit(self.pads.currentText()))
        self.all.clicked.connect(self.all_requested)
        self.snap.clicked.connect(self.snapshot_requested)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.pads, 1)
        close = parts.button("quiet", "×", "Close the cue list (C)")
        close.clicked.connect(self.hide)
        for button in (self.add, self.all, self.snap, close):
            line.addWidget(button)
        return line

    def _moving(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(6)
        up, down = parts.button("quiet", "UP", "Earlier"), parts.button("quiet", "DOWN", "Later")
        remove = parts.button("quiet", "REMOVE", "Remove the cue; its pad stays (Ctrl Z undoes)")
        standby = parts.button("quiet", "STAND BY", "GO fires it next")
        up.clicked.connect(lambda: self._emit_move(-1))
        down.clicked.connect(lambda: self._emit_move(1))
        remove.clicked.connect(lambda: self._emit_of_chosen(self.remove_requested))
        standby.clicked.connect(lambda: self._emit_of_chosen(self.standby_requested))
        for button in (up, down, remove, standby):
            line.addWidget(button, 1)
        return line

    def _make_form(self) -> QWidget:
        card = parts.Card("CUE")
        self.name, self.chunks, self.fade = parts.Line(), parts.Line(), parts.Line()
        self.follow, self.note = parts.Line(), parts.Line()
        self.follow.setPlaceholderText("waits for GO")
        self.chunks.setPlaceholderText("as pad")
        self.fade.setPlaceholderText("0 s")
        for field, tip in (
            (self.name, "Name of the cue; every name once (Enter)"),
            (self.note, "A note to yourself, shown on the cue"),
            (self.chunks, "Length of a soft cut in chunks, 1 to 64"),
            (self.fade, "Seconds over which sliders travel, 0 to 600"),
            (self.follow, "Seconds on air, then the next cue goes by itself: 90 or 1:30"),
        ):
            field.setToolTip(tip)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        rows = (("Name", self.name, 0, 3), ("Note", self.note, 1, 3))
        for text, field, row, span in rows:
            grid.addWidget(parts.label("row", text), row, 0)
            grid.addWidget(field, row, 1, 1, span)
        self.preset = QComboBox()
        self.preset.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.preset.setToolTip("The pad that the cue goes to")
        self.preset.activated.connect(self._on_edited)
        grid.addWidget(parts.label("row", "Pad"), 2, 0)
        grid.addWidget(self.preset, 2, 1, 1, 3)
        grid.addWidget(parts.label("row", "Cut"), 3, 0)
        grid.addLayout(self._cut_line(), 3, 1, 1, 3)
        for text, field, row, at, span in (
            ("Chunks", self.chunks, 4, 0, 1),
            ("Fade s", self.fade, 4, 2, 1),
            ("Then s", self.follow, 5, 0, 3),
        ):
            grid.addWidget(parts.label("row", text), row, at)
            grid.addWidget(field, row, at + 1, 1, span)
        card.body.addLayout(grid)
        self._moves_label = parts.label("row", "Moves")
        card.body.addWidget(self._moves_label)
        self._mask = QGridLayout()
        self._mask.setSpacing(4)
        self.moves: dict[str, QPushButton] = {}
        card.body.addLayout(self._mask)
        card.body.addStretch(1)  # on a high screen the room is below the fields
        for field in (self.name, self.chunks, self.fade, self.follow, self.note):
            field.editingFinished.connect(self._on_edited)
        return card

    def _cut_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        self.cuts = {text: parts.button("segment", text, checkable=True) for text in CUTS}
        for text, tip in _CUT_TIPS.items():
            self.cuts[text].setToolTip(tip)
        for text, button in self.cuts.items():
            button.clicked.connect(lambda _, chosen=text: self._on_cut_chosen(chosen))
            line.addWidget(button, 1)
        return line

    # ------------------------------------------------------------ what is shown

    @property
    def chosen(self) -> str:
        """Name of the cue that the form shows; empty for none."""
        cues = self._show.cues if self._show is not None else ()
        row = self.list.currentRow()
        return cues[row].name if 0 <= row < len(cues) else ""

    def toggle(self) -> None:
        """Open or close."""
        self.setVisible(not self.isVisible())
        self.raise_()
        (self.list if self.isVisible() else self.window()).setFocus()

    def show_show(self, show: Show, views: tuple[CueView, ...]) -> None:
        """Draw the cues of a show; the chosen one stays chosen."""
        kept, row = self.chosen, self.list.currentRow()
        self._show, self._is_filling = show, True
        presets = [preset.name for preset in show.presets]
        if presets != [self.pads.itemText(i) for i in range(self.pads.count())]:
            for box in (self.pads, self.preset):
                box.clear()
                box.addItems(presets)
        self.list.clear()
        self.list.addItems([f"{view.number}   {view.name}    {view.how}" for view in views])
        names = [cue.name for cue in show.cues]
        self.empty.setVisible(not names)
        self._is_filling = False
        if kept not in names:  # its neighbour
            kept = names[min(max(row, 0), len(names) - 1)] if names else ""
        self.choose(kept)

    def choose(self, name: str) -> None:
        """Show the form of a cue; empty shows none."""
        cues = self._show.cues if self._show is not None else ()
        row = next((i for i, cue in enumerate(cues) if cue.name == name), -1)
        self.list.setCurrentRow(row)
        self._on_chosen(row)

    def _on_chosen(self, row: int) -> None:
        if self._is_filling or self._show is None:
            return
        cues = self._show.cues
        self._form.setEnabled(0 <= row < len(cues))
        if 0 <= row < len(cues):
            self._fill(cues[row], self._show)

    def _fill(self, cue: Cue, show: Show) -> None:
        form = form_of(cue)
        texts = (
            (self.name, form.name), (self.note, form.note), (self.chunks, form.chunks),
            (self.fade, form.fade), (self.follow, form.follow),
        )  # fmt: skip
        for field, text in texts:
            if field.text() != text:
                field.setText(text)
        self.preset.setCurrentText(form.preset)
        for text, button in self.cuts.items():
            button.setChecked(text == form.cut)
        self._fill_mask(cue, show)

    def _fill_mask(self, cue: Cue, show: Show) -> None:
        rows = show.preset(cue.preset).parameters
        self._moves_label.setVisible(bool(rows))
        if list(self.moves) != list(rows):
            for button in self.moves.values():
                self._mask.removeWidget(button)
                button.deleteLater()
            self.moves = {row: self._mask_button(row) for row in rows}
            for index, button in enumerate(self.moves.values()):
                self._mask.addWidget(button, *divmod(index, _MASK_COLUMNS))
        for row, button in self.moves.items():
            button.setChecked(cue.rows is None or row in cue.rows)

    def _mask_button(self, row: str) -> QPushButton:
        button = parts.button("segment", PARAMETERS[row].label, "The cue moves it", checkable=True)
        button.clicked.connect(self._on_edited)
        return button

    # ------------------------------------------------------------ what is done

    def _emit_of_chosen(self, signal: SignalInstance) -> None:
        if self.chosen:
            signal.emit(self.chosen)

    def _emit_move(self, by: int) -> None:
        if self.chosen:
            self.move_requested.emit(self.chosen, by)

    def _on_cut_chosen(self, chosen: str) -> None:
        for text, button in self.cuts.items():
            button.setChecked(text == chosen)
        self._on_edited()

    def _on_edited(self) -> None:
        name = self.chosen
        if not name or self._show is None:
            return
        cue = next(cue for cue in self._show.cues if cue.name == name)
        form = CueForm(
            name=self.name.text(),
            preset=self.preset.currentText(),
            cut=next((text for text, b in self.cuts.items() if b.isChecked()), AS_PRESET),
            chunks=self.chunks.text(),
            fade=self.fade.text(),
            follow=self.follow.text(),
            note=self.note.text(),
            rows=self._mask_of(cue),
        )
        self.form_changed.emit(name, form)

    def _mask_of(self, cue: Cue) -> tuple[str, ...] | None:
        """Return the rows that are checked; another pad has others, so its mask begins whole."""
        if self.preset.currentText() != cue.preset:
            return None
        return tuple(row for row, button in self.moves.items() if button.isChecked())


def _scrolled(form: QWidget) -> QScrollArea:
    """Let the form scroll on a low screen, so that no field is squeezed."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(form)
    return area
