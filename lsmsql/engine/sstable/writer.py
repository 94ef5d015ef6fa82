"""Building an SSTable from runs in key order."""

from __future__ import annotations

import datetime

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.checksum import hash_keys
from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KEY,
    KIND,
    SEQUENCE,
    TAGGED,
    concat_runs,
    narrow_run,
)
from lsmsql.engine.filesystem import AppendFile, FileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.block import MAX_ROWS, encode_block
from lsmsql.engine.sstable.bloom import build_bloom
from lsmsql.engine.sstable.column import BLOB, REAL, TAGGED_KIND, TEXT, Codec
from lsmsql.engine.sstable.format import (
    VERSION,
    Footer,
    Properties,
    Section,
    encode_footer,
    seal,
)
from lsmsql.engine.sstable.index import IndexBuilder, column_zone
from lsmsql.engine.sstable.meta import FileMeta

CREATOR = "lsmsql 0.1"
_RETRY_DICTIONARY = 16
"""A column whose values did not fit a dictionary is tried again after this many blocks."""


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
        self._keys = 0
        self._tombstones = 0
        self._min_sequence = 1 << 62
        self._max_sequence = 0
        self._dictionary_after = [0] * (FIRST_VALUE + schema.slots)
        self._file: AppendFile = filesystem.create(path)
        self._offset = 0

    @property
    def size(self) -> int:
        """Bytes written or waiting to be written, the latter before compression."""
        return self._offset + self._pending_bytes

    def add(self, run: pa.RecordBatch) -> None:
        """Append a run; cuts off as many blocks as it fills."""
        if run.num_rows == 0:
            return
        self._note(run)
        self._pending.append(run)
        self._pending_bytes += run.nbytes
        if self._pending_bytes >= self._block_bytes or self._rows_pending() >= self._block_rows:
            self._cut(final=False)

    def _rows_pending(self) -> int:
        return sum(run.num_rows for run in self._pending)

    def _note(self, run: pa.RecordBatch) -> None:
        """Keep the figures that the tail of the file tells about all its records."""
        keys = run.column(KEY)
        fresh = _starts_key(keys)
        if fresh is not None:
            keys = keys.filter(from_numpy(fresh))
        self._keys += len(keys)
        self._hashes.append(hash_keys(keys))
        bounds = pc.min_max(run.column(SEQUENCE))
        self._min_sequence = min(self._min_sequence, bounds["min"].as_py())
        self._max_sequence = max(self._max_sequence, bounds["max"].as_py())
        self._tombstones += int((run.column(KIND).to_numpy() == DELETE).sum())

    def _cut(self, *, final: bool) -> None:
        """Write the full blocks of the pending runs; the last one only if it is ``final``."""
        run = concat_runs(self._pending)
        start = 0
        for end in block_ends(run, self._block_bytes, self._block_rows):
            if end == run.num_rows and not final:
                break
            self._write_block(narrow_run(run.slice(start, end - start)))
            start = end
        rest = narrow_run(run.slice(start))
        self._pending = [rest] if rest.num_rows else []
        self._pending_bytes = rest.nbytes

    def _write_block(self, run: pa.RecordBatch) -> None:
        columns = run.columns
        number = len(self._index.rows)
        tried = [number >= after for after in self._dictionary_after]
        data, headers = encode_block(columns, self._offset, self._codec, tried)
        for position, header in enumerate(headers):
            if tried[position] and header[0] in (REAL, TEXT, BLOB, TAGGED_KIND):
                self._dictionary_after[position] = number + _RETRY_DICTIONARY
        keys = columns[KEY]
        zones = [column_zone(column) for column in columns[FIRST_VALUE:]]
        section = Section(self._offset, len(data))
        self._index.add(keys[0].as_py(), keys[-1].as_py(), section, run.num_rows, zones)
        self._append(data)

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
                f"{schema.columns[i].name} {schema.columns[i].type}{' DESC' * down}"
                for i, down in zip(schema.key, schema.descending, strict=True)
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


def block_ends(run: pa.RecordBatch, block_bytes: int, block_rows: int) -> list[int]:
    """Where to cut ``run`` into blocks: ends of slices, the last one the end of the run.

    A block is full with ``block_rows`` rows or ``block_bytes`` bytes before compression; no cut
    parts the versions of one key.
    """
    rows = run.num_rows
    filled = _bytes_before(run)
    fresh = _starts_key(run.column(KEY))
    ends: list[int] = []
    start = 0
    while start < rows:
        by_bytes = int(np.searchsorted(filled, filled[start] + block_bytes))
        end = min(max(by_bytes, start + 1), start + block_rows, rows)
        if fresh is not None:
            while end < rows and not fresh[end]:
                end += 1
        ends.append(end)
        start = end
    return ends


def _bytes_before(run: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """For each row, and one past the last, the bytes of all rows before it."""
    total: npt.NDArray[np.int64] = np.arange(run.num_rows + 1, dtype=np.int64)
    total *= 8 * run.num_columns
    for column in run.columns:
        if column.type in (pa.string(), pa.binary(), TAGGED):
            dtype = np.int64 if column.type == TAGGED else np.int32
            offsets = np.frombuffer(column.buffers()[1], dtype)
            offsets = offsets[column.offset : column.offset + run.num_rows + 1]
            total += offsets.astype(np.int64) - int(offsets[0])
    return total


def _starts_key(keys: pa.Array) -> npt.NDArray[np.bool_] | None:
    """For each row whether its key differs from the one before; None when all do."""
    same = pc.equal(keys.slice(1), keys.slice(0, len(keys) - 1)).to_numpy(zero_copy_only=False)
    if not same.any():
        return None
    fresh: npt.NDArray[np.bool_] = np.concatenate(([True], ~same))
    return fresh
