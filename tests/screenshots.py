"""Make the pictures of the manual: a real window on a real host, panel after panel.

    python -m tests.screenshots docs/manual/images                  # the house model plays
    python -m tests.screenshots --fake --size 1920x1080 /tmp/here keys models

The performer's own files are not touched. Where jackd is installed a controller is plugged in.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path

import qasync
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from app.core.dock_moves import moved
from app.core.dock_tree import Side
from app.devices.midi import MidiInput
from app.engine_client import EngineClient
from app.instrument import Instrument
from app.main_window import MainWindow
from app.session_store import FIRST_SHOW, SessionStore
from app.widgets import theme
from app.window_keys import action
from engine.protocol.messages import SelectSource
from engine.protocol.modulators import Modulator
from engine.protocol.show_file import load_show
from engine.protocol.values import Cut, SourceSpec
from tests import jack
from tests.host_process import host_process

SIZE = "1280x800"
_PATIENCE_S = 60.0  # the house model loads and fills its first chunks in that time, by far
_STEADY_S = 8.0
_DRAWN_S = 0.2
_JPEG_QUALITY = 88  # type stays sharp; a window with a picture in it is about 150 kB
_DEVICE = "APC MINI"  # a name that a factory map knows

Scene = Callable[[MainWindow], Awaitable[QWidget]]


async def until(condition: Callable[[], bool]) -> None:
    """Let the window live until a condition holds."""
    async with asyncio.timeout(_PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def steady(window: MainWindow) -> None:
    """Wait, but not for ever, until new pictures come again: a busy machine holds now and then."""
    state = window.instrument
    with suppress(TimeoutError):
        async with asyncio.timeout(_STEADY_S):
            while state.state is None or state.state.playout.mode != "live":
                await asyncio.sleep(0.1)


def press(window: MainWindow, name: str) -> None:
    """Do what a key of the table does."""
    action(window, name, 0)()


# ---------------------------------------------------------------- scenes, in their order


async def playing(window: MainWindow) -> QWidget:
    """A picture is on air, and a soft cut to what was written waits."""
    instrument = window.instrument
    await until(lambda: instrument.state.playout.mode == "live")
    instrument.press_preset(instrument.show.presets[7], Cut.HARD)
    await until(lambda: instrument.state.look_name == instrument.show.presets[7].name)
    first = instrument.state.chunk_index
    await until(lambda: instrument.state.chunk_index >= first + 3)
    window.prompt.field.setText("slow blue waves")
    window.cut_soft()
    await until(lambda: instrument.state.cut.pending is Cut.SOFT)
    return window


async def learn(window: MainWindow) -> QWidget:
    """Everything that can be learned, and what drives it."""
    window.midi.set_learning(True)
    window.learn._choose("parameter:saturation")
    return window


async def controllers(window: MainWindow) -> QWidget:
    """Devices, bindings, messages."""
    press(window, "controllers")
    return window


async def cues(window: MainWindow) -> QWidget:
    """The list of the night, a cue on air, the next in the form."""
    editor = window.cues.editor
    if not window.instrument.show.cues:
        editor.all.click()
    names = [cue.name for cue in window.instrument.show.cues]
    await until(lambda: window.instrument.state.cues.names == tuple(names))
    window.instrument.stand_by(names[1])
    await until(lambda: window.instrument.state.cues.standby == names[1])
    window.instrument.go()
    await until(lambda: window.instrument.state.cues.on_air == names[1])
    press(window, "cues")
    editor.choose(names[2])
    return window


async def preview(window: MainWindow) -> QWidget:
    """A look is prepared beside the one on air."""
    press(window, "preview")
    await until(lambda: window.instrument.preview.is_open)
    window.instrument.press_preset(window.instrument.show.presets[5])
    window.instrument.set_parameter("saturation", 1.3)
    return window


async def models(window: MainWindow) -> QWidget:
    """What there is."""
    press(window, "models")
    await until(lambda: bool(window.models.cards))
    return window


async def keys(window: MainWindow) -> QWidget:
    """The sheet of keys."""
    press(window, "help")
    return window


async def notices(window: MainWindow) -> QWidget:
    """What happened."""
    press(window, "notices")
    return window


async def source_and_output(window: MainWindow) -> QWidget:
    """Panels of the right column below each other, with a dancer as the source."""
    window._client.send(SelectSource(source=SourceSpec(kind="visuals", address="dancer")))
    await until(lambda: window.instrument.state.source.status == "live")
    docks = window.docks
    for panel, above in (("output", "source"), ("pictures", "source")):
        docks.area.show_arrangement(moved(docks.area.arrangement, panel, above, Side.BELOW))
    press(window, "source")
    return window


async def tour(window: MainWindow) -> QWidget:
    """The third of five steps."""
    press(window, "tour")
    window.tour.move_by(2)
    return window


async def menu(window: MainWindow) -> QWidget:
    """The menu is a window of its own; so is each of its groups."""
    press(window, "menu")
    return window.menu


async def black(window: MainWindow) -> QWidget:
    """What a panic control looks like while it is on."""
    press(window, "black")
    await until(lambda: window.instrument.state.playout.mode == "black")
    return window


async def hud(window: MainWindow) -> QWidget:
    """The figures."""
    return window.hud


async def cuts_and_beat(window: MainWindow) -> QWidget:
    """The middle column, with a tapped beat."""
    for _ in range(3):
        press(window, "tap")
        await asyncio.sleep(0.5)
    press(window, "quantum")
    return window.docks.area.shells["cuts"]


async def waves(window: MainWindow) -> QWidget:
    """Modulators: two that follow the beat, one that follows a sound."""
    await cuts_and_beat(window)
    swell = Modulator(parameter="saturation", beats=8.0, depth=0.2)
    pump = Modulator(parameter="dimmer", shape="decay", beats=1.0, depth=-0.3)
    heard = Modulator(parameter="control_amount", shape="bass", depth=0.5)
    window.instrument.desk.set_modulators("waves", (swell, pump, heard))
    await until(lambda: len(window.instrument.state.modulators) == 3)
    window.docks.reveal("waves")
    return window.docks.area.shells["waves"]


async def perform(window: MainWindow) -> QWidget:
    """Large pads and the cues: what a night is played on."""
    await cues(window)
    press(window, "cues")
    window.docks.go_to("Perform")
    return window


async def edit(window: MainWindow) -> QWidget:
    """Every panel at once, unlocked, and the list of layouts."""
    window.docks.go_to("Edit")
    press(window, "lock")
    press(window, "panel_next")
    press(window, "layouts")
    return window


async def small(window: MainWindow) -> QWidget:
    """Picture, prompt, pads and cuts."""
    window.docks.go_to("Small")
    return window


SCENES: dict[str, Scene] = {
    "window": playing,
    "hud": hud,
    "cuts-and-beat": cuts_and_beat,
    "waves": waves,
    "keys": keys,
    "models": models,
    "learn": learn,
    "controllers": controllers,
    "notices": notices,
    "source-and-output": source_and_output,
    "preview": preview,
    "cues": cues,
    "perform": perform,
    "edit": edit,
    "small": small,
    "black": black,
    "tour": tour,
    "menu": menu,
}


async def calm(window: MainWindow) -> None:
    """Close whatever a scene opened."""
    window.midi.set_learning(False)
    for over in (window.help, window.models, window.cues.editor, window.midi.panel):
        over.hide()
    window.notice_list.hide()
    window.menu.close()
    window.tour.close_tour()
    if window.instrument.preview.is_open:
        press(window, "preview")
    if window.instrument.values()["black"]:
        press(window, "black")
    if window.docks.bar.isVisible():
        press(window, "layouts")
    if window.docks.area.is_unlocked:
        press(window, "lock")
    if window.instrument.show.modulators:
        window.instrument.undo()
    window.docks.begin(is_second=True)
    window.setFocus()


# ---------------------------------------------------------------- running them


@asynccontextmanager
async def open_window(port: int, size: tuple[int, int]):
    """A window on the engine at `port`, with a picture."""
    client = EngineClient(port, None)
    window = MainWindow(client, Instrument(client, SessionStore(), load_show(FIRST_SHOW)))
    window.resize(*size)
    window.docks.begin(is_second=True)
    window.show()
    conversation = asyncio.ensure_future(client.run())
    try:
        await until(lambda: not window.monitor.image.isNull())
        yield window
    finally:
        conversation.cancel()
        await asyncio.gather(conversation, return_exceptions=True)
        window.feed.follow("")
        window.close()


@asynccontextmanager
async def plugged_in(window: MainWindow, environment: dict[str, str] | None):
    """A controller at the window, through a JACK server; nothing where there is none."""
    if environment is None:
        yield
        return
    with jack.controller(environment, _DEVICE) as knobs:
        midi, desk = MidiInput(), window.instrument.midi
        desk.attach(midi)
        midi.start()
        try:
            await until(lambda: knobs.name in desk.mapping.ports)
            for line in ("cc 48 20", "cc 48 40", "cc 49 90", "on 0 127", "on 0 0"):
                knobs.send(line)
                await asyncio.sleep(0.1)
            yield
        finally:
            desk.lamps.leave()
            midi.stop()


def picture_of(shown: QWidget, window: MainWindow) -> QPixmap:
    """Return a part of the window with what lies behind it, or a window of its own."""
    if shown.window() is not window:
        return shown.grab()
    return window.grab(QRect(shown.mapTo(window, QPoint(0, 0)), shown.size()))


async def take(window: MainWindow, names: Sequence[str], folder: Path) -> None:
    """Play the scenes one after another and keep a picture of each."""
    for name in names:
        await steady(window)
        shown = await SCENES[name](window)
        await asyncio.sleep(_DRAWN_S)
        path = folder / f"{name}.jpg"
        if not picture_of(shown, window).save(str(path), "JPEG", _JPEG_QUALITY):
            raise OSError(f"{path}: the picture cannot be written there")
        await calm(window)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make the pictures of the manual.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    parser.add_argument("--size", default=SIZE, help="of the window, in pixels")
    parser.add_argument("--fake", action="store_true", help="a generator that needs no torch")
    return parser


async def _run(options: argparse.Namespace, port: int, environment: dict[str, str] | None) -> None:
    width, height = map(int, options.size.split("x"))
    async with AsyncExitStack() as stack:
        window = await stack.enter_async_context(open_window(port, (width, height)))
        await stack.enter_async_context(plugged_in(window, environment))
        await take(window, options.scenes or tuple(SCENES), options.folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures; 0 when all are there."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with ExitStack() as stack:
        os.environ["SEGUE_HOME"] = stack.enter_context(tempfile.TemporaryDirectory())
        environment = None
        if jack.IS_HERE:
            environment, _ = stack.enter_context(jack.jack_server("pictures"))
            os.environ |= environment
        settings = ["--show", str(FIRST_SHOW), "--size", "1280x720"]
        engine = stack.enter_context(host_process(*settings, fake=options.fake, ndi=True))
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            application = QApplication(sys.argv[:1])
        application.setFont(theme.font(14))
        loop = qasync.QEventLoop(application)
        asyncio.set_event_loop(loop)
        with loop:
            loop.run_until_complete(_run(options, engine.port, environment))
    return 0


if __name__ == "__main__":
    sys.exit(main())
