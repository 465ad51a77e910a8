"""The set list: the shows of a night, in order. PURE."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SetList:
    """Folders of shows, each once. Replaced, never changed."""

    shows: tuple[str, ...] = ()


def with_show(night: SetList, folder: str, after: str) -> SetList:
    """Return the list with a show after another, or at its end; one that is there stays."""
    if folder in night.shows:
        return night
    at = night.shows.index(after) + 1 if after in night.shows else len(night.shows)
    return replace(night, shows=(*night.shows[:at], folder, *night.shows[at:]))


def without_show(night: SetList, folder: str) -> SetList:
    """Return the list without a show."""
    return replace(night, shows=tuple(show for show in night.shows if show != folder))


def moved(night: SetList, folder: str, by: int) -> SetList:
    """Return the list with a show later (earlier for negative `by`); the ends hold it."""
    if folder not in night.shows:
        return night
    rest = [show for show in night.shows if show != folder]
    rest.insert(min(max(night.shows.index(folder) + by, 0), len(rest)), folder)
    return replace(night, shows=tuple(rest))


def renamed(night: SetList, folder: str, new: str) -> SetList:
    """Return the list with a show's copy in its place: a factory show that was saved."""
    if new in night.shows:
        return without_show(night, folder) if folder != new else night
    return replace(night, shows=tuple(new if show == folder else show for show in night.shows))


def neighbour(night: SetList, folder: str, by: int) -> str:
    """Return the show `by` steps from this one; the first from one that is not in the list.

    Empty: there is none.
    """
    if folder not in night.shows:
        return night.shows[0] if night.shows else ""
    at = night.shows.index(folder) + by
    return night.shows[at] if 0 <= at < len(night.shows) else ""


def place_text(night: SetList, folder: str) -> str:
    """Return `2/5`; empty when the show is not in the list."""
    if folder not in night.shows:
        return ""
    return f"{night.shows.index(folder) + 1}/{len(night.shows)}"
