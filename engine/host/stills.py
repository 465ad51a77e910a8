"""Read still pictures and bring them to the model's size.

In:     picture files of any size: PNG, JPEG, WebP, BMP, TIFF.
Out:    `Still`s: RGB [H, W, 3] uint8 at model size, named by what they show.
Thread: any but the event loop's.

    role              size                             where the file is transparent
    ----------------  -------------------------------  -----------------------------
    mask              cropped to the model's shape     black: kept
    frame             cropped to the model's shape     black
    reference image   whole, with a white border       white
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError
from engine.host.sources.fit import fit
from engine.protocol.guides import Role
from engine.protocol.orders import StoreStill

MAX_FILE_BYTES: Final = 64 * 2**20
_WHITE, _BLACK = 255, 0
_GROUND: Final[Mapping[Role, int]] = {
    Role.MASK: _BLACK,
    Role.FRAME: _BLACK,
    Role.REFERENCE: _WHITE,
}

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Still:
    """A picture at model size. `key` tells its role and its pixels, not its file."""

    key: str
    role: Role
    width_px: int
    height_px: int
    pixels: bytes

    def order(self) -> StoreStill:
        """Return the order that gives it to a worker."""
        return StoreStill(
            key=self.key, width_px=self.width_px, height_px=self.height_px, pixels=self.pixels,
            is_reference=self.role is Role.REFERENCE,
        )  # fmt: skip


def read_still(role: Role, path: str, size_px: tuple[int, int]) -> Still:
    """Return the picture in a file.

    Args:
        role: what it is for.
        path: of the file.
        size_px: width and height of the model's picture.

    Raises:
        ConfigError: the file is missing, too large or no picture.
    """
    decoded = _decoded(role, path)
    sized = _with_border(decoded, *size_px) if role is Role.REFERENCE else fit(decoded, *size_px)
    pixels = np.ascontiguousarray(sized).tobytes()
    digest = hashlib.blake2b(pixels, digest_size=12).hexdigest()
    return Still(f"{role.name.lower()}-{digest}", role, *size_px, pixels)


def _decoded(role: Role, path: str) -> Picture:
    """Return RGB [H, W, 3]."""
    try:
        if Path(path).stat().st_size > MAX_FILE_BYTES:
            raise _refusal(role, path, f"it has more than {MAX_FILE_BYTES // 2**20} MiB")
        raw = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise _refusal(role, path, str(error.strerror).lower()) from error
    if not raw.size:
        raise _refusal(role, path, "the file is empty")
    try:
        found = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # more pixels than OpenCV dares
        raise _refusal(role, path, "it has too many pixels") from error
    if found is None:
        raise _refusal(role, path, "it is no picture that can be read")
    return _on_ground(_as_bytes(found), _GROUND[role])


def _refusal(role: Role, path: str, reason: str) -> ConfigError:
    return ConfigError(
        f"{role.value} {path}: {reason}, expected a picture (PNG, JPEG, WebP, BMP or TIFF); "
        f"nothing was changed"
    )


def _as_bytes(found: npt.NDArray[np.uint8 | np.uint16 | np.float32]) -> Picture:
    """Return 16-bit and floating-point pictures as 8-bit ones."""
    full = {"uint8": 255, "uint16": 65535}.get(found.dtype.name, 1)
    bytes_: Picture = np.clip(found.astype(np.float32) * (255 / full) + 0.5, 0, 255).astype(
        np.uint8
    )
    return bytes_


def _on_ground(found: Picture, ground: int) -> Picture:
    """Return grey, BGR or BGRA as RGB, with `ground` where it is transparent."""
    if found.ndim == 2 or found.shape[2] == 1:
        return np.asarray(cv2.cvtColor(found, cv2.COLOR_GRAY2RGB), np.uint8)
    colour = np.asarray(cv2.cvtColor(found[..., :3], cv2.COLOR_BGR2RGB), np.uint8)
    if found.shape[2] == 3:
        return colour
    opacity = found[..., 3:].astype(np.float32) / 255
    return (colour * opacity + ground * (1 - opacity) + 0.5).astype(np.uint8)


def _with_border(picture: Picture, width_px: int, height_px: int) -> Picture:
    """Return the whole picture on a white ground.

    Source: Wan 2.1, `prepare_source` of its VACE pipeline, which pads reference images so.
    """
    height, width = picture.shape[:2]
    scale = min(width_px / width, height_px / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(picture, inner, interpolation=how), np.uint8)
    whole = np.full((height_px, width_px, 3), _WHITE, np.uint8)
    left, top = (width_px - inner[0]) // 2, (height_px - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = resized
    return whole
