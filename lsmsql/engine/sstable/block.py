"""A block: some hundreds of rows, each column on its own.

    block = header length u32 | header | chunk* | checksum u64
            header    msgpack [rows, [column header, ...]], see ``column``
            chunk     the buffers of one column, in the order of the headers
            checksum  xxh3_64 of all before it, seeded with the offset of the block in its file

The first columns of a data block are key, sequence number and operation kind; then come the payload
slots. The index of a file is a block too, whose rows describe the data blocks.

A block decodes each column when it is first asked for, and keeps it as an Arrow array: single
values and short stretches are read from its buffers, for Python objects would take several times
the memory, scattered. Threads may share one: the worst that two of them do is to decode the same
column twice.
"""

from __future__ import annotations

import struct
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from lsmsql.engine.checksum import checksum
from lsmsql.engine.columns import FIRST_VALUE, KEY, column_values
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, LimitError
from lsmsql.engine.sstable.column import (
    BLOB,
    CONSTANT,
    NULLS,
    Codec,
    Header,
    chunk_size,
    constant_value,
    decode_column,
    stored_type,
    uniform_size,
)
from lsmsql.engine.sstable.encoding import Encoded, encode_column
from lsmsql.engine.sstable.getter import Getter, constant_getter, value_getter
from lsmsql.engine.sstable.uniform import UniformBytes
from lsmsql.engine.values import Value

MAX_ROWS = 1 << 20
"""No block has more rows; a larger count is damage."""

_LENGTH = struct.Struct("<I")
_CHECKSUM = struct.Struct("<Q")
_OVERHEAD = 2048
"""What the objects around the bytes of a block are taken to cost."""


_STRIDE = 32
"""Of keys of different sizes one in so many is kept as a Python object, once they are searched
again."""


def encode_block(
    columns: Sequence[pa.Array], offset: int, codec: Codec, dictionaries: Sequence[bool]
) -> tuple[bytes, list[Header]]:
    """The bytes of a block of ``columns``, all of one length, and its column headers.

    ``offset`` is where it will stand; ``dictionaries`` says for each column whether the DICTIONARY
    form may be tried. Raises LimitError for more than MAX_ROWS rows.
    """
    encoded = [
        encode_column(column, codec, dictionary=dictionary)
        for column, dictionary in zip(columns, dictionaries, strict=True)
    ]
    return join_block(len(columns[0]), encoded, offset), [header for header, _ in encoded]


def join_block(rows: int, columns: Sequence[Encoded], offset: int) -> bytes:
    """The bytes of a block of encoded columns that will stand at ``offset``.

    Raises LimitError for more than MAX_ROWS rows.
    """
    if rows > MAX_ROWS:
        raise LimitError(f"a block of {rows:,} rows; the limit is {MAX_ROWS:,}")
    head = msgspec.msgpack.encode([rows, [header for header, _ in columns]])
    parts = [_LENGTH.pack(len(head)), head]
    for _, chunk in columns:
        parts += chunk
    body = b"".join(parts)
    return body + _CHECKSUM.pack(checksum(body, offset))


class Block:
    """A block as read from a file: rows, whose columns are decoded on demand.

    ``nbytes`` is what the block takes in memory now, decoded columns included. ``in_use`` and
    ``grown`` belong to the cache: a flag that it was used of late, and a call when it has grown.
    Raises CorruptionError, from any method, if the bytes are not those of a block.
    """

    __slots__ = (
        "_arrays",
        "_chunks",
        "_codec",
        "_counters",
        "_headers",
        "_marks",
        "_sizes",
        "_uniforms",
        "getters",
        "grown",
        "in_use",
        "key_at",
        "nbytes",
        "rows",
        "where",
        "width",
    )

    def __init__(
        self, data: bytes, path: str, offset: int, codec: Codec, counters: Counters
    ) -> None:
        self.where = (path, offset)
        self._codec = codec
        self._counters = counters
        self.in_use = True
        self.grown: Callable[[], None] | None = None
        self.nbytes = len(data) + _OVERHEAD
        try:
            self.rows, chunks = parse_block(data, offset)
        except ValueError as error:
            raise self._damaged(str(error)) from None
        self._headers = [header for header, _ in chunks]
        self.width = len(chunks)
        """Number of columns."""
        self._chunks: list[memoryview | bytes | None] = [chunk for _, chunk in chunks]
        self._arrays: list[pa.Array | None] = [None] * len(chunks)
        self.getters: list[Getter | None] = [None] * len(chunks)
        """The getter of each column that has been asked for one."""
        self._uniforms: list[UniformBytes | None] = [None] * len(chunks)
        self._sizes = [uniform_size(header) for header in self._headers]
        self._marks: list[bytes] | None = None
        """None before the first search, empty before the second."""
        self.key_at: Getter | None = None
        """The getter of the keys, once there is one."""

    def _damaged(self, problem: str) -> CorruptionError:
        path, offset = self.where
        return CorruptionError(path, offset, problem)

    def settle(self) -> None:
        """Prepare for a long life: from now on a column that is decoded lets go of its chunk."""
        self._chunks = [None if chunk is None else bytes(chunk) for chunk in self._chunks]

    def column(self, position: int) -> pa.Array:
        """The column at ``position`` as an Arrow array of ``rows`` values."""
        array = self._arrays[position]
        if array is None:
            chunk = self._chunks[position]
            if chunk is None:  # another thread has just decoded it
                return self._arrays[position]
            view = memoryview(chunk)
            try:
                array = decode_column(self._headers[position], view, self.rows, self._codec)
            except (ValueError, TypeError) as error:
                raise self._damaged(f"column {position}: {error}") from None
            self._counters.columns_decoded += 1
            self._counters.decoded_positions[position] += 1
            self._arrays[position] = array
            self._chunks[position] = None
            self._grow(array.get_total_buffer_size() - len(view))
        return array

    def decode(self, positions: Iterable[int]) -> None:
        """Decode those of the columns at ``positions`` that are there."""
        for position in positions:
            if position < len(self._arrays) and self._arrays[position] is None:
                self.column(position)

    def values(self, position: int, low: int = 0, high: int | None = None) -> list[Value]:
        """Rows [low, high) of the column at ``position`` as Python values."""
        form = self._headers[position][0]
        if high is not None and form == BLOB:
            uniform = self._uniforms[position] or self.uniform(position)
            if uniform is not None:
                return uniform.values(low, high)  # type: ignore[return-value]
        elif form in (NULLS, CONSTANT):
            return [self.value(position, low)] * ((self.rows if high is None else high) - low)
        array = self.column(position)
        if low or high is not None:
            array = array.slice(low, None if high is None else high - low)
        try:
            return column_values(array)
        except ValueError as error:
            raise self._damaged(f"column {position}: {error}") from None

    def uniform(self, position: int) -> UniformBytes | None:
        """The column at ``position`` if it is of texts or bytes of one size, which is not 0."""
        uniform = self._uniforms[position]
        size = self._sizes[position]
        if uniform is None and size:
            content = self.column(position).buffers()[2]
            uniform = self._uniforms[position] = UniformBytes(content, size, self.rows)
        return uniform

    def getter(self, position: int) -> Getter:
        """A function that gives single values of the column at ``position``, by row."""
        getter = self.getters[position]
        if getter is None:
            header = self._headers[position]
            if header[0] == NULLS:
                getter = constant_getter(None)
            elif header[0] == CONSTANT:
                getter = constant_getter(self._constant(position, header))
            else:
                getter = value_getter(self.column(position), self._sizes[position])
            self.getters[position] = getter
            if position == KEY:
                self.key_at = getter
        return getter

    def _constant(self, position: int, header: Header) -> Value:
        try:
            return constant_value(header, self.rows)
        except ValueError as error:
            raise self._damaged(f"column {position}: {error}") from None

    def value(self, position: int, row: int) -> Value:
        """One value."""
        try:
            return (self.getters[position] or self.getter(position))(row)
        except ValueError as error:
            raise self._damaged(f"column {position}: {error}") from None

    def _grow(self, size: int) -> None:
        self.nbytes += size
        grown = self.grown  # another thread may set it to None meanwhile
        if grown is not None:
            grown()

    @property
    def keys(self) -> list[bytes]:
        """The encoded keys of a data block, ascending."""
        return self.some_keys(0, self.rows)

    def some_keys(self, low: int, high: int) -> list[bytes]:
        """The encoded keys of rows [low, high)."""
        uniform = self._uniforms[KEY]
        if uniform is not None:
            return uniform.values(low, high)
        if high - low == 1:
            return [(self.key_at or self.getter(KEY))(low)]  # type: ignore[list-item]
        return self.values(KEY, low, high)  # type: ignore[return-value]

    def lower_bound(self, key: bytes) -> int:
        """The first row whose key is not below ``key``."""
        uniform = self._uniforms[KEY] or self.uniform(KEY)
        if uniform is not None:
            return uniform.lower_bound(key)
        key_at: Any = self.key_at or self.getter(KEY)
        if self._marks is None:  # the first search, which may remain the only one
            self._marks = []
            return bisect_left(range(self.rows), key, key=key_at)
        marks = self._marks or self._mark()
        at = bisect_left(marks, key)
        low = (at - 1) * _STRIDE + 1 if at else 0
        high = min(at * _STRIDE, self.rows)
        return bisect_left(range(self.rows), key, low, high, key=key_at)

    def _mark(self) -> list[bytes]:
        """One in ``_STRIDE`` keys: half of a search is among these, with no call for each step."""
        key_at: Any = self.key_at or self.getter(KEY)
        marks = self._marks = [key_at(row) for row in range(0, self.rows, _STRIDE)]
        self._grow(sum(map(sys.getsizeof, marks)))
        return marks

    def next_bound(self, key: bytes, low: int) -> int:
        """``lower_bound``, which is not below row ``low`` and is looked for from there on."""
        uniform = self._uniforms[KEY] or self.uniform(KEY)
        if uniform is not None:
            return uniform.lower_bound(key)
        key_at: Any = self.key_at or self.getter(KEY)
        rows, row, step = self.rows, low, 0
        while row < rows and key_at(row) < key:
            low = row + 1
            row = low + step
            step += step + 1
        high = min(row, rows)
        return low if low == high else bisect_left(range(rows), key, low, high, key=key_at)

    def find(self, key: bytes) -> int:
        """Row of the newest version of ``key``, or -1 if the block does not hold it."""
        row = self.lower_bound(key)
        return row if row < self.rows and self.value(KEY, row) == key else -1

    def is_null(self, position: int) -> bool:
        """Whether the column at ``position`` is known to be all NULL, or is not there at all."""
        return position >= self.width or self._headers[position][0] == NULLS

    def is_decoded(self, position: int) -> bool:
        """Whether somebody has asked for the column at ``position`` before."""
        return self._arrays[position] is not None

    def describe(self) -> list[Header]:
        """The header of each column."""
        return self._headers


def parse_block(
    data: bytes | memoryview, offset: int
) -> tuple[int, list[tuple[Header, memoryview]]]:
    """Row count and per column header and chunk of the block at ``offset``.

    Raises ValueError if the checksum does not match or the bytes are not those of a block.
    """
    if len(data) < _LENGTH.size + _CHECKSUM.size:
        raise ValueError("a block of too few bytes")
    body = memoryview(data)[: -_CHECKSUM.size]
    if _CHECKSUM.unpack_from(data, len(body))[0] != checksum(body, offset):
        raise ValueError("the checksum of the block does not match")
    try:
        return _split(body)
    except (TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from None


def is_data_block(headers: Sequence[Header]) -> bool:
    """Whether columns with these headers begin with keys, sequence numbers and kinds, none NULL."""
    types = [stored_type(header) for header in headers[:FIRST_VALUE]]
    return types == [pa.binary(), pa.int64(), pa.int64()]


def _split(body: memoryview) -> tuple[int, list[tuple[Header, memoryview]]]:
    """Row count and per column its header and chunk. Raises ValueError if they do not add up."""
    (length,) = _LENGTH.unpack_from(body)
    start = _LENGTH.size + length
    if start > len(body):
        raise ValueError("the header of the block is longer than the block")
    match msgspec.msgpack.decode(body[_LENGTH.size : start]):
        case [int(rows), list(headers)] if 0 < rows <= MAX_ROWS:
            pass
        case _:
            raise ValueError("malformed block header")
    chunks = []
    for header in headers:
        end = start + chunk_size(header)
        if end > len(body):
            raise ValueError("the columns of the block are longer than the block")
        chunks.append((header, body[start:end]))
        start = end
    if start != len(body):
        raise ValueError("bytes left over after the last column of the block")
    return rows, chunks
