"""All kinds of control that the parameter table offers.

silhouette, luminance, edges, flow    run always
person, depth                         run while they are chosen, and need a file
"""

from __future__ import annotations

from engine.worker.device import Compute
from engine.worker.preprocess.base import Preprocessor
from engine.worker.preprocess.casts import Build
from engine.worker.preprocess.depth import load_depth_preprocessor
from engine.worker.preprocess.edges import Edges
from engine.worker.preprocess.flow import Flow
from engine.worker.preprocess.luminance import Luminance
from engine.worker.preprocess.person import load_person_preprocessor
from engine.worker.preprocess.silhouette import Silhouette


def default_preprocessors() -> list[Preprocessor]:
    """Return one of every kind that runs always."""
    return [Silhouette(), Luminance(), Edges(), Flow()]


def costly_preprocessors(compute: Compute) -> dict[str, Build]:
    """Return how to build each kind that runs only while it is chosen."""
    return {
        "person": load_person_preprocessor,
        "depth": lambda: load_depth_preprocessor(compute),
    }
