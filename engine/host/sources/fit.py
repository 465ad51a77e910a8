"""Bring a picture of any size to the model's: crop around the centre, then resize."""

from __future__ import annotations

import cv2

from engine.protocol.frame_ring import Frame


def crop_box(width_px: int, height_px: int, aspect: float) -> tuple[int, int, int, int]:
    """Return (left, top, width, height) of the largest centred box of `aspect` = width / height."""
    box_width = min(width_px, max(1, round(height_px * aspect)))
    box_height = min(height_px, max(1, round(width_px / aspect)))
    return (width_px - box_width) // 2, (height_px - box_height) // 2, box_width, box_height


def fit(pixels: Frame, width_px: int, height_px: int) -> Frame:
    """Return `pixels` [H, W, C] as [height_px, width_px, C], cropped rather than squeezed.

    Shrinking averages areas: thin lines and noise of a large camera picture do not flicker.
    Area averaging repeats pixels when it enlarges, so enlarging is bilinear.
    """
    left, top, width, height = crop_box(pixels.shape[1], pixels.shape[0], width_px / height_px)
    box = pixels[top : top + height, left : left + width]
    if (width, height) == (width_px, height_px):
        return box.copy()
    shrinks = width > width_px or height > height_px
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: Frame = cv2.resize(box, (width_px, height_px), interpolation=how)
    return resized
