"""Turn prompts into token ids with the SentencePiece model of a checkpoint folder.

No torch. A prompt is cleaned, cut into pieces, ended by the end-of-text token, and truncated with a
notice that names what was cut.   Source: Wan 2.1, wan/modules/tokenizers.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sentencepiece import SentencePieceProcessor

from engine.errors import WeightsError
from engine.worker.models.wan.prompt_text import clean_prompt_text

MAX_TOKENS: Final = 512
_PLACES: Final = ("google/umt5-xxl/spiece.model", "tokenizer/spiece.model", "spiece.model")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizedPrompt:
    """A prompt as the encoder reads it.

    Attributes:
        ids: token ids with the end-of-text token, at most `max_tokens`.
        kept: the cleaned text that the ids say.
        cut: the end of the text, for which no room was left; empty when all was read.
        num_cut: tokens of `cut`.
    """

    ids: tuple[int, ...]
    kept: str
    cut: str = ""
    num_cut: int = 0

    @property
    def notice(self) -> str:
        """One sentence that names what was cut; empty when nothing was."""
        if not self.num_cut:
            return ""
        room = len(self.ids) - 1
        return (
            f"prompt is {room + self.num_cut} tokens long and only the first {room} are read; "
            f"cut: {self.cut!r}"
        )


class PromptTokenizer:
    """Cleans, splits, ends and truncates prompts."""

    def __init__(self, model_bytes: bytes, *, max_tokens: int = MAX_TOKENS) -> None:
        """Take a serialised SentencePiece model.

        Raises:
            WeightsError: the bytes are no such model, or it has no end-of-text token.
        """
        try:
            self._pieces = SentencePieceProcessor(model_proto=model_bytes)
            self.vocab = int(self._pieces.vocab_size())
        except (RuntimeError, ValueError, TypeError) as error:
            raise WeightsError(
                f"tokenizer: {len(model_bytes)} bytes are no SentencePiece model ({error}); "
                "restore spiece.model from the checkpoint"
            ) from error
        self._end = int(self._pieces.eos_id())
        self._max_tokens = max_tokens
        if self.vocab < 1 or self._end < 0:
            raise WeightsError(
                "tokenizer: the SentencePiece model has no end-of-text token, so it is not one "
                "of UMT5; restore spiece.model from the checkpoint"
            )

    def read(self, prompt: str) -> TokenizedPrompt:
        """Return the ids of a prompt; an empty prompt is the end-of-text token alone."""
        cleaned = clean_prompt_text(prompt)
        ids: list[int] = self._pieces.encode(cleaned)
        room = self._max_tokens - 1
        kept, cut = ids[:room], ids[room:]
        return TokenizedPrompt(
            ids=(*kept, self._end),
            kept=self._pieces.decode(kept) if cut else cleaned,
            cut=self._pieces.decode(cut) if cut else "",
            num_cut=len(cut),
        )


def load_tokenizer(folder: Path, *, max_tokens: int = MAX_TOKENS) -> PromptTokenizer:
    """Load the tokenizer of a checkpoint folder.

    Raises:
        WeightsError: there is none, or it cannot be read.
    """
    for place in _PLACES:
        if (folder / place).is_file():
            return PromptTokenizer((folder / place).read_bytes(), max_tokens=max_tokens)
    raise WeightsError(
        f"tokenizer: {folder} has none of {', '.join(_PLACES)}; "
        "download spiece.model with the checkpoint"
    )
