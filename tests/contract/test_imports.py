"""Who loads what, asked of fresh interpreters; and the contracts that state it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PROBE = "import sys, {module}; print(*sys.modules, sep='\\n')"


def loaded_by(module):
    command = [sys.executable, "-c", _PROBE.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("app.main_window", {"torch", "cv2", "av", "NDIlib", "engine.host", "engine.worker"}),
        ("app.model_shop", {"torch", "huggingface_hub", "httpx2", "engine.model_store"}),
        ("app.engine_client", {"torch", "cv2", "av", "NDIlib", "engine.host", "engine.worker"}),
        ("engine.host.floor_plan", {"torch", "PySide6", "shiboken6", "app", "engine.worker"}),
        ("engine.host.__main__", {"torch", "PySide6", "shiboken6", "app", "engine.worker"}),
        ("engine.cli_play", {"torch", "PySide6", "shiboken6", "app", "engine.worker"}),
        ("engine.host.fake_worker", {"torch", "PySide6"}),
        ("engine.worker.__main__", {"PySide6", "shiboken6", "aiohttp", "app", "engine.host"}),
        ("engine.visuals.player", {"torch", "PySide6", "aiohttp", "app", "engine.host"}),
        ("engine.protocol.messages", {"torch", "PySide6", "cv2", "av", "app", "engine.host"}),
        ("engine.host.score", {"torch", "PySide6", "aiohttp", "cv2", "av", "NDIlib"}),
        ("engine.host.playout.clock", {"torch", "PySide6", "aiohttp", "cv2", "av", "NDIlib"}),
        ("engine.host.doctor", {"torch", "PySide6", "cv2", "av", "NDIlib"}),
        ("engine.cli_models", {"torch", "PySide6", "aiohttp", "huggingface_hub", "engine.host"}),
        ("engine.model_store.pull", {"torch", "PySide6", "aiohttp", "app", "engine.worker"}),
        ("engine.cli", {"torch", "PySide6", "numpy", "msgspec", "argparse", "aiohttp"}),
    ],
)
def test_a_module_never_loads_what_its_process_must_not_have(module, never):
    loaded = loaded_by(module)
    assert module.removesuffix(".__main__") in loaded
    assert loaded & never == set()


def test_the_import_contracts_hold():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
