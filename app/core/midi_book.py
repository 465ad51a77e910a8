"""The controllers as their panel shows them: devices, bindings, beat. PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.core.controller import Controller
from app.core.mapping import ControlMap
from app.core.midi_binding import MidiBinding, Mode, Press, badge, target_text
from app.core.midi_events import VIRTUAL_PORT, MidiKind, PortsChanged
from app.core.pickup import Takeover
from engine.protocol.beat import BeatClock

_KNOBS = (Mode.KNOB, Mode.TWOS, Mode.OFFSET, Mode.SIGN)
_BUTTONS = (
    Mode.TRIGGER, Mode.TOGGLE, Mode.MOMENTARY, Mode.FOLLOW, Mode.RADIO, Mode.VELOCITY, Mode.KNOB,
)  # fmt: skip
_MODES = {
    Mode.TWOS: "↻ 1/127",
    Mode.OFFSET: "↻ 65/63",
    Mode.SIGN: "↻ 1/65",
}
_ORDER = ("parameter", "cut", "action", "midi", "preset", "cue", "pad", "layout")
_MARKS = "①②③④⑤⑥⑦⑧⑨"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """One device: its name, the map it uses, and what is to be known about that."""

    port: str
    mark: str = ""  # which it is among several; its bindings bear it too
    map_text: str
    page: int = 1
    num_pages: int = 1
    is_lit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingView:
    """One binding: its control, what it does, how."""

    binding: MidiBinding
    badge: str
    what: str
    mode: str
    takeover: str  # empty where there is nothing to take over
    is_active: bool  # on the page and shift that are on
    level: float | None  # 0..1, None: it never moved


def devices(
    ports: PortsChanged, controllers: Mapping[str, Controller | None], mapping: ControlMap
) -> tuple[DeviceView, ...]:
    """Return the devices that are there, in the order in which they came."""
    return tuple(
        DeviceView(
            port=port,
            mark=_mark(port, ports.ports),
            map_text=_map_text(port, controllers.get(port)),
            page=mapping.surface.page(port),
            num_pages=max(
                [b.page for b in mapping.bindings if b.port == port] + [mapping.surface.page(port)]
            ),
            is_lit=port in ports.lit,
        )
        for port in ports.ports
    )


def _map_text(port: str, controller: Controller | None) -> str:
    if controller is None or not (controller.bindings or controller.stem):
        is_ours = port == VIRTUAL_PORT
        return "Segue's own, for other programs" if is_ours else "nothing learned yet"
    is_factory = controller.is_read_only and not controller.based_on
    is_untried = controller.lights.rows and not controller.is_tried
    untried = ", not tried on hardware" if is_untried else ""
    return f"{'factory map' if is_factory else 'your map'}{untried}"


def bindings(mapping: ControlMap) -> tuple[BindingView, ...]:
    """Return the bindings of the show and of the devices that are there: pads come last."""
    here = [b for b in mapping.bindings if b.is_show or b.port in mapping.ports]
    here.sort(key=lambda b: (_ORDER.index(b.target.partition(":")[0]), b.page, b.shift))
    return tuple(_binding(binding, mapping) for binding in here)


def _mark(port: str, ports: Sequence[str]) -> str:
    if len(ports) < 2 or port not in ports[: len(_MARKS)]:
        return ""
    return _MARKS[ports.index(port)]


def _binding(binding: MidiBinding, mapping: ControlMap) -> BindingView:
    row, surface = binding.row, mapping.surface
    is_knob = row is not None and binding.mode is Mode.KNOB
    level = surface.levels.get(binding.control)
    return BindingView(
        binding=binding,
        badge=f"{_mark(binding.port, mapping.ports)} {badge(binding)}".strip(),
        what=what(binding),
        mode=_MODES.get(binding.mode, binding.mode.value),
        takeover=binding.takeover.value if is_knob else "",
        is_active=binding.page in (0, surface.page(binding.port))
        and (not binding.shift or surface.is_shifted),
        level=None if level is None else min(level / binding.kind.top, 1.0),
    )


def what(binding: MidiBinding) -> str:
    """Return what a binding does, as a performer calls it."""
    row = binding.row
    if row is not None:
        set_to = "" if binding.value is None else f" = {row.text(row.clean(binding.value))}"
        return f"{row.label}{set_to}"
    return target_text(binding.target)


def next_mode(binding: MidiBinding) -> MidiBinding:
    """Return the binding read in the next way that makes sense for its kind of control."""
    if binding.kind in (MidiKind.CC14, MidiKind.NRPN, MidiKind.BEND):
        return binding
    if binding.kind is MidiKind.CC and binding.row is not None:
        ring: Sequence[Mode] = (*_KNOBS, *_BUTTONS[:-1])
    else:
        ring = _BUTTONS
    at = ring.index(binding.mode) if binding.mode in ring else -1
    return replace(binding, mode=ring[(at + 1) % len(ring)])


def next_takeover(binding: MidiBinding) -> MidiBinding:
    """Return the binding with the next takeover: pickup, jump, scale."""
    ring = tuple(Takeover)
    return replace(binding, takeover=ring[(ring.index(binding.takeover) + 1) % len(ring)])


def next_press(binding: MidiBinding) -> MidiBinding:
    """Return the binding for long presses, or for all of them again."""
    press = Press.ANY if binding.press is Press.LONG else Press.LONG
    return replace(binding, press=press)


def next_page(binding: MidiBinding, num_pages: int) -> MidiBinding:
    """Return the binding on the next page; page 0 is every page, one new page may be opened."""
    return replace(binding, page=(binding.page + 1) % (min(num_pages + 1, 16) + 1))


def beat_text(beat: BeatClock) -> str:
    """Return the beat as the panel says it."""
    if not beat.is_known:
        return "no MIDI clock"
    state = "plays" if beat.is_running else "stands"
    return f"{beat.bpm:.1f} BPM · {state}"
