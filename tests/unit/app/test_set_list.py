from hypothesis import given
from hypothesis import strategies as st

from app.core import set_list as night
from app.core.set_list import SetList

ABC = SetList(("a", "b", "c"))


def test_next_and_previous_end_at_the_ends_and_begin_from_elsewhere():
    assert [night.neighbour(ABC, at, 1) for at in ("a", "b", "c", "x")] == ["b", "c", "", "a"]
    assert [night.neighbour(ABC, at, -1) for at in ("a", "b", "x")] == ["", "a", "a"]
    assert night.neighbour(SetList(), "a", 1) == ""


def test_a_copy_takes_the_place_of_the_show_that_it_was_made_of():
    assert night.renamed(ABC, "b", "mine").shows == ("a", "mine", "c")
    assert night.renamed(ABC, "b", "c").shows == ("a", "c")
    assert (night.place_text(ABC, "b"), night.place_text(ABC, "x")) == ("2/3", "")


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove", "move"]), st.sampled_from("abcde"),
                  st.integers(-3, 3)),
        max_size=30,
    )
)  # fmt: skip
def test_every_show_is_on_the_list_at_most_once_and_moving_loses_none(hands):
    listed, there = SetList(), set()
    for what, show, by in hands:
        if what == "add":
            listed, there = night.with_show(listed, show, after="a"), there | {show}
        elif what == "remove":
            listed, there = night.without_show(listed, show), there - {show}
        else:
            listed = night.moved(listed, show, by)
        assert sorted(listed.shows) == sorted(there)
