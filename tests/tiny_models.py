"""A catalogue of small models for a hub on loopback; as a program, `segue models` with it."""

from __future__ import annotations

import hashlib
import random
import sys

import numpy as np
from safetensors.numpy import save

from engine.errors import EngineError
from engine.model_store.catalogue import HubFile, Mark, Model
from engine.protocol.model_reports import Licence

FREE = Licence(
    name="MIT", title="MIT License", statement="Free.", link="https://a.b/mit", is_commercial=True
)
STRICT = Licence(
    name="CC-BY-NC-SA-4.0",
    title="No Shows Licence",
    statement="Non-commercial: not for paid shows.",
    link="https://a.b/nc",
    is_commercial=False,
)
WEIGHTS = save({"model.head.weight": np.arange(60_000, dtype=np.float32).reshape(300, 200)})
EXTRA = random.Random(1).randbytes(100_000)
NOTES = b'{"small": "text"}'

SHARED = Model(
    name="shared",
    summary="What others need",
    licence=FREE,
    gpu="none",
    files=(HubFile(repo="us/shared", path="deep/notes.json"),),
)
TINY = Model(
    name="tiny",
    summary="A small model",
    licence=STRICT,
    gpu="1 GB",
    needs=("shared",),
    files=(
        HubFile(
            repo="us/tiny",
            path="tiny.safetensors",
            size_bytes=len(WEIGHTS),
            sha256=hashlib.sha256(WEIGHTS).hexdigest(),
            mark=Mark("head.weight", (300, 200)),
        ),
        HubFile(repo="us/tiny", path="more/extra.bin"),
    ),
)
CATALOGUE = (TINY, SHARED)


def fill(hub):
    """Put all files on a hub."""
    hub.add("us/tiny", "tiny.safetensors", WEIGHTS)
    hub.add("us/tiny", "more/extra.bin", EXTRA)
    hub.add("us/shared", "deep/notes.json", NOTES)


if __name__ == "__main__":
    from engine.cli_models import main

    try:
        sys.exit(main(sys.argv[1:], CATALOGUE))
    except EngineError as error:
        sys.stderr.write(f"segue: {error}\n")
        sys.exit(int(error.exit_code))
