"""Person: people react, moving or not; everything else stays itself.

In, Out, Thread: see `base`.

A small network marks people (MediaPipe's selfie segmentation: 106,000 parameters, Apache-2.0). Its
file is not ours to ship: it lies in the models folder, or in an installed `mediapipe` of a version
that still carries it, of which nothing but the file is used. OpenCV runs it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from engine.errors import WeightsError
from engine.protocol.places import models_folder
from engine.worker.preprocess.base import Frame, Preprocessor, smoothstep
from engine.worker.preprocess.slow_range import Field

FOLDER_NAME = "person"
FILE_NAME = "selfie_segmentation.tflite"
_PACKAGE = "mediapipe"
_IN_PACKAGE = Path("modules", "selfie_segmentation", FILE_NAME)

_INPUT_PX = 256
_SMOOTHING = 0.6  # share of the new frame: outlines would twinkle otherwise


class Person(Preprocessor):
    """People as filled, soft-edged shapes.

    Args:
        path: of the network's file.

    Raises:
        WeightsError: the file is missing or is no such network.
    """

    kind = "person"

    def __init__(self, path: Path) -> None:
        self._net = _read(path)
        super().__init__()
        shape = self._likely(np.zeros((_INPUT_PX, _INPUT_PX, 3), np.uint8)).shape
        if shape != (_INPUT_PX, _INPUT_PX):
            raise WeightsError(
                f"person model: {path} answers with {shape}, "
                f"expected {(_INPUT_PX, _INPUT_PX)}; fetch {FILE_NAME} of MediaPipe"
            )

    def reset(self) -> None:
        """Forget the shape of the frame before."""
        self._shown: Field | None = None

    def follow(self, frame: Frame) -> Field:
        """Return where people are."""
        height, width = frame.shape[:2]
        likely = cv2.resize(self._likely(frame), (width // 2, height // 2))
        new = smoothstep(0.15, 0.85, np.asarray(likely, np.float32))
        self._shown = new if self._shown is None else self._shown + _SMOOTHING * (new - self._shown)
        return self._shown

    def _likely(self, frame: Frame) -> Field:
        """Return how likely each pixel is a person's, [256, 256] in 0..1."""
        self._net.setInput(cv2.dnn.blobFromImage(frame, 1 / 255, (_INPUT_PX, _INPUT_PX)))
        return np.asarray(self._net.forward(), np.float32).squeeze()


def load_person_preprocessor() -> Person:
    """Load the network from the models folder, or out of an installed package.

    Raises:
        WeightsError: its file is missing or broken.
    """
    return Person(weights_path())


def weights_path() -> Path:
    """Return where the network's file is, or would be."""
    own = models_folder() / FOLDER_NAME / FILE_NAME
    spec = None if own.is_file() else find_spec(_PACKAGE)
    roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else ()
    carried = [path for root in roots if (path := Path(root) / _IN_PACKAGE).is_file()]
    return carried[0] if carried else own


def _read(path: Path) -> cv2.dnn.Net:
    if not path.is_file():
        raise WeightsError(
            f"person model: {path} is missing; run `segue models pull {FOLDER_NAME}`, or "
            f"put {FILE_NAME} of MediaPipe (Apache-2.0) there"
        )
    try:
        return cv2.dnn.readNetFromTFLite(str(path))
    except cv2.error as error:
        raise WeightsError(f"person model: {path} cannot be read; fetch it again") from error
