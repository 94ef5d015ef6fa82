"""What is live in an open store, for those who read: memtables, files, catalogue, snapshots.

``Core`` adds the writing, ``Follower`` takes over what another process writes.

Thread rules. ``_state_lock`` guards, for moments only, the making of a new ``state``. Readers do
not take it: they read ``state`` once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.catalog import CATALOG_SCHEMA, EMPTY_CATALOG, Catalog, Dropped
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import ClosedError, NoSuchTableError
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.history import History
from lsmsql.engine.manifest.version import EMPTY, Version
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.options import Options
from lsmsql.engine.recent import RecentValues
from lsmsql.engine.registry import Snapshots
from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import Cached, SSTable
from lsmsql.engine.view import NO_STATE, State, TableState


@dataclass(frozen=True)
class Immutable:
    """Memtables that are full and wait for their flush.

    Their records are those of ``logs``, oldest first. ``next_log`` is the log that was begun after
    them: once they are in files, those before it can go.
    """

    memtables: Mapping[int, Memtable]
    logs: tuple[int, ...]
    next_log: int
    last_sequence: int


class Live:
    """The live parts of the store at ``path``."""

    def __init__(self, filesystem: FileSystem, path: str, options: Options) -> None:
        self.filesystem = filesystem
        self.path = path
        self.options = options
        self.counters = Counters()
        self.cache: BlockCache[Cached] = BlockCache(options.memory_budget)
        self.recent = RecentValues(EMPTY, options.recent_bytes, self.share_memory)
        self.snapshots = Snapshots()
        self.history = History(self.snapshots, options)
        self.catalog: Catalog = EMPTY_CATALOG
        self.dropped: dict[int, Dropped] = {}
        """Tables that are not in the catalogue any more, and whose rows are not all gone."""
        self.version = Version()
        self.state = State()
        self.active: dict[int, Memtable] = {}
        self.immutable: tuple[Immutable, ...] = ()
        self.memtable_bytes = 0
        """Estimated size of the memtables that take writes."""
        self.level0_files = 0
        """The most files that any table has in level 0."""
        self.closed = False
        self.alert = False
        """Whether a read must ``check_open`` first, which mostly has nothing to say."""
        self._orphan = False
        self._state_lock = threading.Lock()

    def file_path(self, name: str) -> str:
        """Path of a file of the store."""
        return f"{self.path}/{name}"

    def schema_of(self, table_id: int) -> TableSchema:
        """The definition of a table. Raises NoSuchTableError if it has been dropped."""
        if table_id == CATALOG_SCHEMA.id:
            return CATALOG_SCHEMA
        schema = self.catalog.by_id.get(table_id)
        if schema is None:
            raise NoSuchTableError(f"table {table_id} has been dropped")
        return schema

    def define(self, catalog: Catalog, sequence: int) -> None:
        """From commit ``sequence`` on there are the tables of ``catalog``."""
        before = self.catalog.by_id
        for table_id in before.keys() - catalog.by_id.keys():
            self.dropped[table_id] = Dropped(before[table_id], sequence)
        self.catalog = replace(catalog, sequence=sequence)

    def schema_kept(self, table_id: int) -> TableSchema:
        """The definition of a table, also of one that was dropped and whose rows are not all gone.

        Raises NoSuchTableError.
        """
        schema = self.catalog.by_id.get(table_id)  # first, as in ``kept_schemas``
        dropped = self.dropped.get(table_id) if schema is None else None
        return self.schema_of(table_id) if dropped is None else dropped.schema

    def kept_schemas(self) -> dict[int, TableSchema]:
        """The tables whose rows are to be kept, by id: also such as were dropped, as long as a
        reader is at an older commit.
        """
        oldest = self.snapshots.oldest()
        there = self.catalog.by_id  # first: what is dropped then is among the others already
        dropped = list(self.dropped.items())
        return {
            CATALOG_SCHEMA.id: CATALOG_SCHEMA,
            **{table_id: gone.schema for table_id, gone in dropped if gone.sequence > oldest},
            **there,
        }

    # ------------------------------------------------------------------------------- the end

    def check_open(self) -> None:
        """Raise ClosedError after ``close``, and in a process that was forked off meanwhile."""
        if self._orphan:
            raise ClosedError(
                f"the store {self.path} was opened before this process was forked off;"
                " open it anew here"
            )
        if self.closed:
            raise ClosedError(f"the store {self.path} is closed")

    def end(self) -> None:
        """From now on reads raise ClosedError."""
        self.closed = self.alert = True

    def orphan(self) -> None:
        """This is the copy of a store in a process that was forked off: nothing may be done to it.

        The threads that are said to have its locks are not in this process.
        """
        self._orphan = True
        self.end()
        self._state_lock = threading.Lock()

    # ------------------------------------------------------------------------------- readers

    def pin(self, reader: int) -> tuple[int, State]:
        """Register a reader: its sequence number, and the state that goes with it.

        As long as the number is the newest, nothing has been thrown away that belongs to it, nor
        has a newer commit been merged into what the state holds.
        """
        snapshots = self.snapshots
        while True:
            sequence = snapshots.acquire(reader)
            state = self.state
            if sequence == snapshots.published:
                return sequence, state

    def pin_at(self, reader: int, sequence: object) -> tuple[int, State]:
        """Register a reader at a commit of the past: its number, and a state to read it from.

        Raises UsageError if it is no longer kept, or none yet, TypeMismatchError for no number.
        """
        return self.history.hold(reader, sequence), self.state

    def now(self) -> tuple[int, State]:
        """The newest commit and the state that goes with it; nothing is registered."""
        return self.snapshots.published, self.state

    def kept(self, state: State) -> State:
        """What a registered reader must keep of ``state`` to be able to go on: here nothing."""
        return NO_STATE

    def renewed(self, kept: State) -> State:
        """Where the rows are now that a registered reader may see, who has ``kept`` this."""
        return self.state

    def share_memory(self) -> None:
        """Leave to the block cache what memtables and row cache do not need of the budget."""
        waiting = sum(m.nbytes for i in self.immutable for m in i.memtables.values())
        memtables = waiting + self.memtable_bytes
        others = memtables + self.options.least_cache_bytes
        if others + self.recent.reserved > self.options.memory_budget:
            self.recent.clear()  # which the next flush would do, too
        self.cache.resize(self.options.cache_bytes(memtables + self.recent.reserved))

    # ------------------------------------------------------------------------------- changes

    def open_table(self, meta: FileMeta) -> SSTable:
        """A file of the store, to be read."""
        path = self.file_path(file_name(meta.number))
        return SSTable(self.filesystem, path, meta, self.cache, self.counters, self._beside)

    def _beside(self, work: Callable[[], None]) -> None:
        """Do ``work`` that nobody waits for."""
        if self.options.background and not self.closed:
            threading.Thread(target=work, name="lsmsql-index", daemon=True).start()
        else:
            work()

    def adopt(self, version: Version) -> None:
        """Begin with ``version``: recovery has read it."""
        with self._state_lock:
            self.version = version
            self._rebuild()

    def _rebuild(self) -> None:
        """Make the state anew from memtables and version. The caller holds ``_state_lock``."""
        files = self.version.table(KV_TABLE_ID)
        if self.recent.version is not files:
            self.recent = self.recent.of(files)
        tables = self.version.tables.values()
        self.level0_files = max((len(table.levels[0].files) for table in tables), default=0)
        newest_first = [self.active, *(i.memtables for i in reversed(self.immutable))]
        ids = {table_id for memtables in newest_first for table_id in memtables}
        ids.update(self.version.tables)
        self.state = State(
            {
                table_id: TableState(
                    tuple(m[table_id] for m in newest_first if table_id in m),
                    self.version.table(table_id),
                )
                for table_id in ids
            }
        )
