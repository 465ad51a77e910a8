import pytest

from app.core import deck, hud
from app.core.deck import PadState
from app.core.edits import Edits
from app.core.hud import Level
from app.core.keys import KEYS
from engine.protocol.messages import (
    CutState,
    OutputState,
    PlayoutState,
    Rates,
    SourceState,
    WorkerState,
)
from engine.protocol.orders import PromptRead
from engine.protocol.parameters import parameter
from engine.protocol.show import Preset
from engine.protocol.values import Cut, LatePrompt, Look, WeightedPrompt
from tests.fakes import engine_state

LIVE = WorkerState(status="live", stage_ms={"total": 600.0})
EMBERS = Preset(name="Embers", prompt="fast red flames")


def now(*parts):
    return tuple(WeightedPrompt(text=text, weight=weight) for text, weight in parts)


# ---------------------------------------------------------------- edits


def test_an_edit_is_the_target_until_the_engine_shows_it():
    edits, values = Edits().put("steps", 3.0).put("steps", 4.0).flush(now_s=1.0)
    assert values == {"steps": 4.0}
    assert edits.values() == {"steps": 4.0}
    assert edits.settle(engine_state(), now_s=1.1).values() == {"steps": 4.0}
    assert edits.settle(engine_state(pending={"steps": 4.0}), now_s=1.1).values() == {}


def test_an_edit_that_the_engine_never_shows_gives_way_after_a_second():
    edits, _ = Edits().put("steps", 4.0).flush(now_s=1.0)
    assert edits.settle(engine_state(), now_s=2.5).values() == {}


def test_flushing_twice_sends_once():
    edits, _ = Edits().put("steps", 4.0).flush(now_s=1.0)
    assert edits.flush(now_s=1.1)[1] == {}


# ---------------------------------------------------------------- sliders, pads, ring


def test_a_slider_shows_what_is_live_and_what_waits_for_the_boundary():
    state = engine_state(pending={"steps": 4.0})
    view = deck.slider_view(parameter("steps"), state, {})
    assert (view.live, view.target, view.is_pending) == (0.0, 4.0, True)
    assert deck.slider_view(parameter("steps"), state, {"steps": 1.0}).target == 1.0


def test_a_pad_is_queued_until_its_boundary_and_active_after_it():
    waiting = CutState(pending=Cut.HARD, pending_prompt=EMBERS.prompt)
    assert deck.pad_state(EMBERS, engine_state(cut=waiting)) is PadState.QUEUED
    assert deck.pad_state(EMBERS, engine_state(look_name="Embers")) is PadState.ACTIVE
    assert deck.pad_state(EMBERS, engine_state()) is PadState.IDLE
    assert deck.pad_state(EMBERS, None) is PadState.IDLE


def test_the_ring_moves_on_between_two_states_and_stops_at_the_boundary():
    state = engine_state(worker=LIVE, chunk_period_s=1.0, boundary_in_s=0.5)
    assert deck.ring_view(state, age_s=0.25).elapsed_norm == pytest.approx(0.75)
    assert deck.ring_view(state, age_s=9.0).elapsed_norm == 1.0


def test_the_ring_stands_still_without_a_generator():
    state = engine_state(chunk_period_s=1.0, worker=WorkerState(status="restarting"))
    assert not deck.ring_view(state, age_s=0.0).is_running


@pytest.mark.parametrize(
    ("cut", "pending", "said"),
    [
        (CutState(pending=Cut.HARD), {}, "HARD CUT"),
        (CutState(pending=Cut.SOFT, pending_chunks=8), {}, "SOFT CUT 8"),
        (CutState(), {"steps": 3.0, "control_amount": 1.0}, "2 edits"),
        (CutState(), {}, ""),
    ],
)
def test_the_ring_says_what_waits_for_the_boundary(cut, pending, said):
    assert deck.ring_view(engine_state(cut=cut, pending=pending), 0.0).pending_text == said


# ---------------------------------------------------------------- prompts


def test_a_cut_goes_to_the_standby_and_without_one_a_hard_cut_renews_the_look_on_air():
    on_air = engine_state(prompt_now=now(("slow smoke", 1.0)), look_name="Smoke")
    queued = engine_state(prompt_next="blue tunnel", prompt_now=on_air.prompt_now)
    assert deck.cut_look("gold stars", on_air, Cut.HARD) is None
    assert deck.cut_look("", queued, Cut.HARD) is None
    assert deck.cut_look(" ", on_air, Cut.HARD) == Look(prompt="slow smoke", name="Smoke")
    assert deck.cut_look("", on_air, Cut.SOFT) is None


def test_of_a_blend_the_strongest_prompt_is_shown_with_its_share():
    state = engine_state(prompt_now=now(("a", 0.25), ("b", 0.75)))
    assert deck.prompt_now(state) == "b"
    assert deck.blend_text(state) == "75% of a blend of 2"
    assert deck.blend_text(engine_state(prompt_now=now(("a", 1.0)))) == ""


@pytest.mark.parametrize(
    ("failure", "said"), [("", "is being encoded"), ("no memory", "cannot be encoded")]
)
def test_a_text_that_is_late_says_so_beside_the_prompt(failure, said):
    worker = WorkerState(status="live", late_prompts=(LatePrompt(text="a", failure=failure),))
    assert deck.blend_text(engine_state(prompt_now=now(("a", 1.0)), worker=worker)) == said


def test_words_that_were_not_understood_are_marked_and_nothing_is_lost():
    read = PromptRead(text="", understood=("slow",), unknown=("unicorn",))
    pieces = deck.words("Slow, Unicorn  blue", read)
    assert "".join(piece for piece, _ in pieces) == "Slow, Unicorn  blue"
    assert [piece for piece, is_understood in pieces if not is_understood] == ["Unicorn"]


# ---------------------------------------------------------------- figures


def figure(state, caption):
    return next(figure for figure in hud.figures(state) if figure.caption == caption)


def test_the_way_of_a_cut_is_boundary_chunk_and_reservoir_in_one_figure():
    state = engine_state(worker=LIVE, boundary_in_s=0.3, playout=PlayoutState(delay_ms=400))
    assert hud.latency_ms(state) == pytest.approx(1300)
    assert figure(state, "CUT TO PICTURE").value == "1.3 s"


def test_a_short_output_rate_is_a_fault_and_a_held_picture_a_warning():
    rates = Rates(output_fps=28.0, output_target_fps=30.0)
    state = engine_state(rates=rates, playout=PlayoutState(mode="loop"))
    assert figure(state, "OUTPUT").level is Level.FAULT
    assert figure(state, "RESERVOIR").level is Level.WARNING
    assert figure(state, "RESERVOIR").value == "LOOP"


def test_drops_are_those_that_an_audience_would_miss():
    outputs = (
        OutputState(name="preview", status="live", dropped=50),
        OutputState(name="ndi", status="live", dropped=2),
    )
    assert hud.dropped_frames(engine_state(outputs=outputs)) == 2


def test_the_backend_that_is_shown_is_the_one_of_attention_and_the_tooltip_has_all():
    worker = WorkerState(status="live", backends={"linear": "torch", "attention": "sdpa"})
    shown = figure(engine_state(worker=worker), "BACKEND")
    assert shown.value == "sdpa"
    assert "linear: torch" in shown.help


def test_chunks_whose_text_was_late_are_counted_and_warn_while_it_lasts():
    late = WorkerState(late_chunks=3, late_prompts=(LatePrompt(text="a"),))
    over = WorkerState(late_chunks=3)
    shown = [figure(engine_state(worker=w), "RESTARTS · RESETS · DROPS") for w in (late, over)]
    assert [f.value for f in shown] == ["0 · 0 · 0 · 3 late"] * 2
    assert [f.level for f in shown] == [Level.WARNING, Level.PLAIN]


def test_the_blank_display_has_the_captions_of_the_full_one():
    full = [figure.caption for figure in hud.figures(engine_state())]
    assert [figure.caption for figure in hud.BLANK] == full


def test_receivers_and_tally_of_all_outputs_count():
    ndi = OutputState(name="ndi", status="live", receivers=2, program_tally=True)
    state = engine_state(outputs=(OutputState(name="preview", status="live"), ndi))
    assert hud.num_receivers(state) == 2
    assert hud.is_on_program(state)
    assert not hud.is_on_program(None)


def test_no_key_is_bound_twice():
    keys = [key for _, rows in KEYS for row in rows for key in row.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("stale", "value", "level"),
    [(0, "depth", Level.PLAIN), (3, "depth −3", Level.PLAIN), (9, "depth −9", Level.WARNING)],
)
def test_control_that_lags_behind_the_source_shows_by_how_many_frames(stale, value, level):
    worker = WorkerState(status="live", control_kind="depth", stale_frames=stale)
    source = SourceState(status="live")
    state = engine_state(worker=worker, source=source, live={"control_amount": 0.5})
    assert figure(state, "CONTROL").value == value
    assert figure(state, "CONTROL").level is level


def test_without_a_source_or_an_amount_nothing_controls():
    worker = WorkerState(status="live", control_kind="depth", stale_frames=9)
    unused = engine_state(worker=worker, source=SourceState(status="live"), live={})
    alone = engine_state(worker=worker, live={"control_amount": 1.0})
    for state in (unused, alone):
        assert figure(state, "CONTROL").value == "–"
        assert figure(state, "CONTROL").level is Level.PLAIN
