"""The command `segue`: finds the command that was asked for and lets it do the rest.

Nothing is imported before it is needed, so `segue --help` answers at once and the host never loads
torch. Errors that Segue raises on purpose become one sentence on stderr and an exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from engine.errors import ConfigError, EngineError, ExitCode

# name → module with a `main(arguments) -> int`, what it does
COMMANDS = {
    "play": ("engine.cli_play", "play a show without a window"),
    "show": ("engine.cli_show", "pack a show into one file, or unpack one"),
    "engine": ("engine.host.__main__", "run the host alone; windows attach to it"),
    "replay": ("engine.host.replay", "play a take again and compare every frame"),
    "doctor": ("engine.host.doctor", "say what is here and what is missing"),
    "parity": ("engine.bench.parity", "run golden tensors through the model code"),
    "models": ("engine.cli_models", "list, download and check the weights of larger models"),
    "bench": ("engine.cli_bench", "measure how fast the house model runs here"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `segue ARGUMENTS`; returns the exit code (see docs/architecture.md)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(given)
    except EngineError as error:
        _say(f"segue: {error}")
        return int(error.exit_code)
    except ImportError as error:
        _say(f"segue: a library does not load ({error}); `segue doctor` says what is missing")
        return int(ExitCode.UNAVAILABLE)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)


def _dispatch(given: list[str]) -> int:
    name = given[0] if given else ""
    if name in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return int(ExitCode.OK)
    if not name or name.startswith("--"):  # options without a command are the window's
        return _become_the_window(given)
    if name not in COMMANDS:
        raise ConfigError(f"command {name!r} does not exist; choose one of: {', '.join(COMMANDS)}")
    return int(import_module(COMMANDS[name][0]).main(given[1:]))


def usage() -> str:
    """Return the help text."""
    rows = [f"  {name:8s} {text}" for name, (_, text) in COMMANDS.items()]
    head = "usage: segue [COMMAND] [OPTIONS]\n\n  (none)   open the instrument\n"
    return head + "\n".join(rows) + "\n\nsegue COMMAND --help tells more.\n"


def _become_the_window(options: list[str]) -> int:
    command = [sys.executable, "-m", "app", *options]
    if os.name != "nt":
        os.execv(command[0], command)
    import subprocess  # only Windows has to wait for a child instead

    return subprocess.run(command, check=False).returncode


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
