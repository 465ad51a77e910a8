"""Encode prompts ahead of their chunk, for encoders that take longer than a chunk may wait.

In:     prompts, from `prepare` (any thread) and mixes (generator).
Out:    rows [1, L, D] float32 of a mix on the model's device, when all its prompts are encoded.
Thread: text. Nothing else runs the encoder, except `wait_mixed`, which waits on purpose.
Full:   256 texts wait at most, the oldest announcement falls out and is counted. Encoded rows
        share a budget of bytes; the least recently used are forgotten, those on air never.

Rows lie in CPU memory, pinned where there is a GPU: a prompt of 512 tokens is 4 MB in bfloat16.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.protocol.orders import PromptFailed, PromptRead
from engine.protocol.values import LatePrompt
from engine.worker.models.house.text import ParsedPrompt
from engine.worker.prompts import (
    Mix,
    MixedText,
    OnError,
    OnFailed,
    TextEncoder,
    check_mix,
    reading_of,
)
from engine.worker.text_mix import Mixing, mix_rows
from engine.worker.text_queue import TextQueue, to_forget

DEFAULT_BUDGET_BYTES = 256 * 2**20
_LOOK_EVERY_S = 0.5
_STOP_WITHIN_S = 1.0
_CPU = torch.device("cpu")


class SlowTextEncoder(TextEncoder, Protocol):
    """A text encoder whose reading of a prompt is quick although its rows are not."""

    def read(self, prompt: str) -> ParsedPrompt:
        """Say what is understood of a prompt, without encoding it. Any thread."""
        ...


@dataclass(slots=True)
class TextCounts:
    """What the service did since it began, in prompts."""

    encoded: int = 0
    forgotten: int = 0
    dropped: int = 0  # fell out of the queue before they were encoded
    failed: int = 0


class TextService:
    """Encoded prompts of one show, made in a thread of their own. A `PromptBook`."""

    def __init__(
        self,
        encoder: SlowTextEncoder,
        device: torch.device = _CPU,
        *,
        budget_bytes: int = DEFAULT_BUDGET_BYTES,
    ) -> None:
        """Take an encoder; mixes are made on `device`, where the model wants them."""
        self.counts = TextCounts()
        self._encoder = encoder
        self._device = device
        self._budget_bytes = budget_bytes
        self._queue = TextQueue()
        self._rows: OrderedDict[str, Tensor] = OrderedDict()
        self._failures: dict[str, str] = {}
        self._kept: frozenset[str] = frozenset()  # on air, or asked for by the generator
        self._in_hand: str | None = None
        self._state = threading.Condition()  # guards all of the above; never held while encoding
        self._encoding = threading.Lock()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def start(self, on_failed: OnFailed, on_error: OnError) -> None:
        """Begin to encode what waits; see `PromptBook`. Both are called in thread `text`."""
        # A daemon: it must not keep a worker alive whose chunk loop has died.
        self._thread = threading.Thread(
            target=self._text_thread, args=(on_failed, on_error), name="text", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a prompt in hand is finished unless it takes longer than a second."""
        with self._state:
            self._is_stopped = True
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(_STOP_WITHIN_S)

    # ------------------------------------------------------------ what is asked

    def prepare(self, text: str) -> PromptRead:
        """Announce a prompt and return how it is understood; returns before it is encoded."""
        with self._state:
            self._failures.pop(text, None)  # announced again: another try
            if text not in self._rows and text != self._in_hand:
                self._queue, dropped = self._queue.want(text)
                self.counts.dropped += dropped is not None
                self._state.notify_all()
        return reading_of(text, self._encoder.read(text))

    def try_mixed(self, mix: Mix, mixing: Mixing = Mixing.LINEAR) -> MixedText:
        """Return the mix if all its prompts are encoded; else encode what is missing next.

        Raises:
            ConfigError: the mix is empty.
        """
        check_mix(mix)
        texts = [part.text for part in mix]
        with self._state:
            missing = [text for text in texts if text not in self._rows]
            if missing:
                # What is on air stays too: a soft cut mixes it with what is missing.
                self._kept |= frozenset(texts)
                self._cue(missing)
                return MixedText(None, tuple(self._late(text) for text in missing))
            self._kept = frozenset(texts)
            rows = [self._use(text) for text in texts]
        moved = [part.to(self._device, non_blocking=True) for part in rows]
        return MixedText(mix_rows(moved, [part.weight for part in mix], mixing).unsqueeze(0))

    def wait_mixed(self, mix: Mix, mixing: Mixing = Mixing.LINEAR) -> MixedText:
        """Return the mix; encodes in the caller's thread what is missing.

        Raises:
            ConfigError: the mix is empty.
        """
        with self._state:
            self._kept |= frozenset(part.text for part in mix)
        for part in mix:
            self._encode(part.text)
        return self.try_mixed(mix, mixing)

    def _cue(self, texts: list[str]) -> None:
        for text in texts:
            if text != self._in_hand and text not in self._failures:
                self._queue = self._queue.cue(text)
        self._state.notify_all()

    def _late(self, text: str) -> LatePrompt:
        return LatePrompt(text=text, failure=self._failures.get(text, ""))

    def _use(self, text: str) -> Tensor:
        self._rows.move_to_end(text)
        return self._rows[text]

    # ------------------------------------------------------------ what is done

    def _text_thread(self, on_failed: OnFailed, on_error: OnError) -> None:
        try:
            with torch.inference_mode():
                while not self._is_stopped:
                    if (failed := self.step()) is not None:
                        on_failed(failed)
        except Exception as error:  # noqa: BLE001 (thread entry: the worker reports it and ends)
            on_error(error)

    def step(self) -> PromptFailed | None:
        """Encode the next prompt, or wait a while for one. Only the thread calls it, and tests.

        Returns:
            The prompt, if it cannot be encoded.
        """
        with self._state:
            self._queue, text = self._queue.take()
            if text is None:
                self._state.wait(_LOOK_EVERY_S)
                return None
            self._in_hand = text
        try:
            self._encode(text)
        finally:
            with self._state:
                self._in_hand = None
                failure = self._failures.get(text)
        return None if failure is None else PromptFailed(text=text, reason=failure)

    def _encode(self, text: str) -> None:
        """Encode a prompt that is not known. What goes wrong with one prompt ends no show."""
        with self._encoding:
            with self._state:
                if text in self._rows:
                    return
            try:
                rows, _ = self._encoder.encode(text)
                self._keep(text, _parked(rows))
            except (RuntimeError, MemoryError) as error:  # out of memory is one of these
                with self._state:
                    self._failures[text] = (str(error).splitlines() or [type(error).__name__])[0]
                    self.counts.failed += 1

    def _keep(self, text: str, rows: Tensor) -> None:
        with self._state:
            self._rows[text] = rows
            self._failures.pop(text, None)
            self.counts.encoded += 1
            sizes = {known: part.nbytes for known, part in self._rows.items()}
            for forgotten in to_forget(sizes, self._budget_bytes, self._kept | {text}):
                del self._rows[forgotten]
                self.counts.forgotten += 1


def _parked(rows: Tensor) -> Tensor:
    """Copy rows to CPU memory from which a GPU reads fast."""
    on_cpu = rows.detach().cpu()
    return on_cpu.pin_memory() if torch.cuda.is_available() else on_cpu
