"""The worker process: `python -m engine.worker`, started by the host with a pipe.

    main        loads the model, then one chunk per plan
    orders      reads the pipe; ends the process when the host is gone
    heartbeat   says twice a second what main is doing
    preprocess, preprocess-costly  input frames → control maps, see `preprocess.runner`
    text        prompts → text rows ahead of need, for slow encoders; see `text_service`

Nothing heavy is loaded before the threads run: the heart beats while torch is still being loaded.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

from engine.errors import EngineError, ExitCode, OutOfMemoryError, RemoteProtocolError
from engine.protocol import frame_ring
from engine.protocol.host_life import clean_up_after_host, host_pid
from engine.protocol.numerics import NumericsReport, remember
from engine.protocol.orders import (
    ChunkPlan,
    DropStill,
    Heartbeat,
    KeepMasksReady,
    LoadModel,
    PreparePrompt,
    Shutdown,
    StoreStill,
    WorkerFailed,
    WorkerReady,
)
from engine.urgency import give_way
from engine.worker.host_link import HostLink, OrderInbox
from engine.worker.progress import IDLE, Progress, memory_bytes

if TYPE_CHECKING:
    from engine.worker.chunk_loop import ChunkLoop

# Read by torch's threads when they start. They spin while they wait, by default, and on a machine
# that is busy with anything else (our host and window, say) they then wait for each other: a chunk
# of 128x128 took 2500 ms beside four busy processes on two cores, and 300 ms with this (2026-11).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_NO_ROOM = (
    "can't allocate memory",  # torch on a CPU
    "CUDA error: out of memory",  # a CUDA context, a kernel or a recording that finds no room
    "STATUS_ALLOC_FAILED",  # cuBLAS and cuDNN
)
"""What is said beside torch's own error.  Source: a card that is full; cuBLAS's manual."""
_HEARTBEAT_S = 0.5
_TAKE_S = 1.0


class Worker:
    """One worker process."""

    def __init__(self, link: HostLink) -> None:
        self._link = link
        self._inbox = OrderInbox()
        self._progress = Progress()
        self._host_pid = host_pid()
        self._loop: ChunkLoop | None = None
        self._began_s = time.monotonic()

    def start(self) -> None:
        """Start the threads that must run while the model loads."""
        for entry, name in ((self._orders_thread, "orders"), (self._heartbeat_thread, "heartbeat")):
            threading.Thread(target=entry, name=name, daemon=True).start()

    def run(self) -> None:
        """Load what the host asks for, then make chunks until it says stop."""
        import torch  # takes seconds: begun before the host has said what to load

        with torch.inference_mode():
            load = self._await_load()
            self._loop = self._load(load)
            self._progress.stage = IDLE
            while True:
                taken = self._inbox.take(_TAKE_S)
                match taken:
                    case (ChunkPlan() as plan, received_s):
                        self._loop.run_chunk(plan, received_s)
                    case (PreparePrompt() as prompt, _):
                        self._link.tell(self._loop.model.prompts.prepare(prompt.text))
                    case (StoreStill() as still, _):
                        self._loop.guidance.store(still)
                    case (DropStill() as still, _):
                        self._loop.guidance.drop(still)
                    case (KeepMasksReady() as masks, _):
                        self._loop.keep_masks_ready(masks.kinds)
                    case (Shutdown(), _):
                        return
                    case (LoadModel(), _):
                        raise RemoteProtocolError("a second LoadModel: start a new worker for it")
                    case None:
                        pass

    def fail(self, error: BaseException) -> None:
        """Say why the worker ends, in one sentence."""
        is_oom = _is_out_of_memory(error)
        reason = str(error) if isinstance(error, EngineError) else _sentence(error)
        detail = "".join(traceback.format_exception(error))
        self._link.tell(WorkerFailed(reason=reason, out_of_memory=is_oom, detail=detail))

    def _await_load(self) -> LoadModel:
        while True:
            taken = self._inbox.take(_TAKE_S)
            if taken is None:
                continue
            order, _ = taken
            if not isinstance(order, LoadModel):
                raise RemoteProtocolError(
                    f"got {type(order).__name__} before a model, expected LoadModel first"
                )
            return order

    def _load(self, load: LoadModel) -> ChunkLoop:
        from engine.worker.chunk_loop import Channels, ChunkLoop
        from engine.worker.device import choose_compute
        from engine.worker.model import load_model
        from engine.worker.models.spec import Control
        from engine.worker.preprocess.base import ControlForm
        from engine.worker.preprocess.kinds import costly_preprocessors, default_preprocessors
        from engine.worker.preprocess.runner import PreprocessRunner

        self._progress.stage = "loading"
        compute = choose_compute(load.model.device, load.num_threads)
        model = load_model(load.model, compute)
        takes_pictures = model.spec.control is Control.VACE
        preprocess = PreprocessRunner(
            frame_ring.RingReader(load.input_ring), default_preprocessors(), self._die,
            costly=costly_preprocessors(compute),
            form=ControlForm.PICTURE if takes_pictures else ControlForm.MAP,
        )  # fmt: skip
        channels = Channels(
            frames=frame_ring.RingWriter(load.frame_ring),
            inputs=frame_ring.RingReader(load.input_ring),
            preprocess=preprocess,
            tell=self._link.tell,
            progress=self._progress,
        )
        loop = ChunkLoop(model, channels)
        self._progress.stage = "warming up"
        loop.warm_up()
        channels.preprocess.start()
        model.prompts.start(self._link.tell, self._die)
        self._link.tell(
            WorkerReady(
                model=load.model,
                device=str(compute.device),
                dtype=compute.dtype_name,
                backends=loop.backends(),
                native_fps=model.spec.fps,
                frames_per_chunk=model.spec.frames_per_chunk,
                load_s=time.monotonic() - self._began_s,
                takes_guides=takes_pictures,
                notices=(*compute.notices, *model.notices, *_kept(model.fast_path.numerics)),
            )
        )
        return loop

    def _orders_thread(self) -> None:
        try:
            while True:
                order = self._link.read()
                if order is None:
                    self._leave_without_host()
                elif isinstance(order, PreparePrompt) and self._loop is not None:
                    # Here and not between chunks: the cue must be ready before its chunk begins.
                    self._link.tell(self._loop.model.prompts.prepare(order.text))
                else:
                    self._inbox.put(order)
        except Exception as error:  # noqa: BLE001 (thread entry: ends the process with a sentence)
            self._die(error)

    def _leave_without_host(self) -> None:
        """End at once, also in mid-chunk. Rings outlive their owner, so whoever is left removes."""
        clean_up_after_host(self._host_pid)
        os._exit(ExitCode.OK)

    def _heartbeat_thread(self) -> None:
        never = threading.Event()
        while not never.wait(_HEARTBEAT_S):
            progress = self._progress
            self._link.tell(
                Heartbeat(
                    stage=progress.stage,
                    chunk_index=progress.chunk_index,
                    memory_bytes=memory_bytes(),
                )
            )

    def _die(self, error: BaseException) -> None:
        """End the process from a thread other than main."""
        self.fail(error)
        os._exit(ExitCode.FAULT)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, OutOfMemoryError | MemoryError):
        return True
    torch = sys.modules.get("torch")
    is_cuda_oom = torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)
    return is_cuda_oom or any(words in str(error) for words in _NO_ROOM)


def _sentence(error: BaseException) -> str:
    """Return one line for the performer about an error that nobody expected."""
    first_line = (str(error).splitlines() or [""])[0]
    if _is_out_of_memory(error):
        return f"out of memory ({first_line}); choose a smaller picture or close other programs"
    return f"the generator stopped: {type(error).__name__}: {first_line}"


def main() -> int:
    """Run the worker; returns its exit code."""
    give_way()  # the host's frames are due now, ours soon
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which then tells us
    worker = Worker(HostLink.claim_standard_streams())
    worker.start()
    try:
        worker.run()
    except Exception as error:  # noqa: BLE001 (process entry: last words, then the exit code)
        worker.fail(error)
        clean_up_after_host(host_pid())  # a ring that cannot be opened: its owner may be dead
        return ExitCode.FAULT
    return ExitCode.OK


def _kept(report: NumericsReport | None) -> tuple[str, ...]:
    """Keep what fast passes were found to compute for the doctor; say so if that fails."""
    if report is None:
        return ()
    try:
        remember(report)
    except OSError as error:
        return (f"The numerics report is not kept: {error}.",)
    return ()


if __name__ == "__main__":
    # Not sys.exit: threads that wait on the pipe would be joined, and torch takes a while to go.
    code = main()
    sys.stderr.flush()
    os._exit(code)
