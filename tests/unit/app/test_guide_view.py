"""What the panel of pictures changes and says."""

from hypothesis import given
from hypothesis import strategies as st

from app.core import guide_view as view
from engine.protocol.guides import MASK_KINDS, MAX_REFERENCES, NO_GUIDES, check_guides
from engine.protocol.messages import SourceState, WorkerState
from engine.protocol.values import Guides, Mask
from tests.fakes import engine_state

paths = st.lists(st.sampled_from([f"/p/{n}.png" for n in range(7)]), max_size=8)


@given(paths, paths, st.sampled_from(MASK_KINDS), st.booleans())
def test_whatever_is_clicked_the_engine_can_take(first, more, kind, is_inverted):
    guides = view.followed(view.followed(NO_GUIDES, first), more)
    guides = view.inverted(view.masked(guides, kind, "/p/mask.png"), is_inverted)
    assert check_guides(guides) == guides
    assert len(guides.references) == min(MAX_REFERENCES, len(set(first + more)))
    assert (guides.mask.kind, guides.mask.inverted) == (kind, is_inverted)


@given(paths.filter(bool))
def test_a_picture_that_is_taken_away_is_the_only_one_that_goes(found):
    guides = view.followed(NO_GUIDES, found)
    gone = guides.references[0]
    assert view.not_followed(guides, gone).references == guides.references[1:]


@given(st.text(max_size=60))
def test_a_name_fits_on_its_button(text):
    assert len(view.short_name(f"/p/{text.replace('/', '')}.png")) <= 14


def test_only_pictures_are_taken_of_what_is_dropped():
    assert view.pictures_among(["/a.PNG", "/b.mp4", "/c.jpeg", ""]) == ["/a.PNG", "/c.jpeg"]


def said(set_=NO_GUIDES, /, *, source="live", amount=1.0, pending=False, **worker):
    return view.status_of(
        engine_state(
            guides=set_, guides_pending=pending, source=SourceState(status=source),
            live={"control_amount": amount},
            worker=WorkerState(**{"status": "live", "takes_guides": True, **worker}),
        )
    )  # fmt: skip


FOLLOW = Guides(references=("/a.png",))
MASK = Guides(mask=Mask(kind="person"))


def test_the_sentence_says_what_to_do_or_what_is_done():
    assert said(status="loading") == ("Waits for the generator", "plain")
    assert said(takes_guides=False) == ("Needs a model with VACE (M)", "plain")
    assert said(FOLLOW, takes_guides=False) == ("Left out: reference; no VACE here", "warning")
    assert said() == ("Add a picture to follow, or a mask", "plain")
    assert said(FOLLOW, pending=True) == ("From the next chunk on", "warning")
    assert said(FOLLOW, guides=("reference",)) == ("Steers: reference", "good")
    assert said(FOLLOW, amount=0.0)[0] == "Control is at 0: nothing of them steers"
    assert said(MASK, source="none")[0] == "The mask waits for a source to keep"
    assert said(MASK)[0] == "The mask is being made"
    assert said(MASK, guide_refusal="mask: no file")[0] == "mask: no file"
    assert said(Guides(first_frame="/a.png"))[0] == "The first frame waits for a hard cut"
    assert said(Guides(last_frame="/a.png"))[0].startswith("The last frame had its chunk")


def test_what_is_prepared_is_told_from_what_is_on_air():
    state = engine_state(guides=FOLLOW, worker=WorkerState(status="live", takes_guides=True))
    assert view.status_of(state, MASK) == ("Prepared: mask", "warning")
    assert view.status_of(state, NO_GUIDES) == ("Prepared: none", "warning")
    assert view.status_of(state, FOLLOW) == view.status_of(state)
