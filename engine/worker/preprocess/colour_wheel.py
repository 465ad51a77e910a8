"""Motion as colour: its direction is the hue, its speed how far it is from white. PURE.

In:     vectors [h, w, 2] float32, rightwards and downwards, in any unit.
Out:    RGB [h, w, 3] uint8.

The colours are those that video models were taught motion with: right is red, down is yellow, left
is cyan, up is violet, and no motion is white.
Source: Baker et al., A Database and Evaluation Methodology for Optical Flow, 2011, section 4.1:
55 hues between six corner colours, more of them where the eye tells more apart.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

_CORNERS = (  # hues on the way to the next corner, and the corner's colour
    (15, (1, 0, 0)),
    (6, (1, 1, 0)),
    (4, (0, 1, 0)),
    (11, (0, 1, 1)),
    (13, (0, 0, 1)),
    (6, (1, 0, 1)),
)
_NUM_ANGLES = 1024


def colours(vectors: npt.NDArray[np.float32], full_speed: float) -> npt.NDArray[np.uint8]:
    """Return vectors [h, w, 2] as colours [h, w, 3]; `full_speed` and more is the pure hue."""
    right, down = vectors[..., 0], vectors[..., 1]
    speed = np.clip(np.hypot(right, down) / np.float32(full_speed), 0, 1)
    turn = (np.arctan2(down, right) / np.float32(2 * np.pi)) % 1  # 0 right, 1/4 down, 1/2 left
    index = np.minimum(turn * _NUM_ANGLES, _NUM_ANGLES - 1).astype(np.intp)
    pale = 1 - speed[..., None] * (1 - _hues()[index])
    return (pale * 255 + np.float32(0.5)).astype(np.uint8)


@lru_cache(maxsize=1)
def _hues() -> npt.NDArray[np.float32]:
    """Return the hue of every angle [1024, 3] float32 in 0..1, from right through down."""
    hues = []
    for at, (count, start) in enumerate(_CORNERS):
        end = _CORNERS[(at + 1) % len(_CORNERS)][1]
        share = np.arange(count)[:, None] / count
        hues.append(np.array(start) * (1 - share) + np.array(end) * share)
    wheel = np.concatenate(hues)
    # As published: a whole turn is spread over the distances from the first hue to the last.
    places = np.linspace(0, len(wheel) - 1, _NUM_ANGLES)
    columns = [np.interp(places, np.arange(len(wheel)), wheel[:, c]) for c in range(3)]
    return np.stack(columns, -1).astype(np.float32)
