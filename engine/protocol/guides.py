"""Still pictures that steer a model with VACE: what may be said of them. PURE.

guide         what it is
-----------   ------------------------------------------------------------------------
mask          part of the source that is redrawn: from a picture, people, brightness
references    pictures whose subject or style the picture follows, one or more
first frame   the first chunk after a hard cut begins with it
last frame    chunk N after a cut, or after it was set, ends with it
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from engine.errors import ConfigError
from engine.protocol.values import Guides, Mask

MASK_KINDS = ("none", "image", "person", "luminance")
LIVE_MASKS = ("person", "luminance")  # made of the source, frame by frame
MAX_REFERENCES = 4  # each costs as much as a latent frame more in every chunk
MAX_LAST_FRAME_CHUNK = 64
MAX_PATH_CHARACTERS = 4096
NO_GUIDES = Guides()


class Role(StrEnum):
    """What a picture is for, which decides how it is brought to the model's size."""

    MASK = "mask"
    REFERENCE = "reference image"
    FRAME = "frame"


def check_guides(guides: Guides) -> Guides:
    """Return the guides.

    Raises:
        ConfigError: one of them cannot be; says which, what it got and what it expected.
    """
    mask = guides.mask
    _expect(mask.kind in MASK_KINDS, "mask", mask.kind, f"one of {', '.join(MASK_KINDS)}")
    has_image = bool(mask.image)
    is_image = mask.kind == "image"
    _expect(has_image or not is_image, "mask image", "nothing", "a picture file")
    count, chunk = len(guides.references), guides.last_frame_chunk
    _expect(
        count <= MAX_REFERENCES, "reference images", f"{count} of them", f"at most {MAX_REFERENCES}"
    )
    _expect(
        1 <= chunk <= MAX_LAST_FRAME_CHUNK,
        "last frame chunk", str(chunk), f"1 to {MAX_LAST_FRAME_CHUNK}",
    )  # fmt: skip
    for _, path in pictures_of(guides):
        is_path = 0 < len(path) <= MAX_PATH_CHARACTERS and "\0" not in path
        _expect(is_path, "picture", repr(path[:40]), "the path of a picture file")
    return guides


def pictures_of(guides: Guides) -> tuple[tuple[Role, str], ...]:
    """Return every picture that is used, with what it is for; each pair once."""
    found: list[tuple[Role, str]] = []
    if guides.mask.kind == "image":
        found.append((Role.MASK, guides.mask.image))
    found += [(Role.REFERENCE, path) for path in guides.references]
    found += [(Role.FRAME, path) for path in (guides.first_frame, guides.last_frame) if path]
    return tuple(dict.fromkeys(found))


def with_pictures(guides: Guides, renamed: Callable[[Role, str], str]) -> Guides:
    """Return the guides with every picture named by `renamed` of its role and its name."""
    mask, first, last = guides.mask, guides.first_frame, guides.last_frame
    image = renamed(Role.MASK, mask.image) if mask.kind == "image" else ""
    return msgspec.structs.replace(
        guides,
        mask=Mask(kind=mask.kind, image=image, inverted=mask.inverted),
        references=tuple(renamed(Role.REFERENCE, path) for path in guides.references),
        first_frame=renamed(Role.FRAME, first) if first else "",
        last_frame=renamed(Role.FRAME, last) if last else "",
    )


def names_of(guides: Guides) -> tuple[str, ...]:
    """Return which guides are set, as people call them."""
    count = len(guides.references)
    names = {
        "mask": guides.mask.kind != "none",
        "references" if count > 1 else "reference": count > 0,
        "first frame": bool(guides.first_frame),
        "last frame": bool(guides.last_frame),
    }
    return tuple(name for name, is_set in names.items() if is_set)


def _expect(holds: bool, name: str, got: str, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{name}: got {got}, expected {expected}; nothing was changed")
