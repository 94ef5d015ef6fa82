"""One column of one block: how its bytes are laid out, and how they become an Arrow array.

A column is a *header* (a msgpack array, kept in the header of its block) and a *chunk*: the buffers
of the array, each compressed on its own and laid end to end. ``encoding`` writes them.

    NULLS       [0]                                                  no chunk
    CONSTANT    [1, value]                                           no chunk
    INTEGER     [2, validity, base, width, data]                     chunk: validity? data
    REAL        [3, validity, data]                                  chunk: validity? data
    TEXT        [4, validity, base, width, lengths, data]            chunk: validity? lengths data
    BLOB        [5, ... the same]
    TAGGED      [6, ... the same]
    DICTIONARY  [7, validity, width, indices, entries, inner]        chunk: validity? indices, then
                                                                     the chunk of the inner column

``validity``, ``lengths``, ``indices`` and ``data`` are the stored sizes of the buffers, in bytes;
validity 0 means that nothing is NULL. No size before compression is stored: each follows from the
number of rows, and that of text and bytes is the sum of the lengths. A buffer whose stored size is
its true size is not compressed.

INTEGER data, lengths and indices are unsigned little-endian numbers of ``width`` bytes (0, 1, 2, 4
or 8; 0 means all zero and no data) to which ``base`` is added. The validity is Arrow's bitmap.
REAL data are little-endian doubles. ``inner`` is the header of the column of ``entries`` distinct
values, without NULL, that the indices point into.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lsmsql.engine.columns import TAGGED, check_tagged, concat_columns
from lsmsql.engine.ragged import MAX_BATCH_BYTES, Integers, binary_scalar, from_numpy
from lsmsql.engine.values import Value

NULLS, CONSTANT, INTEGER, REAL, TEXT, BLOB, TAGGED_KIND, DICTIONARY = range(8)
KIND_NAMES = ("nulls", "constant", "integer", "real", "text", "blob", "tagged", "dictionary")

Header = list[Any]
"""The header of a column, as drawn above."""

MAX_EXPANSION = 1 << 16
"""No buffer is believed to grow by more than this factor when it is decompressed with zstd ..."""
MAX_LZ4_EXPANSION = 255
"""... and with lz4, where a byte adds at most so much to the length of a match."""

_LAST_LITERALS = 5
"""So many bytes at the end of what lz4 compresses are kept as they are (its "end of block
conditions", https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md)."""

MIN_ZSTD = 4096
"""With "zstd", buffers of fewer bytes are compressed with lz4: zstd takes some 20 µs to begin."""

MAX_JOINED_BYTES = 64 << 20
"""Text or bytes of several blocks are decoded into one array of at most this size."""

_MIN_COMPRESSED = 48
"""Buffers of fewer bytes are stored as they are: compression would not pay for its call."""

MAX_CONSTANT = 256
"""No longer text and no longer bytes are a CONSTANT."""

WIDTHS: dict[int, npt.DTypeLike] = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
"""How numbers of so many bytes are stored."""

_VARIABLE_TYPES = {TEXT: pa.string(), BLOB: pa.binary(), TAGGED_KIND: TAGGED}
_TYPES = {INTEGER: pa.int64(), REAL: pa.float64(), **_VARIABLE_TYPES}
VARIABLE_KINDS = {kind: number for number, kind in _VARIABLE_TYPES.items()}
_CONSTANT_TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary()}


class Codec:
    """Compression by name: "lz4", "zstd" or "none". ``level`` is for zstd."""

    def __init__(self, name: str, level: int | None = None) -> None:
        if name not in ("lz4", "zstd", "none"):
            raise ValueError(f"codec {name!r} is not one of lz4, zstd, none")
        self.name = name
        self._small = None if name == "none" else pa.Codec("lz4_raw")
        self._large = self._small
        if name == "zstd":
            self._large = pa.Codec("zstd", compression_level=level)

    def _for_size(self, size: int) -> Any:
        return self._large if size >= MIN_ZSTD else self._small

    def compress(self, data: Any) -> Any:
        """``data`` in its stored form: compressed if that saves an eighth, else as it is."""
        size = len(data)
        codec = self._for_size(size)
        if codec is None or size < _MIN_COMPRESSED:
            return data
        packed = codec.compress(data, asbytes=True)
        return packed if len(packed) <= size - size // 8 else data

    def decompress(self, stored: memoryview, size: int) -> Any:
        """The ``size`` bytes behind a stored form. Raises ValueError if there are none."""
        if len(stored) == size:
            return stored
        codec = self._for_size(size)
        most = MAX_LZ4_EXPANSION if codec is self._small else MAX_EXPANSION
        if codec is None or not len(stored) < size <= len(stored) * most:
            raise ValueError(f"{len(stored)} stored bytes cannot stand for {size}")
        try:
            data = codec.decompress(stored, decompressed_size=size)
        except OSError as error:
            raise ValueError(str(error)) from None
        if codec is self._small and _is_short(codec, stored, data):
            raise ValueError(f"{len(stored)} stored bytes stand for fewer than {size}")
        return data


def _is_short(codec: Any, stored: memoryview, data: Any) -> bool:
    """Whether lz4 gave fewer bytes than asked for: Arrow does not tell, and the rest is anything.

    The last bytes before compression are the last ones after it, too. Only where they are zeros, as
    memory that nobody has written to mostly is, that says little: then they must not fit into less.
    """
    tail = data[-_LAST_LITERALS:]
    if tail != stored[-_LAST_LITERALS:]:
        return True
    if any(memoryview(tail)):
        return False
    try:
        codec.decompress(stored, decompressed_size=len(data) - 1)
    except OSError:
        return False
    return True


def fixed_values(array: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The 8-byte values of an int64 or double array, without a copy; NULLs hold anything."""
    return np.frombuffer(array.buffers()[1], dtype, len(array), 8 * array.offset)


def value_lengths(array: pa.Array) -> tuple[Integers, memoryview]:
    """Length of each value of a variable-size array, and their bytes end to end."""
    width = np.int64 if array.type == TAGGED else np.int32
    _, offset_buffer, data = array.buffers()
    start = array.offset * np.dtype(width).itemsize
    offsets = np.frombuffer(offset_buffer, width, len(array) + 1, start)
    first, last = int(offsets[0]), int(offsets[-1])
    # Arrow's buffers are of signed bytes, which compare as unequal to bytes from 80 on.
    content = memoryview(data).cast("B")[first:last] if last > first else memoryview(b"")
    return np.diff(offsets).astype(np.int64), content


def chunk_size(header: Header) -> int:
    """Stored bytes of the chunk that ``header`` describes. Raises ValueError if malformed."""
    try:
        match header:
            case [0] | [1, _]:
                return 0
            case [2, validity, _, _, data] | [3, validity, data]:
                return _size(validity) + _size(data)
            case [4 | 5 | 6, validity, _, _, lengths, data]:
                return _size(validity) + _size(lengths) + _size(data)
            case [7, validity, _, indices, _, list(inner)] if inner[:1] != [DICTIONARY]:
                return _size(validity) + _size(indices) + chunk_size(inner)
    except TypeError:
        pass
    raise ValueError("malformed column header")


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise ValueError(f"malformed size {value!r} in a column header")
    return value


def stored_type(header: Header) -> pa.DataType | None:
    """The Arrow type of a column that has no NULLs; None for one that may have some."""
    kind = header[0]
    if kind == CONSTANT:
        return _CONSTANT_TYPES.get(type(header[1]))
    if kind == NULLS or header[1] != 0:
        return None
    return stored_type(header[5]) if kind == DICTIONARY else _TYPES[kind]


def uniform_size(header: Header) -> int | None:
    """The size that all values of a TEXT, BLOB or TAGGED column have; None if there is none."""
    if header[0] in _VARIABLE_TYPES and header[1] == 0 and header[3] == 0:
        size: int = header[2]
        return size
    return None


Stored = tuple[Header, memoryview, int]
"""A column as it stands in a block: header, chunk, and the number of rows."""


def decode_column(header: Header, chunk: memoryview, rows: int, codec: Codec) -> pa.Array:
    """The array of ``rows`` values that header and chunk stand for. See ``decode_columns``."""
    return decode_columns([(header, chunk, rows)], codec)


def decode_columns(stored: Sequence[Stored], codec: Codec) -> pa.Array:
    """A column as it stands in one block after another, as one array.

    The headers have gone through ``chunk_size``. Raises ValueError or TypeError if a header and its
    chunk do not fit together, and if more than one block is given and they have text or bytes of
    more than MAX_JOINED_BYTES. Nothing outside the chunks is ever read.
    """
    header, _, _ = stored[0]
    kind = header[0]
    if any(other[0] != kind for other, _, _ in stored):
        return _concat_decoded(decode_column, stored, codec)
    rows = sum(count for _, _, count in stored)
    if kind == NULLS:
        return pa.nulls(rows)
    if kind == CONSTANT:
        if any(repr(other) != repr(header) for other, _, _ in stored):
            return _concat_decoded(decode_column, stored, codec)
        return _constant(header, rows)
    if kind == DICTIONARY:
        return _concat_decoded(_decode_dictionary, stored, codec)
    validity = _join_validity(stored, rows, codec)
    if kind == INTEGER:
        parts = [
            (base, width, chunk[skipped:], count)
            for (_, skipped, base, width, _), chunk, count in stored
        ]
        values = _unpack_integers(parts, codec)
        return pa.Array.from_buffers(pa.int64(), rows, [validity, pa.py_buffer(values)])
    if kind == REAL:
        reals = _join_reals(stored, rows, codec)
        return pa.Array.from_buffers(pa.float64(), rows, [validity, pa.py_buffer(reals)])
    return _decode_variable(stored, rows, validity, codec)


def _concat_decoded(
    decode: Callable[[Header, memoryview, int, Codec], pa.Array],
    stored: Sequence[Stored],
    codec: Codec,
) -> pa.Array:
    """The column of each block decoded on its own, and then end to end."""
    if len(stored) == 1:
        return decode(*stored[0], codec)
    arrays: list[pa.Array] = []
    size = 0
    for one in stored:
        arrays.append(decode(*one, codec))
        size += arrays[-1].nbytes
        _check_joined(size, stored)
    return concat_columns(arrays)


def _check_joined(size: int, stored: Sequence[Stored]) -> None:
    """Raise ValueError if values of ``size`` bytes are too much for one array."""
    if size > (MAX_BATCH_BYTES if len(stored) == 1 else MAX_JOINED_BYTES):
        raise ValueError(f"{size:,} bytes of values in one column")


def constant_value(header: Header, rows: int) -> Value:
    """The value of the ``rows`` rows of a CONSTANT. Raises ValueError if it cannot be one."""
    value = header[1]
    if type(value) not in _CONSTANT_TYPES:
        raise ValueError(f"a constant of type {type(value).__name__}")
    if isinstance(value, int):
        _check_base(value)
    elif isinstance(value, str | bytes):
        size = len(value)
        if size > MAX_CONSTANT or size * rows > MAX_BATCH_BYTES // 4:
            raise ValueError(f"a constant of {size:,} bytes in {rows:,} rows")
    return value  # type: ignore[no-any-return]


def _constant(header: Header, rows: int) -> pa.Array:
    value: Any = constant_value(header, rows)
    if isinstance(value, int | float):
        return from_numpy(np.full(rows, value))
    content = value.encode() if isinstance(value, str) else value
    return pa.repeat(binary_scalar(content, _CONSTANT_TYPES[type(value)]), rows)


def _join_validity(stored: Sequence[Stored], rows: int, codec: Codec) -> Any:
    """Arrow's validity bitmap; None if nothing is NULL."""
    if not any(header[1] for header, _, _ in stored):
        return None
    bitmaps = [
        codec.decompress(chunk[: header[1]], (count + 7) // 8) if header[1] else None
        for header, chunk, count in stored
    ]
    if len(stored) == 1:
        return pa.py_buffer(bitmaps[0])
    valid = np.ones(rows, np.uint8)
    at = 0
    for bitmap, (_, _, count) in zip(bitmaps, stored, strict=True):
        if bitmap is not None:
            bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), count=count, bitorder="little")
            valid[at : at + count] = bits
        at += count
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _join_reals(stored: Sequence[Stored], rows: int, codec: Codec) -> npt.NDArray[np.float64]:
    reals = np.empty(rows, np.float64)  # Arrow wants its buffers aligned, which chunks are not
    at = 0
    for header, chunk, count in stored:
        content = codec.decompress(chunk[header[1] :], count * 8)
        reals[at : at + count] = np.frombuffer(content, "<f8")
        at += count
    return reals


def _unpack_integers(parts: Sequence[tuple[Any, Any, Any, int]], codec: Codec) -> Integers:
    """The integers of all parts: base, width, stored data and count of each."""
    values = np.empty(sum(count for _, _, _, count in parts), np.int64)
    at = 0
    for base, width, stored, count in parts:
        _check_base(base)
        piece = values[at : at + count]
        at += count
        if width == 0:
            piece[:] = base
            continue
        dtype = WIDTHS.get(width)
        if dtype is None:
            raise ValueError(f"integers of {width} bytes")
        piece[:] = np.frombuffer(codec.decompress(stored, count * width), dtype)
        if base:
            piece += base
    return values


def _check_base(base: Any) -> None:
    """Raise ValueError unless it is an integer of 64 bits."""
    if type(base) is not int or not -(1 << 63) <= base < 1 << 63:
        raise ValueError(f"malformed base {base!r}")


def _decode_variable(stored: Sequence[Stored], rows: int, validity: Any, codec: Codec) -> pa.Array:
    """TEXT, BLOB and TAGGED."""
    kind = stored[0][0][0]
    offsets = _offsets(stored, rows, codec)
    contents = []
    at = 0
    for (_, skipped, _, _, lengths, size), chunk, count in stored:
        total = int(offsets[at + count]) - int(offsets[at])
        start = skipped + lengths
        contents.append(codec.decompress(chunk[start : start + size], total))
        at += count
    data = contents[0] if len(contents) == 1 else b"".join(contents)
    offsets = offsets.astype(np.int64 if kind == TAGGED_KIND else np.int32, copy=False)
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.Array.from_buffers(_VARIABLE_TYPES[kind], rows, buffers)
    if kind == TEXT:
        array.validate(full=True)  # that it is UTF-8; ArrowInvalid is a ValueError
    elif kind == TAGGED_KIND:
        check_tagged(array)
    return array


def _offsets(stored: Sequence[Stored], rows: int, codec: Codec) -> npt.NDArray[Any]:
    """Where each of the values begins, and the last one ends, when they stand end to end."""
    base = stored[0][0][2]
    uniform = type(base) is int and 0 <= base <= MAX_BATCH_BYTES // rows
    if uniform and all(header[2] == base and header[3] == 0 for header, _, _ in stored):
        _check_joined(base * rows, stored)
        return np.arange(rows + 1, dtype=np.int32) * np.int32(base)
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(_unpack_lengths(stored, codec), out=offsets[1:])
    _check_joined(int(offsets[-1]), stored)
    return offsets


def _unpack_lengths(stored: Sequence[Stored], codec: Codec) -> Integers:
    """Lengths that may be summed up: none negative, and none beyond what 32 bits address."""
    parts = []
    for (_, skipped, base, width, lengths, _), chunk, count in stored:
        if type(base) is not int or not 0 <= base <= MAX_BATCH_BYTES or width == 8:
            raise ValueError(f"lengths of base {base!r} in {width!r} bytes")
        parts.append((base, width, chunk[skipped : skipped + lengths], count))
    return _unpack_integers(parts, codec)


def _decode_dictionary(header: Header, chunk: memoryview, rows: int, codec: Codec) -> pa.Array:
    _, skipped, width, stored, entries, inner = header
    if type(entries) is not int or not 0 < entries <= rows:
        raise ValueError(f"a dictionary of {entries!r} entries for {rows} rows")
    validity = _join_validity([(header, chunk, rows)], rows, codec)
    chunk = chunk[skipped:]
    indices = _unpack_integers([(0, width, chunk[:stored], rows)], codec)
    if int(indices.max()) >= entries:
        raise ValueError("an index beyond its dictionary")
    dictionary = decode_column(inner, chunk[stored:], entries, codec)
    if dictionary.nbytes * rows > MAX_BATCH_BYTES:
        _check_size(dictionary, indices)
    picked = pa.Array.from_buffers(pa.int64(), rows, [validity, pa.py_buffer(indices)])
    return dictionary.take(picked)


def _check_size(dictionary: pa.Array, indices: Integers) -> None:
    """Raise ValueError if the entries that the indices pick are too much for one array."""
    if dictionary.type in VARIABLE_KINDS:
        lengths, _ = value_lengths(dictionary)
        size = int(lengths[indices].sum())
        if size > MAX_BATCH_BYTES:
            raise ValueError(f"a dictionary that stands for {size:,} bytes")
