"""A TFLite file of one 1x1 convolution and a sigmoid, written by hand.

A flatbuffer is written from the root down: every table, vector and string lies behind the one that
points to it. Field numbers and codes are those of TensorFlow's schema.fbs, version 3.
"""

import struct

import numpy as np

_CONV, _LOGISTIC, _CONV_OPTIONS = 3, 14, 1


class Table(tuple):
    """The fields of a table in the order of the schema; None leaves one out."""


def pixelwise(size: int, weights, bias: float) -> bytes:
    """sigmoid(weights [N, 3] · RGB + bias) of every pixel of a picture [1, size, size, 3]."""
    num = len(weights)
    kernel = np.asarray(weights, np.float32).tobytes()
    offset = np.full(num, bias, np.float32).tobytes()
    buffers = [Table((None,)), Table((kernel,)), Table((offset,))]
    plane = [1, size, size]
    tensors = [
        Table(([*plane, 3], None, 0, "picture")),
        Table(([num, 1, 1, 3], None, 1, "kernel")),
        Table(([num], None, 2, "bias")),
        Table(([*plane, num], None, 0, "logit")),
        Table(([*plane, num], None, 0, "mask")),
    ]
    operators = [
        Table((0, [0, 1, 2], [3], _CONV_OPTIONS, Table((None, 1, 1, None, 1, 1)))),
        Table((1, [3], [4])),
    ]
    codes = [Table((code, None, 1, code)) for code in (_CONV, _LOGISTIC)]
    graph = Table((tensors, [0], [4], operators, "main"))
    return _file(Table((3, codes, [graph], "hand-written", buffers)))


def _file(root: Table) -> bytes:
    data = bytearray(struct.pack("<I4s", 0, b"TFL3"))
    _point(data, 0, root)
    return bytes(data)


def _point(data: bytearray, at: int, value) -> None:
    """Append `value` and let the offset at `at` point to it."""
    struct.pack_into("<I", data, at, _append(data, value) - at)


def _append(data: bytearray, value) -> int:
    """Append a value behind all others; returns where it begins."""
    if isinstance(value, Table):
        return _append_table(data, value)
    raw = value.encode() if isinstance(value, str) else value
    if isinstance(raw, bytes):
        data += bytes(-(len(data) + 4) % 16)
        start = len(data)
        data += struct.pack("<I", len(raw)) + raw + b"\0"
        return start
    data += bytes(-len(data) % 4)
    start = len(data)
    data += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for place, item in enumerate(value, 1):
        _put(data, start + 4 * place, item)
    return start


def _append_table(data: bytearray, fields: Table) -> int:
    data += bytes(-len(data) % 4)
    given = [number for number, field in enumerate(fields) if field is not None]
    places = {number: 4 + 4 * index for index, number in enumerate(given)}
    sizes = (4 + 2 * len(fields), 4 + 4 * len(given))
    layout = struct.pack("<HH", *sizes) + b"".join(
        struct.pack("<H", places.get(number, 0)) for number in range(len(fields))
    )
    layout += bytes(-len(layout) % 4)
    start = len(data) + len(layout)
    data += layout + struct.pack("<i", len(layout)) + bytes(4 * len(given))
    for number, place in places.items():
        _put(data, start + place, fields[number])
    return start


def _put(data: bytearray, at: int, value) -> None:
    if isinstance(value, int):
        struct.pack_into("<i", data, at, value)
    else:
        _point(data, at, value)
