"""The doctor's checks of Python, packages, torch, Qt, disk, shared memory and port."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from engine.host.findings import Finding, ask_python, missing, ok, warn
from engine.protocol import places
from engine.protocol.frame_ring import ring_folder

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
_SETUP = "run `python3 run.py` once more, it installs what is missing"
_RING_BYTES = 256 * 2**20  # rings of a 1080p show with room to spare
_DISK_LOW_BYTES, _DISK_EMPTY_BYTES = 5 * 10**9, 5 * 10**8  # 5 GB: an hour of 1080p recording
_QT_PROBE = (
    "import sys; from PySide6.QtGui import QGuiApplication; import PySide6;"
    "a = QGuiApplication(sys.argv[:1]); print(PySide6.__version__, a.platformName())"
)


def check_python() -> list[Finding]:
    """The interpreter."""
    version = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return [ok("python", version)]
    return [missing("python", version, "use Python 3.11, 3.12 or 3.13")]


def check_packages() -> list[Finding]:
    """Installed packages against the lock: missing ones, and others than were tested."""
    if not LOCK.is_file():
        return [warn("packages", "requirements.lock is not beside the program")]
    playing = LOCK.read_text().split("# ---- to test")[0]
    pins = [line.split("==") for line in playing.splitlines() if "==" in line and line[0] != "#"]
    lacking, other = [], []
    for name, version in pins:
        installed = _installed(name)
        if not installed:
            lacking.append(name)
        elif installed.split("+")[0] != version:
            other.append(f"{name} {installed} instead of {version}")
    if lacking:
        return [missing("packages", f"not installed: {', '.join(lacking)}", _SETUP)]
    if other:
        return [warn("packages", f"not those that were tested: {', '.join(other)}", _SETUP)]
    return [ok("packages", f"{len(pins)}, all as pinned")]


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def check_torch() -> list[Finding]:
    """Torch, where it computes and in what type, GPUs, and the house model's weights."""
    said, trouble = ask_python("-m", "engine.bench.probe", timeout_s=180)
    if trouble:
        return [missing("torch", f"it does not load: {trouble}", _SETUP)]
    found = json.loads(said)
    where = found["device"] if found["device"] == "cuda" else f"cpu ({found['cpu_capability']})"
    text = f"{found['torch']} on {where}, {found['dtype']}, {found['num_threads']} threads"
    findings = [ok("torch", text)]
    findings += [warn("torch", notice) for notice in found["notices"]]
    findings += [_gpu(gpu) for gpu in found["gpus"]]
    if not found["gpus"]:
        findings.append(ok("gpu", "none; the house model plays on the CPU"))
    if found["weights_trouble"]:
        remedy = "restore the files: git checkout engine/worker/models/house/weights"
        findings.append(missing("weights", found["weights_trouble"], remedy))
    else:
        findings.append(ok("weights", "house model, every key and shape"))
    return findings


def _gpu(gpu: dict[str, Any]) -> Finding:
    free, total = gpu["free_bytes"] / 2**30, gpu["total_bytes"] / 2**30
    number = "bfloat16" if gpu["bfloat16"] else "no bfloat16"
    text = (
        f"{gpu['name']}, compute {gpu['capability']}, {number}, {free:.0f} of {total:.0f} GiB free"
    )
    if free < 0.5 * total:
        return warn("gpu", text, "another program holds much of its memory; see gpu-neighbours")
    return ok("gpu", text)


def check_window() -> list[Finding]:
    """Qt, its system libraries, and a display."""
    said, trouble = ask_python("-c", _QT_PROBE, timeout_s=30)
    is_linux = sys.platform.startswith("linux")
    has_display = not is_linux or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if trouble and has_display:
        return [warn("window", f"Qt cannot open one: {trouble}", _SETUP)]
    if not has_display:
        return [warn("window", "there is no display", "play without a window: segue play SHOW")]
    return [ok("window", f"Qt {' on '.join(said.split())}")]


def check_disk() -> list[Finding]:
    """Room for takes and recordings."""
    folder = places.home()
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    free_bytes = shutil.disk_usage(existing).free
    text = f"{free_bytes / 1e9:.0f} GB free for takes and recordings in {folder}"
    remedy = f"free some, or point {places.HOME_VARIABLE} at a larger disk"
    if not os.access(existing, os.W_OK):
        return [missing("disk", f"{existing} cannot be written", remedy)]
    if free_bytes < _DISK_EMPTY_BYTES:
        return [missing("disk", text, remedy)]
    return [warn("disk", text, remedy) if free_bytes < _DISK_LOW_BYTES else ok("disk", text)]


def check_shared_memory() -> list[Finding]:
    """Room for the frame rings."""
    folder = ring_folder()
    usage = shutil.disk_usage(folder)
    text = f"{usage.free / 2**20:.0f} of {usage.total / 2**20:.0f} MiB free in {folder}"
    if usage.free >= _RING_BYTES:
        return [ok("shared memory", text)]
    remedy = "give more, in a container with --shm-size=1g; small pictures may still fit"
    return [warn("shared memory", text, remedy)]


def check_port(port: int) -> list[Finding]:
    """The port that windows attach to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [missing("port", f"{port}: {error.strerror}", "choose another with --port")]
            return [_whose(port)]
    return [ok("port", f"{port} is free")]


def check_osc_port(port: int) -> list[Finding]:
    """The port that OSC comes to, which is one above."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port + 1))
        except (OSError, OverflowError) as error:
            remedy = "choose another with --osc; a running Segue has it, too"
            return [warn("osc", f"{port + 1}: {error}", remedy)]
    return [ok("osc", f"{port + 1} on 127.0.0.1 is free")]


def _whose(port: int) -> Finding:
    try:
        with urlopen(f"http://127.0.0.1:{port}/state", timeout=2) as answer:
            state = json.load(answer)
            return ok("port", f"{port}: Segue is running there already, process {state['pid']}")
    except (URLError, OSError, ValueError, KeyError, TypeError):
        remedy = "end that program, or choose another with --port"
        return missing("port", f"{port} is taken by another program", remedy)
