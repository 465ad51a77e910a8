"""Everything that Segue raises on purpose.

    EngineError
    ├── ConfigError            a file, argument or show says something that cannot be
    │   └── ShowError          the same, with file, line and field
    ├── WeightsError           a weights file is missing, truncated or of another model
    ├── DeviceError            a camera, GPU, NDI or MIDI device is not there or refuses
    │   └── OutOfMemoryError   the device has too little memory for what was asked
    ├── SourceError            a source cannot be opened or read
    ├── DownloadError          the hub is not reached, refuses, or the disk has no room for it
    └── ProtocolError
        ├── LocalProtocolError   our caller sent what the state does not allow; nothing changed
        └── RemoteProtocolError  the peer sent what cannot be read

Message form: what, where, got, expected, what to do. One sentence. Trouble that belongs to a show
(a late frame, a full queue, a camera gone) is a counter and an event, never an exception.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees. Documented in docs/architecture.md."""

    OK = 0
    FAULT = 1  # something broke while running
    USAGE = 2  # arguments, show or file are wrong; nothing was started
    UNAVAILABLE = 3  # a device, port or library is not there
    INTERRUPTED = 130


class EngineError(Exception):
    """Base of all deliberate errors; ``exit_code`` is what a command line returns for it."""

    exit_code: ExitCode = ExitCode.FAULT


class ConfigError(EngineError):
    """A file, argument or show says something that cannot be."""

    exit_code = ExitCode.USAGE


class ShowError(ConfigError):
    """A show or preset file is broken; the message names file, line, field, value, expectation."""


class WeightsError(EngineError):
    """A weights file is missing, truncated or belongs to another model."""

    exit_code = ExitCode.USAGE


class DeviceError(EngineError):
    """A device or its driver is not there or refuses."""

    exit_code = ExitCode.UNAVAILABLE


class OutOfMemoryError(DeviceError):
    """The device has too little memory for what was asked."""


class SourceError(EngineError):
    """A source cannot be opened or read."""

    exit_code = ExitCode.USAGE


class DownloadError(EngineError):
    """The hub cannot be reached or refuses, or the disk has no room for what it would send."""

    exit_code = ExitCode.UNAVAILABLE


class ProtocolError(EngineError):
    """A message does not fit the protocol."""


class LocalProtocolError(ProtocolError):
    """Our caller asked for what the state does not allow; nothing was changed."""


class RemoteProtocolError(ProtocolError):
    """The peer sent bytes that are no message of ours."""
