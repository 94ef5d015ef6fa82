"""What the tables of one store in one connection share: the snapshot they read and the changes that
are not committed yet.

    outside a transaction   the snapshot is taken by the first cursor that reads, and let go with
                            the last one: so a statement sees one commit in all of its tables
    in a transaction        it is taken at the first read or write, and let go at the end

SQLite says nothing at the end of a transaction that only read. So while such a one holds a
snapshot, a trace hook looks after each statement whether it is over.

Nothing here is for more than one thread at a time; a connection is used by one thread at a time.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import apsw

from lsmsql.engine.catalog import CATALOG_TABLE_ID, Catalog
from lsmsql.engine.errors import BusyError, ConflictError, NoSuchTableError, ReadOnlyError
from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range, Slice
from lsmsql.engine.snapshot import catalog_at
from lsmsql.engine.store import Store
from lsmsql.engine.values import Row
from lsmsql.engine.view import Found
from lsmsql.engine.writeset import WriteSet
from vtab.bestindex import Planning
from vtab.evaluation import Evaluation
from vtab.failures import busy, read_only
from vtab.givenkeys import GivenKeys
from vtab.immediate import Immediate
from vtab.indexaccess import Accesses
from vtab.ownentries import OwnEntries
from vtab.pin import Pin
from vtab.running import Running
from vtab.sql.qualifiers import requalified
from vtab.undoing import NO_CHANGE, Undoing


class Session:
    """The state of a store in one connection.

    The connection is held weakly: it holds the session, by way of the module it has registered.
    """

    def __init__(self, connection: apsw.Connection, store: Store) -> None:
        self.store = store
        self.core = store.core
        self.evaluation = Evaluation(connection)
        self.running = Running()
        self.accesses = Accesses()
        self.planning = Planning(store.core, self.accesses, self.indexes_of)
        self.new_writes: Callable[[], WriteSet] = WriteSet
        """What makes the write set of the next transaction."""
        self.writes = WriteSet()
        self.reads = ReadSet()
        self._connection = weakref.ref(connection)
        self._pin: Pin | None = None
        self._spare: Pin | None = None
        """A closed one, to be opened again."""
        self._writing = False
        self._watching = False
        self.undoing = Undoing(connection, self)
        self.given = GivenKeys(store.core, self)
        self._own = OwnEntries()
        self._snapshot: ReadView | None = None
        """That of the transaction, without its changes, if somebody has asked for it."""
        self._explicit = False
        self._committed = False
        """Whether the store has the changes, and nothing is left of the transaction."""
        self._immediate = Immediate(connection, store.core, partial(self._watch, True))
        self.definitions = 0
        """How often the tables and indexes may have changed within a transaction."""
        self._base: Catalog | None = None
        """The tables there were when the transaction first created or dropped one."""
        self.detaching = False
        """Whether a DROP TABLE only takes a table out of the connection."""

    # ------------------------------------------------------------------------------- connection

    @property
    def in_transaction(self) -> bool:
        """Whether what is read and written now belongs to a transaction that goes on."""
        if self._writing:
            return True
        connection = self._connection()
        try:
            return connection is not None and connection.in_transaction
        except apsw.ConnectionClosedError:
            return False

    @property
    def is_writing(self) -> bool:
        """Whether SQLite has told of a transaction that goes on."""
        return self._writing

    @property
    def has_begun(self) -> bool:
        """Whether a transaction goes on that has read or written something of the store."""
        return self._writing or (self._pin is not None and self.in_transaction)

    def on_conflict(self) -> int:
        """What the running statement wants for a row that breaks a constraint."""
        connection = self._connection()
        assert connection is not None
        return connection.vtab_on_conflict()

    def last_insert_rowid(self) -> int:
        """The rowid that was given out last, by any table of the connection."""
        connection = self._connection()
        assert connection is not None
        return connection.last_insert_rowid()

    # ------------------------------------------------------------------------------- reading

    def lease(self, held: Pin | None, schema: TableSchema) -> Pin:
        """The view for a cursor that begins to read, in exchange for the one it has ``held``.

        Raises ClosedError, and NoSuchTableError if the table has been dropped.
        """
        pin = self._pin
        if pin is held and pin is not None and not self._writing:
            return pin
        catalog = self.core.catalog if self._base is None else self.catalog
        if schema.id not in catalog.by_id:
            raise NoSuchTableError(f"no such table: {schema.name}; it has been dropped")
        pin = self._present()
        if pin is not held:
            pin.users += 1
            if held is not None:
                self.give_back(held)
        return pin

    def give_back(self, pin: Pin) -> None:
        """A cursor has done with its view."""
        pin.users -= 1
        if pin.users or (pin.kept and pin is self._pin and self.in_transaction):
            return
        self._close(pin)

    def _present(self) -> Pin:
        """The pin of the present snapshot, and of all changes made so far."""
        writing = self._writing
        connection = self._connection()
        assert connection is not None
        keep = writing or connection.in_transaction
        pin = self._pin
        if pin is not None and not pin.users and not keep:
            self._close(pin)  # left by a transaction that has ended
            pin = None
        if pin is None:
            pin = self._spare
            if pin is None:
                pin = Pin(self.core)
            else:
                pin.reopen()
                self._spare = None
            self._pin = pin
        elif not pin.users and keep:
            pin.renew()
        if keep:
            pin.remember(self.reads)
        if writing:
            step = self.writes.step
            if pin.step != step:
                if pin.users:
                    pin = self._pin = pin.advanced(self.writes, step)
                else:
                    pin.advance(self.writes, step)
        elif keep is not self._watching:
            self._watch(keep)
        pin.kept = keep
        return pin

    def _close(self, pin: Pin) -> None:
        pin.close()
        self._spare = pin
        if pin is self._pin:
            self._pin = None
            if pin.kept:
                self.reads = ReadSet()

    def _watch(self, on: bool) -> None:
        """Have ``settle`` called after each statement, or no more."""
        connection = self._connection()
        if connection is not None:
            mask = apsw.SQLITE_TRACE_PROFILE if on else 0
            connection.trace_v2(mask, self.settle if on else None, id=self)
            self._watching = on

    def settle(self, _event: object = None) -> None:
        """Let go of the snapshot, and of the writer's place, if their transaction is over."""
        if not self.in_transaction:
            self._immediate.give_back()
            pin = self._pin
            if pin is not None and not pin.users:
                self._close(pin)

    # ------------------------------------------------------------------------------- tables

    @property
    def catalog(self) -> Catalog:
        """The tables as the transaction has them."""
        if self._base is None:
            return self.core.catalog
        return self._base.changed(self.writes.changes_of(CATALOG_TABLE_ID), self.core.path)

    def indexes_of(self, schema: TableSchema) -> tuple[TableSchema, ...]:
        """The indexes of a table, as the transaction has them."""
        return self.catalog.indexes.get(schema.id, ())

    def in_temp(self, sql: str) -> str:
        """The statement with ``temp.t`` for ``main.t``, if ``t`` is a table or view of the store.

        There it is what the user means; in ``main`` it may have an empty twin (see ``twins``).
        """
        if "main" not in sql.lower():
            return sql
        catalog = self.catalog
        names = {table.name.lower() for table in catalog.tables}
        return requalified(sql, names | {view.name.lower() for view in catalog.views.values()})

    def begin_definition(self) -> Catalog:
        """The present tables, in a transaction that is told of its end: it will change them."""
        self.have_told()
        if self._base is None:
            self._base = catalog_at(self._present())
        self.reads.add_range(CATALOG_TABLE_ID, Range())
        return self.catalog

    # ------------------------------------------------------------------------------- writing

    def have_told(self) -> None:
        """Have SQLite tell of the transaction that goes on, or begins.

        It tells only tables that are written to, and none that was created in it. This is written
        to, though nothing changes.
        """
        connection = self._connection()
        assert connection is not None
        connection.execute(NO_CHANGE)

    def begin(self) -> None:
        """A table is written to for the first time in a transaction.

        Raises ReadOnlyError.
        """
        try:
            self.core.check_writable()
        except ReadOnlyError as error:
            raise read_only(error) from None
        if not self._writing:
            self.settle()
            self._explicit = self.in_transaction
            self._writing = True
            self._committed = False
            if self._explicit:
                self._present()  # others' commits from now on are conflicts
            else:
                self._pin = None  # what older cursors of this connection still read may be old

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of ``key`` as the transaction has it now."""
        change = self.writes.get(table_id, key)
        if change is None:
            return (self._pin or self._present()).find(table_id, key)
        (row,) = change
        return None if row is None else (None, 0, row)

    def are_new(self, table_id: int, keys: Collection[bytes]) -> bool:
        """Whether it is sure that the transaction has none of the keys."""
        if self.writes.may_have(table_id, keys):
            return False
        return not (self._pin or self._present()).has_any(table_id, keys)

    def entries_with(self, entries: IndexEntries, terms: Terms) -> Sequence[bytes]:
        """The entries of a UNIQUE index with these terms, as the transaction has them now.

        None if there may be several.
        """
        span = entries.equals(terms)
        if span is None or span.start is None:
            return []
        own = self._own.with_prefix(entries, span.start, self.writes)
        view: ReadView = self._pin or self._present()
        if view.has_changed(entries.schema.id):
            view = self._without_changes(view)
        there = view.keys_between(entries.schema.id, span, entries.keys_only)
        if not own:
            return there
        return [e for e, alive in own.items() if alive] + [e for e in there if e not in own]

    def put_entry(self, entries: IndexEntries, terms: Terms, entry: bytes, row: Row | None) -> None:
        """Make an entry of an index, or with None take it out."""
        self.writes.put(entries.schema.id, entry, row)
        if entries.definition.unique:
            self._own.note(entries, terms.prefix, entry, row)

    def _without_changes(self, pin: ReadView) -> ReadView:
        """The snapshot without the changes of the transaction."""
        view = self._snapshot
        if view is None or view.sequence != pin.sequence:
            if view is not None:
                view.close()
            view = self._snapshot = pin.branch(None)
        return view

    def rows(self, schema: TableSchema, projection: Projection) -> Iterator[Slice]:
        """All rows of a table as the transaction has them now."""
        return self._present().scan(schema.id, Range(), projection)

    def has_rows(self, schema: TableSchema) -> bool:
        """Whether a table has any row."""
        keys_only = Projection(schema, key_codec(schema), ())
        return next(self.rows(schema, keys_only), None) is not None

    def undo(self, step: int) -> None:
        """Take back all changes after ``step``."""
        self.writes.rollback(step)
        self.given.forget()
        self._own.forget()
        self.definitions += 1

    def sync(self) -> None:
        """Commit to the store. If that fails, the transaction is as it was.

        If another commit has changed what the transaction has read, this raises the busy error of
        SQLite: it must be rolled back, and may then be tried again.

        SQLite asks for this before it commits its own files: if one of them then fails, what the
        store has got stays.
        """
        changes = self.writes.changes()
        if self._base is not None:  # some of the tables may be no more
            known = {CATALOG_TABLE_ID, *self.catalog.by_id}
            changes = {i: rows for i, rows in changes.items() if i in known}
        if changes:
            pin = self._pin
            reads, since = (None, 0) if pin is None else (self.reads, pin.sequence)
            try:
                self.store.commit_changes(changes, reads, since, self._immediate)
            except (ConflictError, BusyError) as error:
                raise busy(error) from None
            self._reset()
            self._committed = True
            self.store.remove_dropped(changes)

    def end(self) -> None:
        """The transaction is over; what has not been committed is thrown away."""
        self._writing = False
        self.undoing.end()
        if not self._committed:
            self._reset()
        self._immediate.give_back()

    def _reset(self) -> None:
        self.writes, self.reads = self.new_writes(), ReadSet()
        self.given.end()
        self._own.forget()
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None
        self._base = None
        pin, self._pin = self._pin, None  # the next cursor takes a new snapshot
        if pin is not None and not pin.users:
            self._close(pin)
