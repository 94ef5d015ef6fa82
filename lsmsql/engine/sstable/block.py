"""A block: some hundreds of rows, each column on its own.

    block = header length u32 | header | chunk* | checksum u64
            header    msgpack [rows, [column header, ...]], see ``column``
            chunk     the buffers of one column, in the order of the headers
            checksum  xxh3_64 of all before it, seeded with the offset of the block in its file

The first columns of a data block are key, sequence number and operation kind; then come the payload
slots. The index of a file is a block too, whose rows describe the data blocks.

A block decodes each column when it is first asked for, and keeps it. Threads may share one: the
worst that two of them do is to decode the same column twice.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from lsmsql.engine.checksum import checksum
from lsmsql.engine.columns import KEY, TAGGED, column_values
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, LimitError
from lsmsql.engine.sstable.column import Codec, Header, chunk_size, decode_column, encode_column
from lsmsql.engine.values import Value

MAX_ROWS = 1 << 20
"""No block has more rows; a larger count is damage."""

_LENGTH = struct.Struct("<I")
_CHECKSUM = struct.Struct("<Q")
_ASKED_OFTEN = 4
"""After this many single values a block turns the next column asked for into a list."""
_OBJECT_BYTES = 64
"""What one Python object in a decoded list is taken to cost."""


def encode_block(
    columns: Sequence[pa.Array], offset: int, codec: Codec, dictionaries: Sequence[bool]
) -> tuple[bytes, list[Header]]:
    """The bytes of a block that will stand at ``offset``, and its column headers.

    All columns have the same length, at most MAX_ROWS. ``dictionaries`` says for each one whether
    the DICTIONARY form may be tried. Raises LimitError for more rows.
    """
    if len(columns[0]) > MAX_ROWS:
        raise LimitError(f"a block of {len(columns[0]):,} rows; the limit is {MAX_ROWS:,}")
    headers: list[Header] = []
    chunks: list[Any] = []
    for column, dictionary in zip(columns, dictionaries, strict=True):
        header, chunk = encode_column(column, codec, dictionary=dictionary)
        headers.append(header)
        chunks += chunk
    head = msgspec.msgpack.encode([len(columns[0]), headers])
    body = b"".join([_LENGTH.pack(len(head)), head, *chunks])
    return body + _CHECKSUM.pack(checksum(body, offset)), headers


class Block:
    """A block as read from a file: rows, whose columns are decoded on demand.

    ``nbytes`` is what the block takes in memory now, decoded columns included. ``in_use`` and
    ``grown`` belong to the cache: a flag that it was used of late, and a call when it has grown.
    Raises CorruptionError, from any method, if the bytes are not those of a block.
    """

    __slots__ = (
        "_arrays",
        "_asked",
        "_chunks",
        "_codec",
        "_counters",
        "_lists",
        "grown",
        "in_use",
        "key_parts",
        "nbytes",
        "rows",
        "where",
    )

    def __init__(
        self, data: bytes, path: str, offset: int, codec: Codec, counters: Counters
    ) -> None:
        self.where = (path, offset)
        self._codec = codec
        self._counters = counters
        self._asked = 0
        self.in_use = True
        self.key_parts: dict[int, list[Value]] = {}
        """Decoded parts of the key, kept by whoever knows how to decode them."""
        self.grown: Callable[[], None] | None = None
        self.nbytes = len(data) + 512
        if len(data) < _LENGTH.size + _CHECKSUM.size:
            raise self._damaged("a block of too few bytes")
        view = memoryview(data)
        body = view[: -_CHECKSUM.size]
        if _CHECKSUM.unpack_from(data, len(body))[0] != checksum(body, offset):
            raise self._damaged("the checksum of the block does not match")
        try:
            self.rows, self._chunks = _split(body)
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
            raise self._damaged(str(error)) from None
        self._arrays: list[pa.Array | None] = [None] * len(self._chunks)
        self._lists: list[list[Any] | None] = [None] * len(self._chunks)

    def _damaged(self, problem: str) -> CorruptionError:
        path, offset = self.where
        return CorruptionError(path, offset, problem)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self._chunks)

    def column(self, position: int) -> pa.Array:
        """The column at ``position`` as an Arrow array of ``rows`` values."""
        array = self._arrays[position]
        if array is None:
            header, chunk = self._chunks[position]
            try:
                array = decode_column(header, chunk, self.rows, self._codec)
            except (ValueError, TypeError) as error:
                raise self._damaged(f"column {position}: {error}") from None
            self._counters.columns_decoded += 1
            self._counters.decoded_positions[position] += 1
            self._arrays[position] = array
            self._grow(array.nbytes)
        return array

    def values(self, position: int) -> list[Value]:
        """The column at ``position`` as a list of Python values; not to be changed."""
        values = self._lists[position]
        if values is None:
            array = self.column(position)
            try:
                values = column_values(array)
            except ValueError as error:
                raise self._damaged(f"column {position}: {error}") from None
            self._lists[position] = values
            self._grow(array.nbytes + _OBJECT_BYTES * self.rows)
        return values

    def value(self, position: int, row: int) -> Value:
        """One value. A column that is asked for again and again turns into a list."""
        values = self._lists[position]
        if values is not None:
            return values[row]  # type: ignore[no-any-return]
        self._asked += 1
        if self._asked > _ASKED_OFTEN:
            return self.values(position)[row]
        column = self.column(position)
        if column.type == TAGGED:
            return self.values(position)[row]
        value: Value = column[row].as_py()
        return value

    def keep_key_parts(self, parts: dict[int, list[Value]]) -> None:
        """Keep decoded parts of the key as long as the block lives."""
        self.key_parts = {**self.key_parts, **parts}
        self._grow(_OBJECT_BYTES * self.rows * len(parts))

    def _grow(self, size: int) -> None:
        self.nbytes += size
        grown = self.grown  # another thread may set it to None meanwhile
        if grown is not None:
            grown()

    @property
    def keys(self) -> list[bytes]:
        """The encoded keys of a data block, ascending."""
        keys: Any = self._lists[KEY]
        if keys is None:
            keys = self.values(KEY)
        return keys  # type: ignore[no-any-return]

    def find(self, key: bytes) -> int:
        """Row of the newest version of ``key``, or -1 if the block does not hold it."""
        keys = self.keys
        row = bisect_left(keys, key)
        return row if row < len(keys) and keys[row] == key else -1

    def describe(self) -> list[Header]:
        """The header of each column."""
        return [header for header, _ in self._chunks]


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
