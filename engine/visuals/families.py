"""The table of visual families: one row per family word of the vocabulary."""

from collections.abc import Callable, Sequence
from typing import Final

from torch import Tensor

from engine.visuals import families_body as body
from engine.visuals import families_flow as flow
from engine.visuals import families_form as form
from engine.visuals import families_sky as sky
from engine.visuals import families_solid as solid

Family = Callable[[Tensor, Tensor, Tensor, Sequence[Tensor]], tuple[Tensor, Tensor]]

FAMILY_PAINTERS: Final[dict[str, Family]] = {
    "flames": flow.flames,
    "smoke": flow.smoke,
    "clouds": flow.clouds,
    "aurora": flow.aurora,
    "plasma": flow.plasma,
    "fractal": flow.fractal,
    "caustics": flow.caustics,
    "waves": flow.waves,
    "ripples": body.ripples,
    "tunnel": form.tunnel,
    "spiral": form.spiral,
    "stars": body.stars,
    "metaballs": body.metaballs,
    "bubbles": body.bubbles,
    "cells": body.cells,
    "lace": body.lace,
    "truchet": form.truchet,
    "squares": form.squares,
    "polygons": form.polygons,
    "grid": form.grid,
    "bars": form.bars,
    "moire": form.moire,
    "ribbons": body.ribbons,
    "beams": body.beams,
    "rain": sky.rain,
    "lightning": sky.lightning,
    "hexagons": solid.hexagons,
    "cubes": solid.cubes,
    "crystals": solid.crystals,
    "galaxy": sky.galaxy,
    "petals": sky.petals,
    "mountains": sky.mountains,
    "dots": solid.dots,
    "fireworks": sky.fireworks,
    "labyrinth": solid.labyrinth,
    "dancers": solid.dancers,
}
