"""What is encoded next and what is forgotten, over any run of announcements."""

from hypothesis import given
from hypothesis import strategies as st

from engine.worker.text_queue import MAX_WAITING, TextQueue, to_forget

texts = st.sampled_from("abcdefgh")
asked = st.lists(st.tuples(st.sampled_from(["want", "cue"]), texts), max_size=40)


def queue_of(steps):
    queue = TextQueue()
    for how, text in steps:
        queue = queue.want(text)[0] if how == "want" else queue.cue(text)
    return queue


def emptied(queue):
    order = []
    while (taken := queue.take())[1] is not None:
        queue = taken[0]
        order.append(taken[1])
    return order


@given(asked)
def test_every_text_that_was_asked_for_is_taken_once(steps):
    order = emptied(queue_of(steps))
    assert sorted(order) == sorted({text for _, text in steps})


@given(asked)
def test_what_a_chunk_waits_for_comes_first_and_the_newest_of_it_before_all(steps):
    cued = [text for how, text in steps if how == "cue"]
    order = emptied(queue_of(steps))
    assert set(order[: len(set(cued))]) == set(cued)
    assert order[:1] == (cued[-1:] or order[:1])


@given(st.lists(texts))
def test_announced_texts_are_taken_in_the_order_of_their_announcement(announced):
    order = emptied(queue_of([("want", text) for text in announced]))
    assert order == list(dict.fromkeys(announced))


@given(asked, texts)
def test_a_queue_is_replaced_and_never_changed(steps, text):
    queue = queue_of(steps)
    before = (queue.wanted, queue.cued)
    queue.want(text)
    queue.cue(text)
    queue.take()
    assert (queue.wanted, queue.cued) == before


@given(asked)
def test_the_length_counts_what_will_be_taken(steps):
    queue = queue_of(steps)
    assert len(queue) == len(emptied(queue))


def test_a_full_queue_names_the_oldest_that_falls_out():
    queue = queue_of([("want", f"prompt {n}") for n in range(MAX_WAITING)])
    queue, dropped = queue.want("one more")
    assert dropped == "prompt 0"
    assert len(queue) == MAX_WAITING
    assert emptied(queue)[-1] == "one more"


def test_what_is_cued_stays_within_its_bound():
    queue = queue_of([("cue", f"prompt {n}") for n in range(MAX_WAITING + 3)])
    assert len(queue) == MAX_WAITING
    assert emptied(queue)[0] == f"prompt {MAX_WAITING + 2}"


def test_an_empty_queue_gives_nothing():
    assert TextQueue().take() == (TextQueue(), None)


# ---------------------------------------------------------------- forgetting

sizes = st.dictionaries(st.text("abcdefgh", max_size=3), st.integers(1, 50), max_size=12)


@given(sizes, st.integers(0, 300), st.data())
def test_forgetting_fits_the_budget_or_leaves_only_what_is_kept(known, budget_bytes, data):
    keep = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    forgotten = to_forget(known, budget_bytes, keep)
    left = {text: size for text, size in known.items() if text not in forgotten}
    assert not keep & set(forgotten)
    assert sum(left.values()) <= budget_bytes or set(left) <= keep


@given(sizes, st.integers(0, 300))
def test_the_least_recently_used_are_forgotten_and_no_more_than_needed(known, budget_bytes):
    forgotten = to_forget(known, budget_bytes, ())
    assert forgotten == tuple(known)[: len(forgotten)]
    if forgotten:
        spared = sum(known.values()) - sum(known[text] for text in forgotten[:-1])
        assert spared > budget_bytes
