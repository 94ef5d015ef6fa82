"""Which blocks of an SSTable can be saved, and which are lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from lsmsql.engine.columns import FIRST_VALUE, KEY, SEQUENCE
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, Error
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.ragged import from_numpy, to_numpy
from lsmsql.engine.repair.tail import Piece, Tail, read_tail
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.block import Block, is_data_block
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.sstable.format import Properties
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.opening import DESCRIBED
from lsmsql.engine.verify.shape import Shape, block_run, described_table, problem_of_order

"""What the manifest and the properties of a file both say of it."""

_BEFORE_ALL = 1 << 40
"""Records that have no sequence number are older than all that have one; among themselves, those of
the file with the greater number are the newer. So each counts as that number, less this."""


@dataclass(frozen=True)
class SavedFile:
    """An SSTable as far as it can be read: its sound blocks and its lost ones.

    ``schema`` None: whose records they are is not known, and all is lost. ``numbered``: some
    records have sequence numbers of their own.
    """

    filesystem: FileSystem
    path: str
    number: int
    meta: FileMeta | None
    schema: TableSchema | None = None
    codecs: tuple[Codec, ...] = ()
    sound: tuple[Piece, ...] = ()
    lost: tuple[Piece, ...] = ()
    numbered: bool = False

    @property
    def name(self) -> str:
        """Its name in the directory."""
        return file_name(self.number)

    @property
    def smallest(self) -> bytes:
        """The first key that can be saved."""
        return self.sound[0].first or b""

    @property
    def largest(self) -> bytes:
        """The last key that can be saved."""
        return self.sound[-1].last or b""

    @property
    def assigned(self) -> int | None:
        """The sequence number of all of its records, if the manifest says it."""
        return self.meta.max_sequence if self.meta is not None and self.meta.assigned else None

    def runs(self) -> Iterator[pa.RecordBatch]:
        """The sound blocks, in key order, each record with the sequence number it counts as.

        Raises StorageError.
        """
        assert self.schema is not None
        file = self.filesystem.open(self.path)
        try:
            for piece in self.sound:
                data = file.read_at(piece.offset, piece.length)
                run = _decode(data, self.path, piece.offset, self.codecs, self.schema)
                yield run.set_column(SEQUENCE, "sequence", self._sequences(run))
        finally:
            file.close()

    def _sequences(self, run: pa.RecordBatch) -> pa.Array:
        if self.assigned is not None:
            return from_numpy(np.full(run.num_rows, self.assigned, np.int64))
        sequences = to_numpy(run.column(SEQUENCE))
        return from_numpy(np.where(sequences == 0, self.number - _BEFORE_ALL, sequences))


def examine_file(
    filesystem: FileSystem,
    path: str,
    number: int,
    meta: FileMeta | None,
    tables: Mapping[int, TableSchema],
) -> SavedFile:
    """Sort the blocks of a file into sound and lost ones.

    A table that is not among ``tables`` is as the file describes it. Raises FormatError, and
    StorageError if the file cannot be read.
    """
    data = filesystem.read_all(path)
    tail = read_tail(data, path)
    stranger = _stranger(tail, number, meta)
    if stranger is not None:
        saved = SavedFile(filesystem, path, number, meta)
        if meta is None:
            return replace(saved, lost=(Piece(0, len(data), problem=stranger),))
        piece = Piece(0, len(data), meta.rows, meta.smallest, meta.largest, stranger)
        return replace(saved, schema=tables.get(meta.table_id), lost=(piece,))
    schema = _schema(tail.properties, meta, tables)
    saved = SavedFile(filesystem, path, number, meta, schema, tail.codecs)
    if schema is None:
        rows = None if tail.properties is None else tail.properties.rows
        problem = "nothing tells of which table it is"
        return replace(saved, lost=(Piece(0, len(data), rows, problem=problem),))
    sorting = _Sorting(saved, schema)
    for piece in tail.pieces:
        sorting.add(piece, data)
    lost = _bounded(sorting.lost, sorting.sound)
    if not tail.indexed and tail.properties is not None:
        lost = _counted(lost, tail.properties.rows, sorting.sound)
    return replace(saved, sound=tuple(sorting.sound), lost=tuple(lost), numbered=sorting.numbered)


def _stranger(tail: Tail, number: int, meta: FileMeta | None) -> str | None:
    """Why this cannot be the file that the manifest means, though it may be a sound one."""
    if tail.number not in (None, number):
        return f"this is file {tail.number}"
    told = tail.properties
    if told is None or meta is None:
        return None
    if any(getattr(told, fact) != getattr(meta, fact) for fact in DESCRIBED):
        return "this is not the file that the manifest describes"
    return None


def _schema(
    properties: Properties | None, meta: FileMeta | None, tables: Mapping[int, TableSchema]
) -> TableSchema | None:
    if properties is None:
        return None if meta is None else tables.get(meta.table_id)
    if properties.table_id in tables:
        return tables[properties.table_id]
    try:
        return described_table(properties)
    except (Error, ValueError):
        return None


def _decode(
    data: bytes, path: str, offset: int, codecs: Sequence[Codec], schema: TableSchema
) -> pa.RecordBatch:
    """A data block with all columns of its table. Raises CorruptionError."""
    failure = CorruptionError(path, offset, "no known compression")
    for codec in codecs:
        try:
            block = Block(data, path, offset, codec, Counters())
            if not is_data_block(block.describe()):
                raise CorruptionError(path, offset, "this is no block of records")
            run = block_run(block)
        except CorruptionError as error:
            failure = error
            continue
        for slot in range(run.num_columns - FIRST_VALUE, schema.slots):
            run = run.append_column(str(slot), pa.nulls(run.num_rows))
        return run
    raise failure


@dataclass
class _Sorting:
    """Sound pieces of a file, and lost ones."""

    file: SavedFile
    schema: TableSchema
    sound: list[Piece] = field(default_factory=list)
    lost: list[Piece] = field(default_factory=list)
    numbered: bool = False

    def add(self, piece: Piece, data: bytes) -> None:
        """Put a piece where it belongs: it is sound if all of its records are good."""
        problem = piece.problem or self._problem(piece, data)
        if problem:
            self.lost.append(replace(piece, problem=problem))

    def _problem(self, piece: Piece, data: bytes) -> str | None:
        file = self.file
        content = data[piece.offset : piece.offset + piece.length]
        try:
            run = _decode(content, file.path, piece.offset, file.codecs, self.schema)
        except CorruptionError as error:
            return error.problem
        problem = problem_of_order(run, assigned=file.assigned is not None)
        problem = problem or Shape(self.schema).problem(run)
        keys = run.column(KEY)
        first, last = keys[0].as_py(), keys[-1].as_py()
        if self.sound and first <= (self.sound[-1].last or b""):
            problem = problem or "its keys are not behind those of the block before"
        if problem is None:
            self.sound.append(Piece(piece.offset, piece.length, run.num_rows, first, last))
            self.numbered |= bool((to_numpy(run.column(SEQUENCE)) != 0).any())
        return problem


def _bounded(lost: Sequence[Piece], sound: Sequence[Piece]) -> list[Piece]:
    """Where nothing tells which keys are lost: those between the blocks before and behind."""
    bounded: list[Piece] = []
    for piece in lost:
        if piece.first is None:
            before = [p.last for p in sound if p.offset < piece.offset]
            behind = [p.first for p in sound if p.offset > piece.offset]
            piece = replace(
                piece, first=before[-1] if before else None, last=behind[0] if behind else None
            )
        bounded.append(piece)
    return bounded


def _counted(lost: Sequence[Piece], rows: int, sound: Sequence[Piece]) -> list[Piece]:
    """If one piece is lost, it has the rows that the others do not have."""
    if len(lost) != 1:
        return list(lost)
    missing = rows - sum(piece.rows or 0 for piece in sound)
    return [replace(lost[0], rows=missing)]
