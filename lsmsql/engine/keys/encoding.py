"""Columns to keys: every part becomes Arrow pieces, which one kernel joins row by row.

Only mixed ANY parts, variable-length parts that are nullable, descending or hold zero bytes go
through a loop over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lsmsql.engine.columns import TAGGED, arrow_type, column_of_bytes, column_values
from lsmsql.engine.errors import ConstraintError, LimitError, TypeMismatchError
from lsmsql.engine.keys.numbers import (
    EXACT,
    Integers,
    Words,
    are_integral,
    is_integral,
    split_integers,
    words_of_doubles,
    words_of_integers,
)
from lsmsql.engine.keys.parts import (
    BLOB_TAG,
    NULL_MARK,
    NULL_TAG,
    NUMBER_TAG,
    TERMINATOR,
    TEXT_TAG,
    VALUE_MARK,
    KeyPart,
    part_encoder,
)
from lsmsql.engine.ragged import (
    MAX_BATCH_BYTES,
    Bytes,
    binary_from_matrix,
    binary_scalar,
    matrix_of,
    offsets_and_bytes,
    to_numpy,
)
from lsmsql.engine.values import ColumnType

Mask = npt.NDArray[np.bool_]
Pieces = list[pa.Array | pa.Scalar]

_TERMINATOR = binary_scalar(TERMINATOR)
_NOTHING = binary_scalar(b"")
_NUMBERS = (pa.int64(), pa.float64())
_ANY_TYPES = (*_NUMBERS, pa.string(), pa.binary(), TAGGED, pa.null())


def encode_part(part: KeyPart, last: bool, array: pa.Array, where: str) -> Pieces:
    """The bytes of one part, as pieces to be joined.

    Raises ConstraintError for NULL in a part that is not nullable, TypeMismatchError for an array
    of a wrong type.
    """
    declared = arrow_type(part.type)
    if declared is not None and array.type == pa.null():
        array = array.cast(declared)
    if array.type not in (_ANY_TYPES if declared is None else (declared,)):
        raise TypeMismatchError(f"{where} is {part.type}; it cannot hold Arrow's {array.type}")
    if array.null_count and not part.nullable:
        raise ConstraintError(f"NOT NULL constraint failed: {where}")
    if array.type in _NUMBERS:
        return [_encode_numbers(part, array)]
    if part.descending or array.null_count or array.type == TAGGED:
        return [_encode_rows(part, last, array)]
    if part.nullable and declared is not None:
        return [_encode_rows(part, last, array)]
    return _encode_runs(part, last, array)


def _encode_rows(part: KeyPart, last: bool, array: pa.Array) -> pa.Array:
    encode = part_encoder(part, last)
    return column_of_bytes(list(map(encode, column_values(array))))


def _encode_runs(part: KeyPart, last: bool, array: pa.Array) -> Pieces:
    """TEXT or BLOB, ascending and without NULL."""
    content = array.cast(pa.binary())
    if not last and _has_zero_byte(content):
        return [_encode_rows(part, last, array)]
    pieces: Pieces = [content] if last else [content, _TERMINATOR]
    if part.type is ColumnType.ANY:
        tag = TEXT_TAG if array.type == pa.string() else BLOB_TAG
        pieces.insert(0, binary_scalar(bytes([tag])))
    return pieces


def _has_zero_byte(array: pa.Array) -> bool:
    offsets, data = offsets_and_bytes(array)
    used = data[offsets[0] : offsets[-1]]
    return bool(len(used)) and int(used.min()) == 0


def _encode_numbers(part: KeyPart, array: pa.Array) -> pa.Array:
    """INTEGER, REAL or ANY of numbers: the rows of a matrix, cut where they are shorter."""
    values = _number_values(array)
    nulls = _null_mask(array)
    if part.type is ColumnType.ANY:
        matrix, lengths = _tagged_numbers(values, nulls)
    elif part.nullable:
        matrix, lengths = _marked_words(_words(values), nulls)
    else:
        matrix, lengths = _big_endian(_words(values)), None
    if part.descending:
        np.invert(matrix, out=matrix)
    return binary_from_matrix(matrix, lengths)


def _tagged_numbers(
    values: npt.NDArray[np.int64 | np.float64], nulls: Mask | None
) -> tuple[Bytes, Integers | None]:
    rest: Integers | None = None
    if values.dtype == np.int64:
        values, rest = split_integers(cast("Integers", values))
    far = np.abs(values) >= EXACT
    if nulls is not None:
        far &= ~nulls
    any_far = bool(far.any())
    matrix = np.zeros((len(values), 11 if any_far else 9), np.uint8)
    matrix[:, 0] = NUMBER_TAG
    matrix[:, 1:9] = _big_endian(_words(values))
    if any_far and rest is not None:
        matrix[:, 9:] = rest.astype(">u2").view(np.uint8).reshape(-1, 2)
    lengths = 9 + 2 * far.astype(np.int64) if any_far else None
    return _with_nulls(matrix, lengths, nulls, NULL_TAG)


def _marked_words(words: Words, nulls: Mask | None) -> tuple[Bytes, Integers | None]:
    matrix = np.empty((len(words), 9), np.uint8)
    matrix[:, 0] = VALUE_MARK
    matrix[:, 1:] = _big_endian(words)
    return _with_nulls(matrix, None, nulls, NULL_MARK)


def _with_nulls(
    matrix: Bytes, lengths: Integers | None, nulls: Mask | None, lead: int
) -> tuple[Bytes, Integers | None]:
    """Rows that are NULL are their first byte alone."""
    if nulls is None:
        return matrix, lengths
    matrix[nulls, 0] = lead
    full = np.int64(matrix.shape[1]) if lengths is None else lengths
    return matrix, np.where(nulls, 1, full)


def _words(values: npt.NDArray[np.int64 | np.float64]) -> Words:
    if values.dtype == np.int64:
        return words_of_integers(cast("Integers", values))
    return words_of_doubles(cast("npt.NDArray[np.float64]", values))


def _big_endian(words: Words) -> Bytes:
    return words.astype(">u8").view(np.uint8).reshape(-1, 8)


def _number_values(array: pa.Array) -> npt.NDArray[np.int64 | np.float64]:
    """The values of an int64 or double array; zero where it is NULL."""
    if array.null_count:
        array = array.fill_null(0)
    return cast("npt.NDArray[np.int64 | np.float64]", to_numpy(array))


def _null_mask(array: pa.Array) -> Mask | None:
    if not array.null_count:
        return None
    return cast("Mask", to_numpy(array.is_null()))


def join_pieces(pieces: Sequence[pa.Array | pa.Scalar]) -> pa.Array:
    """The pieces of all parts end to end, row by row. Raises LimitError beyond 2 GiB in all."""
    import pyarrow.compute as pc

    if len(pieces) == 1:
        return pieces[0]
    rows = max(len(piece) for piece in pieces if isinstance(piece, pa.Array))
    total = sum(_size(piece, rows) for piece in pieces)
    if total > MAX_BATCH_BYTES:
        raise LimitError(f"{total:,} bytes of keys in one batch; split it")
    matrix = _join_uniform(pieces, rows)
    if matrix is not None:
        return binary_from_matrix(matrix)
    if all(piece is _TERMINATOR for piece in pieces[1::2]) and pieces[-1] is not _TERMINATOR:
        # The terminators as the kernel's separator: half the time.
        return pc.binary_join_element_wise(*pieces[0::2], _TERMINATOR)
    return pc.binary_join_element_wise(*pieces, _NOTHING)


def _join_uniform(pieces: Sequence[pa.Array | pa.Scalar], rows: int) -> Bytes | None:
    """The keys as rows of a matrix; None if a piece is not of the same length in every row."""
    columns: list[Bytes] = []
    for piece in pieces:
        if isinstance(piece, pa.Scalar):
            column: Bytes | None = np.frombuffer(piece.as_py(), np.uint8)[np.newaxis]
        else:
            column = matrix_of(piece)
        if column is None:
            return None
        columns.append(column)
    joined = np.empty((rows, sum(column.shape[1] for column in columns)), np.uint8)
    at = 0
    for column in columns:
        joined[:, at : at + column.shape[1]] = column
        at += column.shape[1]
    return joined


def _size(piece: pa.Array | pa.Scalar, rows: int) -> int:
    if isinstance(piece, pa.Scalar):
        return rows * len(piece.as_py())
    offsets, _ = offsets_and_bytes(piece)
    return int(offsets[-1]) - int(offsets[0])


def longest(keys: pa.Array) -> int:
    """Bytes of the longest key; 0 when there are none."""
    offsets, _ = offsets_and_bytes(keys)
    return int(np.diff(offsets).max()) if len(keys) else 0


def integral_reals(array: pa.Array) -> Mask | None:
    """Where an ANY column holds a REAL whose key is that of an INTEGER; None if it cannot."""
    if array.type == pa.float64():
        integral = are_integral(cast("npt.NDArray[np.float64]", _number_values(array)))
        nulls = _null_mask(array)
        return integral if nulls is None else integral & ~nulls
    if array.type != TAGGED:
        return None
    values = column_values(array)
    return np.fromiter(
        (type(value) is float and is_integral(value) for value in values), np.bool_, len(values)
    )
