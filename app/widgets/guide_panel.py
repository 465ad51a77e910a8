"""Still pictures that steer: mask, pictures to follow, first and last frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core import guide_view
from app.widgets import parts
from engine.protocol.guides import (
    MASK_KINDS,
    MAX_LAST_FRAME_CHUNK,
    MAX_REFERENCES,
    NO_GUIDES,
)
from engine.protocol.messages import EngineState
from engine.protocol.values import Guides

_PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff);;All files (*)"
_PATIENCE_STATES = 10  # a second; then what the engine has is the truth
_LABEL_PX = 46
_STEP_PX = 26
_MASKS = {
    "none": ("None", "Everything is redrawn"),
    "image": ("Image", "White of a picture is redrawn; the source stays where it is black"),
    "person": ("People", "People in the source are redrawn; the rest of it stays"),
    "luminance": ("Bright", "What is bright in the source is redrawn; the rest of it stays"),
}
_FOLLOW_TIP = (
    f"Pictures whose subject or style is followed, up to {MAX_REFERENCES}; each makes chunks "
    "slower.\nDrop files here, too."
)
_FIRST_TIP = "A hard cut begins with this picture"
_LAST_TIP = "The chunk beside ends with this picture, counted from the cut, or from now"


class GuidePanel(parts.Card):
    """Shows what the engine has, and asks for the whole of it anew with every edit."""

    guides_edited = Signal(Guides)

    def __init__(self) -> None:
        super().__init__("PICTURES")
        self._guides = NO_GUIDES
        self._patience = 0  # states to come that may not know of our edit yet
        self._mask_image = ""  # remembered while another kind of mask is chosen
        self.masks: dict[str, QPushButton] = {}
        self.inverted = parts.button("segment", "Invert", "Redraw what stayed", checkable=True)
        self.mask_image = parts.button("quiet", "", "Choose the picture of the mask")
        self.add = parts.button("quiet", "Add …", _FOLLOW_TIP)
        self.first = parts.button("quiet", "", _FIRST_TIP)
        self.last = parts.button("quiet", "", _LAST_TIP)
        self.clear_first = parts.button("quiet", "×", "Without a first frame")
        self.clear_last = parts.button("quiet", "×", "Without a last frame")
        self.last_chunk = parts.label("row")
        self.sooner = parts.button("segment", "−", "The last frame a chunk sooner")
        self.later = parts.button("segment", "+", "The last frame a chunk later")
        self._last_steps = (self.sooner, self.last_chunk, self.later, self.clear_last)
        self._followed = QHBoxLayout()
        self._inside = QWidget()
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        self._draw()

    def _lay_out(self) -> None:
        masks = QHBoxLayout()
        masks.setSpacing(6)
        for kind in MASK_KINDS:
            text, tip = _MASKS[kind]
            self.masks[kind] = parts.button("segment", text, tip, checkable=True)
            masks.addWidget(self.masks[kind], 1)
        masks.addWidget(self.inverted, 1)
        self._followed.setSpacing(6)
        self.last_chunk.setToolTip(_LAST_TIP)
        for step in (self.sooner, self.later):
            step.setFixedWidth(_STEP_PX)
        lines = (
            _line("Mask", masks),
            _line("", _row(self.mask_image)),
            _line("Follow", self._followed),
            _line("First", _row(self.first, self.clear_first)),
            _line("Last", _row(self.last, *self._last_steps)),
        )
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for line in lines:
            column.addWidget(line)
        self._mask_line = lines[1]
        self.body.addWidget(self._inside)

    def _connect(self) -> None:
        for kind, button in self.masks.items():
            button.clicked.connect(lambda _, chosen=kind: self._on_mask_clicked(chosen))
        self.inverted.clicked.connect(self._on_inverted_clicked)
        self.mask_image.clicked.connect(lambda: self._ask_one("of the mask", self._set_mask_image))
        self.add.clicked.connect(self._ask_many)
        self.first.clicked.connect(lambda: self._ask_one("to begin with", self._set_first))
        self.last.clicked.connect(lambda: self._ask_one("to arrive at", self._set_last))
        self.clear_first.clicked.connect(lambda: self._set_first(""))
        self.clear_last.clicked.connect(lambda: self._set_last(""))
        self.sooner.clicked.connect(lambda: self._move_last(-1))
        self.later.clicked.connect(lambda: self._move_last(1))

    # ------------------------------------------------------------ showing

    def show_state(self, state: EngineState, shown: Guides | None = None) -> None:
        """Show what the engine has, unless an edit of ours is still on its way.

        Args:
            state: of the engine.
            shown: what is prepared, in place of what is on air.
        """
        wanted = state.guides if shown is None else shown
        if wanted == self._guides or self._patience == 0:
            self._patience = 0
            self._take(wanted)
        else:
            self._patience -= 1
        text, level = guide_view.status_of(state, shown)
        self.status.say(text, level)
        self._inside.setEnabled(state.worker.takes_guides)
        self._inside.setVisible(state.worker.takes_guides or self._guides != NO_GUIDES)
        for button in self.masks.values():
            if button.property("pending") != state.guides_pending:
                button.setProperty("pending", state.guides_pending)
                parts.repolish(button)

    def _take(self, guides: Guides) -> None:
        if guides != self._guides:
            self._guides = guides
            self._draw()

    def _draw(self) -> None:
        guides, mask = self._guides, self._guides.mask
        self._mask_image = mask.image or self._mask_image
        for kind, button in self.masks.items():
            button.setChecked(kind == mask.kind)
        self.inverted.setChecked(mask.inverted)
        self.inverted.setEnabled(mask.kind != "none")
        self._mask_line.setVisible(mask.kind == "image")
        _name(self.mask_image, self._mask_image)
        _name(self.first, guides.first_frame)
        _name(self.last, guides.last_frame)
        self.clear_first.setVisible(bool(guides.first_frame))
        for widget in self._last_steps:
            widget.setVisible(bool(guides.last_frame))
        self.last_chunk.setText(f"chunk {guides.last_frame_chunk}")
        self._draw_followed()

    def _draw_followed(self) -> None:
        """One button a picture, which takes it away; then the one that adds."""
        while (item := self._followed.takeAt(0)) is not None:
            old = item.widget()
            if old is not None and old is not self.add:
                old.deleteLater()
        for path in self._guides.references:
            tip = f"Follow it no more: {path}"
            button = parts.button("segment", f"{guide_view.short_name(path)} ×", tip)
            button.clicked.connect(lambda _, gone=path: self._unfollow(gone))
            self._followed.addWidget(button, 1)
        self._followed.addWidget(self.add, 1)
        self.add.setText("+" if self._guides.references else "Add …")
        self.add.setVisible(len(self._guides.references) < MAX_REFERENCES)

    # ------------------------------------------------------------ editing

    def _edit(self, guides: Guides) -> None:
        if guides != self._guides:
            self._patience = _PATIENCE_STATES
            self._take(guides)
            self.guides_edited.emit(guides)
        else:
            self._draw()  # a button that was pressed in vain springs back

    def _change(self, **changes: object) -> None:
        self._edit(guide_view.changed(self._guides, **changes))

    def _set_first(self, path: str) -> None:
        self._change(first_frame=path)

    def _set_last(self, path: str) -> None:
        self._change(last_frame=path)

    def _move_last(self, by: int) -> None:
        chunk = self._guides.last_frame_chunk + by
        self._change(last_frame_chunk=min(max(chunk, 1), MAX_LAST_FRAME_CHUNK))

    def _set_mask_image(self, path: str) -> None:
        self._edit(guide_view.masked(self._guides, "image", path))

    def _follow(self, paths: Sequence[str]) -> None:
        self._edit(guide_view.followed(self._guides, paths))

    def _unfollow(self, path: str) -> None:
        self._edit(guide_view.not_followed(self._guides, path))

    def _on_inverted_clicked(self, is_checked: bool) -> None:
        self._edit(guide_view.inverted(self._guides, is_checked))

    def _on_mask_clicked(self, kind: str) -> None:
        if kind == "image" and not self._mask_image:
            self._draw()
            self._ask_one("of the mask", self._set_mask_image)
        else:
            self._edit(guide_view.masked(self._guides, kind, self._mask_image))

    def _ask_one(self, what: str, take: Callable[[str], None]) -> None:
        self._ask(what, QFileDialog.FileMode.ExistingFile).fileSelected.connect(take)

    def _ask_many(self) -> None:
        self._ask("to follow", QFileDialog.FileMode.ExistingFiles).filesSelected.connect(
            self._follow
        )

    def _ask(self, what: str, mode: QFileDialog.FileMode) -> QFileDialog:
        """Ask without stopping anything: the dialog is a window beside ours."""
        dialog = QFileDialog(self, f"Choose a picture {what}", "", _PICTURES)
        dialog.setModal(False)
        dialog.setFileMode(mode)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()
        return dialog

    # ------------------------------------------------------------ Qt

    def take_focus(self) -> None:
        """Begin with the mask; Tab goes on from there."""
        if self._inside.isEnabled():
            self.masks[self._guides.mask.kind].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Welcome picture files while the model takes them."""
        if self._inside.isEnabled() and _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Follow the pictures that were dropped."""
        self._edit(guide_view.followed(self._guides, _dropped(event)))
        event.acceptProposedAction()


def _dropped(event: QDropEvent) -> list[str]:
    return guide_view.pictures_among(url.toLocalFile() for url in event.mimeData().urls())


def _name(button: QPushButton, path: str) -> None:
    """Show the picture's name, or that there is none."""
    button.setText(guide_view.short_name(path) if path else "Choose …")


def _row(*widgets: QWidget) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(6)
    for index, widget in enumerate(widgets):
        line.addWidget(widget, 1 if index == 0 else 0)
    return line


def _line(text: str, content: QHBoxLayout) -> QWidget:
    widget = QWidget()
    line = QHBoxLayout(widget)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(8)
    caption = parts.label("row", text)
    caption.setFixedWidth(_LABEL_PX)
    line.addWidget(caption)
    line.addLayout(content, 1)
    return widget
