"""Prompts are encoded in a thread of their own, and nobody waits for it."""

import threading
from contextlib import contextmanager

import pytest
import torch

from engine.errors import ConfigError
from engine.protocol.orders import PromptFailed
from engine.protocol.values import LatePrompt, WeightedPrompt
from engine.worker.models.house.text import parse_prompt
from engine.worker.text_mix import Mixing
from engine.worker.text_service import TextService

PATIENCE_S = 20.0
ROW_BYTES = 4 * 3


class SlowEncoder:
    """Encodes one prompt each time it is let, and can be told to fail."""

    def __init__(self):
        self.asked = []
        self.failing = {}
        self._begun = threading.Semaphore(0)
        self._may_end = threading.Semaphore(0)

    def read(self, prompt):
        return parse_prompt(prompt)

    def encode(self, prompt):
        self.asked.append(prompt)
        self._begun.release()
        assert self._may_end.acquire(timeout=PATIENCE_S)
        if prompt in self.failing:
            raise self.failing[prompt]
        return rows_of(prompt), parse_prompt(prompt)

    def has_begun(self):
        """Wait until the next prompt is in hand."""
        assert self._begun.acquire(timeout=PATIENCE_S)

    def let_end(self, count=1):
        self._may_end.release(count)


def rows_of(prompt):
    return torch.full((1, 3), float(len(prompt)))


def only(text):
    return (WeightedPrompt(text=text, weight=1.0),)


@contextmanager
def service_of(encoder, **options):
    """Run a service with its thread; raises afterwards what ended the thread."""
    errors, failed = [], []
    service = TextService(encoder, **options)
    service.start(failed.append, errors.append)
    service.failed = failed
    yield service
    encoder.let_end(1000)
    service.stop()
    assert errors == []


def stepped(*announced, encoder=None, **options):
    """Return a service without a thread that has encoded what was announced."""
    encoder = encoder or SlowEncoder()
    encoder.let_end(1000)
    service = TextService(encoder, **options)
    for text in announced:
        service.prepare(text)
        service.step()
    return service


# ---------------------------------------------------------------- with its thread


def test_an_announced_prompt_is_encoded_without_anybody_asking():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        service.prepare("fire")
        encoder.has_begun()
        encoder.let_end()
        service.prepare("sea")
        encoder.has_begun()  # so the first is done
        rows, late = service.try_mixed(only("fire"))
    assert torch.equal(rows, rows_of("fire")[None])
    assert late == ()


def test_an_announcement_returns_its_reading_while_the_encoder_is_busy():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        service.prepare("fire")
        encoder.has_begun()
        assert service.prepare("flames of qwertz").unknown == ("qwertz",)
        assert encoder.asked == ["fire"]


def test_a_mix_does_not_wait_for_the_prompt_in_hand():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        service.prepare("fire")
        encoder.has_begun()
        assert service.try_mixed(only("fire")) == (None, (LatePrompt(text="fire"),))


def test_what_a_chunk_waits_for_is_encoded_before_what_was_announced():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        for text in ("one", "two", "three"):
            service.prepare(text)
        encoder.has_begun()
        service.try_mixed(only("cue"))
        encoder.let_end(3)
        for _ in range(3):
            encoder.has_begun()
    assert encoder.asked == ["one", "cue", "two", "three"]


def test_a_prompt_in_hand_is_not_encoded_a_second_time():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        service.prepare("fire")
        encoder.has_begun()
        service.prepare("fire")
        service.try_mixed(only("fire"))
        encoder.let_end()
        service.prepare("sea")
        encoder.has_begun()
    assert encoder.asked == ["fire", "sea"]


def test_who_waits_on_purpose_gets_the_rows_of_the_prompt_in_hand():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        service.prepare("fire")
        encoder.has_begun()
        encoder.let_end()
        rows, late = service.wait_mixed(only("fire"))
    assert torch.equal(rows, rows_of("fire")[None])
    assert (late, encoder.asked) == ((), ["fire"])


def test_an_error_that_nobody_expected_ends_the_thread_and_is_reported():
    encoder, errors = SlowEncoder(), []
    reported = threading.Event()
    encoder.failing["fire"] = KeyError("a bug")

    def on_error(error):
        errors.append(error)
        reported.set()

    service = TextService(encoder)
    service.start(print, on_error)
    service.prepare("fire")
    encoder.let_end()
    assert reported.wait(PATIENCE_S)
    assert errors == [encoder.failing["fire"]]
    service.stop()


def test_a_prompt_that_fails_ahead_of_need_is_told_before_a_chunk_asks_for_it():
    encoder = SlowEncoder()
    encoder.failing["fire"] = RuntimeError("no memory")
    with service_of(encoder) as service:
        service.prepare("fire")
        encoder.let_end()
        service.prepare("sea")
        for _ in range(2):
            encoder.has_begun()
        assert service.failed == [PromptFailed(text="fire", reason="no memory")]


def test_the_empty_prompt_is_a_prompt_like_any_other():
    encoder = SlowEncoder()
    with service_of(encoder) as service:
        service.try_mixed(only(""))
        encoder.has_begun()
    assert encoder.asked == [""]


def test_a_service_that_never_started_can_be_stopped():
    TextService(SlowEncoder()).stop()


# ---------------------------------------------------------------- without


def test_a_prompt_is_encoded_once_however_often_it_is_mixed():
    encoder = SlowEncoder()
    service = stepped("fire", "sea", encoder=encoder)
    for blend in (0.25, 0.5, 1.0):
        service.try_mixed(
            (
                WeightedPrompt(text="fire", weight=1 - blend),
                WeightedPrompt(text="sea", weight=blend),
            )
        )
    assert encoder.asked == ["fire", "sea"]


def test_a_mix_of_three_is_weighted_and_mixed_as_asked():
    service = stepped("a", "bbbb", "cc")
    mix = tuple(
        WeightedPrompt(text=text, weight=weight)
        for text, weight in (("a", 0.5), ("bbbb", 0.25), ("cc", 0.25))
    )
    rows, _ = service.try_mixed(mix, Mixing.LINEAR)
    assert torch.allclose(rows, torch.full((1, 1, 3), 0.5 + 1.0 + 0.5))


def test_every_prompt_of_a_mix_that_is_missing_is_named():
    service = stepped("fire")
    mix = tuple(WeightedPrompt(text=text, weight=1 / 3) for text in ("fire", "sea", "ice"))
    assert service.try_mixed(mix).late == (LatePrompt(text="sea"), LatePrompt(text="ice"))


def test_an_empty_mix_is_refused():
    for mixed in (stepped().try_mixed, stepped().wait_mixed):
        with pytest.raises(ConfigError, match="without a prompt"):
            mixed(())


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory\nmore"), MemoryError()])
def test_a_prompt_that_cannot_be_encoded_is_named_and_ends_nothing(error):
    encoder = SlowEncoder()
    encoder.failing["fire"] = error
    service = stepped("fire", "sea", encoder=encoder)
    reason = "CUDA out of memory" if str(error) else "MemoryError"
    assert service.try_mixed(only("fire")).late == (LatePrompt(text="fire", failure=reason),)
    assert service.try_mixed(only("sea")).rows is not None
    assert (service.counts.encoded, service.counts.failed) == (1, 1)


def test_a_failed_prompt_is_tried_again_when_it_is_announced_again_and_not_before():
    encoder = SlowEncoder()
    encoder.failing["fire"] = RuntimeError("no memory")
    service = stepped("fire", encoder=encoder)
    service.try_mixed(only("fire"))
    service.prepare("sea")
    service.step()
    assert encoder.asked == ["fire", "sea"]
    encoder.failing.clear()
    service.prepare("fire")
    service.step()
    assert torch.equal(service.try_mixed(only("fire")).rows, rows_of("fire")[None])


def test_who_waits_for_a_prompt_that_cannot_be_encoded_is_told_why():
    encoder = SlowEncoder()
    encoder.failing["fire"] = RuntimeError("no memory")
    late = stepped(encoder=encoder).wait_mixed(only("fire")).late
    assert late == (LatePrompt(text="fire", failure="no memory"),)


def test_over_its_budget_the_least_recently_used_prompt_is_forgotten():
    service = stepped("one", "two", "six", budget_bytes=3 * ROW_BYTES)
    for text in ("one", "six"):  # six is on air, one was used after two
        service.try_mixed(only(text))
    service.prepare("ten")
    service.step()
    late = [text for text in ("one", "two", "six", "ten") if service.try_mixed(only(text)).late]
    assert late == ["two"]
    assert (service.counts.encoded, service.counts.forgotten) == (4, 1)


def test_what_is_on_air_is_not_forgotten_for_any_number_of_announcements():
    service = stepped("air", budget_bytes=ROW_BYTES)
    service.try_mixed(only("air"))
    for text in ("one", "two", "six"):
        service.prepare(text)
        service.step()
    assert service.try_mixed(only("air")).rows is not None


def test_a_mix_larger_than_the_budget_is_complete_in_the_end():
    service = stepped(budget_bytes=ROW_BYTES)
    mix = tuple(WeightedPrompt(text=text, weight=0.25) for text in ("one", "two", "six", "ten"))
    for _ in mix:
        service.try_mixed(mix)
        service.step()
    assert service.try_mixed(mix).late == ()


def test_announcements_beyond_the_queue_are_counted():
    service = TextService(SlowEncoder())
    for number in range(260):
        service.prepare(f"prompt {number}")
    assert service.counts.dropped == 4
