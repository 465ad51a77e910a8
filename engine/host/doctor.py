"""`segue doctor`: what is here, what is missing, and what to do about it.

Each line is ok, warn (Segue plays, with less) or missing (it does not play until that is mended).
Exit code 0 when nothing is missing, 3 otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from engine.errors import ExitCode
from engine.host import doctor_devices, doctor_system
from engine.host.findings import Finding, Level

Check = Callable[[], list[Finding]]

DEFAULT_PORT = 7700
"""As in `floor_plan`, which loads every library; the doctor must work where one is broken."""

CHECKS: tuple[Check, ...] = (
    doctor_system.check_python,
    doctor_system.check_packages,
    doctor_system.check_torch,
    doctor_devices.check_gpu_neighbours,
    doctor_devices.check_numerics,
    doctor_devices.check_ndi,
    doctor_devices.check_midi,
    doctor_devices.check_link,
    doctor_devices.check_sound,
    doctor_devices.check_cameras,
    doctor_devices.check_visuals,
    doctor_devices.check_codecs,
    doctor_system.check_window,
    doctor_system.check_disk,
    doctor_system.check_shared_memory,
)


def main(arguments: Sequence[str]) -> ExitCode:
    """Run all checks and print what they found."""
    parser = argparse.ArgumentParser(prog="segue doctor", description="Say what is here.")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port that would be used")
    options = parser.parse_args(arguments)
    findings = examine(options.port)
    if options.json:
        sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines(findings)))
    return exit_code(findings)


def examine(port: int) -> list[Finding]:
    """Return all findings in the order of `CHECKS`; slow ones run side by side."""
    ports = (lambda: doctor_system.check_port(port), lambda: doctor_system.check_osc_port(port))
    checks: tuple[Check, ...] = (*CHECKS, *ports)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return [finding for found in pool.map(lambda check: check(), checks) for finding in found]


def lines(findings: Sequence[Finding]) -> list[str]:
    """Return what people read, with a verdict at the end."""
    text = []
    for finding in findings:
        text.append(f"{finding.level:8s} {finding.name:14s} {finding.text}")
        if finding.remedy:
            text.append(f"{'':23s} → {finding.remedy}")
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    missing, warned = counts[Level.MISSING], counts[Level.WARN]
    if missing:
        text.append(f"\nSegue cannot play yet: {missing} missing, {warned} to know about.")
    else:
        text.append(f"\nSegue can play here; {warned or 'nothing'} to know about.")
    return text


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Return 0 when nothing is missing."""
    has_gap = any(finding.level is Level.MISSING for finding in findings)
    return ExitCode.UNAVAILABLE if has_gap else ExitCode.OK
