"""Bytes and seconds as people read them. PURE."""

from __future__ import annotations


def size_text(num_bytes: int, *, is_exact: bool = True) -> str:
    """Return a size in powers of 1000, as disks and networks count."""
    about = "" if is_exact else "about "
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= factor:
            return f"{about}{num_bytes / factor:.1f} {unit}"
    return f"{about}{num_bytes} B"


def duration_text(seconds: float) -> str:
    """Return a time to go."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
