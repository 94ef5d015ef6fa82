"""Reading an SSTable.

The file is opened when it is first needed: footer and index then, the bloom filter at the first
point read. Everything read is verified; what does not fit raises CorruptionError.

Threads: any number may read one SSTable. Opening holds a lock; reading does not.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.checksum import hash_key
from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KEY,
    KIND,
    SEQUENCE,
    concat_columns,
    key_position,
)
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, StorageError
from lsmsql.engine.filesystem import FileSystem, ReadFile
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.bloom import BloomFilter
from lsmsql.engine.sstable.column import Codec, Header, stored_type
from lsmsql.engine.sstable.format import (
    FOOTER_SIZE,
    Footer,
    Properties,
    Section,
    decode_footer,
    decode_properties,
    unseal,
)
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.values import Row, Value

MAX_RUN_BYTES = 64 << 20
"""A run of several blocks ends when it has this size: Arrow's offsets have 32 bits."""


@dataclass(frozen=True)
class Opened:
    """What is known of a file once it is open."""

    file: ReadFile
    footer: Footer
    properties: Properties
    index: BlockIndex
    codec: Codec


class SSTable:
    """An SSTable: point reads, blocks by number, and runs of records in key order."""

    def __init__(
        self,
        filesystem: FileSystem,
        path: str,
        meta: FileMeta,
        cache: BlockCache[Block],
        counters: Counters,
    ) -> None:
        self.path = path
        self.meta = meta
        self._filesystem = filesystem
        self._cache = cache
        self._counters = counters
        self._held: ReadFile | None = None
        self._opened: Opened | None = None
        self._bloom: BloomFilter | None = None
        self._lock = threading.Lock()
        self._file_number = meta.number
        self._obsolete = False

    # ------------------------------------------------------------------------------- opening

    def hold(self) -> None:
        """Open the file but read nothing yet: from now on its removal does no harm.

        Raises StorageError.
        """
        with self._lock:
            if self._opened is None and self._held is None:
                self._held = self._filesystem.open(self.path)

    def opened(self) -> Opened:
        """The open file. Raises CorruptionError, FormatError, StorageError."""
        opened = self._opened
        if opened is None:
            with self._lock:
                opened = self._opened
                if opened is None:
                    opened = self._opened = self._open()
        return opened

    def _open(self) -> Opened:
        file, self._held = self._held or self._filesystem.open(self.path), None
        try:
            size = file.size()
            tail = file.read_at(max(0, size - FOOTER_SIZE), FOOTER_SIZE)
            footer = decode_footer(tail, size, self.path)
            if footer.number != self._file_number:
                problem = f"this is file {footer.number}, not {self._file_number}"
                raise CorruptionError(self.path, size - FOOTER_SIZE, problem)
            properties = decode_properties(
                self._payload(file, footer.properties, "properties"),
                self.path,
                footer.properties.offset,
            )
            codec = self._codec(properties, footer)
            section = footer.index
            data = file.read_at(section.offset, section.length)
            block = Block(data, self.path, section.offset, codec, Counters())
            index = BlockIndex(block, self.path, section.offset, footer.bloom.offset)
            return Opened(file, footer, properties, index, codec)
        except BaseException:
            file.close()
            raise

    def _codec(self, properties: Properties, footer: Footer) -> Codec:
        try:
            return Codec(properties.codec)
        except ValueError as error:
            raise CorruptionError(self.path, footer.properties.offset, str(error)) from None

    def _payload(self, file: ReadFile, section: Section, what: str) -> bytes:
        data = file.read_at(section.offset, section.length)
        return unseal(data, section.offset, self.path, what)

    @property
    def index(self) -> BlockIndex:
        """The index of the file, which is opened if need be."""
        return (self._opened or self.opened()).index

    def bloom(self) -> BloomFilter:
        """The bloom filter, read at its first use."""
        bloom = self._bloom
        if bloom is None:
            opened = self.opened()
            section = opened.footer.bloom
            try:
                bloom = BloomFilter(self._payload(opened.file, section, "bloom filter"))
            except ValueError as error:
                raise CorruptionError(self.path, section.offset, str(error)) from None
            self._bloom = bloom
        return bloom

    # ------------------------------------------------------------------------------- blocks

    def block(self, number: int, *, keep: bool = True) -> Block:
        """Data block ``number``; ``keep`` it in the cache unless it is read just once."""
        opened = self._opened or self.opened()
        offset = opened.index.offsets[number]
        place = (self._file_number, offset)
        block = self._cache.get(place)
        if block is not None:
            self._counters.cache_hits += 1
            return block
        data = opened.file.read_at(offset, opened.index.lengths[number])
        self._counters.blocks_read += 1
        self._counters.block_bytes_read += len(data)
        block = Block(data, self.path, offset, opened.codec, self._counters)
        if block.rows != opened.index.rows[number] or not is_data_block(block.describe()):
            raise CorruptionError(self.path, offset, "the block is not the one the index describes")
        if keep:
            self._cache.put(place, block)
        return block

    # ------------------------------------------------------------------------------- reads

    def find(self, key: bytes, sequence: int) -> tuple[Block, int] | None:
        """Block and row of the newest record of ``key`` not newer than ``sequence``."""
        number = self.index.locate(key)
        if number < 0:
            return None
        self._counters.bloom_checks += 1
        if not self.bloom().may_contain(hash_key(key)):
            self._counters.bloom_negatives += 1
            return None
        block = self.block(number)
        row = block.find(key)
        if row < 0:
            return None
        if self.meta.max_sequence > sequence:
            row = self._visible_row(block, row, key, sequence)
            if row < 0:
                return None
        return block, row

    def _visible_row(self, block: Block, row: int, key: bytes, sequence: int) -> int:
        if self.meta.assigned:
            return -1
        keys, sequences = block.keys, block.values(SEQUENCE)
        while row < block.rows and keys[row] == key:
            if sequences[row] <= sequence:  # type: ignore[operator]
                return row
            row += 1
        return -1

    def sequence_of(self, block: Block, row: int) -> int:
        """The sequence number of the record at ``row``."""
        if self.meta.assigned:
            return self.meta.max_sequence
        sequence: int = block.values(SEQUENCE)[row]  # type: ignore[assignment]
        return sequence

    def is_tombstone(self, block: Block, row: int) -> bool:
        """Whether the record at ``row`` says that its key was deleted."""
        return self.meta.tombstones > 0 and block.values(KIND)[row] == DELETE

    def runs(
        self,
        start: bytes | None,
        stop: bytes | None,
        slots: Sequence[int],
        *,
        reverse: bool = False,
        keep: bool = True,
        blocks_per_run: int = 1,
    ) -> Iterator[pa.RecordBatch]:
        """Runs of the records with keys in [start, stop), with the payload slots asked for.

        Ascending within a run always; ``reverse`` gives the runs themselves from the last to the
        first. ``keep`` and ``blocks_per_run`` are for readers that pass through once.
        """
        positions = [KEY, SEQUENCE, KIND, *(FIRST_VALUE + slot for slot in slots)]
        numbers = range(*self.index.overlapping(start, stop))
        blocks = (self.block(n, keep=keep) for n in (reversed(numbers) if reverse else numbers))
        for group in _groups(blocks, positions, blocks_per_run):
            run = self._run(group[::-1] if reverse else group, positions, slots)
            first = 0 if start is None else key_position(run, start)
            last = run.num_rows if stop is None else key_position(run, stop)
            if first < last:
                yield run.slice(first, last - first)

    def _run(
        self, blocks: Sequence[Block], positions: Sequence[int], slots: Sequence[int]
    ) -> pa.RecordBatch:
        columns = [concat_columns([block_column(b, p) for b in blocks]) for p in positions]
        if self.meta.assigned:
            sequences = np.full(len(columns[0]), self.meta.max_sequence, np.int64)
            columns[SEQUENCE] = from_numpy(sequences)
        names = ["key", "sequence", "kind", *map(str, slots)]
        return pa.RecordBatch.from_arrays(columns, names)

    # ------------------------------------------------------------------------------- the end

    def retire(self) -> None:
        """The file is in no version any more: it is removed when its last reader lets go of it."""
        self._obsolete = True

    def close(self) -> None:
        """Close the file; it is opened again if it is used again."""
        with self._lock:
            opened, self._opened, self._bloom = self._opened, None, None
            held, self._held = self._held, None
        if held is not None:
            held.close()
        if opened is not None:
            opened.file.close()

    def __del__(self) -> None:
        if getattr(self, "_lock", None) is None:
            return
        self.close()
        if self._obsolete:
            self._cache.forget(self._file_number)
            # What cannot be removed now is found, and removed, when the store is next opened.
            with contextlib.suppress(StorageError):
                self._filesystem.remove(self.path)


def is_data_block(headers: Sequence[Header]) -> bool:
    """Whether columns with these headers begin with keys, sequence numbers and kinds, none NULL."""
    types = [stored_type(header) for header in headers[:FIRST_VALUE]]
    return types == [pa.binary(), pa.int64(), pa.int64()]


def _groups(blocks: Iterable[Block], positions: Sequence[int], most: int) -> Iterator[list[Block]]:
    """Up to ``most`` blocks at a time, fewer if their columns are large."""
    group: list[Block] = []
    size = 0
    for block in blocks:
        group.append(block)
        size += sum(block_column(block, position).nbytes for position in positions)
        if len(group) >= most or size >= MAX_RUN_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def block_column(block: Block, position: int) -> pa.Array:
    """A column of a block; all NULL if the file is older than the column."""
    return block.column(position) if position < block.width else pa.nulls(block.rows)


def block_value(block: Block, position: int, row: int) -> Value:
    """One value of a block; NULL if the file is older than the column."""
    return block.value(position, row) if position < block.width else None


def block_row(block: Block, row: int) -> Row:
    """The whole payload of a record."""
    return tuple([block.value(p, row) for p in range(FIRST_VALUE, block.width)])
