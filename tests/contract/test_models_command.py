"""`segue models` as a shell and as the window see it: lines, sentences, exit codes."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import cli_models
from engine.errors import ConfigError, ExitCode
from engine.model_store.catalogue import CATALOGUE
from engine.model_store.store import Store
from engine.protocol import amounts
from engine.protocol.model_reports import (
    LicenceAsked,
    ModelChecked,
    ModelListed,
    ModelPulled,
    ModelsFailed,
    ModelState,
    PullProgressed,
    from_line,
)
from tests import tiny_models
from tests.hub_server import FakeHub, serving
from tests.tiny_models import EXTRA, TINY, WEIGHTS

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "tests.tiny_models"]


@pytest.fixture
def hub(monkeypatch):
    fake = FakeHub()
    tiny_models.fill(fake)
    with serving(fake):
        monkeypatch.setenv("HF_ENDPOINT", fake.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield fake


def run(*arguments, **options):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, **options,
    )  # fmt: skip


def answer(capsys, *arguments):
    """Run a command in this process; return what it printed as JSON."""
    capsys.readouterr()
    assert cli_models.main([*map(str, arguments), "--json"], tiny_models.CATALOGUE) == ExitCode.OK
    return capsys.readouterr().out


def reports(output):
    lines = output.splitlines()
    return [report for line in lines if (report := from_line(line)) is not None]


def test_the_list_shows_every_model_with_its_licence(capsys):
    assert cli_models.main(["list"]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert all(f"\n{model.name} " in f"\n{shown}" for model in CATALOGUE)
    assert "house              built in" in shown
    assert "Non-commercial: not for paid shows" in shown


def test_the_list_as_json_has_one_row_a_line(capsys):
    cli_models.main(["list", "--json"])
    rows = reports(capsys.readouterr().out)
    assert [row.name for row in rows] == [model.name for model in CATALOGUE]
    assert all(isinstance(row, ModelListed) for row in rows)
    assert [row.state for row in rows[:2]] == [ModelState.BUILT_IN, ModelState.NOT_HERE]


def test_a_pull_without_acceptance_shows_the_licence_and_gets_nothing(hub, tmp_path, capsys):
    with pytest.raises(ConfigError, match="licences not accepted: shared, tiny; nothing was"):
        cli_models.main(["pull", "tiny", "--folder", str(tmp_path)], tiny_models.CATALOGUE)
    assert "Non-commercial: not for paid shows." in capsys.readouterr().out
    assert hub.requests == []


def test_without_acceptance_a_program_gets_the_licences_and_exit_code_2(hub, tmp_path):
    done = run("pull", "tiny", "--json", "--folder", tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == ExitCode.USAGE
    *asked, failed = reports(done.stdout)
    assert [report.name for report in asked] == ["shared", "tiny"]
    assert all(isinstance(report, LicenceAsked) for report in asked)
    assert isinstance(failed, ModelsFailed)
    assert failed.exit_code == ExitCode.USAGE


def test_pull_check_and_list_tell_the_same_story(hub, tmp_path, capsys):
    pulled = run("pull", "tiny", "--accept-licence", "--json", "--folder", tmp_path)
    assert pulled.returncode == ExitCode.OK, pulled.stderr
    said = reports(pulled.stdout)
    assert len(said) == len(pulled.stdout.splitlines())
    assert any(isinstance(report, PullProgressed) for report in said)
    assert [r.name for r in said if isinstance(r, ModelPulled)] == ["shared", "tiny"]
    checked = reports(answer(capsys, "check", "tiny", "--folder", tmp_path))
    assert [(r.name, r.problems) for r in checked] == [("shared", ()), ("tiny", ())]
    rows = reports(answer(capsys, "list", "--folder", tmp_path))
    assert {(row.state, row.is_accepted) for row in rows} == {(ModelState.HERE, True)}


def test_a_broken_model_makes_the_check_fail(hub, tmp_path, capsys):
    cli_models.main(
        ["pull", "tiny", "--accept-licence", "--folder", str(tmp_path)], tiny_models.CATALOGUE
    )
    (tmp_path / "tiny" / "tiny.safetensors").write_bytes(WEIGHTS[:-1])
    arguments = ["check", str(tmp_path / "tiny"), "--json"]
    capsys.readouterr()
    assert cli_models.main(arguments, tiny_models.CATALOGUE) == ExitCode.USAGE
    (checked,) = reports(capsys.readouterr().out)
    assert isinstance(checked, ModelChecked)
    assert f"has {len(WEIGHTS) - 1} bytes, expected {len(WEIGHTS)}" in checked.problems[0]


def test_the_network_gone_is_a_sentence_and_exit_code_3(tmp_path):
    gone = dict(os.environ, HF_ENDPOINT="http://127.0.0.1:1", NO_PROXY="127.0.0.1")
    done = run("pull", "tiny", "--accept-licence", "--folder", tmp_path, env=gone)
    assert done.returncode == ExitCode.UNAVAILABLE
    assert "connect to the network" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_person_at_a_terminal_is_asked_and_sees_one_moving_line(hub, tmp_path):
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "pull", "tiny", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = read_until(ours, "Type yes to accept: ")
        os.write(ours, b"yes\n")
        shown += read_until(ours, "tiny is here:")
        assert process.wait(30) == ExitCode.OK
    os.close(ours)
    assert "Non-commercial: not for paid shows." in shown
    assert "\r\x1b[2Ktiny  downloading" in shown


def read_until(terminal, text):
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 4096).decode()
    return shown


def test_ctrl_c_keeps_what_came_and_the_next_pull_goes_on_from_there(hub, tmp_path):
    hub.cuts, hub.stall_after = [len(tiny_models.NOTES), -1], 100_000
    command = [*PROGRAM, "pull", "tiny", "--accept-licence", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert hub.stalled.wait(30)
        store = Store(tmp_path)
        while store.here_bytes(TINY) < 100_000 and process.poll() is None:
            hub.go_on.wait(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == ExitCode.INTERRUPTED
        assert process.stderr.read() == (
            "segue: interrupted; what came is kept, the same command goes on from there\n"
        )
    hub.go_on.set()
    assert store.here_bytes(TINY) == 100_000
    assert run("pull", "tiny", "--folder", tmp_path).returncode == ExitCode.OK
    assert hub.asked("storage", "GET")[-2].range == "bytes=100000-"
    assert hub.sent_bytes == len(WEIGHTS) + len(EXTRA) + len(tiny_models.NOTES)


def test_an_unknown_model_is_told_with_all_names(tmp_path):
    with pytest.raises(ConfigError, match="choose one of: tiny, shared"):
        cli_models.main(["pull", "huge"], tiny_models.CATALOGUE)


def test_a_report_that_is_none_is_passed_over():
    assert from_line("Warning: something from a library") is None
    assert from_line('{"type": "Unknown"}') is None


def test_sizes_rates_and_times_are_for_people():
    progress = PullProgressed(
        name="krea-14b", file="x", step="downloading", done_bytes=7_150_000_000,
        total_bytes=28_600_000_000, rate_bytes_s=110e6, left_s=195.0,
    )  # fmt: skip
    text = "krea-14b  downloading   25%  7.2 GB of 28.6 GB  110.0 MB/s  3 min 15 s left"
    assert cli_models.progress_text(progress) == text
    assert amounts.duration_text(4020) == "1 h 07 min"
    assert amounts.duration_text(9.6) == "10 s"
    assert amounts.size_text(999) == "999 B"
    assert amounts.size_text(28_580_000_000, is_exact=False) == "about 28.6 GB"
