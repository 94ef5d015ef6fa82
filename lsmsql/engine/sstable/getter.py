"""Single values out of an Arrow array, straight from its buffers.

``array[row].as_py()`` makes two objects on its way to the value and asks for the type each time. A
*getter* is made once for an array; a call of it is a slice of a buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lsmsql.engine.columns import TAGGED, untag_value
from lsmsql.engine.values import Value

Getter = Callable[[int], Value]
"""The value in a row. Raises ValueError for a malformed one."""

_EMPTY = memoryview(b"")
_NUMBERS: dict[pa.DataType, Any] = {pa.int64(): "q", pa.float64(): "d"}


def constant_getter(value: Value) -> Getter:
    """A getter of a column that is all one value."""
    return lambda row: value


def value_getter(array: pa.Array, size: int | None = None) -> Getter:
    """A getter of an array of one of the types in ``columns``.

    ``size``: all values of a text or bytes array are known to have this many bytes. Then there is
    no need to look at the offsets.
    """
    if array.null_count == len(array):
        return constant_getter(None)
    if array.type in _NUMBERS:
        get = _number_getter(array)
    elif size is None:
        get = _bytes_getter(array)
    else:
        get = _uniform_getter(array, size)
    if array.type == TAGGED:
        get = _untagging(get)
    return _checking_validity(array, get) if array.null_count else get


def _number_getter(array: pa.Array) -> Getter:
    values: Any = _view(array.buffers()[1]).cast(_NUMBERS[array.type])
    return values[array.offset :].__getitem__  # type: ignore[no-any-return]


def _bytes_getter(array: pa.Array) -> Getter:
    _, offset_buffer, content = array.buffers()
    everything = _view(offset_buffer)
    offsets = everything.cast("q") if array.type == TAGGED else everything.cast("i")
    offsets = offsets[array.offset :]
    data = _view(content)
    if array.type == pa.string():
        return lambda row: str(data[offsets[row] : offsets[row + 1]], "utf-8")
    return lambda row: data[offsets[row] : offsets[row + 1]].tobytes()


def _uniform_getter(array: pa.Array, size: int) -> Getter:
    data = _view(array.buffers()[2])[array.offset * size :]
    if array.type == pa.string():
        return lambda row: str(data[row * size : row * size + size], "utf-8")
    return lambda row: data[row * size : row * size + size].tobytes()


def _untagging(get: Getter) -> Getter:
    return lambda row: untag_value(get(row))  # type: ignore[arg-type]


def _checking_validity(array: pa.Array, get: Getter) -> Getter:
    bits = _view(array.buffers()[0])
    first = array.offset

    def get_unless_null(row: int) -> Value:
        at = first + row
        return get(row) if bits[at >> 3] >> (at & 7) & 1 else None

    return get_unless_null


def _view(buffer: Any) -> memoryview:
    """The bytes of a buffer, unsigned; Arrow has none for an empty one."""
    return _EMPTY if buffer is None else memoryview(buffer).cast("B")
