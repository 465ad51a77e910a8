"""The range of a quantity, followed slowly: ranges that jump make the generated picture flicker.

In:     fields [h, w] float32 of any unit, one a frame.
Out:    the same as 0..1 of the range that was followed so far.
Thread: that of the preprocessor that owns it.

    an end of the range moves towards the frame's own end by `rate` of the way, but
        outwards   by at most `rate` of the range's width
        inwards    by at most half of that

So one odd frame (a flash, a cut in the film) moves a value by a few hundredths. That inwards is
slower lets a range widen while it travels: the farther a new scene, the longer its steps, and it is
reached after some seconds wherever it lies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]

_INWARDS = 0.5  # how fast an end moves inwards, of how fast outwards
_SAMPLE_STRIDE = 2  # every fourth value says enough about a range


class Ends(NamedTuple):
    """The two ends of a range, in the unit of the quantity."""

    low: float
    high: float


class SlowRange:
    """Follows a range and stretches values over it.

    Args:
        low_share: share of values that lie below the low end; None pins that end to 0, for
            quantities such as a speed whose 0 means something.
        high_share: share of values that lie below the high end.
        min_width: the range never counts as narrower, or the noise of a dull input would be blown
            up.
        rate: share of the way, and of the width, that an end moves in a frame at most.
            Below 0.25.
    """

    def __init__(
        self, low_share: float | None, high_share: float, *, min_width: float, rate: float
    ) -> None:
        self._low_share = low_share
        self._high_share = high_share
        self._min_width = min_width
        self._rate = rate
        self.reset()

    def reset(self) -> None:
        """Forget the range; the next frame sets it at once."""
        self._ends: Ends | None = None

    @property
    def ends(self) -> Ends | None:
        """The range that was followed so far; None before the first frame."""
        return self._ends

    def norm(self, values: Field) -> Field:
        """Follow the range of `values` and return them as 0..1 of it; what is not finite as 0."""
        seen = self._seen(values)
        if seen is not None:
            self._ends = seen if self._ends is None else self._moved(self._ends, seen)
        if self._ends is None:
            return np.zeros_like(values)
        low, high = self._ends
        scaled: Field = (values - np.float32(low)) / np.float32(max(high - low, self._min_width))
        np.nan_to_num(scaled, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(scaled, 0.0, 1.0, out=scaled)

    def _seen(self, values: Field) -> Ends | None:
        """Return the range of one frame; None when nothing in it is finite."""
        sample = values[::_SAMPLE_STRIDE, ::_SAMPLE_STRIDE]
        finite = sample[np.isfinite(sample)]
        if not finite.size:
            return None
        if self._low_share is None:
            return Ends(0.0, float(np.quantile(finite, self._high_share)))
        low, high = np.quantile(finite, (self._low_share, self._high_share))
        return Ends(float(low), float(high))

    def _moved(self, ends: Ends, seen: Ends) -> Ends:
        outwards = self._rate * max(ends.high - ends.low, self._min_width)
        inwards = _INWARDS * outwards
        down, up = (self._rate * (to - at) for at, to in zip(ends, seen, strict=True))
        return Ends(
            ends.low + min(max(down, -outwards), inwards),
            ends.high + min(max(up, -inwards), outwards),
        )
