"""What torch can do here, as JSON on stdout: asked by `segue doctor` in a process of its own."""

from __future__ import annotations

import json
import sys

import torch

from engine.errors import EngineError
from engine.worker.device import choose_compute
from engine.worker.models.house.house import load_house


def main() -> int:
    """Print what was found; returns 0."""
    compute = choose_compute("auto")
    found = {
        "torch": torch.__version__,
        "device": compute.device.type,
        "dtype": compute.dtype_name,
        "notices": list(compute.notices),
        "gpus": [_gpu(index) for index in range(torch.cuda.device_count())],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "num_threads": torch.get_num_threads(),
        "weights_trouble": _weights_trouble(compute.dtype),
    }
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def _gpu(index: int) -> dict[str, object]:
    free_bytes, total_bytes = torch.cuda.mem_get_info(index)
    return {
        "name": torch.cuda.get_device_name(index),
        "capability": ".".join(map(str, torch.cuda.get_device_capability(index))),
        "free_bytes": free_bytes,
        "total_bytes": total_bytes,
        "bfloat16": torch.cuda.is_bf16_supported(including_emulation=False),
    }


def _weights_trouble(dtype: torch.dtype) -> str:
    """Return why the house model cannot be loaded; empty when it can, every key and shape."""
    try:
        load_house(torch.device("cpu"), dtype)
    except EngineError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main())
