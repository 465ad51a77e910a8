"""Ableton Link for real: two processes on the loopback of a network of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import DeviceError
from engine.host.doctor_devices import check_link
from engine.host.findings import Level
from engine.host.link_beat import LinkBeat

ROOT = Path(__file__).parents[2]
ALONE = ["unshare", "--map-root-user", "--net"]


def can_be_alone():
    try:
        return not subprocess.run([*ALONE, "ip", "link", "set", "lo", "up"], check=False).returncode
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_be_alone(), reason="no network of our own: others would be disturbed")
def test_a_peer_is_followed_and_the_beat_goes_on_when_it_leaves():
    script = f"ip link set lo up && exec {sys.executable} -m tests.link_session"
    ran = subprocess.run(
        [*ALONE, "sh", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=90,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["before"] == "off"
    assert said["alone"] == ["alone", "fixed", 90.0]
    assert said["with_peer"] == ["1 peer", "1 peer", pytest.approx(133.0, abs=0.1)]
    assert abs(said["drift"]) < 0.05  # of a beat, in half a second
    assert said["after"] == ["off", pytest.approx(133.0, abs=0.1)]
    assert any(text.startswith("link fell silent: the beat goes on") for text in said["said"])


def test_without_the_package_link_is_not_offered_and_the_doctor_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "aalink", None)
    link = LinkBeat()
    assert link.state.text == ""
    with pytest.raises(
        DeviceError, match=r"Ableton Link is not offered here: .*pip install aalink"
    ):
        link.join()
    (finding,) = check_link()
    assert finding.level is Level.OK
    assert "pip install aalink" in finding.text
