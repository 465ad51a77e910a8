"""Where a training stage runs: device, processes, seeds, and a clock that all processes share.

Started plainly a stage runs in one process; started by `torchrun` it runs one process per GPU and
averages gradients.
"""

import os
import random
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Runtime:
    """The device and place of this process among its peers."""

    device: torch.device
    rank: int
    world_size: int
    started_s: float

    def log(self, *words: object) -> None:
        """Print a line with the elapsed seconds, from the first process only."""
        if self.rank == 0:
            print(f"[{self.elapsed_s:6.1f}]", *words, flush=True)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the stage was started."""
        return time.monotonic() - self.started_s

    def average_gradients(self, modules: Iterable[nn.Module]) -> None:
        """Average gradients over all processes, in one message."""
        if self.world_size == 1:
            return
        grads = [p.grad for module in modules for p in module.parameters() if p.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= self.world_size
        offset = 0
        for grad in grads:
            grad.copy_(flat[offset : offset + grad.numel()].view_as(grad))
            offset += grad.numel()

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of `value` over all processes."""
        if self.world_size == 1:
            return value
        total = value.clone()
        dist.all_reduce(total)
        return total / self.world_size

    def share_weights(self, module: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""
        if self.world_size > 1:
            for tensor in (*module.parameters(), *module.buffers()):
                dist.broadcast(tensor.data, 0)

    def wait_for_all(self) -> None:
        """Return when every process has come here and its GPU is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        if self.world_size > 1:
            dist.barrier()

    def rng(self, seed: int) -> random.Random:
        """Return this process's own random source and seed torch alike."""
        torch.manual_seed(seed * 1000 + self.rank)
        return random.Random(seed * 1000 + self.rank)


def start_runtime() -> Runtime:
    """Set up device, process group and fast float32 math."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    if world_size > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Runtime(device, rank, world_size, time.monotonic())


def stop_runtime(runtime: Runtime) -> None:
    """Leave the process group."""
    if runtime.world_size > 1:
        runtime.wait_for_all()
        dist.destroy_process_group()


class StageClock:
    """Share of a stage's time that has passed, the same in every process.

    Asking the others costs a message, so the answer is refreshed every few calls only.
    """

    _REFRESH_CALLS = 8

    def __init__(self, runtime: Runtime, budget_s: float) -> None:
        self._runtime = runtime
        self._budget_s = budget_s
        self._start_s = time.monotonic()
        self._calls = 0
        self._progress = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the stage began, in this process."""
        return time.monotonic() - self._start_s

    def progress(self) -> float:
        """Return 0 at the start to 1 (or beyond) at the end of the budget."""
        if self._calls % self._REFRESH_CALLS == 0:
            own = torch.tensor([self.elapsed_s / self._budget_s], device=self._runtime.device)
            self._progress = float(self._runtime.mean(own).item())
        self._calls += 1
        return self._progress


def check_finite(value: float, what: str) -> None:
    """Stop the run if a loss is no number: every later step would be wasted.

    Raises:
        SystemExit: `value` is NaN or infinite.
    """
    if value != value or abs(value) == float("inf"):
        sys.exit(f"{what} is {value}; stopped. Lower the learning rate or resume an older state.")
