"""`segue play SHOW`: a show without a window, from the command line to the host's config."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine import cli_values as values
from engine.errors import ConfigError, ExitCode
from engine.host.floor_plan import DEFAULT_PORT, HostConfig
from engine.host.headless import play
from engine.host.remote.options import add_remote_options, remote_config
from engine.host.show_model import ShowModel
from engine.protocol.show import Show
from engine.protocol.show_file import load_show
from engine.protocol.values import PRECISIONS, Look, ModelChoice, OutputSpec, SourceSpec


def main(arguments: Sequence[str]) -> ExitCode:
    """Play until it is over.

    Raises:
        EngineError: an argument or the show is wrong, or a device is missing.
    """
    options = _parser().parse_args(arguments)
    config = config_of(options, load_show(options.show))
    return play(
        config,
        as_json=options.json,
        status_every_s=options.status_every,
        orders=sys.stdin.fileno() if options.cues else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="segue play", description="Play a show without a window.")
    add = parser.add_argument
    add("show", type=Path, metavar="SHOW", help="folder of a show, e.g. presets/first-light")
    add("--preset", help="name of the preset to begin with; the first without it")
    add("--prompt", help="begin with this prompt instead of the preset's")
    add(
        "--cues",
        action="store_true",
        help="play the cue list from its first cue on; GO, BACK and more as lines on stdin: help",
    )
    add("--resume", action="store_true", help="go on where a killed `segue play` was, same --port")
    add("--seed", type=int, help="seed of the show; by chance without it")
    add("--source", help="a video file, camera:0, ndi:NAME, visuals:dancer, pattern …")
    add("--output", help="ndi, ndi:NAME or none")
    add("--output-size", metavar="WxH", help="size that leaves, even pixels")
    add("--rate", help="output frames a second, 23.976 to 60: 30, 29.97, 24000/1001 …")
    add("--model", help="model to load")
    add("--size", metavar="WxH", help="size the model generates, divisible by 16")
    add("--device", choices=("auto", "cpu", "cuda"), help="where the model runs")
    add("--precision", choices=PRECISIONS, help="of products on a GPU; auto: fp8 where it pays")
    add("--threads", type=int, default=0, help="CPU threads of the model; 0: all")
    add("--record", type=Path, metavar="FILE", help="record to this MP4 file")
    add("--seconds", type=float, help="end after so many seconds of pictures")
    add("--port", type=int, default=DEFAULT_PORT, help="where windows attach, on 127.0.0.1; 0: any")
    add_remote_options(add)
    add("--no-take", action="store_true", help="do not log the show for a replay")
    add("--fake", action="store_true", help="a generator without torch, for trying things out")
    add(
        "--status-every",
        type=float,
        default=1.0,
        metavar="S",
        help="seconds a status line; 0: none",
    )
    add("--json", action="store_true", help="print a report at the end")
    return parser


def config_of(options: argparse.Namespace, show: Show) -> HostConfig:
    """Return what the show says, with the options in place of what they name.

    Raises:
        ConfigError: an option says something that cannot be.
    """
    if options.seconds is not None and not options.seconds > 0:
        raise ConfigError(f"--seconds: got {options.seconds:g}, expected more than 0")
    if not 0 <= options.port < 2**16:
        raise ConfigError(f"--port: got {options.port}, expected 0 to 65535")
    return HostConfig(
        port=options.port,
        remote=remote_config(options),
        look=_look(options, show),
        prompts=show.prompts,
        guides=show.guides,
        needs_guides=True,
        cues=show.cue_specs,
        pads=show.pad_specs,
        modulators=show.modulators,
        beat=show.beat,
        show_name=show.name,
        opens_with_cue=options.cues,
        resume=options.resume,
        source=_source(options, show),
        needs_source=options.source is not None,
        output=_output(options, show.output),
        model=_model(options, show.model),
        show_names=ShowModel(show, lambda model: _model(options, model)),
        show_seed=options.seed,
        keep_take=not options.no_take,
        record=_record(options.record),
        seconds=options.seconds,
        num_threads=options.threads,
        fake=options.fake,
    )


def _look(options: argparse.Namespace, show: Show) -> Look:
    if options.cues:
        return _look_of_first_cue(options, show)
    if options.preset is not None:
        look = show.preset(options.preset).look()
    elif show.presets:
        look = show.presets[0].look()
    else:
        look = HostConfig().look
    return look if options.prompt is None else msgspec.structs.replace(look, prompt=options.prompt)


def _look_of_first_cue(options: argparse.Namespace, show: Show) -> Look:
    if not show.cues:
        raise ConfigError(f"--cues: show {show.name!r} has no [[cue]]; see docs/shows.md")
    if options.preset is not None or options.prompt is not None:
        raise ConfigError("--cues: begins with the first cue; leave --preset and --prompt away")
    return show.cue_specs[0].look


def _source(options: argparse.Namespace, show: Show) -> SourceSpec:
    source = show.source if options.source is None else values.source_of(options.source)
    if source.kind == "file" and not Path(source.address).expanduser().is_file():
        raise ConfigError(f"--source: there is no file {source.address}; give a video file")
    return source


def _output(options: argparse.Namespace, output: OutputSpec) -> OutputSpec:
    if options.output is not None:
        is_sent, name = values.ndi_of(options.output)
        output = msgspec.structs.replace(output, ndi=is_sent, ndi_name=name or output.ndi_name)
    if options.output_size is not None:
        width, height = values.size_of(options.output_size, 2, "--output-size")
        output = msgspec.structs.replace(output, width_px=width, height_px=height)
    if options.rate is not None:
        rate = values.rate_of(options.rate)
        output = msgspec.structs.replace(
            output, rate_numerator=rate.numerator, rate_denominator=rate.denominator
        )
    return output


def _model(options: argparse.Namespace, model: ModelChoice) -> ModelChoice:
    if options.size is not None:
        width, height = values.size_of(options.size, values.MODEL_STEP_PX)
        model = msgspec.structs.replace(model, width_px=width, height_px=height)
    return msgspec.structs.replace(
        model,
        name=options.model or model.name,
        device=options.device or model.device,
        precision=options.precision or model.precision,
    )


def _record(path: Path | None) -> Path | None:
    """Refuse before the show what cannot be written during it."""
    if path is None:
        return None
    path = path.expanduser().absolute()
    if path.suffix.lower() != ".mp4":
        raise ConfigError(f"--record: got {path.name!r}, expected a file name that ends in .mp4")
    if not path.parent.is_dir():
        raise ConfigError(f"--record: there is no folder {path.parent}; make it or choose another")
    return path
