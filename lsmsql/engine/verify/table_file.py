"""The check of one SSTable."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.checksum import hash_keys
from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KEY,
    KIND,
    SEQUENCE,
    TAGGED,
    starts_of_keys,
)
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, Error
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.ragged import to_numpy
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.bloom import BloomFilter
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.opening import described_file
from lsmsql.engine.sstable.reader import Cached, SSTable
from lsmsql.engine.values import ColumnType
from lsmsql.engine.verify.report import Findings, Level
from lsmsql.engine.verify.shape import (
    Shape,
    block_run,
    described_table,
    problem_of_order,
)

_STRIDE = 16
"""A point read is tried for each so many rows. That it finds the others follows from their order.
"""

_CACHE_BYTES = 4 << 20

_FACTS = ("table_id", "rows", "keys", "tombstones", "smallest", "largest")
"""What properties and manifest both tell."""


def check_table_file(
    filesystem: FileSystem,
    path: str,
    number: int,
    meta: FileMeta | None,
    schema: TableSchema | None,
    level: Level,
    findings: Findings,
) -> None:
    """Look at the file at ``path``, of which the manifest says ``meta``, if it can be asked.

    ``schema`` None: the table is not known. Raises StorageError if the file cannot be opened.
    """
    name, of_table = file_name(number), None if schema is None else schema.name
    file = filesystem.open(path)
    try:
        itself = described_file(file, path, number)
    except Error as error:
        findings.count(files=1)
        findings.caught(error, name, of_table)
        return
    finally:
        file.close()
    cache: BlockCache[Cached] = BlockCache(_CACHE_BYTES)
    table = SSTable(filesystem, path, itself, cache, Counters(), lambda work: None)
    table.hold()
    findings.count(files=1)
    try:
        check = _Check(table, meta, schema, findings)
        check.tail()
        if level >= Level.CHECKSUMS:
            check.contents(level)
    except Error as error:
        findings.caught(error, name, of_table)
    finally:
        table.close()


class _Check:
    """The check of one file. Raises, when it is made, if the tail of the file is no good."""

    def __init__(
        self,
        table: SSTable,
        meta: FileMeta | None,
        schema: TableSchema | None,
        findings: Findings,
    ) -> None:
        self.table = table
        self.meta = meta
        self.findings = findings
        self.opened = table.opened()
        self.size = self.opened.file.size()
        self.shape = None if schema is None else Shape(schema)
        name = self.opened.properties.table if schema is None else schema.name
        self.error = partial(findings.error, file_name(table.meta.number), table=name)

    # ------------------------------------------------------------------------------- tail

    def tail(self) -> None:
        """Footer, properties, index and manifest against each other."""
        opened, properties = self.opened, self.opened.properties
        self.findings.count(size=self.size - opened.footer.properties.offset)
        for problem in self._contradictions():
            self.error(opened.footer.properties.offset, problem)
        if self.meta is not None:
            self._against_manifest(self.meta)
        try:
            described = described_table(properties)
        except (Error, ValueError) as error:
            self.error(opened.footer.properties.offset, f"properties: {error}")
            return
        if self.shape is None:
            self.shape = Shape(described)
        for problem in _differences(described, self.shape.schema):
            self.error(opened.footer.properties.offset, problem)

    def _contradictions(self) -> Iterator[str]:
        properties, index = self.opened.properties, self.opened.index
        facts: list[tuple[str, Any, Any]] = [
            ("blocks", properties.blocks, len(index)),
            ("rows", properties.rows, sum(index.rows)),
            ("data_bytes", properties.data_bytes, self.opened.footer.bloom.offset),
            ("smallest", properties.smallest, index.first[0]),
            ("largest", properties.largest, index.last[-1]),
        ]
        for fact, told, found in facts:
            if told != found:
                yield f"the properties say {fact} {told!r}, the index {found!r}"

    def _against_manifest(self, meta: FileMeta) -> None:
        properties, at = self.opened.properties, self.opened.footer.properties.offset
        if meta.size != self.size:
            self.error(None, f"{self.size:,} bytes; the manifest says {meta.size:,}")
        facts = [(f, getattr(properties, f), getattr(meta, f)) for f in _FACTS]
        if meta.assigned:
            facts.append(("min_sequence", meta.min_sequence, meta.max_sequence))
        else:
            facts.append(("min_sequence", properties.min_sequence, meta.min_sequence))
            facts.append(("max_sequence", properties.max_sequence, meta.max_sequence))
        for fact, here, there in facts:
            if here != there:
                self.error(at, f"{fact} is {here!r} here and {there!r} in the manifest")

    # ------------------------------------------------------------------------------- contents

    def contents(self, level: Level) -> None:
        """The bloom filter and every block."""
        opened = self.opened
        bloom: BloomFilter | None = None
        self.findings.count(size=opened.footer.bloom.length)
        try:
            bloom = self.table.bloom()
        except CorruptionError as error:
            self.error(error.offset, error.problem)
        totals = _Totals()
        for number, offset in enumerate(opened.index.offsets):
            try:
                block = self.table.block(number)
                self.findings.count(blocks=1, rows=block.rows, size=opened.index.lengths[number])
                if level >= Level.FULL:
                    self._block(number, block, bloom, totals)
            except CorruptionError as error:
                totals.whole = False
                self.error(offset, error.problem)
        if level >= Level.FULL and totals.whole:
            for fact, found in totals.facts():
                told = getattr(opened.properties, fact)
                if told != found:
                    problem = f"the properties say {fact} {told:,}; the blocks have {found:,}"
                    self.error(opened.footer.properties.offset, problem)

    def _block(self, number: int, block: Block, bloom: BloomFilter | None, totals: _Totals) -> None:
        index, (_, offset) = self.opened.index, block.where
        run = block_run(block)
        for problem in self._problems(number, run):
            self.error(offset, problem)
        totals.add(run)
        keys = run.column(KEY)
        if keys[0].as_py() != index.first[number] or keys[-1].as_py() != index.last[number]:
            self.error(offset, "the first and last key are not those that the index has")
        elif not self._finds(number, block, run):
            self.error(offset, "a key that is there is not found by a point read")
        hashes = hash_keys(keys).tolist()
        if bloom is not None and not all(map(bloom.may_contain, hashes)):
            self.error(offset, "the bloom filter denies a key that is there")

    def _problems(self, number: int, run: pa.RecordBatch) -> Iterator[str]:
        properties = self.opened.properties
        if run.num_columns != FIRST_VALUE + len(properties.slots):
            yield f"{run.num_columns} columns, for {len(properties.slots)} slots"
            return
        assigned = self.meta is not None and self.meta.assigned
        shape = self.shape
        order = problem_of_order(run, assigned=assigned)
        rows = None if shape is None else shape.problem(run)
        yield from filter(None, (order, rows))
        for slot in range(len(properties.slots)):
            problem = self._zone_problem(number, slot, run.column(FIRST_VALUE + slot))
            if problem is not None:
                yield f"slot {slot}: {problem}"

    def _zone_problem(self, number: int, slot: int, column: pa.Array) -> str | None:
        zone = self.opened.index.zone(number, slot)
        if zone.nulls != column.null_count:
            return f"{column.null_count} NULLs; the index says {zone.nulls}"
        if zone.minimum is None and zone.maximum is None:
            return None
        if column.type in (pa.null(), TAGGED):
            return "the index has bounds for values that have none"
        bounds = pc.min_max(column)
        for what, told in (("min", zone.minimum), ("max", zone.maximum)):
            found = bounds[what].as_py()
            if told is not None and (type(told), told) != (type(found), found):
                return f"the index says that the {what}imum is {told!r}, which is {found!r}"
        return None

    def _finds(self, number: int, block: Block, run: pa.RecordBatch) -> bool:
        """Whether point reads find what is there."""
        if self.table.index.locate(self.table.index.first[number]) != number:
            return False
        keys = run.column(KEY)
        fresh = starts_of_keys(keys)
        rows = np.arange(block.rows) if fresh is None else np.flatnonzero(fresh)
        tried = {*rows[::_STRIDE].tolist(), int(rows[-1])}
        return all(block.find(keys[row].as_py()) == row for row in tried)


class _Totals:
    """Figures of all blocks together."""

    def __init__(self) -> None:
        self.whole = True
        self._keys = 0
        self._tombstones = 0
        self._sequences: list[int] = []

    def add(self, run: pa.RecordBatch) -> None:
        """Count a block."""
        fresh = starts_of_keys(run.column(KEY))
        self._keys += run.num_rows if fresh is None else int(fresh.sum())
        self._tombstones += int((to_numpy(run.column(KIND)) == DELETE).sum())
        sequences = to_numpy(run.column(SEQUENCE))
        ends = [*self._sequences, int(sequences.min()), int(sequences.max())]
        self._sequences = [min(ends), max(ends)]

    def facts(self) -> list[tuple[str, int]]:
        """What the properties must say."""
        low, high = self._sequences or (0, 0)
        return [
            ("keys", self._keys),
            ("tombstones", self._tombstones),
            ("min_sequence", low),
            ("max_sequence", high),
        ]


def _differences(described: TableSchema, schema: TableSchema) -> Iterator[str]:
    """Where a file's description of its table contradicts the definition, which may be younger."""
    if (described.key_types, described.descending) != (schema.key_types, schema.descending):
        yield f"its key is not of the types that table {schema.name} has"
    pairs = zip(described.slot_types, schema.slot_types, strict=False)
    for slot, (here, there) in enumerate(pairs):
        if here != there and there is not ColumnType.ANY:
            yield f"slot {slot} is {here} here, and {there} in table {schema.name}"
