"""Reading an SSTable.

The file is opened when it is first needed: footer and index then, the bloom filter at the first
point read. Everything read is verified; what does not fit raises CorruptionError.

Threads: any number may read one SSTable. Opening holds a lock; reading does not.
"""

from __future__ import annotations

import contextlib
import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.checksum import hash_key, hash_keys
from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KEY,
    KIND,
    SEQUENCE,
    concat_columns,
    key_position,
    starts_of_keys,
)
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, Error, StorageError
from lsmsql.engine.filesystem import FileSystem, ReadFile
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.sstable.block import Block, is_data_block
from lsmsql.engine.sstable.bloom import BloomFilter
from lsmsql.engine.sstable.bulk import MAX_RUN_BYTES, BulkReader
from lsmsql.engine.sstable.hashindex import (
    MAX_LOCATION_BITS,
    HashIndex,
    location_bits,
    row_locations,
)
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.opening import Opened, open_parts, read_section
from lsmsql.engine.values import Row, Value

READS_PER_KEY = 64
"""A file gets a hash index after one point read for this many keys, that is when making it costs
about as much as these reads did."""

MIN_POINT_READS = 256

_PIECE_BYTES = 1 << 20

_NO_ROWS = (None, 0, 0)

Cached = Block | HashIndex
"""What files keep in the cache."""


class SSTable:
    """An SSTable: point reads, blocks by number, and runs of records in key order."""

    def __init__(
        self,
        filesystem: FileSystem,
        path: str,
        meta: FileMeta,
        cache: BlockCache[Cached],
        counters: Counters,
        beside: Callable[[Callable[[], None]], object] = lambda work: work(),
    ) -> None:
        """``beside`` does work that nobody waits for: at once, or in a thread."""
        self.path = path
        self.meta = meta
        self.max_sequence = meta.max_sequence
        self.has_tombstones = meta.tombstones > 0
        self.is_plain = meta.tombstones == 0 and meta.keys == meta.rows
        """Whether it has one record of each key, none of them a tombstone."""
        self._filesystem = filesystem
        self._cache = cache
        self._counters = counters
        self._held: ReadFile | None = None
        self._opened: Opened | None = None
        self._bloom: BloomFilter | None = None
        self._shelf: list[Cached | None] = [None]
        self._point_reads = 0
        self._indexing = False
        self._beside = beside
        self._lock = threading.Lock()
        self._file_number = meta.number
        self._obsolete_in = 0

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
            opened = open_parts(file, self.path, self.meta)
        except BaseException:
            file.close()
            raise
        if len(self._shelf) == 1:
            self._shelf = [None] * (len(opened.index) + 1)
        return opened

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
                payload = read_section(opened.file, section, self.path, "bloom filter")
                bloom = BloomFilter(payload)
            except ValueError as error:
                raise CorruptionError(self.path, section.offset, str(error)) from None
            self._bloom = bloom
        return bloom

    # ------------------------------------------------------------------------------- blocks

    def block(self, number: int) -> Block:
        """Data block ``number``, by way of the cache."""
        block: Any = self._shelf[number] if self._opened is not None else None
        if block is not None:
            block.in_use = True
            self._counters.cache_hits += 1
            return block  # type: ignore[no-any-return]
        opened = self._opened or self.opened()
        offset = opened.index.offsets[number]
        data = opened.file.read_at(offset, opened.index.lengths[number])
        self._counters.blocks_read += 1
        self._counters.block_bytes_read += len(data)
        block = Block(data, self.path, offset, opened.codec, self._counters)
        if block.rows != opened.index.rows[number] or not is_data_block(block.describe()):
            raise CorruptionError(self.path, offset, "the block is not the one the index describes")
        block.settle()
        self._cache.put((self._file_number, number), block, self._shelf)
        return block  # type: ignore[no-any-return]

    # ------------------------------------------------------------------------------- reads

    def find(self, key: bytes, sequence: int) -> tuple[Block, int] | None:
        """Block and row of the newest record of ``key`` not newer than ``sequence``."""
        # The hottest way of all: no call that can be spared.
        shelf: list[Any] = self._shelf
        hot = shelf[-1]
        place: tuple[Block, int] | None
        if hot is None:
            place = self._search(key)
        else:
            hot.in_use = True
            location = hot.find(hash_key(key))
            if location < 0:
                return None
            number, row = location >> hot.row_bits, location & hot.row_mask
            block = shelf[number]
            if block is None:
                block = self.block(number)
            else:
                block.in_use = True
                self._counters.cache_hits += 1
            key_at = block.key_at or block.getter(KEY)
            place = (block, row) if key_at(row) == key else self._search(key)
        if sequence < self.max_sequence and place is not None:
            return self._visible(*place, key, sequence)
        return place

    def rows_between(self, start: bytes, stop: bytes) -> tuple[Block | None, int, int] | None:
        """The block and the rows [low, high) of it that have keys in [start, stop).

        (None, 0, 0) if there are none; None if they are in several blocks.
        """
        index = self.index
        number = bisect_left(index.last, start)
        behind = number + 1
        if number == len(index.last) or index.first[number] >= stop:
            return _NO_ROWS
        if behind < len(index.last) and index.first[behind] < stop:
            return None
        block = self.block(number)
        low = 0 if index.first[number] >= start else block.lower_bound(start)
        high = block.rows if index.last[number] < stop else block.next_bound(stop, low)
        return _NO_ROWS if low == high else (block, low, high)

    def _search(self, key: bytes) -> tuple[Block, int] | None:
        """Block and row of the newest record of ``key``, by way of the index."""
        number = self.index.locate(key)
        if number < 0:
            return None
        if self._shelf[number] is None:
            self._counters.bloom_checks += 1
            if not self.bloom().may_contain(hash_key(key)):
                self._counters.bloom_negatives += 1
                return None
        self._point_reads += 1
        if self._point_reads == max(self.meta.keys // READS_PER_KEY, MIN_POINT_READS):
            self._want_hash_index()
        block = self.block(number)
        row = block.find(key)
        return (block, row) if row >= 0 else None

    def _want_hash_index(self) -> None:
        """Have a hash index made, unless it would take too much of the cache."""
        index = self.index
        self._point_reads = 0
        fits = self.meta.keys * 16 <= self._cache.capacity // 4
        bits = location_bits(max(index.rows), len(index))
        if fits and bits <= MAX_LOCATION_BITS and not self._indexing:
            self._indexing = True
            self._beside(self._make_hash_index)

    def _make_hash_index(self) -> None:
        """Put a hash index on the shelf. What is damaged is for those to find who read it."""
        try:
            self._cache.put((self._file_number, -1), self._hash_index(), self._shelf)
        except Error:
            return
        finally:
            self._indexing = False

    def _hash_index(self) -> HashIndex:
        index = self.index
        row_bits = location_bits(max(index.rows), 1)
        hashes, newest = [], []
        for run in self.runs(None, None, (), blocks_per_run=64):
            keys = run.column(KEY)
            hashes.append(hash_keys(keys))
            fresh = starts_of_keys(keys)
            newest.append(np.ones(len(keys), np.bool_) if fresh is None else fresh)
        chosen = np.concatenate(newest)
        locations = row_locations(index.rows, row_bits)
        return HashIndex(np.concatenate(hashes)[chosen], locations[chosen], row_bits)

    def _visible(
        self, block: Block, row: int, key: bytes, sequence: int
    ) -> tuple[Block, int] | None:
        """The first of the records of ``key`` from ``row`` on that is not newer."""
        if self.meta.assigned:
            return None
        while row < block.rows and block.value(KEY, row) == key:
            if block.value(SEQUENCE, row) <= sequence:  # type: ignore[operator]
                return block, row
            row += 1
        return None

    def sequence_of(self, block: Block, row: int) -> int:
        """The sequence number of the record at ``row``."""
        if self.meta.assigned:
            return self.meta.max_sequence
        sequence: int = block.value(SEQUENCE, row)  # type: ignore[assignment]
        return sequence

    def is_tombstone(self, block: Block, row: int) -> bool:
        """Whether the record at ``row`` says that its key was deleted."""
        return self.has_tombstones and block.value(KIND, row) == DELETE

    def runs(
        self,
        start: bytes | None,
        stop: bytes | None,
        slots: Sequence[int],
        *,
        reverse: bool = False,
        blocks_per_run: int = 1,
    ) -> Iterator[pa.RecordBatch]:
        """Runs of the records with keys in [start, stop), with the payload slots asked for.

        Ascending within a run always; ``reverse`` gives the runs themselves from the last to the
        first. Blocks that are in the cache may be used, but none is put there.
        """
        positions = [KEY, SEQUENCE, KIND, *(FIRST_VALUE + slot for slot in slots)]
        opened = self.opened()
        bulk = BulkReader(opened.file, self.path, opened.index, opened.codec, self._counters)
        low, high = opened.index.overlapping(start, stop)
        for numbers in _parts(range(low, high), blocks_per_run, reverse):
            for columns in self._cached_columns(numbers, positions, reverse) or bulk.columns(
                numbers, positions, blocks_per_run, reverse=reverse
            ):
                run = self._run(columns, slots)
                first = 0 if start is None or low not in numbers else key_position(run, start)
                last = run.num_rows
                if stop is not None and high - 1 in numbers:
                    last = key_position(run, stop)
                if first < last:
                    yield run.slice(first, last - first)

    def _cached_columns(
        self, numbers: range, positions: Sequence[int], reverse: bool
    ) -> list[list[pa.Array]]:
        """The columns of blocks that are all in the cache; nothing if one of them is not."""
        blocks = self._shelf[numbers.start : numbers.stop]
        if None in blocks:
            return []
        self._counters.cache_hits += len(blocks)
        pieces = [
            [concat_columns([block_column(b, p) for b in group]) for p in positions]
            for group in _groups(cast("list[Block]", blocks), positions)
        ]
        return pieces[::-1] if reverse else pieces

    def _run(self, columns: list[pa.Array], slots: Sequence[int]) -> pa.RecordBatch:
        if self.meta.assigned:
            sequences = np.full(len(columns[0]), self.meta.max_sequence, np.int64)
            columns[SEQUENCE] = from_numpy(sequences)
        names = ["key", "sequence", "kind", *map(str, slots)]
        return pa.RecordBatch.from_arrays(columns, names)

    # ------------------------------------------------------------------------------- the end

    def retire(self) -> None:
        """The file is in no version any more: it is removed when its last reader lets go of it.

        Not by a process that was forked off meanwhile, which has a copy of this object.
        """
        self._obsolete_in = os.getpid()

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, piece by piece."""
        file, size = self.opened().file, self.meta.size
        for offset in range(0, size, _PIECE_BYTES):
            yield file.read_at(offset, min(_PIECE_BYTES, size - offset))

    def keep(self) -> None:
        """Leave the file where it is after all: who removes it is the affair of others now."""
        self._obsolete_in = 0

    def close(self) -> None:
        """Close the file; it is opened again if it is used again.

        Raises nothing: where a file was only read, nothing is lost if it cannot be closed.
        """
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        opened, self._opened, self._bloom = self._opened, None, None
        held, self._held = self._held, None
        for file in (held, None if opened is None else opened.file):
            if file is not None:
                with contextlib.suppress(StorageError):
                    file.close()

    def __del__(self) -> None:
        if getattr(self, "_lock", None) is None:
            return
        self._let_go()  # a thread of the process that this one was forked off may have the lock
        if self._obsolete_in and self._obsolete_in == os.getpid():
            self._cache.forget(self._file_number)
            # What cannot be removed now is found, and removed, when the store is next opened.
            with contextlib.suppress(StorageError):
                self._filesystem.remove(self.path)


def _parts(numbers: range, most: int, reverse: bool) -> Iterator[range]:
    """``numbers`` in parts of ``most``, each ascending; ``reverse`` gives the last part first."""
    starts = range(numbers.start, numbers.stop, most)
    for start in reversed(starts) if reverse else starts:
        yield range(start, min(start + most, numbers.stop))


def _groups(blocks: Iterable[Block], positions: Sequence[int]) -> Iterator[list[Block]]:
    """Blocks in groups that are not too large once they are decoded."""
    group: list[Block] = []
    size = 0
    for block in blocks:
        group.append(block)
        block.decode(positions)
        size += block.nbytes
        if size >= MAX_RUN_BYTES:
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
