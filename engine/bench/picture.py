"""The pictures of the house model, measured: `segue bench --picture`.

    segue bench --picture --quick                          # a first look, a minute or two
    segue bench --picture --device cuda --json new.json --sheets docs/images \
        --against old.json --markdown docs/house-model.md  # the proof
    segue bench --picture --merge a.json b.json --json all.json  # a proof made in pieces
    segue bench --picture presets/first-light --out a.png  # the presets of a show

Everything is played through the real score and the real chunk loop, one show at a time. The
renderer's clips of the same captions are the ceiling; a JSON file of an earlier model, the floor.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker does; read when torch starts

import torch

from engine.bench.classifier import WEIGHTS_PATH
from engine.bench.judge import load_judge
from engine.bench.picture_codec_part import play_codec
from engine.bench.picture_control_part import play_control
from engine.bench.picture_drift_part import play_drift
from engine.bench.picture_pieces import merged, read_proof
from engine.bench.picture_play import open_loop
from engine.bench.picture_prompts_part import play_prompts
from engine.bench.picture_report import (
    Part,
    Proof,
    check_marks,
    markdown_table,
    text_table,
    values_of,
    write_markdown,
)
from engine.bench.picture_stage import QUICK, Amounts, Stage
from engine.bench.picture_switch_part import play_switches
from engine.bench.picture_variety_part import play_variety
from engine.errors import ConfigError, EngineError
from engine.protocol.values import ModelChoice
from engine.visuals.canvas import Canvas
from engine.worker.models.house.vocabulary import FAMILIES
from engine.worker.models.wan.codec import Codec

PARTS: Final = ("codec", "prompts", "agreement", "drift", "switches", "control", "variety")
_JUDGED: Final = {"agreement", "switches"}
_STDOUT: Final = "-"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from a command line; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        if args.show:
            _play_show(args)
        else:
            _prove(args)
    except EngineError as error:
        print(f"segue: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segue bench --picture", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("show", nargs="?", help="folder of a show: play its presets instead of the proof")
    add("--chunks", type=int, help="chunks a prompt (default 20) or a preset (default 8)")
    add("--json", nargs="?", const=_STDOUT, metavar="FILE", help="write JSON; alone: print it")
    add("--out", type=Path, help="with a show: write its contact sheet to this PNG")
    add("--model", default="house", help="house, untrained, or a folder with weights")
    add("--size", default="256", help="pixels: 256, or 256x144")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"))
    add("--threads", type=int, default=0, help="CPU threads; 0 leaves all")
    add("--parts", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    add("--quick", action="store_true", help="little of everything")
    add("--classifier", type=Path, default=WEIGHTS_PATH, help="weights of the judge of families")
    add("--sheets", type=Path, help="write contact sheets into this folder")
    add("--markdown", type=Path, help="write the table between the two marks of this document")
    add("--merge", type=Path, nargs="+", metavar="FILE",
        help="play nothing, put the parts of earlier runs together from their JSON")  # fmt: skip
    add("--against", type=Path, help="JSON of an earlier run, to print beside")
    return parser


def _play_show(args: argparse.Namespace) -> None:
    from engine.bench.picture_presets import play_show

    if args.json not in (None, _STDOUT):
        raise ConfigError(f"--json {args.json}: with a show the JSON is printed, give --json alone")
    play_show(args.show, args.chunks or 8, args.out, as_json=args.json is not None)


def _prove(args: argparse.Namespace) -> None:
    parts = chosen_parts(args.parts)
    floor = values_of(args.against) if args.against else {}
    if args.markdown:  # a document without marks is refused before ten minutes are spent
        check_marks(args.markdown)
    if args.merge:
        proof = merged([(path, read_proof(path)) for path in args.merge])
    else:
        width, height = size_of(args.size)
        choice = ModelChoice(name=args.model, width_px=width, height_px=height, device=args.device)
        proof = prove(choice, parts, _amounts(args), args)
    table = text_table(proof.parts, floor)
    if args.json == _STDOUT:
        print(json.dumps(proof.as_json()))
    else:
        print(table)
        print(_missed(proof))
    if args.json not in (None, _STDOUT):
        Path(args.json).write_text(json.dumps(proof.as_json(), indent=1), encoding="utf-8")
    if args.markdown:
        write_markdown(args.markdown, markdown_table(proof.parts, floor))


def chosen_parts(text: str) -> list[str]:
    """Read names of parts.

    Raises:
        ConfigError: one of them does not exist.
    """
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise ConfigError(f"--parts {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


def size_of(text: str) -> tuple[int, int]:
    """Read `256` or `256x144` as width and height.

    Raises:
        ConfigError: it is neither.
    """
    width, _, height = text.partition("x")
    try:
        return int(width), int(height or width)
    except ValueError:
        raise ConfigError(f"--size {text}: expected pixels like 256 or 256x144") from None


def _amounts(args: argparse.Namespace) -> Amounts:
    amounts = QUICK if args.quick else Amounts()
    if args.chunks is not None:
        if args.chunks < 2:
            raise ConfigError(f"--chunks {args.chunks}: expected 2 or more, a seam needs two")
        amounts = replace(amounts, chunks=args.chunks)
    return amounts


def prove(
    choice: ModelChoice, parts: Sequence[str], amounts: Amounts, args: argparse.Namespace
) -> Proof:
    """Load the model and run the parts."""
    judged = bool(_JUDGED & set(parts))
    with open_loop(choice, args.threads) as (loop, player):
        compute = loop.model.compute
        stage = Stage(
            player=player,
            device=compute.device,
            canvas=Canvas.of(choice.width_px, choice.height_px),
            amounts=amounts,
            judge=load_judge(compute.device, args.classifier) if judged else None,
            sheets=args.sheets,
        )
        setting: dict[str, Any] = {
            "model": choice.name,
            "size": f"{choice.width_px}x{choice.height_px}",
            "device": str(compute.device),
            "dtype": compute.dtype_name,
            "quick": bool(args.quick),
            "chunks": amounts.chunks,
            "families": len(FAMILIES),
            "torch": torch.__version__,
        }
        return Proof(setting=setting, parts=tuple(_run(stage, parts, loop.model.codec)))


def _run(stage: Stage, parts: Sequence[str], codec: Codec) -> list[Part]:
    done = [play_codec(stage, codec)] if "codec" in parts else []
    if {"prompts", "agreement"} & set(parts):
        done += play_prompts(stage, numbers="prompts" in parts, agreement="agreement" in parts)
    others: dict[str, Callable[[Stage], Part]] = {
        "drift": play_drift,
        "switches": play_switches,
        "control": play_control,
        "variety": play_variety,
    }
    return done + [play(stage) for name, play in others.items() if name in parts]


def _missed(proof: Proof) -> str:
    missed = proof.missed()
    if not missed:
        return "every goal is met"
    return f"{len(missed)} goals missed: " + "; ".join(
        f"{line.label.strip()} {line.value:.3f} (goal {line.goal()})" for line in missed
    )


if __name__ == "__main__":
    sys.exit(main())
