"""`segue bench`: which measurement is run; what it takes besides its name is its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.errors import ConfigError


def _cpu(arguments: Sequence[str]) -> int:
    from engine.bench import house_cpu

    return house_cpu.main(arguments)


def _gpu(arguments: Sequence[str]) -> int:
    from engine.bench import gpu

    return gpu.main(arguments)


def _picture(arguments: Sequence[str]) -> int:
    from engine.bench import picture

    return picture.main(arguments)


def _soak(arguments: Sequence[str]) -> int:
    from engine.bench import soak

    return soak.main(arguments)


_MEASUREMENTS: dict[str, tuple[Callable[[Sequence[str]], int], str]] = {
    "--cpu": (_cpu, "the house model on this processor"),
    "--gpu": (_gpu, "published models' sizes on this GPU"),
    "--soak": (_soak, "a published model from random files through a night's worth of cuts"),
    "--picture": (_picture, "the pictures of the house model or of a show, with contact sheets"),
}


def main(arguments: Sequence[str]) -> int:
    """Run the measurement that is named; the other options are its own.

    Raises:
        ConfigError: none is named.
    """
    for name, (measure, _) in _MEASUREMENTS.items():
        if name in arguments:
            return measure([option for option in arguments if option != name])
    known = " or ".join(f"{name} ({what})" for name, (_, what) in _MEASUREMENTS.items())
    raise ConfigError(f"bench: say what to measure: {known}")
