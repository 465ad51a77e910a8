"""The outputs of a show: NDI, preview, and a recording that comes and goes.

Thread: `set_output`, `start_recording` and `stop_recording` may wait for a device or a file, so the
server runs them beside the event loop, one at a time; everything else answers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import ConfigError, LocalProtocolError
from engine.host.outputs.base import Output
from engine.host.playout.presenter import Presenter
from engine.protocol import places
from engine.protocol.messages import OutputState
from engine.protocol.values import OutputSpec

MakeRecording = Callable[[Path], Output]


class Rack:
    """Owns which outputs there are; the presenter runs them."""

    def __init__(
        self,
        presenter: Presenter,
        spec: OutputSpec,
        outputs: tuple[Output, ...],
        make_recording: MakeRecording,
    ) -> None:
        self._presenter = presenter
        self._spec = spec
        self._outputs = outputs
        self._make_recording = make_recording
        self._recording: tuple[Path, Output] | None = None

    @property
    def spec(self) -> OutputSpec:
        """What leaves."""
        return self._spec

    @property
    def recording_path(self) -> str:
        """The file that is being written, empty when none is, also after a full disk."""
        if self._recording is None or self._has_failed():
            return ""
        return self._recording[1].state().detail or str(self._recording[0])

    def states(self) -> tuple[OutputState, ...]:
        """Return how each output is."""
        recording = (self._recording[1],) if self._recording else ()
        return tuple(output.state() for output in (*self._outputs, *recording))

    def set_output(self, spec: OutputSpec) -> None:
        """Change size, rate or NDI name.

        Raises:
            ConfigError: it cannot be sent; the old one stays.
            LocalProtocolError: a recording runs, and its size and rate are fixed.
        """
        size_changes = (spec.width_px, spec.height_px) != (
            self._spec.width_px,
            self._spec.height_px,
        )
        if self._recording and (size_changes or spec.rate_fps != self._spec.rate_fps):
            raise LocalProtocolError(
                "output not changed: the recording has this size and rate; stop it first"
            )
        self._presenter.set_output(spec)
        self._spec = spec

    def start_recording(self, path: str = "") -> Path:
        """Record to `path`, or to a new file in the recordings folder; returns which.

        Raises:
            LocalProtocolError: a recording runs already.
            ConfigError: its folder cannot be made.
        """
        if self._recording is not None and self._has_failed():
            self.stop_recording()
        if self._recording is not None:
            raise LocalProtocolError(
                f"recording refused: {self._recording[0]} is being written; stop it first"
            )
        file = Path(path).expanduser().absolute() if path else _new_file()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"recording to {file}: {error.strerror}; choose another") from error
        output = self._make_recording(file)
        self._presenter.add_output(output)
        self._recording = (file, output)
        return file

    def stop_recording(self) -> Path:
        """Close the recording; returns its file.

        Raises:
            LocalProtocolError: none runs.
        """
        if self._recording is None:
            raise LocalProtocolError("no recording runs")
        (file, output), self._recording = self._recording, None
        self._presenter.remove_output(output)
        return file

    def _has_failed(self) -> bool:
        return self._recording is not None and self._recording[1].state().status == "failed"


def _new_file() -> Path:
    name = datetime.now(UTC).strftime("segue-%Y-%m-%dT%H-%M-%SZ.mp4")
    return places.recordings_folder() / name
