from hypothesis import given
from hypothesis import strategies as st

from app.core.deck import PadState, pad_state
from app.core.preview import differences
from engine.protocol import preview as bus
from engine.protocol.parameters import PARAMETERS, defaults
from engine.protocol.preview import Preview
from engine.protocol.show import Preset
from engine.protocol.values import Cut, WeightedPrompt
from tests.fakes import engine_state

SEA = Preset(name="Sea", prompt="slow sea", parameters={"saturation": 1.5}, seed=7, cut=Cut.SOFT)
FIRE = (WeightedPrompt(text="fast fire", weight=0.7), WeightedPrompt(text="ash", weight=0.3))


def on_air(**changes):
    return engine_state(**{"prompt_now": FIRE, "look_name": "Fire", "seed": 3, **changes})


def test_an_empty_preview_opens_with_what_is_on_air_and_a_prepared_one_as_it_was():
    fresh = bus.opened(Preview(), on_air())
    assert (fresh.is_open, fresh.prompt, fresh.name, fresh.seed) == (True, "fast fire", "Fire", 3)
    assert differences(fresh, on_air()) == ()
    prepared = bus.closed(bus.loaded(fresh, SEA.look()))
    assert bus.opened(prepared, on_air()) == bus.loaded(fresh, SEA.look())


def test_what_differs_is_said_as_a_performer_reads_it():
    preview = bus.edited(bus.loaded(bus.opened(Preview(), on_air()), SEA.look()), "control_kind", 2)
    assert differences(preview, on_air()) == (
        "Saturation  1.00 → 1.50",
        "Control map  silhouette → edges",
        "seed 7",
    )


def test_a_take_goes_to_the_prepared_look_as_it_was_edited():
    preview = bus.edited(bus.loaded(Preview(is_open=True), SEA.look()), "saturation", 9.0)
    look = bus.look_of(preview)
    assert (look.prompt, look.name, look.seed) == ("slow sea", "Sea", 7)
    assert look.parameters == {"saturation": 2.0}  # the row's end
    written = bus.written(preview, "slow green sea")
    assert (written.name, bus.look_of(written).prompt) == ("", "slow green sea")


def test_panic_controls_are_never_prepared():
    state = on_air(live={**defaults(), "black": 1.0, "dimmer": 0.2})
    assert not {"black", "freeze", "dimmer"} & set(bus.on_air(state).values)


@given(st.sampled_from([row for row in PARAMETERS.values() if row.in_preset]), st.floats(0, 1))
def test_a_preview_taken_from_the_air_goes_back_to_exactly_that_look(row, norm):
    state = on_air(live={**defaults(), row.id: row.from_norm(norm)})
    look = bus.look_of(bus.on_air(state))
    assert look.parameters == {k: v for k, v in state.live.items() if PARAMETERS[k].in_preset}
    assert (look.prompt, look.seed) == ("fast fire", 3)


def test_the_pad_in_preview_is_lit_unless_it_is_on_air():
    assert pad_state(SEA, on_air(), "Sea") is PadState.PREVIEW
    assert pad_state(SEA, on_air(look_name="Sea"), "Sea") is PadState.ACTIVE
    assert pad_state(SEA, on_air(), "") is PadState.IDLE
