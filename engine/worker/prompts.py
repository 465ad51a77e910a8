"""Prompts of a show, encoded once each: what a chunk loop gets its text from.

A text encoder is quick (the house model's) or slow (UMT5-XXL). `Prompts` serves quick ones,
`text_service.TextService` slow ones, and both are a `PromptBook`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from engine.errors import ConfigError
from engine.protocol.orders import PromptFailed, PromptRead
from engine.protocol.values import LatePrompt, WeightedPrompt
from engine.worker.models.house.text import ParsedPrompt
from engine.worker.text_mix import Mixing, mix_rows

_KEPT_PROMPTS = 256

Mix = Sequence[WeightedPrompt]
OnError = Callable[[BaseException], None]
OnFailed = Callable[[PromptFailed], object]


class TextEncoder(Protocol):
    """What turns a prompt into text rows."""

    def encode(self, prompt: str) -> tuple[Tensor, ParsedPrompt]:
        """Return text rows [L, D] and what was understood of the prompt."""
        ...


class MixedText(NamedTuple):
    """A mix of prompts, or why there is none yet."""

    rows: Tensor | None  # [1, L, D] float32; None while a prompt of the mix is late
    late: tuple[LatePrompt, ...] = ()


class PromptBook(Protocol):
    """Encodes prompts and mixes them. `prepare` may come from any thread, mixes from one."""

    def start(self, on_failed: OnFailed, on_error: OnError) -> None:
        """Begin to work ahead, once the model is warm.

        Args:
            on_failed: is told of a prompt that cannot be encoded.
            on_error: is told what nobody expected, which ends the work.
        """
        ...

    def prepare(self, text: str) -> PromptRead:
        """Take a prompt ahead of need and return how it was understood."""
        ...

    def try_mixed(self, mix: Mix, mixing: Mixing = Mixing.LINEAR) -> MixedText:
        """Return the mix if all its prompts are encoded, else which are not. Never waits.

        Raises:
            ConfigError: the mix is empty.
        """
        ...

    def wait_mixed(self, mix: Mix, mixing: Mixing = Mixing.LINEAR) -> MixedText:
        """Return the mix however long it takes; without rows only if a prompt cannot be encoded.

        Raises:
            ConfigError: the mix is empty.
        """
        ...


class Prompts:
    """Encoded prompts of a quick encoder: each text is encoded once, by who asks first."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()  # PreparePrompt comes from the orders thread
        self._known: OrderedDict[str, tuple[Tensor, PromptRead]] = OrderedDict()

    def start(self, on_failed: OnFailed, on_error: OnError) -> None:
        """Nothing works ahead: a prompt is encoded in less time than a chunk notices."""

    def prepare(self, text: str) -> PromptRead:
        """Encode a prompt ahead of need and return how it was understood."""
        return self._lookup(text)[1]

    def try_mixed(self, mix: Mix, mixing: Mixing = Mixing.LINEAR) -> MixedText:
        """Return the mix; it is never late.

        Raises:
            ConfigError: the mix is empty.
        """
        check_mix(mix)
        rows = [self._lookup(part.text)[0] for part in mix]
        return MixedText(mix_rows(rows, [part.weight for part in mix], mixing).unsqueeze(0))

    wait_mixed = try_mixed

    def _lookup(self, text: str) -> tuple[Tensor, PromptRead]:
        with self._lock:
            if text not in self._known:
                rows, parsed = self._encoder.encode(text)
                self._known[text] = rows, reading_of(text, parsed)
                if len(self._known) > _KEPT_PROMPTS:
                    self._known.popitem(last=False)
            self._known.move_to_end(text)
            return self._known[text]


def check_mix(mix: Mix) -> None:
    """Refuse a mix of nothing.

    Raises:
        ConfigError: the mix is empty.
    """
    if not mix:
        raise ConfigError("chunk plan without a prompt: expected at least one weighted prompt")


def reading_of(text: str, parsed: ParsedPrompt) -> PromptRead:
    """Return what the performer is told of a prompt."""
    understood = tuple(
        said if said == word else f"{said} → {word}" for said, word in parsed.understood
    )
    return PromptRead(
        text=text, understood=understood, unknown=parsed.ignored, left_out=parsed.left_out
    )
