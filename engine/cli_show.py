"""`segue show export|import`: a show as one file, for a stick, a friend or another machine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ExitCode
from engine.protocol.places import shows_folder
from engine.protocol.show_zip import export_show, import_show


def main(arguments: Sequence[str]) -> ExitCode:
    """Do what was asked and say where it is now.

    Raises:
        EngineError: no show, no zip of one, or a disk that refuses; nothing was changed.
    """
    options = _parser().parse_args(arguments)
    if options.command == "export":
        target = options.zip or Path(f"{options.show.resolve().name}.zip")
        print(export_show(options.show, target))
    else:
        show = import_show(options.zip, options.into or shows_folder())
        for remark in show.remarks:
            print(f"note: {remark}")
        print(show.folder)
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="segue show", description="A show as one file.")
    commands = parser.add_subparsers(dest="command", required=True)
    out = commands.add_parser("export", help="write a show, with its pictures and media, as a zip")
    out.add_argument("show", type=Path, help="folder of the show")
    out.add_argument("zip", type=Path, nargs="?", help="file; without it the folder's name, here")
    into = commands.add_parser("import", help="unpack such a zip into a new folder")
    into.add_argument("zip", type=Path, help="file")
    into.add_argument("--into", type=Path, help="where; without it among your shows")
    return parser
