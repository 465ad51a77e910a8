"""The command `segue` as a shell sees it: output, one sentence, exit code."""

import io
import json
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from engine import cli
from engine import cli_values as values
from engine.errors import ConfigError, ExitCode
from engine.host import doctor, doctor_system, findings, floor_plan
from engine.host.headless import Screen
from engine.protocol.values import SourceSpec

ROOT = Path(__file__).parents[2]
SHOW = ROOT / "presets" / "first-light"


def segue(*arguments, timeout_s=120):
    command = [sys.executable, "-m", "engine.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def test_help_lists_the_commands():
    done = segue("--help")
    assert done.returncode == ExitCode.OK
    assert all(f"  {name}" in done.stdout for name in ("play", "engine", "replay", "doctor"))


@pytest.mark.parametrize("command", ["play", "engine", "replay", "doctor", "parity", "models"])
def test_every_command_explains_itself(command):
    done = segue(command, "--help")
    assert done.returncode == ExitCode.OK
    assert done.stdout.startswith("usage: segue ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("bench",),
        ("play", "no-such-show"),
        ("play", SHOW, "--preset", "No Such Preset"),
        ("play", SHOW, "--size", "250x256"),
        ("play", SHOW, "--size", "big"),
        ("play", SHOW, "--output-size", "1281x720"),
        ("play", SHOW, "--rate", "12"),
        ("play", SHOW, "--rate", "1/0"),
        ("play", SHOW, "--output", "sdi"),
        ("play", SHOW, "--source", "no-such-file.mp4"),
        ("play", SHOW, "--seconds", "0"),
        ("play", SHOW, "--port", "70000"),
        ("play", SHOW, "--record", "picture.gif"),
        ("play", SHOW, "--record", "no-such-folder/take.mp4"),
        ("replay", "no-such-take"),
        ("parity", "no-such-folder"),
        ("models", "pull", "no-such-model"),
        ("models", "check", "no-such-folder"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_code_2(arguments, capsys):
    assert cli.main([str(argument) for argument in arguments]) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.err.strip().count("\n") == 0
    assert said.out == ""


def test_a_shell_sees_the_sentence_and_no_traceback():
    done = segue("play", "no-such-show")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("segue: ")
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_sentence_and_exit_code_3():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = segue("play", SHOW, "--fake", "--output", "none", "--port", port)
    assert done.returncode == ExitCode.UNAVAILABLE
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_show_plays_without_a_window_and_reports(tmp_path):
    film = tmp_path / "out.mp4"
    done = segue(
        "play", SHOW, "--fake", "--seconds", "2", "--source", "pattern", "--output", "none",
        "--record", film, "--port", "0", "--output-size", "320x180", "--rate", "29.97", "--json",
    )  # fmt: skip
    assert done.returncode == ExitCode.OK, done.stderr
    report = json.loads(done.stdout)
    assert report["exit_code"] == 0
    assert report["state"]["playout"]["shown"] > 10
    assert report["state"]["source"]["delivered"] > 10
    assert report["state"]["output"]["rate_numerator"] == 30000
    assert film.stat().st_size > 1000
    assert "fps" in done.stderr


def test_the_status_line_goes_to_stdout_without_json():
    done = segue(
        "play", SHOW, "--fake", "--seconds", "1.5", "--output", "none", "--port", "0",
        "--prompt", "blue smoke", "--output-size", "320x180",
    )  # fmt: skip
    assert done.returncode == ExitCode.OK, done.stderr
    assert "“blue smoke”" in done.stdout


def test_a_closed_terminal_ends_the_status_and_not_the_show():
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    screen = Screen(Closed(), status_every_s=1.0)
    screen.note("first")
    screen.note("second")
    screen.end()
    assert screen.report(ExitCode.OK).exit_code == 0


def test_the_doctor_tells_what_is_here_as_json():
    done = segue("doctor", "--json", "--port", "0")
    found = json.loads(done.stdout)
    names = {finding["name"] for finding in found}
    assert {
        "python",
        "packages",
        "torch",
        "weights",
        "ndi",
        "midi",
        "codecs",
        "disk",
        "visuals",
    } <= names
    is_missing = any(finding["level"] == "missing" for finding in found)
    assert done.returncode == (ExitCode.UNAVAILABLE if is_missing else ExitCode.OK)
    assert all(finding["remedy"] for finding in found if finding["level"] == "missing")


def test_the_doctor_sees_a_taken_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (found,) = doctor_system.check_port(taken.getsockname()[1])
    assert found.level is findings.Level.MISSING
    assert "--port" in found.remedy


def test_a_gap_makes_the_doctor_fail_and_a_warning_does_not():
    gap, known = findings.missing("x", "gone", "get it"), findings.warn("y", "odd")
    assert doctor.exit_code([known]) is ExitCode.OK
    assert doctor.exit_code([known, gap]) is ExitCode.UNAVAILABLE
    assert "1 missing" in doctor.lines([known, gap])[-1]
    assert any("→ get it" in line for line in doctor.lines([gap]))


def test_the_doctor_asks_about_the_port_that_the_host_uses():
    assert doctor.DEFAULT_PORT == floor_plan.DEFAULT_PORT


def test_a_crash_of_what_the_doctor_asks_is_only_an_answer():
    said, trouble = findings.ask_python("-c", "import os; os.abort()")
    assert said == ""
    assert trouble


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30", Fraction(30)),
        ("25", Fraction(25)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        ("37.5", Fraction(75, 2)),
        ("60", Fraction(60)),
    ],
)
def test_rates_are_exact_fractions(text, rate):
    assert values.rate_of(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-30", "23.9", "60.5", "120", "nan", "inf"])
def test_rates_outside_the_range_are_refused(text):
    with pytest.raises(ConfigError, match="--rate"):
        values.rate_of(text)


def test_sizes_must_divide():
    assert values.size_of("832x480", values.MODEL_STEP_PX) == (832, 480)
    for text in ("830x480", "x", "256", "256x", "-16x16", "16x16", "99999x99999", "²x²"):
        with pytest.raises(ConfigError, match="--size"):
            values.size_of(text, values.MODEL_STEP_PX)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("pattern", SourceSpec(kind="pattern")),
        ("camera:1", SourceSpec(kind="camera", address="1")),
        ("visuals", SourceSpec(kind="visuals")),
        ("visuals:slow red flames", SourceSpec(kind="visuals", address="slow red flames")),
        ("ndi:BOOTH (Cam: 2)", SourceSpec(kind="ndi", address="BOOTH (Cam: 2)")),
        ("clips/a:b.mp4", SourceSpec(kind="file", address="clips/a:b.mp4")),
        ("file:x.mov", SourceSpec(kind="file", address="x.mov")),
        ("none", SourceSpec()),
    ],
)
def test_sources_are_named_by_kind_or_are_files(text, source):
    assert values.source_of(text) == source
