"""`segue bench`: which measurement is run. `--cpu` is the house model on this processor."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import ConfigError


def main(arguments: Sequence[str]) -> int:
    """Run the measurement that is named; the other options are its own.

    Raises:
        ConfigError: none is named.
    """
    if "--cpu" not in arguments:
        raise ConfigError("bench: say what to measure: --cpu (the house model on this processor)")
    from engine.bench import house_cpu

    return house_cpu.main([option for option in arguments if option != "--cpu"])
