"""`segue models list|pull|check`: the weights that can be downloaded, from the command line.

On a terminal a pull rewrites one line; elsewhere it prints a plain line now and then; with --json
every report is one line of JSON on stdout (`engine.protocol.model_reports`), errors included.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ConfigError, EngineError, ExitCode
from engine.model_store.catalogue import CATALOGUE, Model, with_needs
from engine.model_store.check import check_folder, check_model
from engine.model_store.store import Store
from engine.protocol.amounts import duration_text, size_text
from engine.protocol.model_reports import (
    LicenceAsked,
    ModelChecked,
    ModelListed,
    ModelPulled,
    ModelsFailed,
    ModelState,
    PullNoticed,
    PullProgressed,
    Report,
    to_line,
)
from engine.protocol.places import models_folder

_PLAIN_EVERY_S = 10.0


def main(arguments: Sequence[str], catalogue: tuple[Model, ...] = CATALOGUE) -> ExitCode:
    """Do what is asked.

    Raises:
        EngineError: what went wrong, in one sentence; with --json it is printed too.
    """
    options = _parser().parse_args(arguments)
    store = Store((options.folder or models_folder()).expanduser().absolute())
    screen = _Screen(as_json=options.json)
    try:
        match options.verb:
            case "list":
                return _list(store, catalogue, screen)
            case "pull":
                return _pull(options, store, catalogue, screen)
            case _:
                return _check(options.name, store, catalogue, screen)
    except EngineError as error:
        screen.fail(str(error), error.exit_code)
        raise
    except KeyboardInterrupt:
        sentence = "interrupted; what came is kept, the same command goes on from there"
        screen.fail(sentence, ExitCode.INTERRUPTED)
        if not options.json:
            sys.stderr.write(f"segue: {sentence}\n")
        return ExitCode.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segue models", description="List, download and check the weights of larger models."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|pull|check")
    listing = verbs.add_parser("list", help="which models there are, and which are here")
    pull = verbs.add_parser("pull", help="download a model, with what it needs")
    pull.add_argument("name", metavar="NAME", help="a name of the list")
    pull.add_argument("--accept-licence", action="store_true", help="accept its licences")
    check = verbs.add_parser("check", help="see whether a model is whole")
    check.add_argument("name", metavar="NAME_OR_FOLDER", help="a name of the list, or any folder")
    for verb in (listing, pull, check):
        verb.add_argument("--folder", type=Path, help="where models are kept")
        verb.add_argument("--json", action="store_true", help="print reports as lines of JSON")
    return parser


def _list(store: Store, catalogue: tuple[Model, ...], screen: _Screen) -> ExitCode:
    for model in catalogue:
        screen.say(listed(model, store))
    return ExitCode.OK


def listed(model: Model, store: Store) -> ModelListed:
    """Return a row of the list."""
    return ModelListed(
        name=model.name,
        summary=model.summary,
        state=store.state(model),
        total_bytes=model.total_bytes if model.built_in is None else store.here_bytes(model),
        is_exact=model.is_size_exact,
        here_bytes=store.here_bytes(model),
        gpu=model.gpu,
        licence=model.licence,
        is_accepted=model.built_in is not None or store.has_accepted(model),
        needs=model.needs,
        folder=str(store.folder(model)),
        sizes=model.sizes,
        control=model.control,
    )


def _pull(
    options: argparse.Namespace, store: Store, catalogue: tuple[Model, ...], screen: _Screen
) -> ExitCode:
    models = with_needs(options.name, catalogue)
    _settle_licences(models, store, screen, accept=options.accept_licence)
    from engine.model_store.hub import Hub  # only a pull needs the network
    from engine.model_store.pull import Puller

    Puller(store, Hub(), screen.say).pull(models)
    return ExitCode.OK


def _settle_licences(
    models: tuple[Model, ...], store: Store, screen: _Screen, *, accept: bool
) -> None:
    """Show each licence that is not accepted yet, and take the answer."""
    asked = [m for m in models if m.built_in is None and not store.has_accepted(m)]
    for model in asked:
        screen.say(LicenceAsked(name=model.name, licence=model.licence))
    if not asked:
        return
    if not (accept or screen.ask("Type yes to accept: ") == "yes"):
        names = ", ".join(model.name for model in asked)
        raise ConfigError(
            f"licences not accepted: {names}; nothing was downloaded, --accept-licence accepts them"
        )
    for model in asked:
        store.accept(model, model.licence)


def _check(name: str, store: Store, catalogue: tuple[Model, ...], screen: _Screen) -> ExitCode:
    if any(model.name == name for model in catalogue):
        models = with_needs(name, catalogue)
        checks = [check_model(model, store, screen.reading(model.name)) for model in models]
    else:
        folder = Path(name).expanduser().absolute()
        checks = [check_folder(folder, catalogue, screen.reading(folder.name))]
    for checked in checks:
        screen.say(checked)
    return ExitCode.USAGE if any(checked.problems for checked in checks) else ExitCode.OK


class _Screen:
    """Prints reports for people or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._is_terminal = sys.stdout.isatty() and not as_json
        self._has_line = False
        self._said_s = 0.0

    def say(self, report: Report) -> None:
        """Print a report."""
        if self._as_json:
            print(to_line(report), flush=True)
        elif isinstance(report, PullProgressed):
            self._show_progress(report)
        else:
            self._end_line()
            print(in_words(report), flush=True)

    def fail(self, sentence: str, exit_code: ExitCode) -> None:
        """Print an error for programs; people get it on stderr from the command."""
        self._end_line()
        if self._as_json:
            print(to_line(ModelsFailed(sentence=sentence, exit_code=int(exit_code))), flush=True)

    def ask(self, question: str) -> str:
        """Return what a person at the terminal answers; empty when there is nobody."""
        if self._as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return ""
        try:
            return input(question).strip().lower()
        except EOFError:
            return ""

    def reading(self, name: str) -> _Reading:
        """Return what tells how far a check is."""
        return _Reading(self, name)

    def _show_progress(self, progress: PullProgressed) -> None:
        text = progress_text(progress)
        if self._is_terminal:
            print(f"\r\x1b[2K{text}", end="", flush=True)
            self._has_line = True
            return
        now_s = time.monotonic()
        if now_s - self._said_s >= _PLAIN_EVERY_S:
            self._said_s = now_s
            print(text, flush=True)

    def _end_line(self) -> None:
        if self._has_line:
            print()
            self._has_line = False


class _Reading:
    """How far the checksum of a file is, as progress."""

    def __init__(self, screen: _Screen, name: str) -> None:
        self._screen, self._name = screen, name
        self._began_s = self._said_s = time.monotonic()

    def __call__(self, file: str, done_bytes: int, total_bytes: int) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s < 0.5:
            return
        self._said_s = now_s
        rate = done_bytes / (now_s - self._began_s)
        self._screen.say(
            PullProgressed(
                name=self._name,
                file=file,
                step="checking",
                done_bytes=done_bytes,
                total_bytes=total_bytes,
                rate_bytes_s=rate,
                left_s=(total_bytes - done_bytes) / rate,
            )
        )


def in_words(report: Report) -> str:
    """Return what people read."""
    match report:
        case ModelListed():
            return _list_text(report)
        case LicenceAsked():
            return f"\n{report.name} comes under this licence:\n\n{report.licence.text}"
        case PullProgressed():
            return progress_text(report)
        case PullNoticed():
            return report.sentence
        case ModelPulled():
            came = f"{size_text(report.sent_bytes)} came" if report.sent_bytes else "nothing to do"
            return f"{report.name} is here: {report.folder} ({came})"
        case ModelChecked():
            return _check_text(report)
        case ModelsFailed():
            return report.sentence


def _list_text(model: ModelListed) -> str:
    size = size_text(model.total_bytes, is_exact=model.is_exact)
    state = str(model.state)
    if model.state is ModelState.PARTLY:
        state = f"{size_text(model.here_bytes)} here"
    lines = [f"{model.name:18s} {state:14s} {size:>13s}   {model.summary}"]
    indent = " " * 19
    licence = f"{model.licence.name}: {model.licence.statement}"
    lines.append(textwrap.fill(licence, 100, initial_indent=indent, subsequent_indent=indent))
    lines.append(f"{indent}GPU memory: {model.gpu}")
    if model.needs:
        lines.append(f"{indent}with {', '.join(model.needs)}")
    return "\n".join(lines) + "\n"


def _check_text(checked: ModelChecked) -> str:
    lines = [f"{checked.name}: {'not whole' if checked.problems else 'whole'} ({checked.folder})"]
    lines += [f"  {fact}" for fact in checked.facts]
    lines += [f"  problem: {problem}" for problem in checked.problems]
    return "\n".join(lines)


def progress_text(progress: PullProgressed) -> str:
    """Return one line: what, how far, how fast, how long to go."""
    share = progress.done_bytes / progress.total_bytes if progress.total_bytes else 1.0
    done = f"{size_text(progress.done_bytes)} of {size_text(progress.total_bytes)}"
    text = f"{progress.name}  {progress.step}  {share:4.0%}  {done}"
    if progress.rate_bytes_s > 0:
        text += f"  {size_text(int(progress.rate_bytes_s))}/s"
    if progress.left_s is not None:
        text += f"  {duration_text(progress.left_s)} left"
    return text
