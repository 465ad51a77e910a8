"""The doctor's checks of what is plugged in or beside us: GPU, NDI, MIDI, sources, codecs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine.host.findings import Finding, ask, ask_python, missing, ok, warn
from engine.host.link_beat import HOW_TO_GET, why_not
from engine.host.sources.cameras import list_cameras
from engine.protocol.numerics import read_reports

_NDI_PROBE = "import NDIlib; assert NDIlib.initialize(), 'this processor'; print(NDIlib.version())"
_MIDI_PROBE = """
import json, rtmidi
ports = {}
for api in rtmidi.get_compiled_api():
    name = rtmidi.get_api_name(api)
    try:
        ports[name] = rtmidi.MidiIn(api, name="segue-doctor").get_ports()
    except OSError as error:
        ports[name] = None
print(json.dumps(ports))
"""
_SOUND_PROBE = """
import json, sounddevice
devices = sounddevice.query_devices()
print(json.dumps([d["name"] for d in devices if d["max_input_channels"] > 0]))
"""
_CODEC_PROBE = """
import av, json, sys
lacking = []
for text, (name, mode, _) in json.loads(sys.argv[1]).items():
    try:
        av.Codec(name, mode)
    except (ValueError, av.FFmpegError):
        lacking.append(text)
print(json.dumps([av.__version__, *lacking]))
"""
_AVAHI = Path("/run/avahi-daemon/socket")
# What a show may bring → (codec, mode of PyAV, whether Segue cannot do without).
_CODECS = {
    "H.264 recording": ("libx264", "w", True),
    "H.264": ("h264", "r", True),
    "HEVC": ("hevc", "r", False),
    "ProRes": ("prores", "r", False),
    "VP9": ("vp9", "r", False),
    "AV1": ("libdav1d", "r", False),
    "Motion JPEG": ("mjpeg", "r", False),
}


def check_gpu_neighbours() -> list[Finding]:
    """Who else computes on the GPU; nothing without one."""
    query = ["--query-compute-apps=pid,used_memory,process_name", "--format=csv,noheader"]
    said, trouble = ask(["nvidia-smi", *query], timeout_s=20)
    if trouble:
        return []
    others = [line.strip() for line in said.splitlines() if line.strip()]
    if not others:
        return [ok("gpu-neighbours", "nobody else is on the GPU")]
    return [warn("gpu-neighbours", line, "close it before the show") for line in others]


def check_numerics() -> list[Finding]:
    """What fast passes on the GPU were found to compute when their model was last loaded."""
    return [
        ok("numerics", report.sentence())
        if report.is_good
        else warn("numerics", f"refused: {report.sentence()}", "plain passes run instead; update")
        for report in read_reports()
    ]


def check_ndi() -> list[Finding]:
    """The NDI runtime, and whether other machines can discover what we send."""
    said, trouble = ask_python("-c", _NDI_PROBE, timeout_s=20)
    if trouble:
        remedy = "install libavahi-client3 (run `python3 run.py` once more); 64-bit x86 or ARM only"
        return [missing("ndi", f"the runtime does not start: {trouble}", remedy)]
    findings = [ok("ndi", said.strip())]
    if sys.platform.startswith("linux") and not _AVAHI.exists():
        remedy = "start avahi-daemon, or enter this machine's address in the receiver"
        findings.append(warn("ndi discovery", "avahi-daemon does not run here", remedy))
    return findings


def check_midi() -> list[Finding]:
    """MIDI systems and what is plugged in."""
    said, trouble = ask_python("-c", _MIDI_PROBE, timeout_s=20)
    if trouble:
        remedy = "for controllers install what it names: apt-get install libasound2"
        return [warn("midi", f"the driver does not load: {trouble}", remedy)]
    systems: dict[str, list[str] | None] = json.loads(said)
    working = {name: ports for name, ports in systems.items() if ports is not None}
    if not working:
        remedy = "for controllers: a system with the ALSA sequencer, or start JACK"
        return [warn("midi", f"no MIDI system answers ({', '.join(systems)})", remedy)]
    return [
        ok("midi", f"{name}: {', '.join(ports) if ports else 'no controller is connected'}")
        for name, ports in working.items()
    ]


def check_link() -> list[Finding]:
    """Whether the beat of Ableton Link can be followed."""
    if trouble := why_not():
        return [ok("link", f"Ableton Link is not offered: {trouble}; {HOW_TO_GET}")]
    return [ok("link", "Ableton Link can be joined")]


def check_sound() -> list[Finding]:
    """Sound inputs that modulators can follow."""
    said, trouble = ask_python("-c", _SOUND_PROBE, timeout_s=20)
    if trouble:
        remedy = "to follow sound: `python3 run.py` again, or apt-get install libportaudio2"
        return [warn("sound", f"no sound can be heard: {trouble}", remedy)]
    return [ok("sound", ", ".join(json.loads(said)) or "no sound input is connected")]


def check_cameras() -> list[Finding]:
    """Capture devices."""
    cameras = list_cameras()
    return [ok("cameras", ", ".join(cameras) if cameras else "none is connected")]


def check_visuals() -> list[Finding]:
    """What the source `visuals` can draw."""
    said, trouble = ask_python("-m", "engine.visuals.player", "--list")
    if trouble:
        remedy = "run `python3 run.py` again; until then choose another source"
        return [warn("visuals", f"they cannot be drawn: {trouble}", remedy)]
    return [ok("visuals", said.strip())]


def check_codecs() -> list[Finding]:
    """What PyAV's FFmpeg reads and writes."""
    said, trouble = ask_python("-c", _CODEC_PROBE, json.dumps(_CODECS), timeout_s=20)
    if trouble:
        return [missing("codecs", f"PyAV does not load: {trouble}", "run `python3 run.py` again")]
    version, *lacking = json.loads(said)
    needed = [text for text in lacking if _CODECS[text][2]]
    if needed:
        return [missing("codecs", f"no {', '.join(needed)}", "reinstall av as it is pinned")]
    if lacking:
        return [warn("codecs", f"PyAV {version}, without {', '.join(lacking)}")]
    return [ok("codecs", f"PyAV {version}: {', '.join(_CODECS)}")]
