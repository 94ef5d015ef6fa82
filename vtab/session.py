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
from typing import cast

import apsw

from lsmsql.engine.core import Core
from lsmsql.engine.errors import ConflictError, NoSuchTableError, ReadOnlyError
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import Projection
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.store import Store
from lsmsql.engine.view import Found
from lsmsql.engine.writeset import WriteSet
from vtab.access import Accesses
from vtab.bestindex import Planning
from vtab.failures import busy, read_only
from vtab.savepoints import Mark, Savepoints


class Pin(ReadView):
    """A view that is shared by cursors: how many read it, and whether a transaction keeps it.

    When nobody reads it any more it is closed, and opened anew for the next statement: that is much
    cheaper than to make another one, and most statements are short.
    """

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.users = 0
        self.kept = False

    @property
    def step(self) -> int:
        """Up to which step of a transaction's changes are seen."""
        return self._step

    def reopen(self) -> None:
        """Open it again, which has been closed, as a view of the newest commit."""
        core = self._core
        if core.alert:
            core.check_open()
        self.sequence, self._state = core.pin(self._reader)
        self._open = True

    def remember(self, reads: ReadSet) -> None:
        """Add what is read from now on to ``reads``."""
        self._reads = reads

    def advance(self, writes: WriteSet, step: int) -> None:
        """See all changes of a transaction up to ``step``. Nobody may be reading."""
        self._writes = writes
        self._step = step

    def advanced(self, writes: WriteSet, step: int) -> Pin:
        """Another pin, of the same commit, that sees all changes up to ``step``."""
        pin = cast("Pin", self.branch(writes))
        pin.users = 0
        pin.advance(writes, step)
        return pin


class Session:
    """The state of a store in one connection.

    The connection is held weakly: it holds the session, by way of the module it has registered.
    """

    def __init__(self, connection: apsw.Connection, store: Store) -> None:
        self.store = store
        self.core = store.core
        self.accesses = Accesses()
        self.planning = Planning(store.core, self.accesses)
        self.writes = WriteSet()
        self.reads = ReadSet()
        self._connection = weakref.ref(connection)
        self._pin: Pin | None = None
        self._spare: Pin | None = None
        """A closed one, to be opened again."""
        self._writing = False
        self._watching = False
        self._savepoints: list[Savepoints] = []
        self._last: dict[int, int | None] = {}
        self._explicit = False

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

    def on_conflict(self) -> int:
        """What the running statement wants for a row that breaks a constraint."""
        connection = self._connection()
        assert connection is not None
        return connection.vtab_on_conflict()

    def mark(self) -> Mark:
        """This point of the transaction."""
        connection = self._connection()
        assert connection is not None
        return Mark(self.writes.step, connection.total_changes())

    # ------------------------------------------------------------------------------- reading

    def lease(self, held: Pin | None, schema: TableSchema) -> Pin:
        """The view for a cursor that begins to read, in exchange for the one it has ``held``.

        Raises ClosedError, and NoSuchTableError if the table has been dropped.
        """
        pin = self._pin
        if pin is held and pin is not None and not self._writing:
            return pin
        if schema.id not in self.core.catalog.by_id:
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
        """Let go of the snapshot if the transaction that took it is over."""
        pin = self._pin
        if pin is not None and not pin.users and not self.in_transaction:
            self._close(pin)

    # ------------------------------------------------------------------------------- writing

    def begin(self) -> Savepoints:
        """A table is written to for the first time in a transaction: its savepoints from now on.

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
            if self._explicit:
                self._present()  # others' commits from now on are conflicts
        savepoints = Savepoints(self.writes.step)
        self._savepoints.append(savepoints)
        return savepoints

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of ``key`` as the transaction has it now."""
        change = self.writes.get(table_id, key)
        if change is None:
            return (self._pin or self._present()).find(table_id, key)
        (row,) = change
        return None if row is None else (None, 0, row)

    def last(self, schema: TableSchema, codec: KeyCodec) -> int | None:
        """The greatest key of a table keyed by one INTEGER; None if the table is empty."""
        if schema.id not in self._last:
            keys_only = Projection(schema, codec, ())
            forwards = schema.descending[0]
            slices = self._present().scan(
                schema.id, Range(), keys_only, reverse=not forwards, first=1
            )
            piece = next(slices, None)
            last = None
            if piece is not None:
                (last,) = codec.decode(piece.keys[0 if forwards else -1])
            self._last[schema.id] = cast("int | None", last)
        return self._last[schema.id]

    def added(self, table_id: int, key: int) -> None:
        """A row has come into a table keyed by one INTEGER."""
        if table_id in self._last:
            last = self._last[table_id]
            self._last[table_id] = key if last is None else max(last, key)

    def removed(self, table_id: int) -> None:
        """A row has left a table."""
        self._last.pop(table_id, None)

    def undo(self, step: int) -> None:
        """Take back all changes after ``step``."""
        self.writes.rollback(step)
        self._last.clear()

    def statement_failed(self) -> None:
        """Take back what a statement did that has failed; see ``savepoints``.

        Harmless at any time, but for one: within a statement that is still running.
        """
        for savepoints in self._savepoints:
            self.take_back(savepoints.top())

    def take_back(self, mark: Mark | None) -> None:
        """Undo the changes since ``mark``, unless a statement has succeeded since."""
        if mark is not None and mark.changes == self.mark().changes:
            self.undo(mark.step)

    def sync(self) -> None:
        """Commit to the store. If that fails, the transaction is as it was.

        If another commit has changed what the transaction has read, this raises the busy error of
        SQLite: it must be rolled back, and may then be tried again.

        SQLite asks for this before it commits its own files: if one of them then fails, what the
        store has got stays.
        """
        if self._explicit:
            self.statement_failed()
        changes = self.writes.changes()
        if changes:
            pin = self._pin
            reads, since = (None, 0) if pin is None else (self.reads, pin.sequence)
            try:
                self.store.commit_changes(changes, reads, since)
            except ConflictError as error:
                raise busy(error) from None
            self._reset()

    def end(self) -> None:
        """The transaction is over; what has not been committed is thrown away."""
        self._writing = False
        self._savepoints.clear()
        self._reset()

    def _reset(self) -> None:
        self.writes, self.reads = WriteSet(), ReadSet()
        self._last.clear()
        pin, self._pin = self._pin, None  # the next cursor takes a new snapshot
        if pin is not None and not pin.users:
            self._close(pin)
