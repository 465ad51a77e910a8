"""What a weights file says of itself, read without torch and without reading the weights.

safetensors: 8 bytes, the length N of the header, little endian; N bytes of JSON, for each tensor
its dtype, shape and place; then the tensors, one after the other, to the end of the file.
Source: github.com/huggingface/safetensors, README, "Format".
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

_MAX_HEADER_BYTES = 100_000_000  # the limit of safetensors itself
_ITEM_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
_PICKLE = b"\x80"

_Natural = Annotated[int, msgspec.Meta(ge=0)]


class HeaderError(Exception):
    """A weights file is not what its name says; the message is the rest of a sentence."""


class Tensor(msgspec.Struct, frozen=True):
    """One tensor of a header."""

    dtype: str
    shape: tuple[_Natural, ...]
    data_offsets: tuple[_Natural, _Natural]


@dataclass(frozen=True, slots=True)
class Header:
    """The tensors of a file by name."""

    tensors: Mapping[str, Tensor]

    @property
    def num_parameters(self) -> int:
        """Numbers in all tensors."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())

    @property
    def dtypes(self) -> str:
        """The types, as in ``BF16`` or ``BF16, F32``."""
        return ", ".join(sorted({tensor.dtype for tensor in self.tensors.values()}))

    def find(self, ending: str) -> Tensor | None:
        """Return the tensor of that name, whatever prefix its file gives all names."""
        for name, tensor in self.tensors.items():
            if name == ending or name.endswith(f".{ending}"):
                return tensor
        return None


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file and hold it against the file's size.

    Raises:
        HeaderError: it is cut short, too long, or no safetensors file.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= _MAX_HEADER_BYTES:
            raise HeaderError("is no safetensors file")
        text = file.read(length)
    if len(text) < length:
        raise HeaderError(f"is cut short inside its header, at {size} bytes")
    header = _parse(text)
    expected = 8 + length + _end_of(header)
    if size < expected:
        raise HeaderError(f"is cut short: {size} of {expected} bytes")
    if size > expected:
        raise HeaderError(f"is too long: {size} bytes, its header tells {expected}")
    return header


def _parse(text: bytes) -> Header:
    try:
        entries = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        entries.pop("__metadata__", None)
        return Header(
            {name: msgspec.json.decode(raw, type=Tensor) for name, raw in entries.items()}
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HeaderError(f"has a damaged header ({error})") from error


def _end_of(header: Header) -> int:
    """Return where the last tensor ends, in bytes after the header."""
    end = 0
    for name, tensor in sorted(header.tensors.items(), key=lambda item: item[1].data_offsets):
        bits = _ITEM_BITS.get(tensor.dtype)
        if bits is None:
            raise HeaderError(f"has a tensor of unknown type: {name} is {tensor.dtype}")
        first, last = tensor.data_offsets
        if first != end or (last - first) * 8 != math.prod(tensor.shape) * bits:
            raise HeaderError(f"has a damaged header: {name} lies at {first} to {last}")
        end = last
    return end


def check_torch_file(path: Path) -> None:
    """Look for the end of a file that torch saved: a zip archive keeps its list of parts there.

    Raises:
        HeaderError: it is cut short or no such file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_PICKLE):
        return  # the form before torch 1.6, whose end cannot be told without reading it all
    if start != b"PK\x03\x04":
        raise HeaderError("is no file that torch saved")
    if not zipfile.is_zipfile(path):
        raise HeaderError(f"is cut short, at {path.stat().st_size} bytes")
