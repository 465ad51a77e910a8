"""Divide a length among parts that have a least, a most and a wish. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

ENDLESS_PX = 1 << 20


def divided(
    total: int,
    wishes: Sequence[float],
    spans: Sequence[tuple[int, int]],
    grows: Sequence[bool],
    is_firm: Sequence[bool] = (),
) -> list[int]:
    """Divide a length; the parts sum to it exactly.

    Each part is between its least and its most where that is possible. What `grows` takes what the
    wishes of the others leave; if nothing grows, all share by their wishes. Too little room
    squeezes below their least those first that are not firm; too much goes to the last that grows.
    """
    total = max(total, 0)
    lows, highs = [low for low, _ in spans], [high for _, high in spans]
    if total <= sum(lows):
        return _rounded(_squeezed(total, lows, is_firm or [False] * len(lows)), total)
    free = list(grows) if any(grows) else [True] * len(wishes)
    clamped = [
        min(max(wish, low), high) for wish, low, high in zip(wishes, lows, highs, strict=True)
    ]
    sizes = [0.0 if is_free else size for size, is_free in zip(clamped, free, strict=True)]
    held = [index for index, is_free in enumerate(free) if not is_free]
    free_at = [index for index, is_free in enumerate(free) if is_free]
    least_free = sum(lows[index] for index in free_at)
    over = sum(sizes) + least_free - total
    if over > 0:  # the held ones give, each its share of what it can
        can = sum(sizes[index] - lows[index] for index in held)
        for index in held:
            sizes[index] -= over * (sizes[index] - lows[index]) / can
    _fill(sizes, free_at, total - sum(sizes), wishes, spans)
    _fill_up(sizes, held, total, highs)
    left = total - sum(sizes)
    if left > 0:
        sizes[free_at[-1]] += left
    return _rounded(sizes, total)


def _squeezed(total: int, lows: Sequence[int], is_firm: Sequence[bool]) -> list[float]:
    firm = sum(low for low, holds in zip(lows, is_firm, strict=True) if holds)
    if firm >= total:
        return [
            low * total / max(firm, 1) * holds for low, holds in zip(lows, is_firm, strict=True)
        ]
    share = (total - firm) / max(sum(lows) - firm, 1)
    return [low if holds else low * share for low, holds in zip(lows, is_firm, strict=True)]


def _fill(
    sizes: list[float], which: Sequence[int], room: float, wishes: Sequence[float],
    spans: Sequence[tuple[int, int]],
) -> None:  # fmt: skip
    """Give the room to the parts by their wishes, each within its span."""

    def given(scale: float) -> list[float]:
        wanted = [max(wishes[index], 1.0) * scale for index in which]
        return [min(max(want, spans[i][0]), spans[i][1])
                for want, i in zip(wanted, which, strict=True)]  # fmt: skip

    if len(which) == 1:  # nearly always
        sizes[which[0]] = min(max(room, spans[which[0]][0]), spans[which[0]][1])
        return
    low, high = 0.0, float(ENDLESS_PX)
    for _ in range(70):  # enough for a double to settle
        middle = (low + high) / 2
        low, high = (middle, high) if sum(given(middle)) <= room else (low, middle)
    for index, size in zip(which, given(low), strict=True):
        sizes[index] = size


def _fill_up(sizes: list[float], which: Sequence[int], total: float, highs: Sequence[int]) -> None:
    """Give what is still left to parts that are held, while they can take it."""
    for index in which:
        more = min(highs[index] - sizes[index], total - sum(sizes))
        if more > 0:
            sizes[index] += more


def _rounded(sizes: Sequence[float], total: int) -> list[int]:
    """Round so that the edges, not the lengths, are nearest: the sum stays exact."""
    edges, so_far = [0], 0.0
    for size in sizes:
        so_far += size
        edges.append(round(so_far))
    edges[-1] = total
    return [max(after - before, 0) for before, after in pairwise(edges)]
