"""What people write on a command line → values: sizes, rates, sources. Pure.

Errors name the option, what was got and what is expected; nothing is started.
"""

from __future__ import annotations

from fractions import Fraction

from engine.errors import ConfigError
from engine.protocol.model_names import pixels_of
from engine.protocol.values import SourceSpec

SLOWEST, FASTEST = Fraction(24000, 1001), Fraction(60)
MODEL_STEP_PX = 16
SMALLEST_PX, LARGEST_PX = 64, 4096
_SOURCES = "none, pattern, visuals[:WHAT], camera:NUMBER, ndi:NAME, or a video file"


def size_of(text: str, step_px: int = 2, option: str = "--size") -> tuple[int, int]:
    """Return width and height of ``1280x720``, both divisible by `step_px`.

    Raises:
        ConfigError: it is no size, not divisible, or out of range.
    """
    size_px = pixels_of(text.lower())
    if size_px is None:
        raise ConfigError(
            f"{option}: got {text!r}, expected WIDTHxHEIGHT in pixels, as in 1280x720"
        )
    width, height = size_px
    if width % step_px or height % step_px:
        raise ConfigError(f"{option}: got {text}, expected pixels divisible by {step_px}")
    if not all(SMALLEST_PX <= side <= LARGEST_PX for side in (width, height)):
        raise ConfigError(
            f"{option}: got {text}, expected {SMALLEST_PX} to {LARGEST_PX} pixels a side"
        )
    return width, height


def rate_of(text: str, option: str = "--rate") -> Fraction:
    """Return frames a second as a fraction.

    ``29.97``, ``23.98`` and their kin mean what television means by them: 30000/1001, 24000/1001.

    Raises:
        ConfigError: it is no number, or outside 23.976 to 60.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ConfigError(
            f"{option}: got {text!r}, expected frames a second, as in 30, 29.97 or 24000/1001"
        ) from None
    television = Fraction(round(rate) * 1000, 1001)
    if rate.denominator != 1 and abs(rate - television) < Fraction(1, 100):
        rate = television
    if not SLOWEST <= rate <= FASTEST:
        raise ConfigError(f"{option}: got {text}, expected 23.976 to 60 frames a second")
    return rate


def source_of(text: str) -> SourceSpec:
    """Return the source of ``camera:0``, ``visuals:dancer``, ``pattern``, ``none`` … or a path.

    Raises:
        ConfigError: it is empty.
    """
    kind, _, address = text.partition(":")
    if kind in {"none", "pattern", "visuals", "camera", "ndi", "file"}:
        return SourceSpec(kind=kind, address=address)
    if not text:
        raise ConfigError(f"--source: got nothing, expected {_SOURCES}")
    return SourceSpec(kind="file", address=text)


def ndi_of(text: str) -> tuple[bool, str]:
    """Return whether NDI is sent, and its name when ``ndi:NAME`` gives one.

    Raises:
        ConfigError: it is no output.
    """
    kind, _, name = text.partition(":")
    if kind not in {"ndi", "none"}:
        raise ConfigError(f"--output: got {text!r}, expected ndi, ndi:NAME or none")
    return kind == "ndi", name
