"""What every test gets: a home of its own, NDI on loopback, Qt without a screen, few threads."""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

# Read once by the NDI library, Qt and OpenMP when they start, so set before anything imports them.
_NDI_FOLDER = tempfile.TemporaryDirectory(prefix="segue-test-ndi-")
_NDI_CONFIG = {
    "ndi": {
        "networks": {"ips": "127.0.0.1"},
        "adapters": {"allowed": ["127.0.0.1"]},
        "machinename": "segue-test",
    }
}
(Path(_NDI_FOLDER.name) / "ndi-config.v1.json").write_text(json.dumps(_NDI_CONFIG))
os.environ["NDI_CONFIG_DIR"] = _NDI_FOLDER.name
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1" if "PYTEST_XDIST_WORKER" in os.environ else "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads are slow beside a busy test

# Where files share the cores one of these would otherwise run alone at the end, for a minute.
_LONGEST = (
    "contract/test_worker_house.py",
    "contract/test_worker_process.py",
    "gui/test_lives.py",
    "gui/test_screenshots.py",
    "show/test_cuts.py",
    "show/test_faults.py",
    "show/test_guides.py",
    "show/test_model_change.py",
    "show/test_real_worker.py",
    "worker/test_bench_picture_parts.py",
    "worker/test_published_on_air.py",
    "worker/test_whole_chunk.py",
)

# A shell that starts the tests in the background lets them ignore Ctrl-C, and whatever they start
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Let the longest files begin first, and all others in the order that chance gave them."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(_LONGEST))


@pytest.fixture(autouse=True)
def segue_home(tmp_path, monkeypatch):
    """Takes, recordings and autosaves of a test go to its own folder, never to the user's."""
    home = tmp_path / "segue-home"
    monkeypatch.setenv("SEGUE_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def few_torch_threads():
    """Small tensors on many threads are slower than on two, and the machine is shared."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() > 2:
        torch.set_num_threads(2)
