"""Still pictures that steer: what the panel may change, and what it says of them. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

import msgspec

from engine.protocol.guides import MAX_REFERENCES, NO_GUIDES, names_of
from engine.protocol.messages import EngineState
from engine.protocol.values import Guides, Mask

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
NEEDS_VACE = "Needs a model with VACE (M)"
EMPTY = "Add a picture to follow, or a mask"
_SHOWN_CHARACTERS = 14


def followed(guides: Guides, paths: Iterable[str]) -> Guides:
    """Return the guides with more pictures to follow, as many as a model takes, each once."""
    known = dict.fromkeys((*guides.references, *paths))
    return msgspec.structs.replace(guides, references=tuple(known)[:MAX_REFERENCES])


def not_followed(guides: Guides, path: str) -> Guides:
    """Return the guides without one of the pictures to follow."""
    kept = tuple(other for other in guides.references if other != path)
    return msgspec.structs.replace(guides, references=kept)


def changed(guides: Guides, **changes: object) -> Guides:
    """Return the guides with some fields changed."""
    return msgspec.structs.replace(guides, **changes)


def masked(guides: Guides, kind: str, image: str) -> Guides:
    """Return the guides with another kind of mask; `image` is the picture of the kind image."""
    shown = image if kind == "image" else ""
    mask = Mask(kind=kind, image=shown, inverted=guides.mask.inverted)
    return msgspec.structs.replace(guides, mask=mask)


def inverted(guides: Guides, is_inverted: bool) -> Guides:
    """Return the guides with the mask turned inside out, or back."""
    mask = msgspec.structs.replace(guides.mask, inverted=is_inverted)
    return msgspec.structs.replace(guides, mask=mask)


def pictures_among(paths: Iterable[str]) -> list[str]:
    """Return the picture files among files that were dropped on the panel."""
    return [path for path in paths if PurePath(path).suffix.lower() in PICTURE_SUFFIXES]


def short_name(path: str) -> str:
    """Return a file's name as it fits on a button."""
    name = PurePath(path).stem
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[: _SHOWN_CHARACTERS - 1]}…"


def status_of(state: EngineState, shown: Guides | None = None) -> tuple[str, str]:
    """Return one sentence on how the pictures do, and its level; `shown` is what is prepared."""
    guides, worker = state.guides, state.worker
    if worker.status != "live":
        return "Waits for the generator", "plain"
    if not worker.takes_guides:
        names = ", ".join(names_of(guides))
        return (f"Left out: {names}; no VACE here", "warning") if names else (NEEDS_VACE, "plain")
    if shown is not None and shown != guides:
        return f"Prepared: {', '.join(names_of(shown)) or 'none'}", "warning"
    if worker.guide_refusal:
        return worker.guide_refusal, "fault"
    if state.guides_pending:
        return "From the next chunk on", "warning"
    if guides == NO_GUIDES:
        return EMPTY, "plain"
    return _in_use(state)


def _in_use(state: EngineState) -> tuple[str, str]:
    guides, used = state.guides, state.worker.guides
    if not state.live.get("control_amount", 1.0):
        return "Control is at 0: nothing of them steers", "warning"
    has_mask = guides.mask.kind != "none"
    if has_mask and state.source.status == "none":
        return "The mask waits for a source to keep", "warning"
    if has_mask and "mask" not in used:
        return "The mask is being made", "warning"
    if used:
        return f"Steers: {', '.join(used)}", "good"
    if guides.first_frame:
        return "The first frame waits for a hard cut", "plain"
    return "The last frame had its chunk; cut again to aim anew", "plain"
