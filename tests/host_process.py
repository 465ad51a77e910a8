"""Start the real host in a process of its own and talk to it as an app does."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp
import psutil

from engine.protocol import frame_ring
from engine.protocol.codec import EVENTS, decode, encode
from engine.protocol.messages import CommandAccepted, CommandRefused, EngineState, Hello

ROOT = Path(__file__).parents[1]
_GONE = (FileNotFoundError, ProcessLookupError)  # a process, or a thread, that ended meanwhile
SOON_S = 30.0  # nothing here is about speed; a busy machine may take its time


class HostProcess:
    """A host: its process, its port, and what it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        line = process.stdout.readline()
        self.port = int(line.split(":")[2].split("/")[0]) if line else 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SOON_S)

    def rings(self) -> list[str]:
        return sorted(path.name for path in frame_ring.ring_folder().glob(f"segue-{self.pid}-*"))


@contextmanager
def host_process(
    *arguments: str, worker: str = "--chunk-ms 80", fake: bool = True, ndi: bool = False
):
    """Run a host on a free port; kills what is left of it and its worker afterwards."""
    given = ["--port", "0", "--size", "160x90"]
    given += [*([] if ndi else ["--no-ndi"]), *(["--fake"] if fake else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.host", *given, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=os.environ | {"SEGUE_FAKE_WORKER": worker, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        yield HostProcess(process)
    finally:
        process.kill()
        process.communicate()


class Client:
    """An app's end of the WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self.events = []

    async def next_event(self):
        data = await asyncio.wait_for(self._socket.receive_bytes(), SOON_S)
        event = decode(EVENTS, data)
        self.events.append(event)
        return event

    async def ask(self, command):
        """Send a command and return its answer."""
        self._number += 1
        numbered = type(command)(
            **{f: getattr(command, f) for f in command.__struct_fields__ if f != "command_id"},
            command_id=self._number,
        )
        await self._socket.send_bytes(encode(numbered))
        return await self.wait_for(
            lambda e: (
                isinstance(e, CommandAccepted | CommandRefused) and e.command_id == self._number
            )
        )

    async def send_raw(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def wait_for(self, wanted, timeout_s: float = SOON_S):
        """Return the next event for which `wanted` is true."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            event = await self.next_event()
            if wanted(event):
                return event
        raise AssertionError("the event did not come")

    async def state(self, wanted=lambda state: True, timeout_s: float = SOON_S) -> EngineState:
        """Return the next state for which `wanted` is true."""
        return await self.wait_for(lambda e: isinstance(e, EngineState) and wanted(e), timeout_s)


@asynccontextmanager
async def attached(host: HostProcess):
    """Connect and say hello."""
    url = f"http://127.0.0.1:{host.port}/ws"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        client = Client(socket)
        answer = await client.ask(Hello())
        assert isinstance(answer, CommandAccepted)
        yield client


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not merely waiting to be buried."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except _GONE:
        return False
    return fields[0] != "Z"


def worker_pids(host_pid: int) -> list[int]:
    """Return the processes that a host started; its threads come and go while we look."""
    found = []
    with suppress(*_GONE):
        for task in Path(f"/proc/{host_pid}/task").iterdir():
            with suppress(*_GONE):
                found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


def running(module: str, pids: list[int]) -> list[int]:
    """Return those of the processes that run a module; one may die while we look."""
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):  # a zombie is one, too
            if module in psutil.Process(pid).cmdline():
                found.append(pid)
    return found


def wait_until(condition, timeout_s: float = SOON_S) -> bool:
    """Wait until a condition holds; returns whether it did."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
        signal.sigtimedwait([], 0.02)
    return True


def is_live(state: EngineState) -> bool:
    """Return whether chunks come and their pictures are on air."""
    return state.worker.status == "live" and state.playout.mode == "live"


def played(script, *arguments: str, worker: str = "--chunk-ms 80"):
    """Run `script(host, client)` on a host that is live and return what the script returns."""

    async def run(host: HostProcess):
        async with attached(host) as client:
            await client.state(is_live)
            return await script(host, client)

    with host_process(*arguments, worker=worker) as host:
        return asyncio.run(run(host))
