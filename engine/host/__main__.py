"""`python -m engine.host`: the host alone. Apps attach to it over the WebSocket."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from engine.cli_values import MODEL_STEP_PX, rate_of, size_of, source_of
from engine.errors import EngineError, ExitCode
from engine.host.floor_plan import DEFAULT_PORT, Engine, HostConfig
from engine.host.remote.options import add_remote_options, remote_config
from engine.host.run import run
from engine.host.show_model import ShowModel
from engine.host.watch import Limits
from engine.protocol.show_file import load_show
from engine.protocol.values import Look, ModelChoice, OutputSpec

_DEFAULTS = HostConfig()


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run a host; returns the exit code. Trouble is one sentence on stderr."""
    options = _parser().parse_args(arguments)
    level = logging.INFO if options.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        return run(_config(options), on_started=_announce)
    except EngineError as error:
        sys.stderr.write(f"segue: {error}\n")
        return error.exit_code


def _announce(engine: Engine) -> None:
    sys.stdout.write(f"listening on ws://127.0.0.1:{engine.port}/ws\n")
    if page := engine.state().remote.page_at:
        sys.stdout.write(f"the page for phones is at {page}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="segue engine", description="Run Segue's host alone.")
    add = parser.add_argument
    add("--port", type=int, default=DEFAULT_PORT, help="WebSocket port on 127.0.0.1; 0: any")
    add("--show", type=Path, help="folder of a show: its first look, source, output and model")
    add("--resume", action="store_true", help="go on where an engine of this show died, if it did")
    add("--prompt", default=_DEFAULTS.look.prompt, help="what the show begins with")
    add("--seed", type=int, help="seed of the show; by chance without it")
    add("--source", default="none", help="as in `segue play`: pattern, visuals:dancer, a file …")
    add("--size", default="1280x720", help="output size in pixels, even numbers")
    add("--rate", default="30", help="output frames a second: 30, 29.97, 24000/1001 …")
    add("--ndi-name", default="Segue", help="name of the NDI source")
    add("--no-ndi", action="store_true", help="do not send NDI")
    add("--model", default="house", help="model to load")
    add("--model-size", default="256x256", help="picture of the model, divisible by 16")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where it runs")
    add("--threads", type=int, default=0, help="CPU threads of the generator; 0: all")
    add("--takes", type=Path, help="folder of takes")
    add("--no-take", action="store_true", help="do not log the show for a replay")
    add("--record", type=Path, help="record to this MP4 file, from the first picture on")
    add("--seconds", type=float, help="end after so many seconds of pictures")
    add("--heartbeat-s", type=float, default=5.0, help="a silent generator is restarted after")
    add("--chunk-s", type=float, default=10.0, help="the least time a chunk may take")
    add("--fake", action="store_true", help="a generator without torch, for trying things out")
    add_remote_options(add)
    add("--verbose", action="store_true", help="log to stderr what is going on")
    return parser


def _config(options: argparse.Namespace) -> HostConfig:
    width_px, height_px = size_of(options.size)
    model_width_px, model_height_px = size_of(options.model_size, MODEL_STEP_PX, "--model-size")
    rate = rate_of(options.rate)
    config = HostConfig(
        port=options.port,
        remote=remote_config(options),
        look=Look(prompt=options.prompt),
        source=source_of(options.source),
        output=OutputSpec(
            width_px=width_px, height_px=height_px,
            rate_numerator=rate.numerator, rate_denominator=rate.denominator,
            ndi_name=options.ndi_name, ndi=not options.no_ndi,
        ),
        model=ModelChoice(
            name=options.model, width_px=model_width_px, height_px=model_height_px,
            device=options.device,
        ),
        show_seed=options.seed,
        takes_folder=options.takes,
        keep_take=not options.no_take,
        record=options.record,
        seconds=options.seconds,
        num_threads=options.threads,
        fake=options.fake,
        resume=options.resume,
        limits=Limits(heartbeat_s=options.heartbeat_s, chunk_s=options.chunk_s),
    )  # fmt: skip
    return _as_in_show(config, options.show) if options.show is not None else config


def _as_in_show(config: HostConfig, folder: Path) -> HostConfig:
    """Return the config with what the show says instead of what the options say.

    `--no-ndi` holds all the same: it says that this machine shall stay silent.

    Raises:
        ShowError: the show is broken.
    """
    show = load_show(folder)
    look = show.presets[0].look() if show.presets else config.look
    output = structs.replace(show.output, ndi=show.output.ndi and config.output.ndi)
    return replace(
        config, look=look, prompts=show.prompts, guides=show.guides,
        cues=show.cue_specs, pads=show.pad_specs, modulators=show.modulators,
        beat=show.beat, show_name=show.name,
        source=show.source, output=output, model=show.model, show_names=ShowModel(show),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
