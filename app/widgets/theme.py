"""Colours, type and the one style sheet.

Colour has meaning and nothing else has colour: teal is live, amber waits, red is on air or cuts
hard, violet flows. Everything else is a shade of night.
"""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont

NIGHT = "#0b0c10"
SURFACE = "#13151b"
RAISED = "#1d2029"
HOVER = "#272b37"
LINE = "#2b303d"
TEXT = "#f2f4f8"
DIM = "#98a0b3"
FAINT = "#656d80"

LIVE = "#2fd8c0"
PENDING = "#ffb444"
AIR = "#ff4a57"
FLOW = "#8a8dff"
GOOD = "#62dd8f"

FAMILIES = ["Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "DejaVu Sans"]


def colour(name: str, alpha: float = 1.0) -> QColor:
    """Return a colour of the palette with an opacity of 0..1."""
    result = QColor(name)
    result.setAlphaF(alpha)
    return result


def mixed(first: str, second: str, share: float) -> QColor:
    """Return `first` with `share` (0..1) of `second` in it."""
    a, b = QColor(first), QColor(second)
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * share,
        a.greenF() + (b.greenF() - a.greenF()) * share,
        a.blueF() + (b.blueF() - a.blueF()) * share,
    )


def font(size_px: int, weight: QFont.Weight = QFont.Weight.Normal, spaced: bool = False) -> QFont:
    """Return the house type; `spaced` is for captions in capitals."""
    result = QFont(FAMILIES)
    result.setPixelSize(size_px)
    result.setWeight(weight)
    result.setStyleHint(QFont.StyleHint.SansSerif)
    if spaced:
        result.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 1.2)
    return result


def style_sheet() -> str:
    """Return the style of the whole window."""
    return _surfaces_and_labels() + _buttons() + _fields()


def _surfaces_and_labels() -> str:
    return f"""
    * {{ color: {TEXT}; font-size: 14px; outline: none; }}
    QWidget#window {{ background: {NIGHT}; }}
    QWidget#card {{ background: {SURFACE}; border: 1px solid {LINE}; border-radius: 10px; }}
    QLabel {{ background: transparent; }}
    QLabel#caption {{ color: {DIM}; font-size: 12px; font-weight: 600; letter-spacing: 0.7px; }}
    QLabel#hudcaption {{ color: {DIM}; font-size: 11px; font-weight: 600; letter-spacing: 0.4px; }}
    QLabel#wordmark {{ font-size: 22px; font-weight: 800; letter-spacing: 5px; }}
    QLabel#show {{ color: {DIM}; font-size: 15px; }}
    QLabel#big {{ font-size: 19px; font-weight: 500; }}
    QLabel#row {{ color: {DIM}; font-weight: 500; }}
    QLabel#length {{ font-size: 16px; font-weight: 600; }}
    QLabel#status {{ color: {DIM}; font-size: 13px; }}
    QLabel#status[level="good"] {{ color: {GOOD}; }}
    QLabel#status[level="warning"] {{ color: {PENDING}; }}
    QLabel#status[level="fault"] {{ color: {AIR}; }}
    QLabel#licence {{ background: {RAISED}; border-radius: 7px; padding: 9px; font-size: 13px; }}
    QLabel#figure {{ font-size: 17px; font-weight: 600; }}
    QLabel#figure[level="good"] {{ color: {LIVE}; }}
    QLabel#figure[level="warning"] {{ color: {PENDING}; }}
    QLabel#figure[level="fault"] {{ color: {AIR}; }}
    QLabel#chip {{ background: {RAISED}; color: {DIM}; border-radius: 11px; padding: 4px 12px;
        min-height: 15px; max-height: 15px;
        font-size: 12px; font-weight: 700; letter-spacing: 0.8px; }}
    QLabel#chip[level="good"] {{ background: {mixed(SURFACE, LIVE, 0.2).name()}; color: {LIVE}; }}
    QLabel#chip[level="warning"] {{ background: {mixed(SURFACE, PENDING, 0.2).name()};
        color: {PENDING}; }}
    QLabel#chip[level="fault"] {{ background: {AIR}; color: white; }}
    """


def _buttons() -> str:
    return f"""
    QPushButton {{ background: {RAISED}; border: 1px solid {LINE}; border-radius: 7px;
        padding: 7px 12px; font-weight: 600; }}
    QPushButton:hover {{ background: {HOVER}; }}
    QPushButton:pressed {{ background: {LINE}; }}
    QPushButton:focus {{ border-color: {DIM}; }}
    QPushButton:disabled {{ color: {FAINT}; border-color: {RAISED}; }}
    QPushButton#segment {{ padding: 5px 3px; font-size: 12px; color: {DIM}; }}
    QPushButton#segment:checked {{ background: {mixed(SURFACE, LIVE, 0.22).name()};
        border-color: {LIVE}; color: {TEXT}; }}
    QPushButton#segment[pending="true"]:checked {{
        background: {mixed(SURFACE, PENDING, 0.22).name()}; border-color: {PENDING}; }}
    QPushButton#hard, QPushButton#soft {{ border: none; border-radius: 9px; padding: 0;
        font-size: 20px; font-weight: 800; letter-spacing: 2px; min-height: 40px; }}
    QPushButton#hard {{ background: {AIR}; color: white; }}
    QPushButton#hard:hover {{ background: {mixed(AIR, "#ffffff", 0.12).name()}; }}
    QPushButton#hard:pressed {{ background: {mixed(AIR, NIGHT, 0.3).name()}; }}
    QPushButton#soft {{ background: {FLOW}; color: {NIGHT}; }}
    QPushButton#soft:hover {{ background: {mixed(FLOW, "#ffffff", 0.15).name()}; }}
    QPushButton#soft:pressed {{ background: {mixed(FLOW, NIGHT, 0.3).name()}; }}
    QPushButton#take {{ background: {AIR}; color: white; border: none; }}
    QPushButton#takesoft {{ background: {FLOW}; color: {NIGHT}; border: none; }}
    QPushButton#go {{ background: {GOOD}; color: {NIGHT}; border: none; border-radius: 9px;
        font-size: 26px; font-weight: 800; letter-spacing: 2px; }}
    QPushButton#go:hover {{ background: {mixed(GOOD, "#ffffff", 0.15).name()}; }}
    QPushButton#go:pressed {{ background: {mixed(GOOD, NIGHT, 0.3).name()}; }}
    QPushButton#panic {{ font-size: 15px; font-weight: 800; letter-spacing: 1.5px;
        min-height: 24px; }}
    QPushButton#panic:checked {{ background: {TEXT}; color: {NIGHT}; border-color: {TEXT}; }}
    QPushButton#record {{ padding: 6px 10px; font-size: 13px; }}
    QPushButton#record:checked {{ background: {AIR}; border-color: {AIR}; color: white; }}
    QPushButton#quiet {{ background: transparent; border-color: {LINE}; color: {DIM}; }}
    TopBar QPushButton#quiet {{ padding: 7px 9px; font-size: 13px; }}
    QPushButton#quiet:hover {{ color: {TEXT}; background: {RAISED}; }}
    QPushButton#quiet:checked {{ background: {PENDING}; border-color: {PENDING}; color: {NIGHT}; }}
    QPushButton#step {{ padding: 0; font-size: 20px; min-width: 32px; min-height: 32px; }}
    """


def _fields() -> str:
    return f"""
    QLineEdit, QComboBox {{ background: {NIGHT}; border: 1px solid {LINE}; border-radius: 7px;
        padding: 7px 10px; selection-background-color: {FLOW}; }}
    QLineEdit:focus, QComboBox:focus {{ border-color: {LIVE}; }}
    QLineEdit[edited="true"] {{ border-color: {PENDING}; }}
    QLineEdit#next {{ font-size: 19px; padding: 8px 12px; }}
    QComboBox {{ padding: 6px 8px; font-size: 13px; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox QAbstractItemView {{ background: {RAISED}; border: 1px solid {LINE};
        selection-background-color: {HOVER}; padding: 4px; }}
    QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 6px; }}
    QMenu::item {{ padding: 7px 26px 7px 14px; border-radius: 5px; }}
    QMenu::item:selected {{ background: {HOVER}; }}
    QListWidget {{ background: {SURFACE}; border: 1px solid {LINE}; border-radius: 8px;
        padding: 4px; }}
    QListWidget::item {{ padding: 5px 6px; border-radius: 5px; }}
    QListWidget::item:selected {{ background: {HOVER}; color: {TEXT}; }}
    QProgressBar {{ background: {RAISED}; border: none; border-radius: 3px; max-height: 6px; }}
    QProgressBar::chunk {{ background: {LIVE}; border-radius: 3px; }}
    QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 6px; }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
    QSplitter::handle {{ background: transparent; }}
    QSplitter::handle:hover {{ background: {RAISED}; }}
    QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
    QScrollBar::handle:horizontal {{ background: {LINE}; border-radius: 4px; min-width: 24px; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: none; border: none; height: 0; width: 0; }}
    """
