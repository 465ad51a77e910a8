"""What the panel of models shows, folded from the lines of `segue models`."""

from app.core.hud import Level
from app.core.model_book import ModelBook
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
