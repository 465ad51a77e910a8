"""Where pictures come in: the kind, its address, how it is doing."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton

from app.widgets import parts
from engine.protocol.messages import SourceState
from engine.protocol.show import SOURCE_KINDS
from engine.protocol.values import SourceSpec
from engine.protocol.visuals import MAPS

_LABELS = {
    "none": "None",
    "pattern": "Test",
    "visuals": "Visuals",
    "file": "File",
    "camera": "Camera",
    "ndi": "NDI",
}
_KIND_TIPS = {
    "none": "No picture comes in: text alone makes the picture",
    "pattern": "A test pattern",
    "visuals": "Pictures that Segue draws itself: for a stage without a camera",
    "file": "A video file, played again and again",
    "camera": "A camera at this machine",
    "ndi": "An NDI source in the network",
}
_HINTS = {
    "visuals": "Empty: wanders. Or: slow red flames · dancer #7",
    "file": "Path of a video",
    "camera": "Camera number, 0 is the first",
    "ndi": "NDI source name, or host:port",
}
_TIPS = {
    "visuals": (
        "Pictures that Segue draws itself, without an end.\n"
        "Empty: wanders from look to look.\n"
        "Words of a prompt, as in “slow red gold flames”: that picture.\n"
        f"Or a map for control to follow by brightness: {', '.join(MAPS)}.\n"
        "#7 at the end: the same drawn otherwise, another for every number."
    )
}
_WITHOUT_ADDRESS = ("none", "pattern", "visuals")  # can be selected with an empty address
_LEVELS = {"live": "good", "opening": "warning", "stalled": "warning", "failed": "fault"}
_VIDEOS = "Videos (*.mp4 *.mov *.mkv *.webm *.avi *.m4v *.mpg);;All files (*)"


class SourcePanel(parts.Card):
    """A kind that needs no address is selected at once; the others wait for Enter."""

    source_selected = Signal(SourceSpec)

    def __init__(self) -> None:
        super().__init__("SOURCE")
        self.kinds: dict[str, QPushButton] = {}
        self.address = parts.Line()
        self.browse = parts.button("quiet", "Choose …", "Choose a video file")
        self._shown = SourceSpec()
        self._kind = "none"
        self.body.addLayout(self._kind_line())
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.address, 1)
        line.addWidget(self.browse)
        self.body.addLayout(line)
        self.address.returnPressed.connect(self._on_return_pressed)
        self.browse.clicked.connect(self._on_browse_clicked)
        self._choose("none")
        self.setFocusProxy(self.kinds["none"])
        self.show_state(SourceState())

    def _kind_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(6)
        for kind in SOURCE_KINDS:
            button = parts.button("segment", _LABELS[kind], _KIND_TIPS[kind], checkable=True)
            button.clicked.connect(lambda _, chosen=kind: self._on_kind_clicked(chosen))
            self.kinds[kind] = button
            line.addWidget(button, 1)
        return line

    def show_state(self, state: SourceState) -> None:
        """Show the source as the engine has it."""
        if state.spec != self._shown:
            self._shown = state.spec
            self._choose(state.spec.kind)
            self.address.setText(state.spec.address)
        self.status.say(_sentence(state), _LEVELS.get(state.status, "plain"))

    def _choose(self, kind: str) -> None:
        self._kind = kind
        for name, button in self.kinds.items():
            button.setChecked(name == kind)
        needs_address = kind in _HINTS
        self.address.setVisible(needs_address)
        self.address.setPlaceholderText(_HINTS.get(kind, ""))
        self.address.setToolTip(_TIPS.get(kind, _HINTS.get(kind, _KIND_TIPS[kind])))
        self.browse.setVisible(kind == "file")

    def _on_kind_clicked(self, kind: str) -> None:
        self._choose(kind)
        self.address.setText(self._shown.address if self._shown.kind == kind else "")
        if kind == "camera" and not self.address.text():
            self.address.setText("0")
        if kind in _WITHOUT_ADDRESS:
            self.source_selected.emit(SourceSpec(kind=kind, address=self.address.text()))
        else:
            self.address.setFocus()

    def _on_return_pressed(self) -> None:
        address = self.address.text().strip()
        if address or self._kind in _WITHOUT_ADDRESS:
            self.address.clearFocus()
            self.source_selected.emit(SourceSpec(kind=self._kind, address=address))

    def _on_browse_clicked(self) -> None:
        """Ask without stopping anything: the dialog is a window beside ours."""
        dialog = QFileDialog(self, "Choose a video", self.address.text(), _VIDEOS)
        dialog.setModal(False)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_file_selected)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def _on_file_selected(self, path: str) -> None:
        self.address.setText(path)
        self._on_return_pressed()


def _sentence(state: SourceState) -> str:
    if state.status == "none":
        return "Text only: no pictures come in"
    size = f"{state.width_px} × {state.height_px}" if state.width_px else ""
    said = " · ".join(part for part in (state.status.capitalize(), size) if part)
    return f"{said} · {state.message}" if state.message else said
