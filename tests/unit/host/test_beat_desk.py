"""What a show says of beat and sound, on a desk of its own."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import ConfigError
from engine.host import link_beat
from engine.host.beat_desk import BeatDesk
from engine.protocol.beat_commands import ListenTo
from engine.protocol.beat_settings import BeatSettings
from engine.protocol.values import Severity
from tests.fakes import Notices


def test_a_show_that_follows_link_goes_on_without_it_and_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(link_beat, "why_not", lambda: "No module named 'aalink'")
    notices = Notices()
    desk = BeatDesk(notices)
    desk.begin(BeatSettings(quantum_beats=4.0, link=True))
    ((severity, subject, text),) = notices.all
    assert (severity, subject) == (Severity.WARNING, "beat")
    assert text.startswith("the show follows Link: Ableton Link is not offered here")
    assert text.endswith("the show goes on without")
    assert desk.state().quantum_beats == 4.0
    assert desk.as_set == BeatSettings(quantum_beats=4.0, link=False, sound="")


def test_asking_for_the_same_input_again_does_not_begin_anew():
    async def run():
        desk = BeatDesk(Notices())
        desk.begin(BeatSettings(sound="theremin"))
        task = desk._ear._task
        desk.answer(ListenTo(device=" theremin "))
        assert desk._ear._task is task
        desk.answer(ListenTo(device=""))
        assert desk._ear._task is None
        assert desk.as_set.sound == ""

    asyncio.run(run())


def test_a_name_that_no_input_has_is_refused_and_the_ear_stays():
    async def run():
        desk = BeatDesk(Notices())
        desk.begin(BeatSettings(sound="theremin"))
        with pytest.raises(ConfigError, match="sound input refused"):
            desk.answer(ListenTo(device="a\0b"))
        assert desk.as_set.sound == "theremin"
        desk.close()

    asyncio.run(run())
