"""The small pictures on the pads: files beside the show, made from what was on air."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QImageReader

from engine.protocol.show import Show

_SIZE = QSize(320, 180)
_MAX_MIB = 64  # of one decoded picture; a larger one is left out


def load_pictures(show: Show) -> dict[str, QImage]:
    """Return preset name → picture, of those presets that have one that can be read."""
    QImageReader.setAllocationLimit(_MAX_MIB)
    pictures = {}
    for preset in show.presets:
        if preset.picture and show.folder is not None:
            picture = QImage(str(show.folder / preset.picture))
            if not picture.isNull():
                pictures[preset.name] = _small(picture)
    return pictures


def save_picture(picture: QImage, path: Path) -> bool:
    """Write a small copy of what was on air; returns whether the disk took it."""
    return _small(picture).save(str(path), quality=88)


def _small(picture: QImage) -> QImage:
    mode = Qt.AspectRatioMode.KeepAspectRatioByExpanding
    grown = picture.scaled(_SIZE, mode, Qt.TransformationMode.SmoothTransformation)
    left, top = (grown.width() - _SIZE.width()) // 2, (grown.height() - _SIZE.height()) // 2
    return grown.copy(left, top, _SIZE.width(), _SIZE.height())
