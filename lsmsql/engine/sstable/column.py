"""One column of one block: an Arrow array to bytes and back.

A column is a *header* (a msgpack array, kept in the header of its block) and a *chunk*: the buffers
of the array, each compressed on its own and laid end to end.

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

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.columns import TAGGED, check_tagged
from lsmsql.engine.ragged import (
    MAX_BATCH_BYTES,
    binary_scalar,
    from_numpy,
)

NULLS, CONSTANT, INTEGER, REAL, TEXT, BLOB, TAGGED_KIND, DICTIONARY = range(8)
KIND_NAMES = ("nulls", "constant", "integer", "real", "text", "blob", "tagged", "dictionary")

Header = list[Any]
"""The header of a column, as drawn above."""

Integers = npt.NDArray[np.int64]

MAX_EXPANSION = 1 << 16
"""No buffer is believed to grow by more than this factor when it is decompressed."""

MIN_ZSTD = 4096
"""With "zstd", buffers of fewer bytes are compressed with lz4: zstd takes some 20 µs to begin."""

_MIN_COMPRESSED = 48
"""Buffers of fewer bytes are stored as they are: compression would not pay for its call."""

_MAX_CONSTANT = 256
_MIN_DICTIONARY_ROWS = 16

_WIDTHS: dict[int, npt.DTypeLike] = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
_VARIABLE_TYPES = {TEXT: pa.string(), BLOB: pa.binary(), TAGGED_KIND: TAGGED}
_TYPES = {INTEGER: pa.int64(), REAL: pa.float64(), **_VARIABLE_TYPES}
_VARIABLE_KINDS = {kind: number for number, kind in _VARIABLE_TYPES.items()}
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
        if codec is None or not len(stored) < size <= len(stored) * MAX_EXPANSION:
            raise ValueError(f"{len(stored)} stored bytes cannot stand for {size}")
        try:
            return codec.decompress(stored, decompressed_size=size)
        except OSError as error:
            raise ValueError(str(error)) from None


_NO_CODEC = Codec("none")

# --------------------------------------------------------------------------------------- encoding


def encode_column(array: pa.Array, codec: Codec, *, dictionary: bool) -> tuple[Header, list[Any]]:
    """Header and chunk (as a list of buffers) of an array of one of the types in ``columns``.

    ``dictionary`` allows the DICTIONARY form, which costs a pass to find out whether it pays.
    """
    rows = len(array)
    nulls = array.null_count
    if nulls == rows:
        return [NULLS], []
    kind = array.type
    if kind == pa.int64():
        return _encode_integers(array, nulls, codec)
    if dictionary and rows >= _MIN_DICTIONARY_ROWS:
        encoded = _encode_dictionary(array, nulls, codec)
        if encoded is not None:
            return encoded
    if kind == pa.float64():
        return _encode_reals(array, nulls, codec)
    return _encode_variable(array, nulls, codec)


def _validity(array: pa.Array, nulls: int) -> npt.NDArray[np.bool_] | None:
    if not nulls:
        return None
    valid: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _stored_validity(valid: npt.NDArray[np.bool_] | None, codec: Codec) -> Any:
    if valid is None:
        return b""
    return codec.compress(np.packbits(valid, bitorder="little").tobytes())


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


def _pack_integers(values: npt.NDArray[Any], codec: Codec) -> tuple[int, int, Any]:
    """Base, width and stored data of a non-empty array of integers."""
    base, top = int(values.min()), int(values.max())
    spread = top - base
    if spread == 0:
        return base, 0, b""
    width = next(w for w in _WIDTHS if spread < 1 << (8 * w))
    narrow = (values.astype(np.uint64) - np.uint64(base % (1 << 64))).astype(_WIDTHS[width])
    return base, width, codec.compress(narrow.tobytes())


def _encode_integers(array: pa.Array, nulls: int, codec: Codec) -> tuple[Header, list[Any]]:
    values = fixed_values(array, np.int64)
    valid = _validity(array, nulls)
    if valid is not None:
        values = np.where(valid, values, values[valid].min())
    base, width, data = _pack_integers(values, codec)
    if width == 0 and valid is None:
        return [CONSTANT, base], []
    validity = _stored_validity(valid, codec)
    return [INTEGER, len(validity), base, width, len(data)], [validity, data]


def _encode_reals(array: pa.Array, nulls: int, codec: Codec) -> tuple[Header, list[Any]]:
    values = fixed_values(array, np.float64)
    valid = _validity(array, nulls)
    if valid is None:
        bits = values.view(np.int64)
        if (bits == bits[0]).all():
            return [CONSTANT, float(values[0])], []
    else:
        values = np.where(valid, values, 0.0)
    validity = _stored_validity(valid, codec)
    data = codec.compress(values.astype("<f8", copy=False).tobytes())
    return [REAL, len(validity), len(data)], [validity, data]


def _encode_variable(array: pa.Array, nulls: int, codec: Codec) -> tuple[Header, list[Any]]:
    kind = _VARIABLE_KINDS[array.type]
    valid = _validity(array, nulls)
    lengths, content = value_lengths(array)
    if valid is not None and lengths[~valid].any():  # bytes that no value owns
        lengths, content = value_lengths(pc.fill_null(array, b"" if kind != TEXT else ""))
    if valid is None and kind != TAGGED_KIND and _is_constant(lengths, content):
        return [CONSTANT, array[0].as_py()], []
    validity = _stored_validity(valid, codec)
    base, width, stored = _pack_integers(lengths, codec)
    data = codec.compress(content)
    header = [kind, len(validity), base, width, len(stored), len(data)]
    return header, [validity, stored, data]


def _is_constant(lengths: Integers, content: memoryview) -> bool:
    size = int(lengths[0])
    if size > _MAX_CONSTANT or len(content) != size * len(lengths) or (lengths != size).any():
        return False
    if content[:size] != content[len(content) - size :]:  # most columns end here
        return False
    return content == bytes(content[:size]) * len(lengths)


def _encode_dictionary(
    array: pa.Array, nulls: int, codec: Codec
) -> tuple[Header, list[Any]] | None:
    """The DICTIONARY form if at most a quarter of the values are distinct, else None."""
    encoded = array.dictionary_encode()
    entries = len(encoded.dictionary)
    if entries * 4 > len(array) or entries < 2:
        return None
    valid = _validity(array, nulls)
    indices = np.frombuffer(encoded.indices.buffers()[1], np.int32)[: len(array)]
    if valid is not None:
        indices = np.where(valid, indices, 0)
    width = 1 if entries <= 256 else 2 if entries <= 65536 else 4
    stored = codec.compress(indices.astype(_WIDTHS[width]).tobytes())
    validity = _stored_validity(valid, codec)
    inner, chunk = encode_column(encoded.dictionary, codec, dictionary=False)
    return [DICTIONARY, len(validity), width, len(stored), entries, inner], [
        validity,
        stored,
        *chunk,
    ]


# --------------------------------------------------------------------------------------- decoding


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


def decode_column(header: Header, chunk: memoryview, rows: int, codec: Codec) -> pa.Array:
    """The array of ``rows`` values that header and chunk stand for.

    ``header`` has gone through ``chunk_size``. Raises ValueError or TypeError if the two do not fit
    together; nothing outside ``chunk`` is ever read.
    """
    kind = header[0]
    if kind == NULLS:
        return pa.nulls(rows)
    if kind == CONSTANT:
        return _constant(header[1], rows)
    stored_validity = header[1]
    validity = None
    if stored_validity:
        bitmap = codec.decompress(chunk[:stored_validity], (rows + 7) // 8)
        validity = pa.py_buffer(bitmap)
        chunk = chunk[stored_validity:]
    if kind == INTEGER:
        _, _, base, width, _ = header
        values = _unpack_integers(base, width, chunk, rows, codec)
        return pa.Array.from_buffers(pa.int64(), rows, [validity, pa.py_buffer(values)])
    if kind == REAL:
        stored = np.frombuffer(codec.decompress(chunk, rows * 8), "<f8")
        reals = np.require(stored, np.float64, "A")  # Arrow wants its buffers aligned
        return pa.Array.from_buffers(pa.float64(), rows, [validity, pa.py_buffer(reals)])
    if kind == DICTIONARY:
        return _decode_dictionary(header, chunk, rows, validity, codec)
    return _decode_variable(header, chunk, rows, validity, codec)


def _constant(value: Any, rows: int) -> pa.Array:
    kind = _CONSTANT_TYPES.get(type(value))
    if kind is None:
        raise ValueError(f"a constant of type {type(value).__name__}")
    if isinstance(value, int):
        return from_numpy(_unpack_integers(value, 0, b"", rows, _NO_CODEC))
    if isinstance(value, str | bytes) and len(value) > _MAX_CONSTANT:
        raise ValueError(f"a constant of {len(value):,} bytes")
    if isinstance(value, float):
        return from_numpy(np.full(rows, value))
    content = value.encode() if isinstance(value, str) else value
    return pa.repeat(binary_scalar(content, kind), rows)


def _unpack_integers(base: Any, width: Any, stored: Any, rows: int, codec: Codec) -> Integers:
    if type(base) is not int or not -(1 << 63) <= base < 1 << 63:
        raise ValueError(f"malformed base {base!r}")
    if width == 0:
        return np.full(rows, base, np.int64)
    dtype = _WIDTHS.get(width)
    if dtype is None:
        raise ValueError(f"integers of {width} bytes")
    values = np.frombuffer(codec.decompress(stored, rows * width), dtype).astype(np.int64)
    values += base
    return values


def _decode_variable(
    header: Header, chunk: memoryview, rows: int, validity: Any, codec: Codec
) -> pa.Array:
    kind, _, base, width, stored, stored_data = header
    lengths = _unpack_integers(base, width, chunk[:stored], rows, codec)
    offsets = np.zeros(rows + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    total = int(offsets[-1])
    limit = min(stored_data * MAX_EXPANSION, MAX_BATCH_BYTES)
    if total > limit or (lengths < 0).any() or (lengths > limit).any():
        raise ValueError("lengths that do not fit the data")
    data = codec.decompress(chunk[stored : stored + stored_data], total)
    if kind != TAGGED_KIND:
        offsets = offsets.astype(np.int32)
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.Array.from_buffers(_VARIABLE_TYPES[kind], rows, buffers)
    if kind == TEXT:
        array.validate(full=True)  # that it is UTF-8; ArrowInvalid is a ValueError
    elif kind == TAGGED_KIND:
        check_tagged(array)
    return array


def _decode_dictionary(
    header: Header, chunk: memoryview, rows: int, validity: Any, codec: Codec
) -> pa.Array:
    _, _, width, stored, entries, inner = header
    if type(entries) is not int or not 0 < entries <= rows:
        raise ValueError(f"a dictionary of {entries!r} entries for {rows} rows")
    indices = _unpack_integers(0, width, chunk[:stored], rows, codec)
    if int(indices.max()) >= entries:
        raise ValueError("an index beyond its dictionary")
    dictionary = decode_column(inner, chunk[stored:], entries, codec)
    if dictionary.nbytes * rows > MAX_BATCH_BYTES:
        _check_size(dictionary, indices)
    picked = pa.Array.from_buffers(pa.int64(), rows, [validity, pa.py_buffer(indices)])
    return dictionary.take(picked)


def _check_size(dictionary: pa.Array, indices: Integers) -> None:
    """Raise ValueError if the entries that the indices pick are too much for one array."""
    if dictionary.type in _VARIABLE_KINDS:
        lengths, _ = value_lengths(dictionary)
        size = int(lengths[indices].sum())
        if size > MAX_BATCH_BYTES:
            raise ValueError(f"a dictionary that stands for {size:,} bytes")
