"""Many blocks at once, for those that pass through a file and keep nothing of it.

A ``Block`` decodes one column of some hundred rows when it is asked for it, and keeps it for the
next who asks. Whoever rewrites or exports a whole file pays for these small steps with every row.
Here blocks that stand side by side are read in one go, and each column is decoded in all of them
together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.filesystem import ReadFile
from lsmsql.engine.sstable.block import is_data_block, parse_block
from lsmsql.engine.sstable.column import NULLS, Codec, Header, Stored, decode_columns
from lsmsql.engine.sstable.index import BlockIndex

READ_BYTES = 8 << 20
"""No more bytes are read at a time, but for a single larger block."""

MAX_RUN_BYTES = 64 << 20
"""Blocks whose columns are larger than this when decoded are decoded in smaller groups."""

_ABSENT: tuple[Header, memoryview] = ([NULLS], memoryview(b""))


@dataclass(frozen=True)
class RawBlock:
    """A block whose checksum is right, none of its columns decoded yet."""

    offset: int
    rows: int
    columns: Sequence[tuple[Header, memoryview]]

    def stored(self, position: int) -> Stored:
        """A column; all NULL if the file is older than the column."""
        header, chunk = self.columns[position] if position < len(self.columns) else _ABSENT
        return header, chunk, self.rows


@dataclass(frozen=True)
class BulkReader:
    """Reads the data blocks of one open file. Raises CorruptionError, naming the block."""

    file: ReadFile
    path: str
    index: BlockIndex
    codec: Codec
    counters: Counters

    def columns(
        self, numbers: range, positions: Sequence[int], most: int, *, reverse: bool = False
    ) -> Iterator[list[pa.Array]]:
        """The columns at ``positions`` of up to ``most`` blocks at a time, from first to last.

        With ``reverse`` from last to first, though rows ascend within what is given at a time.
        """
        for group in self._groups(numbers, most, reverse):
            yield from self._decode(self._read(group), positions, reverse)

    def _groups(self, numbers: range, most: int, reverse: bool) -> Iterator[range]:
        """``numbers`` in parts that are read in one go."""
        lengths = self.index.lengths
        rest = numbers
        while rest:
            count, size = 0, 0
            for number in reversed(rest) if reverse else rest:
                size += lengths[number]
                if count == most or (count and size > READ_BYTES):
                    break
                count += 1
            yield rest[-count:] if reverse else rest[:count]
            rest = rest[:-count] if reverse else rest[count:]

    def _read(self, numbers: range) -> list[RawBlock]:
        start = self.index.offsets[numbers[0]]
        size = sum(self.index.lengths[number] for number in numbers)
        data = memoryview(self.file.read_at(start, size))
        self.counters.blocks_read += len(numbers)
        self.counters.block_bytes_read += len(data)
        blocks = []
        for number in numbers:
            offset = self.index.offsets[number]
            place = offset - start
            try:
                rows, columns = parse_block(
                    data[place : place + self.index.lengths[number]], offset
                )
            except ValueError as error:
                raise CorruptionError(self.path, offset, str(error)) from None
            if rows != self.index.rows[number] or not is_data_block([h for h, _ in columns]):
                problem = "the block is not the one the index describes"
                raise CorruptionError(self.path, offset, problem)
            blocks.append(RawBlock(offset, rows, columns))
        return blocks

    def _decode(
        self, blocks: list[RawBlock], positions: Sequence[int], reverse: bool
    ) -> Iterator[list[pa.Array]]:
        """The columns of ``blocks`` together; of fewer at a time where that is too much."""
        try:
            columns = self._decode_together(blocks, positions)
        except (ValueError, TypeError) as error:
            if len(blocks) == 1:
                raise CorruptionError(self.path, blocks[0].offset, str(error)) from None
            half = len(blocks) // 2
            halves = [blocks[:half], blocks[half:]]
            for part in reversed(halves) if reverse else halves:
                yield from self._decode(part, positions, reverse)
        else:
            yield columns

    def _decode_together(self, blocks: list[RawBlock], positions: Sequence[int]) -> list[pa.Array]:
        columns: list[pa.Array] = []
        size = 0
        for position in positions:
            stored = [block.stored(position) for block in blocks]
            try:
                columns.append(decode_columns(stored, self.codec))
            except (ValueError, TypeError) as error:
                raise ValueError(f"column {position}: {error}") from None
            size += columns[-1].nbytes
            if size > MAX_RUN_BYTES and len(blocks) > 1:
                raise ValueError("too much for one run")
            self.counters.columns_decoded += len(blocks)
            self.counters.decoded_positions[position] += len(blocks)
        return columns
