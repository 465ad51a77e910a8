"""Run a host from its start to its end: event loop, signals, exit code."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable

from engine.errors import ExitCode
from engine.host.floor_plan import Engine, HostConfig, build
from engine.protocol.messages import EngineState

OnStarted = Callable[[Engine], None]
OnState = Callable[[EngineState], None]


def run(
    config: HostConfig,
    on_started: OnStarted = lambda engine: None,
    on_state: OnState = lambda state: None,
    state_period_s: float = 0.5,
) -> ExitCode:
    """Run until the show is over, somebody stops it, or nothing can be generated.

    Args:
        config: what to run.
        on_started: called once, when apps can attach.
        on_state: called every `state_period_s`, for a status line.
        state_period_s: how often.

    Raises:
        EngineError: it could not be started; nothing is left behind.
    """
    return asyncio.run(_run(config, on_started, on_state, state_period_s))


async def _run(
    config: HostConfig, on_started: OnStarted, on_state: OnState, state_period_s: float
) -> ExitCode:
    engine = build(config)
    interrupted = asyncio.Event()
    _on_signals(engine, interrupted)
    await engine.start()
    gc.freeze()  # what is here now stays: no collection in mid-show looks at it again
    on_started(engine)
    teller = asyncio.create_task(_tell(engine, on_state, state_period_s))
    try:
        why = await engine.wait()
    finally:
        teller.cancel()
        await engine.stop()
    if why:  # was told as a notice
        return ExitCode.FAULT
    return ExitCode.INTERRUPTED if interrupted.is_set() else ExitCode.OK


async def _tell(engine: Engine, on_state: OnState, period_s: float) -> None:
    while True:
        await asyncio.sleep(period_s)
        on_state(engine.state())


def _on_signals(engine: Engine, interrupted: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def on_interrupt() -> None:
        interrupted.set()
        engine.end()

    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    loop.add_signal_handler(signal.SIGTERM, engine.end)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a closed terminal does not end the show
