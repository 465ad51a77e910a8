"""The shows that `segue bench --gpu` measures. PURE.

Sources of the references: the public KREA code, compiled bf16 transformer and fp16 Wan VAE decoder,
measured by us on one H200 with torch 2.11 (2026-11-23).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from engine.worker.models.spec import HOUSE, KREA_14B, KREA_14B_VACE, SELF_FORCING_1_3B, ModelSpec
from engine.worker.models.wan.cache_plan import CacheWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One show.

    Attributes:
        name: how it is asked for.
        spec: model, window and codec.
        width_px, height_px: of the picture.
        goal_fps: what we want of one H200.
        reference_fps: what the public code reaches there; None where it was not measured.
        steers: whether a control video steers every chunk.
    """

    name: str
    spec: ModelSpec
    width_px: int
    height_px: int
    goal_fps: float | None = None
    reference_fps: float | None = None
    steers: bool = False


def _tiny(spec: ModelSpec) -> ModelSpec:
    assert spec.tiny_codec is not None
    return replace(spec, codec=spec.tiny_codec)


def _window(spec: ModelSpec, latents: int) -> ModelSpec:
    sink = 3 if latents > 2 * spec.latents_per_chunk else 0
    return replace(spec, window=CacheWindow(window_latents=latents, sink_latents=sink))


_SMALL: Final = _tiny(SELF_FORCING_1_3B)
CASES: Final = (
    Case(name="14b-448-w6", spec=_tiny(KREA_14B), width_px=448, height_px=448,
         goal_fps=33, reference_fps=16.8),
    Case(name="14b-448-w6-vae", spec=KREA_14B, width_px=448, height_px=448, reference_fps=16.8),
    Case(name="14b-448-w6-vace", spec=_tiny(KREA_14B_VACE), width_px=448, height_px=448,
         goal_fps=23, steers=True),
    Case(name="14b-832-w6", spec=_tiny(KREA_14B), width_px=832, height_px=480,
         goal_fps=16, reference_fps=8.0),
    Case(name="1.3b-832-w6", spec=_window(_SMALL, 6), width_px=832, height_px=480,
         goal_fps=64, reference_fps=22.9),
    Case(name="1.3b-832-w12", spec=_window(_SMALL, 12), width_px=832, height_px=480, goal_fps=50),
    Case(name="1.3b-832-w21", spec=_window(_SMALL, 21), width_px=832, height_px=480, goal_fps=37),
    Case(name="1.3b-448-w12", spec=_window(_SMALL, 12), width_px=448, height_px=448,
         goal_fps=125, reference_fps=39.2),
    Case(name="house-256", spec=HOUSE, width_px=256, height_px=256),
    Case(name="house-512", spec=HOUSE, width_px=512, height_px=512),
)  # fmt: skip
