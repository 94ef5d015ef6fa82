"""Building an SSTable from runs in key order."""

from __future__ import annotations

import datetime
from bisect import bisect_left
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lsmsql.engine.checksum import hash_keys
from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KEY,
    KIND,
    SEQUENCE,
    TAGGED,
    concat_runs,
    narrow_column,
    starts_of_keys,
)
from lsmsql.engine.filesystem import AppendFile, FileSystem
from lsmsql.engine.keys import key_parts
from lsmsql.engine.options import Options
from lsmsql.engine.ragged import Mask, from_numpy, to_numpy
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.block import MAX_ROWS, join_block
from lsmsql.engine.sstable.bloom import build_bloom
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.sstable.encoding import DictionaryTrials, encode_columns
from lsmsql.engine.sstable.format import (
    VERSION,
    Footer,
    Properties,
    Section,
    encode_footer,
    seal,
)
from lsmsql.engine.sstable.index import IndexBuilder, column_zones
from lsmsql.engine.sstable.meta import FileMeta

CREATOR = "lsmsql 0.1"
_BLOCKS_AT_ONCE = 32
"""Runs wait until they fill this many blocks, and so many are encoded and written together: the
larger the pieces, the fewer calls per row; the smaller, the less memory and the more of it cached.
"""


_FIXED_BYTES = 4
"""What a number or a length counts: it is stored in as few bytes as those around it need."""


class TableWriter:
    """Writes one SSTable.

    ``add`` takes runs in key order; the versions of one key must all be in one run. ``finish``
    writes the tail, syncs the file and returns what the manifest keeps of it; the caller syncs the
    directory. ``abandon`` closes and removes the unfinished file.
    """

    def __init__(
        self,
        filesystem: FileSystem,
        path: str,
        number: int,
        schema: TableSchema,
        options: Options,
        *,
        bottom: bool,
    ) -> None:
        """``bottom``: the file goes to the deepest level, where rows stay: larger blocks."""
        self._filesystem = filesystem
        self._path = path
        self._number = number
        self._schema = schema
        self._options = options
        factor = options.bottom_block_factor if bottom else 1
        self._block_bytes = options.block_bytes * factor
        self._block_rows = min(options.block_rows * factor, MAX_ROWS)
        self._codec = Codec(options.bottom_codec if bottom else options.codec)
        self._index = IndexBuilder(schema.slots)
        self._hashes: list[npt.NDArray[np.uint64]] = []
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self._pending_rows = 0
        self._keys = 0
        self._tombstones = 0
        self._min_sequence = 1 << 62
        self._max_sequence = 0
        self._trials = [DictionaryTrials() for _ in range(FIRST_VALUE + schema.slots)]
        self._file: AppendFile = filesystem.create(path)
        self._offset = 0

    @property
    def size(self) -> int:
        """Bytes written or waiting to be written, the latter before compression."""
        return self._offset + self._pending_bytes

    def add(self, run: pa.RecordBatch) -> None:
        """Append a run; writes the blocks that are full once they are some."""
        if run.num_rows == 0:
            return
        self._pending.append(run)
        self._pending_bytes += run.nbytes
        self._pending_rows += run.num_rows
        if (
            self._pending_bytes >= _BLOCKS_AT_ONCE * self._block_bytes
            or self._pending_rows >= _BLOCKS_AT_ONCE * self._block_rows
        ):
            self._cut(final=False)

    def _cut(self, *, final: bool) -> None:
        """Write the full blocks of the pending runs; the last one only if it is ``final``."""
        run = concat_runs(self._pending)
        fresh = starts_of_keys(run.column(KEY))
        ends = block_ends(run, fresh, self._block_bytes, self._block_rows)
        if not final:
            ends.pop()
        start = ends[-1] if ends else 0
        if ends:
            self._note(run.slice(0, start), None if fresh is None else fresh[:start])
        edges = [0, *ends]
        for first in range(0, len(ends), _BLOCKS_AT_ONCE):
            part = edges[first : first + _BLOCKS_AT_ONCE + 1]
            blocks = run.slice(part[0], part[-1] - part[0])
            self._write_blocks(blocks, [edge - part[0] for edge in part])
        rest = run.slice(start)
        self._pending = [rest] if rest.num_rows else []
        self._pending_bytes = rest.nbytes
        self._pending_rows = rest.num_rows

    def _note(self, run: pa.RecordBatch, fresh: Mask | None) -> None:
        """Keep the figures that the tail of the file tells about all its records."""
        keys = run.column(KEY)
        if fresh is not None:
            keys = keys.filter(from_numpy(fresh))
        self._keys += len(keys)
        self._hashes.append(hash_keys(keys))
        sequences = to_numpy(run.column(SEQUENCE))
        self._min_sequence = min(self._min_sequence, int(sequences.min()))
        self._max_sequence = max(self._max_sequence, int(sequences.max()))
        self._tombstones += int((to_numpy(run.column(KIND)) == DELETE).sum())

    def _write_blocks(self, run: pa.RecordBatch, edges: list[int]) -> None:
        """Write ``run``, cut at ``edges``, as blocks."""
        pieces = [_one_type_each(column, edges) for column in run.columns]
        columns = [
            [block for part in parts for block in encode_columns(*part, self._codec, trials)]
            for parts, trials in zip(pieces, self._trials, strict=True)
        ]
        zones = [
            [zone for part in parts for zone in column_zones(*part)]
            for parts in pieces[FIRST_VALUE:]
        ]
        keys = run.column(KEY)
        firsts = keys.take(from_numpy(np.array(edges[:-1]))).to_pylist()
        lasts = keys.take(from_numpy(np.array(edges[1:]) - 1)).to_pylist()
        blocks: list[bytes] = []
        offset = self._offset
        for number, (start, stop) in enumerate(pairwise(edges)):
            rows = stop - start
            block = join_block(rows, [column[number] for column in columns], offset)
            section = Section(offset, len(block))
            self._index.add(
                firsts[number], lasts[number], section, rows, [zone[number] for zone in zones]
            )
            blocks.append(block)
            offset = section.end
        self._append(b"".join(blocks))

    def _append(self, data: bytes) -> Section:
        section = Section(self._offset, len(data))
        self._file.write(data)
        self._offset += len(data)
        return section

    def finish(self) -> FileMeta:
        """Write what is pending and the tail, sync, close. At least one record must have come."""
        if self._pending:
            self._cut(final=True)
        data_bytes = self._offset
        hashes = np.concatenate(self._hashes)
        bloom = self._append(seal(build_bloom(hashes, self._options.bloom_bits), self._offset))
        properties = self._properties(data_bytes)
        packed = self._append(seal(msgspec.msgpack.encode(properties), self._offset))
        index = self._append(self._index.encode(self._offset, self._codec))
        self._append(encode_footer(Footer(self._number, bloom, packed, index, VERSION)))
        self._file.sync()
        self._file.close()
        return FileMeta(
            number=self._number,
            table_id=self._schema.id,
            size=self._offset,
            rows=properties.rows,
            keys=self._keys,
            tombstones=self._tombstones,
            smallest=properties.smallest,
            largest=properties.largest,
            min_sequence=self._min_sequence,
            max_sequence=self._max_sequence,
        )

    def _properties(self, data_bytes: int) -> Properties:
        schema = self._schema
        return Properties(
            table_id=schema.id,
            table=schema.name,
            slots=[str(kind) for kind in schema.slot_types],
            key=[
                part.described(schema.columns[i].name)
                for i, part in zip(schema.key, key_parts(schema), strict=True)
            ],
            rows=sum(self._index.rows),
            keys=self._keys,
            tombstones=self._tombstones,
            blocks=len(self._index.rows),
            smallest=self._index.first[0],
            largest=self._index.last[-1],
            min_sequence=self._min_sequence,
            max_sequence=self._max_sequence,
            codec=self._codec.name,
            data_bytes=data_bytes,
            created=_now(),
            creator=CREATOR,
        )

    def abandon(self) -> None:
        """Close and remove the unfinished file."""
        self._file.close()
        self._filesystem.remove(self._path)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _one_type_each(column: pa.Array, edges: list[int]) -> list[tuple[pa.Array, list[int]]]:
    """A column that is cut at ``edges`` in parts that are of one type, and the edges of each.

    One part is enough, unless the column is TAGGED: it may be of one type in each block.
    """
    column = narrow_column(column)
    if column.type != TAGGED:
        return [(column, edges)]
    return [
        (narrow_column(column.slice(start, stop - start)), [0, stop - start])
        for start, stop in pairwise(edges)
    ]


def block_ends(
    run: pa.RecordBatch, fresh: Mask | None, block_bytes: int, block_rows: int
) -> list[int]:
    """Where to cut ``run`` into blocks: ends of slices, the last one the end of the run.

    A block is full with ``block_rows`` rows or ``block_bytes`` bytes before compression; no cut
    parts the versions of one key. ``fresh`` is from ``starts_of_keys``.
    """
    rows = run.num_rows
    filled = _bytes_before(run).data  # bisect is faster on a memoryview
    ends: list[int] = []
    start = 0
    while start < rows:
        most = min(start + block_rows, rows)
        end = bisect_left(filled, filled[start] + block_bytes, start + 1, most)
        if fresh is not None:
            while end < rows and not fresh[end]:
                end += 1
        ends.append(end)
        start = end
    return ends


def _bytes_before(run: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """For each row, and one past the last, the bytes of all rows before it, about as stored."""
    total: npt.NDArray[np.int64] = np.arange(run.num_rows + 1, dtype=np.int64)
    total *= _FIXED_BYTES * run.num_columns
    for column in run.columns:
        if column.type in (pa.string(), pa.binary(), TAGGED):
            dtype = np.int64 if column.type == TAGGED else np.int32
            offsets = np.frombuffer(column.buffers()[1], dtype)
            offsets = offsets[column.offset : column.offset + run.num_rows + 1]
            total += offsets.astype(np.int64) - int(offsets[0])
    return total
