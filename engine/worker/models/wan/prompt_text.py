"""Clean a prompt's text as the video model's training data was cleaned. PURE.

Wan 2.1 repairs text with ftfy, unescapes HTML twice and collapses white space; letters keep their
case. What of ftfy's repairs matters to a typed or pasted prompt is here:

    here        UTF-8 that was read as Windows-1252 (`cafÃ©`), curly quotes, Latin ligatures,
                full-width letters, control characters, terminal colours, NFC
    left out    text read as another code page than 1252, and broken twice or more in other ways;
                such text stays as it is, and what stays is encoded like any other

A stretch is taken for misread only where its bytes are whole UTF-8 characters that misread text
is known for: lone pairs such as the `É»` at the end of a French quotation stay.
Source: ftfy's documented default configuration; Wan 2.1, wan/modules/tokenizers.py.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

_UNDEFINED_IN_1252: Final = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_TAIL: Final = "".join(
    bytes([code]).decode("cp1252") for code in range(0x80, 0xC0) if code not in _UNDEFINED_IN_1252
) + "".join(map(chr, _UNDEFINED_IN_1252))
"""How the second and later bytes of UTF-8 look when read as Windows-1252."""
_T: Final = f"[{re.escape(_TAIL)}]"
_MISREAD: Final = re.compile(
    f"[ÂÃÄÅ]{_T}"  # accented Latin letters, signs
    f"|(?:[Î-ÑØÙ×Ú]{_T}){{2,}}"  # Greek, Cyrillic, Hebrew, Arabic: a lone pair proves nothing
    f"|[à-ï]{_T}{_T}"  # punctuation, Asian scripts
    f"|ð{_T}{_T}{_T}"  # pictographs
)
_QUOTES: Final = str.maketrans(dict.fromkeys("‘’‚‛ʼ", "'") | dict.fromkeys("“”„‟", '"'))
_LIGATURES: Final = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
     "Ĳ": "IJ", "ĳ": "ij", "ŉ": "'n", "Ǆ": "DŽ", "ǅ": "Dž", "ǆ": "dž",
     "Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj"}
)  # fmt: skip
_TERMINAL_COLOUR: Final = re.compile("\033\\[(?:\\d|;)*m")
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]"
)  # \t \n \f \r are white space and become a blank
_WIDE: Final = re.compile("[\uff01-\uff5e\u3000]")
_MAX_ROUNDS: Final = 4


def clean_prompt_text(text: str) -> str:
    """Return the text as the encoder was trained to see it.

    Idempotent on texts without HTML entities. An empty text stays empty.
    """
    repaired = _repaired(text)
    unescaped = html.unescape(html.unescape(repaired))
    return re.sub(r"\s+", " ", unescaped.strip()).strip()


def _repaired(text: str) -> str:
    """Repair until nothing changes: one repair can bring another to light."""
    for _ in range(_MAX_ROUNDS):
        before = text
        # A text with tags is HTML, in which an entity means itself until it is unescaped whole.
        text = text if "<" in text else html.unescape(text)
        text = _TERMINAL_COLOUR.sub("", text)
        text = _MISREAD.sub(_reread, text).translate(_LIGATURES)
        text = _WIDE.sub(_narrow, text).translate(_QUOTES)
        text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
        if text == before:
            break
    return text


def _reread(match: re.Match[str]) -> str:
    """Return the characters that the misread bytes stand for, or the text as it is."""
    stretch = match.group()
    try:
        return b"".join(map(_byte, stretch)).decode("utf-8")
    except UnicodeDecodeError:
        return stretch


def _byte(character: str) -> bytes:
    code = ord(character)
    return bytes([code]) if code in _UNDEFINED_IN_1252 else character.encode("cp1252")


def _narrow(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())
