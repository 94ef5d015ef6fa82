"""All that can be saved of a damaged store, by table, and all that is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from lsmsql.engine.background.job import sorted_runs
from lsmsql.engine.catalog import (
    CATALOG_SCHEMA,
    CATALOG_TABLE_ID,
    EMPTY_CATALOG,
    Catalog,
    read_catalog,
)
from lsmsql.engine.cleanup import numbered_files
from lsmsql.engine.columns import FIRST_VALUE, KEY
from lsmsql.engine.errors import CorruptionError, FormatError, StorageError
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.repair.logs import SavedLog, examine_log
from lsmsql.engine.repair.manifests import Inventory, take_inventory
from lsmsql.engine.repair.report import Loss, key_text
from lsmsql.engine.repair.table_file import SavedFile, examine_file
from lsmsql.engine.repair.tail import Piece
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.values import Row
from lsmsql.engine.verify.log_file import LogContent
from lsmsql.engine.verify.shape import Shape
from lsmsql.engine.view import NEWEST
from lsmsql.engine.wal.format import log_name

NEWEST_ONLY = Retention(drop_tombstones=True, forget_sequences_up_to=NEWEST)
"""What is saved: of each key the newest version, unless that is a deletion."""

_CATALOG_ONLY = {CATALOG_TABLE_ID: CATALOG_SCHEMA}


@dataclass
class Source:
    """A damaged store, looked through once: ``take`` does it."""

    filesystem: FileSystem
    path: str
    catalog: Catalog = EMPTY_CATALOG
    files: dict[int, SavedFile] = field(default_factory=dict)
    logs: list[SavedLog] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self) -> None:
        """Find out all. Raises FormatError for a file of a newer format."""
        inventory = take_inventory(self)
        self.notes += inventory.notes
        whole = self._take_catalog(inventory)
        for number, meta in inventory.tables.items():
            saved = self._examine(number, meta, {**_CATALOG_ONLY, **self.catalog.by_id})
            if saved is not None and self._is_wanted(saved, whole):
                self.files[number] = saved
        self._adopt_tables()
        self.logs = [examine_log(log, self.catalog.by_id) for log in self._read_logs(inventory)]
        self._tell_losses(inventory, whole)

    # ------------------------------------------------------------------------------- catalogue

    def _take_catalog(self, inventory: Inventory) -> bool:
        """Read the catalogue, as far as it is there. Whether it is known to be whole."""
        files: list[SavedFile] = []
        for number, meta in inventory.tables.items():
            if meta is None or meta.table_id == CATALOG_TABLE_ID:
                saved = self._examine(number, meta, _CATALOG_ONLY)
                if saved is not None and saved.schema is CATALOG_SCHEMA:
                    files.append(saved)
        logs = [examine_log(log, _CATALOG_ONLY) for log in self._read_logs(inventory)]
        runs = [run for log in logs for run in log.runs[CATALOG_TABLE_ID]]
        rows = list(_rows(_merged(files, runs)))
        malformed = False
        try:
            self.catalog = read_catalog(rows, self.path)
        except CorruptionError:
            malformed = True
            self.catalog = _readable(rows, self.path)
        for loss in (self._loss(f, p, files) for f in files for p in f.lost):
            self.losses.append(loss)
        lost = malformed or any(f.lost for f in files) or any(log.losses for log in logs)
        return inventory.certain and not lost and not any(map(_may_be_catalog, inventory.missing))

    def _is_wanted(self, saved: SavedFile, whole: bool) -> bool:
        """Whether a file is to be saved, and not of the catalogue or a table that was dropped."""
        schema = saved.schema
        if schema is None:
            return True
        if schema.id == CATALOG_TABLE_ID:
            return False
        return schema.id in self.catalog.by_id or not whole

    def _adopt_tables(self) -> None:
        """Take the tables that only files tell of into the catalogue."""
        described: dict[int, TableSchema] = {}
        for saved in self.files.values():
            schema = saved.schema
            if schema is not None and schema.id not in self.catalog.by_id:
                known = described.get(schema.id)
                if known is None or known.slots < schema.slots:
                    described[schema.id] = schema
        for table_id, schema in sorted(described.items()):
            named = replace(schema, name=self._free_name(schema.name))
            by_id = {**self.catalog.by_id, table_id: named}
            next_id = max(self.catalog.next_id, table_id + 1)
            self.catalog = replace(self.catalog, by_id=by_id, next_id=next_id)
            self.notes.append(
                f"the definition of table {named.name} is lost, or it was dropped: its files tell"
                " the types of its columns and the names of those in the key; the others were named"
                " by their place"
            )
        for number, saved in self.files.items():
            if saved.schema is not None:
                self.files[number] = replace(saved, schema=self.catalog.by_id[saved.schema.id])

    def _free_name(self, name: str) -> str:
        while self.catalog.named(name) is not None:
            name += "_"
        return name

    # ------------------------------------------------------------------------------- reading

    def _examine(
        self, number: int, meta: FileMeta | None, tables: Mapping[int, TableSchema]
    ) -> SavedFile | None:
        """A file, sorted; None if it cannot be read at all, which is then a loss."""
        name = file_name(number)
        try:
            return examine_file(self.filesystem, self._place(name), number, meta, tables)
        except FormatError:
            raise
        except StorageError as error:
            rows = None if meta is None else meta.rows
            loss = Loss(name, None, str(error), rows=rows, uncovers=True)
            if loss not in self.losses:
                self.losses.append(loss)
            return None

    def _read_logs(self, inventory: Inventory) -> Iterator[LogContent]:
        logs, _ = numbered_files(self)
        for number in inventory.logs:
            path = self._place(log_name(number))
            try:
                data = self.filesystem.read_all(path)
            except StorageError as error:
                loss = Loss(log_name(number), None, str(error), uncovers=True)
                if loss not in self.losses:
                    self.losses.append(loss)
                continue
            yield LogContent(number, path, data, newest=number == logs[-1])

    def _place(self, name: str) -> str:
        return f"{self.path}/{name}"

    # ------------------------------------------------------------------------------- losses

    def _tell_losses(self, inventory: Inventory, whole: bool) -> None:
        for missing in inventory.missing:
            self.losses.append(self._missing(missing))
        for saved in self.files.values():
            others = [f for f in self.files.values() if f is not saved]
            self.losses += [self._loss(saved, piece, others) for piece in saved.lost]
            self._tell_doubt(saved, others)
        unknown: Counter[int] = Counter()
        for log in self.logs:
            self.losses += log.losses
            self.notes += log.notes
            unknown += log.unknown
        for table_id, count in sorted(unknown.items()):
            if table_id != CATALOG_TABLE_ID and not whole:
                problem = f"the definition of table {table_id} is lost, or it was dropped"
                self.losses.append(Loss("the logs", None, problem, rows=count))

    def _missing(self, missing: FileMeta | int) -> Loss:
        if isinstance(missing, int):
            return Loss(log_name(missing), None, "the log is missing", uncovers=True)
        schema = self.catalog.by_id.get(missing.table_id)
        keys = "" if schema is None else _range(schema, missing.smallest, missing.largest)
        table = None if schema is None else schema.name
        name = file_name(missing.number)
        return Loss(name, None, "the file is missing", table, keys, missing.rows, True)

    def _loss(self, saved: SavedFile, piece: Piece, others: list[SavedFile]) -> Loss:
        schema = saved.schema
        if schema is None:
            return Loss(saved.name, None, piece.problem, rows=piece.rows, uncovers=True)
        older = any(_may_overlap(other, schema, piece.first, piece.last) for other in others)
        older |= any(log.runs.get(schema.id) for log in self.logs)
        keys = _range(schema, piece.first, piece.last)
        offset = piece.offset
        return Loss(saved.name, offset, piece.problem, schema.name, keys, piece.rows, older)

    def _tell_doubt(self, saved: SavedFile, others: list[SavedFile]) -> None:
        """Say so where it cannot be known which of two versions is the newer."""
        schema = saved.schema
        if saved.meta is not None or saved.numbered or schema is None or not saved.sound:
            return
        if any(_may_overlap(o, schema, saved.smallest, saved.largest) for o in others):
            self.notes.append(
                f"{saved.name} has no sequence numbers, and the manifest that may have told them is"
                f" lost: its rows of table {schema.name} were taken for the oldest, which is wrong"
                " if they came by bulk ingest"
            )

    # ------------------------------------------------------------------------------- rows

    def rows(self, schema: TableSchema) -> Iterator[pa.RecordBatch]:
        """The newest version of each key of a table that is there, in key order.

        Raises StorageError.
        """
        table_id = schema.id
        files = [f for f in self.files.values() if f.schema and f.schema.id == table_id]
        return _merged(files, [run for log in self.logs for run in log.runs.get(table_id, [])])


def _merged(files: list[SavedFile], pieces: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    sources = [iter([run]) for run in sorted_runs(pieces)]
    sources += [_chained(group) for group in _side_by_side([f for f in files if f.sound])]
    return merge(sources, NEWEST_ONLY, by_sequence=True)


def _side_by_side(files: list[SavedFile]) -> list[list[SavedFile]]:
    """Files put together so that those of a group follow one another: fewer to merge."""
    groups: list[list[SavedFile]] = []
    for saved in sorted(files, key=lambda f: f.smallest):
        for group in groups:
            if group[-1].largest < saved.smallest:
                group.append(saved)
                break
        else:
            groups.append([saved])
    return groups


def _chained(group: list[SavedFile]) -> Iterator[pa.RecordBatch]:
    for saved in group:
        yield from saved.runs()


def _rows(runs: Iterator[pa.RecordBatch]) -> Iterator[tuple[bytes, Row]]:
    for run in runs:
        columns = [run.column(i).to_pylist() for i in (KEY, FIRST_VALUE, FIRST_VALUE + 1)]
        yield from ((key, tuple(values)) for key, *values in zip(*columns, strict=True))


def _readable(rows: Sequence[tuple[bytes, Row]], path: str) -> Catalog:
    """The catalogue of those of its rows that are well-formed."""
    catalog = EMPTY_CATALOG
    for row in rows:
        try:
            one = read_catalog([row], path)
        except CorruptionError:
            continue
        by_id, views = {**catalog.by_id, **one.by_id}, {**catalog.views, **one.views}
        catalog = Catalog(by_id, max(catalog.next_id, one.next_id), views=views)
    return catalog


def _may_be_catalog(missing: FileMeta | int) -> bool:
    return isinstance(missing, int) or missing.table_id == CATALOG_TABLE_ID


def _may_overlap(
    other: SavedFile, schema: TableSchema, first: bytes | None, last: bytes | None
) -> bool:
    if other.schema is None or other.schema.id != schema.id or not other.sound:
        return False
    return (last is None or other.smallest <= last) and (first is None or first <= other.largest)


def _range(schema: TableSchema, first: bytes | None, last: bytes | None) -> str:
    codec = Shape(schema).codec
    if first is None and last is None:
        return "any keys"
    if first is None:
        return f"keys up to {key_text(last or b'', codec)}"
    if last is None:
        return f"keys from {key_text(first, codec)} on"
    return f"keys {key_text(first, codec)} to {key_text(last, codec)}"
