"""What the panel of models shows, folded from the lines of `segue models`."""

import pytest

from app.core.hud import Level
from app.core.model_book import ModelBook, as_in_show
from engine.protocol.model_reports import (
    Licence,
    ModelChecked,
    ModelListed,
    ModelPulled,
    ModelsFailed,
    ModelState,
    PullNoticed,
    PullProgressed,
)
from engine.protocol.values import ModelChoice

FREE = Licence(name="MIT", title="MIT", statement="Free.", link="https://a", is_commercial=True)
STRICT = Licence(
    name="NC", title="No", statement="Not for money.", link="https://b", is_commercial=False
)


def listed(name, state=ModelState.NOT_HERE, licence=FREE, **changes):
    row = {
        "summary": "", "total_bytes": 2_000_000_000, "is_exact": True, "here_bytes": 0,
        "gpu": "24 GB", "is_accepted": False, "needs": (), "folder": "/m",
    }  # fmt: skip
    return ModelListed(name=name, state=state, licence=licence, **{**row, **changes})


def book_of(*rows):
    book = ModelBook()
    for row in rows:
        book = book.heard(row)
    return book


def view(book, name):
    return next(view for view in book.views() if view.name == name)


def progress(done, total=100, **more):
    return PullProgressed(
        name="a", file="f", step="downloading", done_bytes=done, total_bytes=total,
        rate_bytes_s=2e6, left_s=65.0, **more,
    )  # fmt: skip


def test_what_can_be_done_follows_from_where_the_files_are():
    states = (ModelState.BUILT_IN, ModelState.HERE, ModelState.PARTLY, ModelState.NOT_HERE)
    book = book_of(*(listed(state.name, state) for state in states))
    assert [view.can_get for view in book.views()] == [False, False, True, True]
    assert [view.can_check for view in book.views()] == [True, True, True, False]
    chips = [view.chip for view in book.views()]
    assert chips == ["BUILT IN", "HERE", "PARTLY HERE", "NOT HERE"]


def test_a_model_that_is_not_for_money_warns_without_being_asked():
    book = book_of(listed("krea", licence=STRICT), listed("free"))
    assert view(book, "krea").warning == "NON-COMMERCIAL"
    assert view(book, "free").warning == ""


def test_getting_a_model_opens_every_licence_that_is_not_accepted_yet():
    book = book_of(
        listed("big", licence=STRICT, needs=("vae", "text")),
        listed("vae"),
        listed("text", is_accepted=True, state=ModelState.HERE),
    ).wanted("big")
    shown = view(book, "big").licence
    assert "big: No (NC)\nNot for money.\nhttps://b" in shown
    assert "vae: MIT" in shown
    assert "text:" not in shown
    assert "4.0 GB will be downloaded." in shown
    assert not view(book, "big").can_get


def test_with_all_licences_accepted_nothing_is_asked():
    book = book_of(listed("a", is_accepted=True))
    assert book.wanted("a").asking == ""
    assert book.wanted("unknown").asking == ""


def test_while_one_model_comes_it_alone_can_be_cancelled_and_none_can_be_got():
    book = book_of(listed("a"), listed("b")).began("a").heard(progress(25))
    assert view(book, "a").can_cancel
    assert view(book, "a").share == 0.25
    assert view(book, "a").progress == "downloading a · 25% · 2.0 MB/s · 1 min 05 s left"
    assert not any(view.can_get or view.can_check for view in book.views())
    assert view(book, "b").share is None
    assert not view(book.ended(), "a").can_cancel


def test_a_file_of_unknown_size_shows_an_empty_bar():
    book = book_of(listed("a")).began("a")
    assert view(book, "a").share == 0
    assert view(book.heard(progress(5, total=0)), "a").share == 0


def test_what_became_of_it_is_shown_in_its_colour():
    book = book_of(listed("a")).began("a")
    failed = book.heard(ModelsFailed(sentence="no network", exit_code=3))
    assert view(failed, "a").outcome.sentence == "No network"
    assert view(failed, "a").outcome.level is Level.FAULT
    stopped = book.heard(ModelsFailed(sentence="interrupted", exit_code=130))
    assert view(stopped, "a").outcome.level is Level.PLAIN
    noticed = book.heard(PullNoticed(name="a", sentence="going on"))
    assert view(noticed, "a").outcome.level is Level.WARNING
    pulled = book.heard(ModelPulled(name="a", folder="/m", total_bytes=1, sent_bytes=1))
    assert view(pulled, "a").outcome.level is Level.GOOD
    assert view(failed.began("a"), "a").outcome.sentence == ""


def test_a_check_shows_each_problem_or_what_was_found():
    book = book_of(listed("a"))
    bad = ModelChecked(name="a", folder="/m", problems=("x is missing", "y is cut"), facts=())
    assert view(book.heard(bad), "a").outcome.sentence == "X is missing\nY is cut"
    good = ModelChecked(name="a", folder="/m", problems=(), facts=("7 tensors",))
    assert view(book.heard(good), "a").outcome.sentence == "Checked: whole\n7 tensors"


def test_what_is_partly_here_tells_how_much():
    row = listed("a", ModelState.PARTLY, here_bytes=500_000_000)
    assert view(book_of(row), "a").facts == "500.0 MB of 2.0 GB · MIT\nGPU memory: 24 GB"


BIG = listed("big", ModelState.HERE, sizes=("832x480", "448x448"), control="steer")
HOUSE = listed("house", ModelState.BUILT_IN, sizes=("256x256", "256x144"))
PLAYS = ModelChoice(name="house", width_px=256, height_px=144)


def labels(book, name):
    return [choice.label for choice in view(book, name).choices]


def test_a_model_plays_at_each_of_its_sizes():
    book = book_of(HOUSE)
    assert labels(book, "house") == ["256 × 256", "256 × 144"]
    assert view(book, "house").choices[1].model == PLAYS


def test_with_the_files_for_control_here_it_plays_with_control_too():
    book = book_of(BIG, listed("steer", ModelState.HERE))
    plain = ["832 × 480", "448 × 448"]
    assert labels(book, "big") == [*plain, *(f"{size} with control" for size in plain)]
    asked = view(book, "big").choices[2].model
    assert asked == ModelChoice(name="big-vace", width_px=832, height_px=480)
    for state in (ModelState.PARTLY, ModelState.NOT_HERE):
        assert labels(book.heard(listed("steer", state)), "big") == plain
    assert labels(book_of(BIG), "big") == plain


@pytest.mark.parametrize(
    "text", ["", "832", "832x", "x480", "832×480", "0x480", "-8x480", "8.5x480", " 832x480", "٨x٨"]
)
def test_a_size_that_cannot_be_read_is_not_offered(text):
    book = book_of(listed("a", ModelState.HERE, sizes=(text, "448x448")))
    assert labels(book, "a") == ["448 × 448"]
    assert not view(book_of(listed("a", ModelState.HERE, sizes=(text,))), "a").can_play


@pytest.mark.parametrize(
    ("state", "sizes", "can_play"),
    [
        (ModelState.BUILT_IN, ("256x256",), True),
        (ModelState.HERE, ("256x256",), True),
        (ModelState.PARTLY, ("256x256",), False),
        (ModelState.NOT_HERE, ("256x256",), False),
        (ModelState.HERE, (), False),
    ],
)
def test_what_is_here_and_makes_pictures_can_be_played(state, sizes, can_play):
    assert view(book_of(listed("a", state, sizes=sizes)), "a").can_play is can_play


def test_the_model_that_plays_is_on_air_with_its_size_with_or_without_control():
    book = book_of(BIG, HOUSE)
    assert [row.chip for row in book.views()] == ["HERE", "BUILT IN"]
    book = book.playing(PLAYS, None)
    assert [row.chip for row in book.views()] == ["HERE", "ON AIR 256×144"]
    assert view(book, "house").chip_level is Level.GOOD
    assert view(book, "house").can_play  # at another size
    book = book.playing(ModelChoice(name="big-vace", width_px=448, height_px=448), None)
    assert [row.chip for row in book.views()] == ["ON AIR 448×448", "BUILT IN"]
    assert view(book, "big").progress == "plays with control"
    plain = book.playing(ModelChoice(name="big", width_px=448, height_px=448), None)
    assert view(plain, "big").chip == "ON AIR 448×448"
    assert view(plain, "big").progress == ""
    assert [row.chip for row in book.playing(None, None).views()] == ["HERE", "BUILT IN"]


def test_the_model_that_loads_says_so_and_another_size_may_be_asked_for_meanwhile():
    coming = ModelChoice(name="big-vace", width_px=832, height_px=480)
    book = book_of(BIG, HOUSE).playing(PLAYS, coming)
    assert [row.chip for row in book.views()] == ["LOADING", "ON AIR 256×144"]
    big = view(book, "big")
    assert big.progress == "832 × 480 with control loads beside what plays (house, 256 × 144) …"
    assert big.chip_level is Level.WARNING
    assert big.can_play
    assert view(book, "house").progress == ""
    assert view(book, "house").can_play  # the last one that is asked for counts
    assert view(book.playing(None, coming), "big").progress.endswith("what plays …")
    assert view(book.playing(coming, None), "big").can_play


def test_a_model_that_loads_at_another_size_than_it_plays_says_both():
    book = book_of(HOUSE).playing(PLAYS, ModelChoice())
    assert view(book, "house").chip == "LOADING"
    text = view(book, "house").progress
    assert text == "256 × 256 loads beside what plays (house, 256 × 144) …"


def test_a_model_that_loads_while_its_files_are_checked_says_both():
    book = book_of(BIG).playing(None, ModelChoice(name="big")).began("big")
    assert view(book, "big").progress == "asking …\n256 × 256 loads beside what plays …"


def test_what_the_show_says_of_a_model_stays_with_it_and_its_device_with_all():
    show = ModelChoice(
        name="big", device="cuda", codec="tae", precision="bf16", latents_per_chunk=2
    )
    wide = ModelChoice(name="big", width_px=832, height_px=480)
    assert as_in_show(show, wide) == ModelChoice(
        name="big", width_px=832, height_px=480,
        device="cuda", codec="tae", precision="bf16", latents_per_chunk=2,
    )  # fmt: skip
    steered = as_in_show(show, ModelChoice(name="big-vace"))
    assert (steered.name, steered.codec, steered.latents_per_chunk) == ("big-vace", "tae", 2)
    assert as_in_show(show, ModelChoice()) == ModelChoice(device="cuda")
