"""What `run.py` decides: stamp, pins, apt line, what a failing pip means, which Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import run

ROOT = Path(run.__file__).parent


def test_a_stamp_covers_the_same_lock_only():
    stamp = run.wanted_stamp(b"a==1\n", wants_tests=False)
    assert run.stamp_covers(stamp, run.wanted_stamp(b"a==1\n", wants_tests=False))
    assert not run.stamp_covers(stamp, run.wanted_stamp(b"a==2\n", wants_tests=False))


def test_test_packages_serve_a_normal_start_but_not_the_other_way_round():
    with_tests = run.wanted_stamp(b"", wants_tests=True)
    without = run.wanted_stamp(b"", wants_tests=False)
    assert run.stamp_covers(with_tests, without)
    assert not run.stamp_covers(without, with_tests)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"'])
def test_a_damaged_stamp_counts_as_none(tmp_path, text):
    (tmp_path / "stamp").write_text(text)
    assert run.read_stamp(tmp_path / "stamp") == {}
    assert not run.stamp_covers({}, run.wanted_stamp(b"", wants_tests=False))


def test_a_stamp_survives_its_file(tmp_path):
    stamp = run.wanted_stamp(b"x", wants_tests=True)
    (tmp_path / "stamp").write_text(json.dumps(stamp))
    assert run.read_stamp(tmp_path / "stamp") == stamp


def test_the_lock_pins_everything_exactly_and_torch_without_a_suffix():
    pins = run.pinned((ROOT / "requirements.lock").read_text(), wants_tests=True)
    assert "torch==2.13.0" in pins
    assert all(pin.count("==") == 1 and " @ " not in pin for pin in pins)
    names = [pin.split("==")[0].lower().replace("_", "-") for pin in pins]
    assert len(names) == len(set(names))
    assert "segue" not in names


def test_a_normal_start_installs_no_test_packages():
    lock = (ROOT / "requirements.lock").read_text()
    playing, testing = run.pinned(lock, wants_tests=False), run.pinned(lock, wants_tests=True)
    assert set(playing) < set(testing)
    assert not [pin for pin in playing if pin.startswith(("pytest", "ruff", "mypy"))]


def test_everything_the_project_declares_is_in_the_lock():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["test"]
    names = {text.split(">")[0].split("=")[0].strip().lower() for text in declared}
    pins = run.pinned((ROOT / "requirements.lock").read_text(), wants_tests=True)
    assert names <= {pin.split("==")[0].lower() for pin in pins}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("NewConnectionError(... Temporary failure in name resolution')", "connect to the network"),
        ("ERROR: No matching distribution found for av==18.1.0", "no av==18.1.0 for this Python"),
        ("[Errno 13] Permission denied: 'x'", "not permitted"),
        ("one\nERROR: something new\n", "something new"),
        ("", "setting up failed"),
    ],
)
def test_what_pip_says_becomes_one_sentence(said, told):
    sentence = run.explain(said)
    assert told in sentence
    assert "\n" not in sentence


def test_a_lost_network_is_not_taken_for_a_missing_package():
    said = "Failed to establish a new connection\nNo matching distribution found for torch==2.13.0"
    assert "network" in run.explain(said)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Collecting torch==2.13.0 (from -r x)\n", "torch 2.13.0"),
        ("Collecting nvidia-nvtx==13.0.85.*; extra\n", "nvidia-nvtx 13.0.85"),
        ("  Downloading torch-2.13.0-x.whl (526.6 MB)\n", "  downloading 526.6 MB"),
        ("  Downloading idna-3.20-py3.whl (69 kB)\n", None),
        ("Requirement already satisfied: idna==3.20\n", None),
    ],
)
def test_progress_is_one_calm_line_for_each_package(line, shown):
    assert run.progress(line) == shown


def test_a_library_that_is_not_there_names_its_package(monkeypatch):
    monkeypatch.setattr(run, "BASE_LIBRARIES", {"libnothing-at-all.so.9": "libnothing9"})
    monkeypatch.setattr(run, "WINDOW_LIBRARIES", {})
    assert run.missing_packages(wants_tests=False, compiles=False) == ["libnothing9"]


def test_libraries_programs_and_files_are_told_apart():
    assert run.is_there("libc.so.6")
    assert run.is_there("/usr/bin/en*")
    assert run.is_there("sh")
    assert not run.is_there("/nowhere/*.so")
    assert not run.is_there("no-such-program")


def test_without_rights_the_line_to_run_is_told(monkeypatch):
    monkeypatch.setattr(run, "root_rights", lambda: None)
    with pytest.raises(run.StoppedError, match=r"libegl1 libgl1$") as stopped:
        run.install_system_packages(["libegl1", "libgl1"])
    assert stopped.value.exit_code == run.UNAVAILABLE


def test_of_several_package_names_the_last_is_told_where_apt_knows_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert run.known_names(["new|old", "only"]) == ["old", "only"]


def test_a_package_cut_short_by_an_interruption_is_found(tmp_path):
    for name in ("whole", "broken"):
        record = tmp_path / f"{name}-1.dist-info"
        record.mkdir()
        (tmp_path / f"{name}.py").write_text("x = 1\n")
        (record / "RECORD").write_text(f"{name}.py,sha256=x,6\n")
    (tmp_path / "broken.py").write_text("x")
    assert [path.name for path in run.damaged_packages(tmp_path)] == ["broken-1.dist-info"]


def test_an_unsupported_python_without_another_one_says_which_to_install(monkeypatch):
    monkeypatch.setattr(run, "OLDEST", (3, 98))
    monkeypatch.setattr(run, "NEWEST", (3, 99))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(run.StoppedError, match="is not supported; install Python") as stopped:
        run.use_supported_python([])
    assert stopped.value.exit_code == run.UNAVAILABLE


def test_the_standard_library_is_enough():
    command = [sys.executable, "-I", "-S", str(ROOT / "run.py"), "never reached"]
    code = f"import sys; sys.argv = {command[3:]}; import runpy; runpy.run_path({command[3]!r})"
    done = subprocess.run([*command[:3], "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
