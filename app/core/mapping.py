"""From what moves to what the performer means by it, and learning which means what. PURE.

`midi_binding.py` says what the modes do, `midi_surface.py` what is remembered, `pickup.py` when a
knob may act. A control may drive several targets, several controls may drive one. Learning a target
again on the same device, page and shift replaces its control there, and takes the control away from
what it did ex factory, or by the show, which would speak louder. What is learned is refined while
the control goes on moving, until it is sure what it is; meanwhile it drives nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.core.midi_act import Act, Intent, let_go, panicked, ripened
from app.core.midi_binding import MidiBinding, badge
from app.core.midi_detect import ENOUGH, Finding, detect, is_related, mode_for
from app.core.midi_events import ControlMoved, MidiKind, PortsChanged
from app.core.midi_surface import Surface

KNOB_SETTLES_S = 0.7
SLOW_SETTLES_S = 3.0  # a pad is often held while one looks; an address waits for its data
_ADDRESS = range(98, 102)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refining:
    """What has just been learned and is still being found out about."""

    samples: tuple[ControlMoved, ...]
    binding: MidiBinding
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlMap:
    """All bindings and what is needed to read the controls."""

    bindings: tuple[MidiBinding, ...] = ()
    learning: str = ""  # the target that waits for a control; empty: not learning
    refining: Refining | None = None
    finding: Finding | None = None  # of the last control that was learned
    ports: tuple[str, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict)  # device → pad, cue or none
    surface: Surface = field(default_factory=Surface)

    def connected(self, event: PortsChanged) -> tuple[ControlMap, tuple[Intent, ...]]:
        """Return the map with the devices that are there now, and what is to be taken back.

        A button cannot be let go any more when its cable is out.
        """
        surface = self.surface
        intents: list[Intent] = []
        for port in set(self.ports) - set(event.ports):
            intents += let_go(surface, port)
            surface = surface.without(port)
        return replace(self, ports=event.ports, surface=surface), tuple(intents)

    def learn(self, target: str) -> ControlMap:
        """Return the map waiting for a control for `target`; empty stops waiting."""
        return replace(self, learning=target, refining=None, finding=None)

    def forget(self, target: str) -> ControlMap:
        """Return the map without what drives `target`."""
        kept = tuple(binding for binding in self.bindings if binding.target != target)
        return replace(self, bindings=kept, learning="", refining=None)

    def without(self, binding: MidiBinding) -> ControlMap:
        """Return the map without one binding."""
        kept = tuple(b for b in self.bindings if b != binding)
        return replace(self, bindings=kept, refining=None)

    def changed(self, binding: MidiBinding, new: MidiBinding) -> ControlMap:
        """Return the map with one binding replaced; it is the performer's own now."""
        own = replace(new, is_factory=False)
        return replace(self, bindings=tuple(own if b == binding else b for b in self.bindings))

    def controls_of(self, target: str) -> str:
        """Return what drives `target`, short enough for a badge: `CC 7`, `N 36`."""
        texts = (badge(binding) for binding in self.bindings if binding.target == target)
        return " ".join(dict.fromkeys(texts))

    @property
    def settles_s(self) -> float:
        """How long to wait for more of what is being refined; 0 when nothing is."""
        if self.refining is None:
            return 0.0
        found = self.refining.finding
        is_slow = found.kind is MidiKind.NOTE or found.number in _ADDRESS
        return SLOW_SETTLES_S if is_slow else KNOB_SETTLES_S

    def settled(self) -> ControlMap:
        """Return the map when nothing more came of what was learned."""
        if self.refining is None:
            return self
        return replace(self._refined(self.refining.samples, is_over=True), refining=None)

    def panic(self) -> tuple[ControlMap, tuple[Intent, ...]]:
        """Return the map with nothing held, no shift and all pages on 1, and what to take back."""
        surface, intents = panicked(self.surface)
        return replace(self, surface=surface, learning="", refining=None), intents

    def ripen(
        self, values: Mapping[str, float], now_s: float
    ) -> tuple[ControlMap, tuple[Intent, ...]]:
        """Return what long presses mean that have become long by now."""
        surface, intents = ripened(self.surface, values, now_s)
        return replace(self, surface=surface), intents

    def moved(
        self, event: ControlMoved, values: Mapping[str, float], now_s: float
    ) -> tuple[ControlMap, tuple[Intent, ...]]:
        """Read one event; `values` are the parameters as the performer last set them.

        While learning, a press or a turn becomes the binding and nothing else happens.
        """
        if self.learning and not _is_release(event):
            return self._learned(event, now_s), ()
        if self.refining is not None and is_related(self.refining.samples[0], event):
            samples = (*self.refining.samples, event)
            after = self._refined(samples, is_over=len(samples) >= ENOUGH)
            return after._noted(event, now_s), ()
        act = Act(self._of(event), self.surface, values, now_s)
        act.move(event, self.programs.get(event.port, "pad"))
        return replace(self, surface=act.surface), tuple(act.intents)

    def _noted(self, event: ControlMoved, now_s: float) -> ControlMap:
        surface = self.surface.moved(event.control, event.value, now_s)
        return replace(self, surface=surface)

    def _learned(self, event: ControlMoved, now_s: float) -> ControlMap:
        finding = detect((event,))
        surface = self.surface
        binding = MidiBinding(
            kind=finding.kind, channel=finding.channel, number=finding.number, port=event.port,
            target=self.learning, mode=mode_for(finding, self.learning),
            page=surface.page(event.port) if self._has_pages(event.port) else 0,
            shift=surface.is_shifted,
        )  # fmt: skip
        after = replace(self, bindings=(*self._others(binding), binding), learning="")
        refining = Refining(samples=(event,), binding=binding, finding=finding)
        is_done = finding.is_sure
        after = replace(after, refining=None if is_done else refining, finding=finding)
        return after._noted(event, now_s)

    def _refined(self, samples: tuple[ControlMoved, ...], is_over: bool) -> ControlMap:
        assert self.refining is not None
        old = self.refining.binding
        finding = detect(samples, is_over=is_over)
        new = replace(
            old, kind=finding.kind, channel=finding.channel, number=finding.number,
            mode=mode_for(finding, old.target),
        )  # fmt: skip
        kept = [b for b in self.bindings if b != old and not _yields(b, new)]
        is_done = finding.is_sure or is_over
        refining = None if is_done else Refining(samples=samples, binding=new, finding=finding)
        return replace(self, bindings=(*kept, new), refining=refining, finding=finding)

    def _others(self, new: MidiBinding) -> tuple[MidiBinding, ...]:
        """All but those that the new one replaces."""
        layer = (new.port, new.page, new.shift)
        return tuple(
            b
            for b in self.bindings
            if not (b.target == new.target and (b.port, b.page, b.shift) in (layer, ("", 0, False)))
            and not _yields(b, new)
        )

    def also_driven(self, binding: MidiBinding) -> tuple[MidiBinding, ...]:
        """Return what else the control of a binding drives at the same press or turn."""
        return tuple(b for b in self.bindings if b != binding and b.place == binding.place)

    def _has_pages(self, port: str) -> bool:
        return any(b.page > 0 for b in self.bindings if b.port == port)

    def _of(self, event: ControlMoved) -> tuple[MidiBinding, ...]:
        """Of the same control of the same device; a show's of any, while its own is not there."""
        found = []
        for b in self.bindings:
            if (b.kind, b.channel, b.number) != (event.kind, event.channel, event.number):
                continue
            is_astray = b.is_show and b.port not in self.ports
            if b.port in ("", event.port) or is_astray:
                found.append(b if b.port == event.port else replace(b, port=event.port))
        shows = [b for b in found if b.is_show]
        return tuple(shows or found)


def _yields(old: MidiBinding, new: MidiBinding) -> bool:
    """Whether an old binding of the same control makes way for one that was just learned."""
    if old.is_show:
        same = (old.kind, old.channel, old.number) == (new.kind, new.channel, new.number)
        return same and old.port in ("", new.port)
    return old.is_factory and old.place == new.place


def _is_release(event: ControlMoved) -> bool:
    """The release of a pad that was pressed before learning began."""
    return event.kind is MidiKind.NOTE and event.value == 0
