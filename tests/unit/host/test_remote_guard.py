"""Who may play over HTTP, on this machine and from the network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.host.remote.guard import KEY_LENGTH, KEY_LETTERS, Asked, Guard, new_key

KEY = "abcdefghjk"
NEAR = Guard(port=7700, names=("127.0.0.1", "localhost"))
FAR = Guard(port=7702, names=("stage", "stage.local"), key=KEY)


@pytest.mark.parametrize("host", ["127.0.0.1:7700", "localhost:7700", "LOCALHOST:7700"])
def test_programs_and_our_own_page_may_on_this_machine(host):
    assert NEAR.refusal(Asked(host=host)) == ""
    asked = Asked(host=host, origin=f"http://{host}", fetch_site="same-origin")
    assert NEAR.refusal(asked) == ""


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"host": "evil.example:7700"}, "not the name of this machine"),
        ({"host": "127.0.0.1:80"}, "not the name"),
        ({"host": "10.0.0.5:7700"}, "not the name"),
        ({"host": ""}, "not the name"),
        ({"origin": "http://evil.example"}, "pages of other sites"),
        ({"origin": "https://127.0.0.1:7700"}, "pages of other sites"),
        ({"origin": "null"}, "pages of other sites"),
        ({"fetch_site": "cross-site"}, "links and pages"),
        ({"fetch_site": "same-site"}, "links and pages"),
    ],
)
@pytest.mark.parametrize("guard", [NEAR, FAR])
def test_pages_of_others_may_not(guard, changes, word):
    host = "127.0.0.1:7700" if guard is NEAR else "stage:7702"
    asked = Asked(**{"host": host, "key": KEY, **changes})
    if guard is FAR and changes == {"host": "10.0.0.5:7700"}:
        word = "not the name"  # the port is not ours
    assert word in guard.refusal(asked)


@pytest.mark.parametrize("host", ["stage:7702", "Stage.local:7702", "192.168.1.20:7702"])
def test_from_the_network_the_key_is_needed(host):
    assert FAR.refusal(Asked(host=host, key=KEY)) == ""
    assert "the key is missing or wrong" in FAR.refusal(Asked(host=host))


@given(st.text(max_size=12))
def test_no_other_key_fits(key):
    assert (FAR.refusal(Asked(host="stage:7702", key=key)) == "") is (key == KEY)


def test_keys_differ_and_have_no_letters_that_look_alike():
    keys = {new_key() for _ in range(50)}
    assert len(keys) == 50
    assert all(len(key) == KEY_LENGTH and set(key) <= set(KEY_LETTERS) for key in keys)
    assert not set("il1o0") & set(KEY_LETTERS)
