"""Start Segue from a fresh clone: `python3 run.py`. Check it: `python3 run.py test`.

Standard library only. Sets up `.venv` once, by `requirements.lock`, and then becomes Segue.

    python3 run.py                 the window, or without a display the same show headless
    python3 run.py play SHOW …     any command of `segue`
    python3 run.py test [ARGS …]   all checks; ARGS go to pytest
"""

from __future__ import annotations

import ctypes
import glob
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "segue-stamp.json"
UNFINISHED = VENV / "segue-unfinished"
LOG = VENV / "segue-install.log"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
FIRST_SHOW = ROOT / "presets" / "first-light"

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_BYTES = 8 * 10**9 if sys.platform.startswith("linux") else 3 * 10**9  # CUDA is large
FAULT, UNAVAILABLE, INTERRUPTED = 1, 3, 130  # as in docs/architecture.md

# What is looked for → the Debian or Ubuntu package that has it; of several the first that is known.
BASE_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libavahi-client.so.3": "libavahi-client3",
    "libportaudio.so.2": "libportaudio2",
}
WINDOW_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libasound.so.2": "libasound2t64|libasound2",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "/usr/share/fonts/**/*.?tf": "fonts-dejavu-core",
}
TEST_PROGRAMS = {
    "Xvfb": "xvfb",
    "jackd": "jackd2",
    "oscsend": "liblo-tools",
    "/usr/lib/*/dri/swrast_dri.so": "libgl1-mesa-dri",
}
DEBIAN = "/usr/share/keyrings/debian-archive-*"  # Ubuntu has Chromium as a snap: not for tests
BUILD_TOOLS = {  # python-rtmidi has no wheel for Python 3.13 and is compiled there
    "g++": "g++",
    "pkg-config": "pkg-config",
    "/usr/include/alsa/asoundlib.h": "libasound2-dev",
    "/usr/include/jack/jack.h": "libjack-jackd2-dev",
}

# What pip prints when it fails → what the user is told. The first that fits wins.
PIP_TROUBLE = (
    (r"No space left on device", "the disk is full; free about 8 GB and run this again"),
    (
        r"Failed to establish a new connection|Name or service not known|Temporary failure in name"
        r"|Network is unreachable|ProxyError|Read timed out|ConnectTimeout|Connection refused"
        r"|RemoteDisconnected|Connection aborted|Connection broken",
        "the package index cannot be reached; connect to the network and run this again, "
        "what was downloaded is kept",
    ),
    (
        r"No matching distribution found for (\S+)",
        "there is no {0} for this Python and system; use Python 3.11 or 3.12 on 64-bit "
        "Linux, Windows or macOS",
    ),
    (r"Permission denied", "writing into {venv} is not permitted; own that folder or remove it"),
)


class StoppedError(Exception):
    """Ends the program with one sentence."""

    def __init__(self, sentence: str, exit_code: int = FAULT) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def main(arguments: list[str]) -> int:
    """Do what the module's text says; returns the exit code."""
    try:
        use_supported_python(arguments)
        wants_tests = arguments[:1] == ["test"]
        prepare(wants_tests)
        return start(arguments)
    except StoppedError as stopped:
        print(f"run.py: {stopped}", file=sys.stderr)
        return stopped.exit_code
    except OSError as error:
        print(f"run.py: {explain(str(error))}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("\nrun.py: interrupted; run it again and it goes on from here", file=sys.stderr)
        return INTERRUPTED


# ---- Python and its packages


def use_supported_python(arguments: list[str]) -> None:
    """Go on under another Python when this one does not fit and one that does is installed."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    version = sys.version.split()[0]
    for minor in (12, 11, 13):
        other = shutil.which(f"python3.{minor}")
        if other and succeeds([other, "-c", "import venv, ensurepip"]):
            print(f"Python {version} does not fit; going on with {other}", flush=True)
            replace_process([other, str(ROOT / "run.py"), *arguments], dict(os.environ))
    raise StoppedError(
        f"Python {version} is not supported; install Python 3.11, 3.12 or 3.13", UNAVAILABLE
    )


def prepare(wants_tests: bool) -> None:
    """Install what is missing; free when the stamp says that nothing is."""
    began_s = time.monotonic()
    wanted = wanted_stamp(LOCK.read_bytes(), wants_tests)
    is_ready = stamp_covers(read_stamp(STAMP), wanted) and PYTHON.exists()
    packages = missing_packages(wants_tests, compiles=not is_ready and sys.version_info >= (3, 13))
    if packages:
        install_system_packages(packages)
    if is_ready:
        return
    print(f"Segue is being set up in {ROOT}; this is done once.", flush=True)
    make_environment()
    install_python_packages(wants_tests)
    link_project()
    STAMP.write_text(json.dumps(wanted))
    print(f"Ready after {time.monotonic() - began_s:.0f} s.\n", flush=True)


def wanted_stamp(lock: bytes, wants_tests: bool) -> dict[str, object]:
    """Return what the stamp must say for a lock file of these bytes."""
    return {"lock": hashlib.sha256(lock).hexdigest(), "root": str(ROOT), "tests": wants_tests}


def read_stamp(path: Path) -> dict[str, object]:
    """Return what was installed; empty when nothing was, or the stamp is damaged."""
    try:
        stamp = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def stamp_covers(stamp: dict[str, object], wanted: dict[str, object]) -> bool:
    """Return whether what is installed is enough; test packages do not hurt a normal start."""
    is_same = all(stamp.get(key) == wanted[key] for key in ("lock", "root"))
    return is_same and (bool(stamp.get("tests")) or not wanted["tests"])


def make_environment() -> None:
    """Make `.venv`, again from nothing when it is broken or of an unsupported Python."""
    is_usable = "import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
    if PYTHON.exists() and succeeds([str(PYTHON), "-c", is_usable]):
        return
    free_bytes = shutil.disk_usage(ROOT).free
    if free_bytes < NEEDED_BYTES:
        raise StoppedError(
            f"the disk of {ROOT} has {free_bytes / 1e9:.1f} GB free, at least "
            f"{NEEDED_BYTES / 1e9:.0f} GB are needed; free some and run this again"
        )
    print(f"• Python environment with Python {sys.version.split()[0]}", flush=True)
    if not succeeds([sys.executable, "-c", "import venv, ensurepip"]):
        name = f"python3.{sys.version_info[1]}-venv"
        install_system_packages([name])
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True
    )
    if done.returncode:
        raise StoppedError(explain(done.stdout + done.stderr))


def install_python_packages(wants_tests: bool) -> None:
    """Run pip on the pinned packages, one calm line for each."""
    pins = pinned(LOCK.read_text(), wants_tests)
    if UNFINISHED.exists():
        print("• Looking through what an interrupted setup left", flush=True)
        for leftover in damaged_packages(site_folder()):
            shutil.rmtree(leftover)  # without its record pip installs the package again
    UNFINISHED.touch()
    print(f"• {len(pins)} packages", flush=True)
    run_pip(["install", "--no-compile", "--prefer-binary", *pins])
    UNFINISHED.unlink()


def pinned(lock: str, wants_tests: bool) -> list[str]:
    """Return the requirements of a lock file; those below ``# ---- to test`` only for tests."""
    text = lock if wants_tests else lock.split("# ---- to test")[0]
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def damaged_packages(folder: Path) -> list[Path]:
    """Return the records of packages in `folder` of which files are missing or cut short."""
    damaged = []
    for record in folder.glob("*.dist-info"):
        files = importlib.metadata.Distribution.at(record).files or []
        sizes = {Path(str(file.locate())): file.size for file in files if file.size is not None}
        is_whole = all(path.is_file() and path.stat().st_size == sizes[path] for path in sizes)
        if not (sizes and is_whole):
            damaged.append(record)
    return damaged


def run_pip(arguments: list[str]) -> None:
    """Run pip, log all it says, and show only what a person wants to know."""
    quiet = ["--progress-bar=off", "--disable-pip-version-check", "--no-input"]
    command = [str(PYTHON), "-m", "pip", *arguments, *quiet]
    said = []
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with LOG.open("a") as log:
        for line in pip.stdout or ():
            said.append(line)
            log.write(line)
            text = progress(line)
            if text is not None:
                print(f"  {text}", flush=True)
    if pip.wait():
        raise StoppedError(explain("".join(said)))


def progress(line: str) -> str | None:
    """Return what to show of a line that pip printed, or None."""
    collected = re.match(r"Collecting ([\w.-]+)==([\w.]+?)(\.\*)?(?=[ ,;]|$)", line)
    if collected:
        return f"{collected[1]} {collected[2]}"
    large = re.match(r"\s*Downloading \S+ \((\d{2,}(?:\.\d+)? [MG]B)\)", line)
    if large:
        return f"  downloading {large[1]}"
    if line.startswith("Installing collected packages"):
        return "unpacking them all …"
    return None


def explain(output: str) -> str:
    """Return one sentence for what a failed pip or venv printed."""
    for pattern, sentence in PIP_TROUBLE:
        found = re.search(pattern, output)
        if found:
            return sentence.format(*found.groups(), venv=VENV)
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["nothing"]
    return f"setting up failed; the last that was said: {errors[-1].strip()} (all of it: {LOG})"


def link_project() -> None:
    """Let the environment import the project where it lies, and make the command `segue`."""
    (site_folder() / "segue.pth").write_text(f"{ROOT}\n")
    if os.name != "nt":
        (BIN / "segue").write_text(f"#!/bin/sh\nexec '{PYTHON}' -P -m engine.cli \"$@\"\n")
        (BIN / "segue").chmod(0o755)


def site_folder() -> Path:
    """Return the environment's folder of packages."""
    pattern = "Lib/site-packages" if os.name == "nt" else "lib/python3*/site-packages"
    return next(VENV.glob(pattern))


# ---- system libraries


def missing_packages(wants_tests: bool, compiles: bool) -> list[str]:
    """Return the Debian packages of what this system lacks, sorted; empty elsewhere than Linux."""
    if not sys.platform.startswith("linux"):
        return []
    needed = dict(BASE_LIBRARIES)
    if wants_tests or has_display():
        needed.update(WINDOW_LIBRARIES)
    if wants_tests:
        needed.update(TEST_PROGRAMS, **({"chromium": "chromium"} if is_there(DEBIAN) else {}))
    if compiles:
        needed.update(BUILD_TOOLS, **{f"{sysconfig.get_path('include')}/Python.h": "python3-dev"})
    return sorted(package for what, package in needed.items() if not is_there(what))


def is_there(what: str) -> bool:
    """Return whether a library (name.so.1), file (/pattern) or program (name) is there."""
    if what.startswith("/"):
        return any(True for _ in glob.iglob(what, recursive=True))
    if ".so" not in what:
        return shutil.which(what) is not None
    try:
        ctypes.CDLL(what)
    except OSError:
        return False
    return True


def install_system_packages(packages: list[str]) -> None:
    """Install with apt-get when that is possible, otherwise stop with the line to run."""
    names = " ".join(known_names(packages))
    line = f"sudo apt-get install -y --no-install-recommends {names}"
    rights = root_rights()
    if shutil.which("apt-get") is None:
        raise StoppedError(
            f"system libraries are missing; install what your system calls {names}", UNAVAILABLE
        )
    if rights is None:
        raise StoppedError(f"system libraries are missing; run this once: {line}", UNAVAILABLE)
    print(f"• {len(packages)} system packages: {names}", flush=True)
    if not (apt_get(rights, packages) or (apt_update(rights) and apt_get(rights, packages))):
        raise StoppedError(f"apt-get could not install them; run this: {line}", UNAVAILABLE)


def known_names(packages: list[str]) -> list[str]:
    """Return for each package its first name that apt knows, the last when it knows none."""
    return [
        next((name for name in names if succeeds(["apt-cache", "show", name])), names[-1])
        for names in (package.split("|") for package in packages)
    ]


def root_rights() -> list[str] | None:
    """Return what to put before a command to run it as root, or None when that needs asking."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and succeeds(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def apt_get(rights: list[str], packages: list[str]) -> bool:
    """Install without questions; returns whether it worked."""
    wait = ["-o", "DPkg::Lock::Timeout=120"]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *wait]
    install = ["install", "-y", "--no-install-recommends", *known_names(packages)]
    return succeeds([*rights, *quiet, *install])


def apt_update(rights: list[str]) -> bool:
    """Fetch the lists of packages, which a fresh system lacks; returns whether it worked."""
    return succeeds([*rights, "apt-get", "-qq", "update"])


# ---- starting


def has_display() -> bool:
    """Return whether a window can be opened here."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def start(arguments: list[str]) -> int:
    """Become Segue: the window, the headless show, the command or the checks that are asked for."""
    environment = dict(os.environ, PYTHONSAFEPATH="1")  # the user's own `app` is not ours
    what = ["-m", "engine.cli", *arguments]
    if arguments[:1] == ["test"]:
        what = [str(ROOT / "tests" / "checks.py"), *arguments[1:]]
    elif not arguments and not has_display():
        print("There is no display, so the show plays without a window; Ctrl-C ends it.")
        what += ["play", str(FIRST_SHOW)]
    sys.stdout.flush()
    return replace_process([str(PYTHON), *what], environment)


def replace_process(command: list[str], environment: dict[str, str]) -> int:
    """Become `command`; on Windows, where that does not exist, wait for it."""
    if os.name != "nt":
        os.execve(command[0], command, environment)
    return subprocess.run(command, env=environment).returncode


def succeeds(command: list[str]) -> bool:
    """Run a command silently; returns whether it exists and ends with 0."""
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
