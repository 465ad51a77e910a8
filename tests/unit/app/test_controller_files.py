from dataclasses import replace

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from app.controller_file import controller_text, load_controller
from app.controller_store import FACTORY, ControllerStore
from app.core.controller import Controller, chosen, exact_pattern
from app.core.midi_binding import MidiBinding, Mode, Press
from app.core.midi_events import MidiKind
from app.core.midi_lights import Lit, Shown
from app.core.pickup import Takeover
from engine.errors import ShowError
from engine.protocol.parameters import PARAMETERS

ONE = MidiBinding(kind=MidiKind.CC, channel=2, number=7, target="parameter:dimmer")
NAMES = {
    "APC MINI:APC MINI MIDI 1": "akai-apc-mini",
    "APC mini mk2:APC mini mk2 Control": "akai-apc-mini-mk2",
    "APC40 mkII:APC40 mkII MIDI 1": "akai-apc40-mk2",
    "Launchpad Mini MK3:Launchpad Mini MK3 LPMiniMK3 MI": "novation-launchpad-mini-mk3",
    "Launchpad X:Launchpad X LPX MIDI In": "novation-launchpad-x",
    "MIDI Mix:MIDI Mix MIDI 1": "akai-midimix",
    "nanoKONTROL2:nanoKONTROL2 MIDI 1": "korg-nanokontrol2",
    "Midi Fighter Twister:Midi Fighter Twister MIDI 1": "dj-techtools-midi-fighter-twister",
}


@pytest.fixture
def store(tmp_path):
    store = ControllerStore(own=tmp_path)
    assert store.refresh() == []
    return store


def test_each_factory_map_is_found_by_the_name_its_device_has_and_by_no_other(store):
    factory = [load_controller(path, is_factory=True) for path in FACTORY.glob("*.toml")]
    assert {one.stem for one in factory} == set(NAMES.values())
    for device, stem in NAMES.items():
        assert [one.stem for one in factory if one.fits(device)] == [stem]
        assert store.of(device).is_read_only


@pytest.mark.parametrize("path", sorted(FACTORY.glob("*.toml")), ids=lambda path: path.stem)
def test_a_factory_map_is_whole_says_that_nobody_tried_it_and_has_a_light_for_every_state(path):
    controller = load_controller(path, is_factory=True)
    assert controller.remarks == ()
    assert not controller.is_tried
    assert "Not tried on hardware" in path.read_text()
    places = [binding.place for binding in controller.bindings]
    assert len(places) == len(set(places))
    for row in controller.lights.rows:
        for lit in Lit:
            for blink in (True, False):
                messages = row.messages(row.numbers[0], Shown(lit, 0.5), blink)
                assert messages
                for message in messages:
                    assert message[0] >= 0x80
                    assert all(byte < 0x80 for byte in message[1:] if byte != 0xF7)
                    assert (message[0] == 0xF0) == (message[-1] == 0xF7) or len(message) == 3


def test_a_device_nobody_knows_gets_an_empty_map_of_its_own(store):
    controller = store.of("Strange [1] box")
    assert controller.bindings == ()
    kept = store.keep("Strange [1] box", replace(controller, bindings=(ONE,)))
    again = ControllerStore(own=store._own_folder)
    again.refresh()
    assert again.of("Strange [1] box").bindings == (ONE,)
    assert kept.stem == "strange-1-box"


def test_changing_a_factory_map_writes_a_copy_with_the_factorys_lights(store):
    device = "APC MINI:APC MINI MIDI 1"
    factory = store.of(device)
    text = (FACTORY / "akai-apc-mini.toml").read_text()
    store.keep(device, replace(factory, bindings=(*factory.bindings, ONE)))
    assert (FACTORY / "akai-apc-mini.toml").read_text() == text
    again = ControllerStore(own=store._own_folder)
    again.refresh()
    own = again.of(device)
    assert own.bindings == (*factory.bindings, ONE)
    assert own.lights == factory.lights
    assert not own.is_read_only


def test_a_broken_file_is_one_sentence_and_the_map_before_stays(store):
    device = "box"
    kept = store.keep(device, replace(store.of(device), bindings=(ONE,)))
    path = store._own_folder / f"{kept.stem}.toml"
    good = path.read_text()
    for broken, said in (
        (good.replace('"cc"', '"knob"'), "line 7: field 'control.kind': got 'knob', expected one"),
        (good.replace("channel = 2", "channel = 20"), "field 'control.channel': got 20"),
        (good.replace("parameter:dimmer", "parameter:dimer"), "field 'control.target'"),
        (good + "[[light]]\nnumbers = [1]\nidle = ['zz']\n", "field 'light.idle'"),
        (good + "[[light]]\nnumbers = '9-x'\n", "field 'light.numbers'"),
        (good + "nonsense", "expected TOML"),
    ):
        path.write_text(broken)
        (sentence,) = store.refresh()
        assert said in sentence
        assert sentence.endswith("nothing was changed; the map before stays")
        assert store.of(device).bindings == (ONE,)
        assert store.refresh() == []  # said once
    path.write_text(good)
    assert store.refresh() == []


def test_a_newer_file_is_read_as_well_as_it_can_be_and_never_written(store):
    path = store._own_folder / "box.toml"
    text = (
        'schema_version = 9\nname = "Box"\nmatch = ["box"]\nwonder = 1\n'
        '[[control]]\nnumber = 1\ntarget = "parameter:telepathy"\n'
        '[[control]]\nnumber = 2\ntarget = "cut:hard"\n'
    )
    path.write_text(text)
    assert store.refresh() == []
    controller = store.of("box")
    assert [binding.target for binding in controller.bindings] == ["cut:hard"]
    with pytest.raises(ShowError, match="newer Segue and is read-only"):
        store.keep("box", replace(controller, bindings=(ONE,)))
    assert path.read_text() == text


def test_comments_and_fields_that_are_not_known_stay(store):
    path = store._own_folder / "box.toml"
    path.write_text(
        '# mine\nschema_version = 1\nname = "Box"\nmatch = ["box"]\nsticker = "red"\n'
        '[[control]]\nkind = "cc"\nchannel = 1\nnumber = 2\ntarget = "cut:hard"\nnote = "big one"\n'
    )
    store.refresh()
    controller = store.of("box")
    assert len(controller.remarks) == 2
    store.keep("box", replace(controller, bindings=(*controller.bindings, ONE)))
    text = path.read_text()
    assert "# mine" in text
    document = tomlkit.parse(text)
    assert document["sticker"] == "red"
    assert document["control"][0]["note"] == "big one"
    assert len(document["control"]) == 2


def test_a_place_that_is_no_folder_is_told_and_nothing_is_lost(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    store = ControllerStore(own=blocked)
    store.refresh()
    with pytest.raises(ShowError, match="saving failed"):
        store.keep("box", replace(store.of("box"), bindings=(ONE,)))
    assert blocked.read_text() == "x"


BINDINGS = st.builds(
    MidiBinding,
    kind=st.sampled_from(MidiKind),
    channel=st.integers(1, 16),
    number=st.integers(0, 127),
    target=st.sampled_from([f"parameter:{name}" for name in PARAMETERS]),
    mode=st.sampled_from(Mode),
    takeover=st.sampled_from(Takeover),
    press=st.sampled_from(Press),
    shift=st.booleans(),
    page=st.integers(0, 16),
    acceleration=st.floats(0, 1),
    is_factory=st.booleans(),
)


@given(st.lists(BINDINGS, max_size=6), st.sampled_from(["pad", "cue", "none"]))
@settings(max_examples=50, deadline=None)
def test_what_is_written_comes_back(tmp_path_factory, bindings, programs):
    path = tmp_path_factory.mktemp("maps") / "box.toml"
    controller = Controller(
        name="Box", match=("box",), bindings=tuple(bindings), programs=programs, stem="box"
    )
    path.write_text(controller_text(controller, path))
    assert load_controller(path) == controller


def test_the_own_map_comes_before_the_factorys_and_an_exact_name_before_a_pattern():
    factory = [Controller(name="f", match=("*apc*",))]
    own = [Controller(name="wide", match=("*",)), Controller(name="exact", match=("APC [[]1]",))]
    assert chosen("APC [1]", own, factory).name == "exact"
    assert chosen("apc 2", [], factory).name == "f"
    assert chosen("nano", [], factory) is None
    assert exact_pattern("APC [1] #2") == "APC [[]1]"
    assert own[1].fits("APC [1] #2")
