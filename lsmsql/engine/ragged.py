"""Arrow's arrays seen through numpy, and numpy's as Arrow's, without copying.

A ``binary`` array of n values is n + 1 int32 offsets into one run of bytes. The functions here hand
out both as numpy arrays and put such arrays together again, so that work on thousands of keys needs
no loop over rows.

``pyarrow.array`` would do some of this too, but its first call imports pandas wherever that is
installed, which takes longer than most programs that only read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lsmsql.engine.errors import LimitError

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

Mask = npt.NDArray[np.bool_]

MAX_BATCH_BYTES = (1 << 31) - 1
"""What 32-bit offsets can address."""


def from_numpy(values: npt.NDArray[Any], nulls: Mask | None = None) -> pa.Array:
    """An Arrow array of integers, doubles or booleans; NULL where ``nulls`` is set."""
    rows = len(values)
    kind = pa.from_numpy_dtype(values.dtype)
    if values.dtype == np.bool_:
        values = np.packbits(values, bitorder="little")
    validity = None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    return pa.Array.from_buffers(kind, rows, [validity, pa.py_buffer(values)])


def to_numpy(array: pa.Array) -> npt.NDArray[Any]:
    """The values of an Arrow array of numbers or booleans; what is NULL has any value.

    Numbers are not copied. ``Array.to_numpy`` imports pandas wherever that is installed.
    """
    first, rows = array.offset, len(array)
    if pa.types.is_boolean(array.type):
        data = array.buffers()[1] if rows else b""
        bits = np.frombuffer(data, np.uint8)[first // 8 : (first + rows + 7) // 8]
        return np.unpackbits(bits, count=first % 8 + rows, bitorder="little")[first % 8 :].view(
            np.bool_
        )
    kind = array.type.to_pandas_dtype()
    if not rows:
        return np.empty(0, kind)
    return np.frombuffer(array.buffers()[1], kind, rows, first * np.dtype(kind).itemsize)


def binary_scalar(value: bytes, kind: pa.DataType | None = None) -> pa.Scalar:
    """An Arrow scalar of bytes: ``kind`` is binary, string or large_binary."""
    kind = kind or pa.binary()
    width = np.int64 if kind == pa.large_binary() else np.int32
    offsets = np.array([0, len(value)], width)
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(offsets), pa.py_buffer(value)])[0]


def offsets_and_bytes(array: pa.Array) -> tuple[npt.NDArray[np.int32], Bytes]:
    """The n + 1 offsets of a binary or string array and the bytes they point into.

    Respects slices: the offsets are those of this array's own rows, the bytes are the whole buffer.
    """
    _, offsets, data = array.buffers()
    content = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
    if len(array) == 0:
        return np.zeros(1, np.int32), content
    first = array.offset
    return np.frombuffer(offsets, np.int32)[first : first + len(array) + 1], content


def matrix_of(array: pa.Array) -> Bytes | None:
    """A binary array as a matrix with a value in each row; None if their lengths differ."""
    offsets, data = offsets_and_bytes(array)
    first, last = int(offsets[0]), int(offsets[-1])
    rows = len(array)
    width = (last - first) // max(rows, 1)
    if rows == 0 or (np.diff(offsets) != width).any():
        return None
    return data[first:last].reshape(rows, width)


def unaligned(data: Bytes, dtype: str) -> npt.NDArray[Any]:
    """A read-only view whose element i is the ``dtype`` that begins at byte i of ``data``."""
    kind = np.dtype(dtype)
    count = max(len(data) - kind.itemsize + 1, 0)
    return np.ndarray((count,), kind, data, strides=(1,)) if count else np.empty(0, kind)


def binary_from_ranges(data: Bytes, starts: Integers, ends: Integers) -> pa.Array:
    """The binary array of ``data[starts[i]:ends[i]]``; ranges ascend and do not overlap.

    Values and the gaps between them make one array over the same bytes, of which every second
    element is taken: one kernel call, whatever the lengths.
    """
    count = len(starts)
    edges = np.empty(2 * count + 1, np.int32)
    edges[0:-1:2] = starts
    edges[1::2] = ends
    edges[-1] = edges[-2] if count else 0
    with_gaps = pa.Array.from_buffers(
        pa.binary(), 2 * count, [None, pa.py_buffer(edges), pa.py_buffer(data)]
    )
    return with_gaps.take(from_numpy(np.arange(0, 2 * count, 2)))


def binary_from_matrix(matrix: Bytes, lengths: Integers | None = None) -> pa.Array:
    """The binary array of the rows of ``matrix`` (n by width), each cut to its length if given.

    Raises LimitError when the matrix is too large for one array.
    """
    count, width = matrix.shape
    if matrix.size > MAX_BATCH_BYTES:
        raise LimitError(f"{matrix.size:,} bytes of keys in one batch; split it")
    if lengths is not None:
        starts = np.arange(count, dtype=np.int64) * width
        return binary_from_ranges(matrix.reshape(-1), starts, starts + lengths)
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(
        pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(matrix)]
    )
