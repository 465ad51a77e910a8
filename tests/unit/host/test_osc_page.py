"""docs/osc.md says what the tables say."""

from __future__ import annotations

from engine.host.remote.osc_page import PAGE, page
from engine.protocol.parameters import PARAMETERS


def test_the_page_is_current():
    advice = "python -m engine.host.remote.osc_page"
    assert PAGE.read_text() == page(), f"docs/osc.md is old; write it anew: {advice}"


def test_every_row_is_on_it_with_its_help():
    for row in PARAMETERS.values():
        assert f"| `/segue/{row.id}` |" in page()
        assert row.help in page()
