"""What leaves: NDI name, size, rate, who receives it, and the recording."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout

from app.widgets import parts
from engine.protocol.messages import OutputState
from engine.protocol.values import OutputSpec

SIZES = ((960, 540), (1280, 720), (1920, 1080), (1080, 1920), (1024, 1024))
RATES = (
    (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1),
)  # fmt: skip


class OutputPanel(parts.Card):
    """Every change is sent at once; the name with Enter."""

    output_changed = Signal(OutputSpec)
    recording_toggled = Signal()

    def __init__(self) -> None:
        super().__init__("OUTPUT")
        self.name = parts.Line()
        self.name.setToolTip("NDI source name (Enter)")
        self.ndi = parts.button("segment", "NDI", "Send NDI", checkable=True)
        self.size_box = _box("Size in pixels")
        self.rate_box = _box("Frames a second")
        self.record = parts.button("record", "● Rec", "Record to MP4 (R)", checkable=True)
        self._spec = OutputSpec()
        self._fill()
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.ndi)
        top.addWidget(self.name, 1)
        bottom.addWidget(self.size_box, 5)
        bottom.addWidget(self.rate_box, 4)
        bottom.addWidget(self.record, 3)
        for line in (top, bottom):
            line.setSpacing(8)
            self.body.addLayout(line)
        self.ndi.setMinimumWidth(56)
        self.name.returnPressed.connect(self._on_name_entered)
        self.ndi.clicked.connect(lambda is_on: self._change(ndi=is_on))
        self.size_box.activated.connect(self._on_size_activated)
        self.rate_box.activated.connect(self._on_rate_activated)
        self.record.clicked.connect(self._on_record_clicked)
        self.setFocusProxy(self.ndi)
        self._show_spec()

    def _fill(self) -> None:
        for width, height in SIZES:
            self.size_box.addItem(f"{width} × {height}", (width, height))
        for numerator, denominator in RATES:
            self.rate_box.addItem(f"{numerator / denominator:.5g} fps", (numerator, denominator))

    def show_output(self, spec: OutputSpec, ndi: OutputState | None, recording: str) -> None:
        """Show the output as the engine has it."""
        if spec != self._spec:
            self._spec = spec
            self._show_spec()
        text, level = _sentence(spec, ndi)
        tip = f"{text}\nNDI® is a registered trademark of Vizrt NDI AB. ndi.video"
        self.status.say(text, level, tip)
        self.record.setChecked(bool(recording))
        self.record.setText("■ Stop" if recording else "● Rec")
        self.record.setToolTip(recording or "Record to MP4 (R)")

    def _show_spec(self) -> None:
        spec = self._spec
        if not self.name.hasFocus():
            self.name.setText(spec.ndi_name)
        self.ndi.setChecked(spec.ndi)
        _select(
            self.size_box, (spec.width_px, spec.height_px), f"{spec.width_px} × {spec.height_px}"
        )
        rate = (spec.rate_numerator, spec.rate_denominator)
        _select(self.rate_box, rate, f"{spec.rate_fps:.5g} fps")

    def _change(self, **changes: object) -> None:
        self.output_changed.emit(msgspec.structs.replace(self._spec, **changes))
        self._show_spec()  # what is shown is what the engine has, until it says otherwise

    def _on_name_entered(self) -> None:
        name = self.name.text().strip()
        self.name.clearFocus()
        if name:
            self._change(ndi_name=name)

    def _on_size_activated(self, index: int) -> None:
        width, height = self.size_box.itemData(index)
        self._change(width_px=width, height_px=height)

    def _on_rate_activated(self, index: int) -> None:
        numerator, denominator = self.rate_box.itemData(index)
        self._change(rate_numerator=numerator, rate_denominator=denominator)

    def _on_record_clicked(self, is_on: bool) -> None:
        self.record.setChecked(not is_on)  # the engine's state checks it
        self.recording_toggled.emit()


def _box(tip: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    return box


def _select(box: QComboBox, data: tuple[int, int], text: str) -> None:
    found = next((i for i in range(box.count()) if tuple(box.itemData(i)) == data), -1)
    if found < 0:
        box.addItem(text, data)
        found = box.count() - 1
    box.setCurrentIndex(found)


def _sentence(spec: OutputSpec, ndi: OutputState | None) -> tuple[str, str]:
    if not spec.ndi or ndi is None:
        return "NDI is off", "plain"
    if ndi.status == "failed":
        return ndi.message or "NDI failed", "fault"
    tally = " · on program" if ndi.program_tally else " · in preview" * ndi.preview_tally
    receivers = f"{ndi.receivers} receiver{'s' * (ndi.receivers != 1)}"
    name = ndi.detail or spec.ndi_name
    return f"{name} · {receivers}{tally}", "good" if ndi.receivers else "plain"
