"""The layouts on the disk: one file, always a whole one. What cannot be read is put aside."""

from __future__ import annotations

import errno
from itertools import count

from app.core.layouts import LayoutBook, LayoutError, from_text, to_text
from engine.protocol.atomic_file import write_atomically
from engine.protocol.places import home


class LayoutStore:
    """`layouts.json` in the performer's folder."""

    def __init__(self) -> None:
        self.path = home() / "layouts.json"
        self._keeps_off = False  # what is there could neither be read nor put aside

    def read(self, first: str) -> tuple[LayoutBook, str]:
        """Return the book, and a sentence if there was one that cannot be read.

        Such a file is kept under another name, and the book is that of a first start: at the
        house's layout `first`.
        """
        fresh = LayoutBook(chosen=first)
        try:
            return from_text(self.path.read_text(encoding="utf-8")), ""
        except FileNotFoundError:
            return fresh, ""
        except (LayoutError, UnicodeDecodeError) as error:
            reason = str(error) if isinstance(error, LayoutError) else "is no text"
            return fresh, f"The layouts of {self.path} {reason}; {self._put_aside()}"
        except OSError as error:
            self._keeps_off = True
            text = f"The layouts of {self.path} cannot be read: {error.strerror}"
            return fresh, f"{text}; the house's layout is shown"

    def _put_aside(self) -> str:
        names = (self.path.with_name(f"layouts-unread-{n}.json") for n in count(1))
        kept = next(path for path in names if not path.exists())
        try:
            self.path.replace(kept)
        except OSError as error:
            self._keeps_off = True
            return f"it cannot be put aside either: {error.strerror}; the house's layout is shown"
        return f"it is kept as {kept.name} and the house's layout is shown"

    def write(self, book: LayoutBook) -> None:
        """Keep the book. Raises OSError where the disk refuses; the old file is whole then."""
        if self._keeps_off:
            raise OSError(errno.EPERM, "what is there cannot be read")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, to_text(book))
