"""Ten minutes on the real window with real keys; run with `-m slow`."""

import pytest

from tests.gui.test_lives import free_port
from tests.show.long_set import ROOT, play_set, why_not


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_ten_minutes_of_cuts_cues_and_panic_leave_everything_alive(tmp_path):
    night = play_set(600, ROOT / "presets" / "main-stage", tmp_path, free_port())
    assert night.troubles == []
    assert len(night.states) >= 10
    assert night.num_keys > 80
