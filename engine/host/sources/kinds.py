"""From a `SourceSpec` to the source that plays it."""

from __future__ import annotations

from engine.errors import SourceError
from engine.host.sources.base import Source
from engine.protocol.values import SourceSpec

SOURCE_KINDS = ("pattern", "visuals", "file", "camera", "ndi")
_MODEL_PX = (256, 256)  # width and height of the house model's pictures


def make_source(spec: SourceSpec, wanted_px: tuple[int, int] = _MODEL_PX) -> Source:
    """Return the source of `spec`, not opened yet.

    `wanted_px` is what its pictures are fitted to; one that draws its own draws them in that shape.
    Libraries are loaded here, so that a broken one takes only its own kind with it.

    Raises:
        SourceError: the kind does not exist, the address is malformed, or a library is missing.
    """
    try:
        match spec.kind:
            case "pattern":
                from engine.host.sources.test_pattern import TestPattern

                return TestPattern(spec.address)
            case "visuals":
                from engine.host.sources.visuals import Visuals

                return Visuals(spec.address, wanted_px)
            case "file":
                from engine.host.sources.video_file import VideoFile

                return VideoFile(spec.address)
            case "camera":
                from engine.host.sources.camera import Camera

                return Camera(spec.address)
            case "ndi":
                from engine.host.sources.ndi import NdiSource

                return NdiSource(spec.address)
            case _:
                raise SourceError(
                    f"source kind {spec.kind!r} does not exist; "
                    f"choose one of: none, {', '.join(SOURCE_KINDS)}"
                )
    except ImportError as error:
        raise SourceError(
            f"source {spec.kind!r} cannot be used: {error}; run `segue doctor`"
        ) from error


def open_source(spec: SourceSpec) -> Source:
    """Return the source of `spec`, opened and ready for `advance`.

    Raises:
        SourceError: as `make_source` and `Source.open`.
    """
    source = make_source(spec)
    source.open()
    return source
