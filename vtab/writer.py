"""INSERT, UPDATE and DELETE on one table: conversion, constraints, conflicts, indexes.

a row to write    defaults, types, generated columns, NOT NULL, CHECK      (``preparing``)
its conflicts     rows with the same key, or the same terms of a UNIQUE index
what to do        upsert, OR IGNORE, OR REPLACE, or an error               (``_make_way``)
written           the old entries go, then row and entries come
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import is_

import apsw

from lsmsql.engine.affinity import UNCHANGED
from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.upkeep import describe_duplicate
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, ColumnType, Value
from lsmsql.engine.view import found_columns
from vtab.declare import Identity, identity_of, visible
from vtab.failures import (
    duplicate_key,
    duplicate_terms,
    generated_column,
)
from vtab.preparing import Preparer
from vtab.records import Record, RecordEncoder, Values
from vtab.rules import AllEntries, AllTerms, Rules
from vtab.running import Upsert
from vtab.session import Session

MAX_PLAIN_TYPES = 256
"""A table of many ANY columns can have rows of any number of types."""

_ATTEMPTS = 100


class Writer:
    """Changes rows of a table in the transaction of a session."""

    def __init__(
        self, session: Session, schema: TableSchema, indexes: Sequence[TableSchema] = ()
    ) -> None:
        self._session = session
        self._schema = schema
        self._rows = RowCodec(schema)
        self._width = len(visible(schema))
        self._records = RecordEncoder(self._rows)
        self._identity = identity_of(schema)
        self._has_rowid = self._identity is Identity.ROWID
        self._encoders: dict[tuple[type, ...], Callable[[Values], Record]] = {}
        """By the types of rows that are inserted as they are, as far as they have been met."""
        self._rules = Rules(session, schema, indexes)
        self._no_entries: AllEntries = [None] * len(indexes)
        self._preparer = Preparer(session, schema, self._rules)
        self._is_plain = self._rules.is_empty

    # ------------------------------------------------------------------------------- statements

    def insert(self, rowid: int | None, fields: tuple[Value, ...]) -> int:
        """Insert a row, and return what ``last_insert_rowid`` is now: unless the row has a rowid
        and is not ignored, that is what it was before."""
        session = self._session
        values: Sequence[Value] | None = fields
        encode = self._encoders.get(tuple(map(type, fields)))
        if encode is None:
            values = self._new_row(rowid, fields)
            if values is None:
                return session.last_insert_rowid()
            encode = self._records.for_types(tuple(map(type, values)))
        key, payload = encode(values)  # type: ignore[arg-type]
        if self._is_plain and session.running.is_quiet:
            if not self._may_take(key):
                return session.last_insert_rowid()
            session.writes.put(self._schema.id, key, payload)
            session.running.changes += 1
        elif not self._insert_ruled(key, payload, values):  # type: ignore[arg-type]
            return session.last_insert_rowid()
        return self._note(values) if self._has_rowid else session.last_insert_rowid()  # type: ignore[arg-type]

    @property
    def _inserts_new(self) -> bool:
        """Whether a row that has a value for every column need only be written, if it is new; in
        a transaction that SQLite knows of."""
        plain = self._rules.only_defaults and not self._schema.autoincrement
        return plain and self._session.is_writing and self._session.running.is_quiet

    def insert_new(self, rows: Sequence[Values]) -> bool:
        """Insert rows whose values are stored as they are; False, and nothing is done, unless it is
        sure that no other row is in their way and nothing else is to be done for them.

        Raises RowLimitError for a key that is too long.
        """
        session, table = self._session, self._schema
        if not self._inserts_new:
            return False
        records = self._records.encode_all(rows)
        found = None if records is None else dict(records)
        if found is None or len(found) != len(rows) or not session.are_new(table.id, found):
            return False
        session.writes.put_all(table.id, found)
        session.running.changes += len(rows)
        if self._has_rowid:
            place = table.key[0]
            session.given.added(table.id, max(row[place] for row in rows))  # type: ignore[type-var, arg-type]
        return True

    def _insert_ruled(self, key: bytes, payload: Values, values: Sequence[Value]) -> bool:
        """Insert a row, into the indexes as well; False if it is ignored, or another is changed."""
        terms = self._rules.terms(values)
        if not self._make_way(key, values, terms):
            return False
        self._put(key, payload, values, terms)
        self._done(values)
        return True

    def update(self, identity: Value, rowid: Value, fields: Sequence[object]) -> None:
        """Change a row; in ``fields``, ``no_change`` stands for what stays as it is."""
        old_key = self._key_of(identity)
        old = self._read(old_key)
        if old is None:  # the statement itself has replaced it
            return
        changed = self._session.running.on(self._schema.id).changed
        if changed is not None:
            if old_key in changed:
                return
            changed.add(old_key)
        values = list(old)
        for position, value in enumerate(fields[: self._width]):
            if value is not apsw.no_change:
                if position in self._rules.generated:
                    raise generated_column(self._schema, position)
                values[position] = value  # type: ignore[call-overload]
        if self._has_rowid:
            place = self._schema.key[0]
            if rowid != identity and (place >= self._width or fields[place] is apsw.no_change):
                values[place] = rowid
        self._change(old_key, old, values)

    def delete(self, identity: Value) -> None:
        """Delete a row."""
        session = self._session
        key = self._key_of(identity)
        if self._is_plain and session.running.is_quiet:
            session.writes.put(self._schema.id, key, None)
            session.given.removed(self._schema.id)
            session.running.changes += 1
            return
        old = self._read(key)
        if old is not None:
            self._remove(key, old)
            self._done(old)

    # ------------------------------------------------------------------------------- a row to write

    def _new_row(self, rowid: int | None, fields: tuple[Value, ...]) -> tuple[Value, ...] | None:
        """The values of a row to insert; None if it is to be ignored."""
        values = list(fields[: self._width])
        values += [None] * (len(self._schema.columns) - self._width)
        named = self._session.running.on(self._schema.id).named
        if named is not None:
            for position in self._rules.defaults - named:
                values[position] = self._rules.default(position)
        if self._has_rowid:
            place = self._schema.key[0]
            if values[place] is None:
                values[place] = self._new_rowid() if rowid is None else rowid
        converted = self._preparer.prepare(values)
        if converted is None:
            return None
        if (
            self._rules.leave_rows
            and len(converted) <= len(fields)
            and all(map(is_, converted, fields))
        ):
            self._remember_types(tuple(map(type, fields)))
        return tuple(converted)

    def _remember_types(self, types: tuple[type, ...]) -> None:
        """Rows of these types are written as they are, if that does not depend on the values."""
        columns = self._schema.columns
        same = all(
            c.type is not ColumnType.ANY or kind in UNCHANGED[c.affinity]
            for c, kind in zip(columns, types, strict=False)
        )
        if same and len(self._encoders) < MAX_PLAIN_TYPES:
            self._encoders[types] = self._records.for_types(types)

    # ------------------------------------------------------------------------------- conflicts

    def _make_way(self, key: bytes, values: Sequence[Value], terms: AllTerms) -> bool:
        """Whether the row may be inserted: False if it is ignored, or another one was changed.

        Raises RowConstraintError if a row is in its way that may not be replaced.
        """
        upsert = self._session.running.on(self._schema.id).upsert
        conflicts: Iterable[tuple[bytes, IndexEntries | None]] = self._conflicts(key, terms)
        if upsert is not None:  # its clauses decide what is looked at first
            conflicts = sorted(conflicts, key=lambda conflict: upsert.place(conflict[1]))
        for other_key, entries in conflicts:
            clause = None if upsert is None else upsert.clause(entries)
            if upsert is not None and clause is not None:
                self._upsert(upsert, clause, other_key, values)
                return False
            if not self._replaces(other_key, entries):
                return False
        return True

    def _conflicts(
        self,
        key: bytes,
        terms: AllTerms,
        own: bytes | None = None,
        before: AllTerms | None = None,
    ) -> Iterator[tuple[bytes, IndexEntries | None]]:
        """The keys of rows with the same key or the same terms, and in which index.

        ``own`` is the key of the row itself before it is changed, and ``before`` are its terms:
        no other row has these.
        """
        session = self._session
        for place in self._rules.order:
            if place is None:
                if key != own and session.find(self._schema.id, key) is not None:
                    yield key, None
                continue
            entries, there = self._rules.entries[place], terms[place]
            was = None if before is None else before[place]
            if there is None or (was is not None and was.prefix == there.prefix):
                continue
            for entry in session.entries_with(entries, there):
                other = entries.row_key(entry)
                if other != own:
                    yield other, entries

    def _replaces(self, other: bytes, entries: IndexEntries | None) -> bool:
        """Whether a row in the way has been deleted; False if the new one is to be ignored."""
        wish = self._session.on_conflict()
        if wish == apsw.SQLITE_IGNORE:
            return False
        if wish != apsw.SQLITE_REPLACE:
            raise self._duplicate(entries)
        old = self._read(other)
        if old is not None:
            self._remove(other, old)
        return True

    def _duplicate(self, entries: IndexEntries | None) -> Exception:
        if entries is None:
            return duplicate_key(self._schema)
        message = describe_duplicate(self._schema, entries)
        return duplicate_terms(message, primary=entries.definition.origin == "pk")

    def _upsert(self, upsert: Upsert, clause: object, key: bytes, new: Sequence[Value]) -> None:
        """Change the row that is there, as a clause of ON CONFLICT says."""
        old = self._read(key)
        assert old is not None
        changes = upsert.changed(clause, old, new)
        if changes is not None:
            values = list(old)
            for position, value in changes.items():
                values[position] = value
            self._change(key, old, values)

    def _may_take(self, key: bytes) -> bool:
        """``_make_way`` for a row of a table without indexes."""
        wish = self._session.on_conflict()
        if wish == apsw.SQLITE_REPLACE or self._session.find(self._schema.id, key) is None:
            return True
        if wish == apsw.SQLITE_IGNORE:
            return False
        raise duplicate_key(self._schema)

    # ------------------------------------------------------------------------------- changes

    def _change(self, old_key: bytes, old: Sequence[Value], values: list[Value]) -> None:
        """Put other values into a row."""
        converted = self._preparer.prepare(values)
        if converted is None:
            return
        encode = self._records.for_types(tuple(map(type, converted)))
        key, payload = encode(tuple(converted))
        moved = key != old_key
        if self._is_plain:
            if moved:
                if not self._may_take(key):
                    return
                self._remove_row(old_key)
            self._session.writes.put(self._schema.id, key, payload)
        elif moved or self._rules.touch_indexes(old, converted):
            before, terms = self._rules.terms_of([old, converted])
            for other, conflicting in self._conflicts(key, terms, old_key, before):
                if not self._replaces(other, conflicting):
                    return
            there = self._rules.entries_of(old_key, before, old)
            then = self._rules.entries_of(key, terms, converted)
            if moved:
                self._remove_row(old_key)
            self._put_entries(there, then)
            self._session.writes.put(self._schema.id, key, payload)
        else:
            self._session.writes.put(self._schema.id, key, payload)
        if self._has_rowid:
            self._note(converted)
        self._done(converted)

    def _put(self, key: bytes, payload: Values, values: Sequence[Value], terms: AllTerms) -> None:
        """Write a row and its entries."""
        self._put_entries(self._no_entries, self._rules.entries_of(key, terms, values))
        self._session.writes.put(self._schema.id, key, payload)

    def _remove(self, key: bytes, old: Sequence[Value]) -> None:
        """Take a row out, and its entries."""
        if self._rules.entries:
            entries = self._rules.entries_of(key, self._rules.terms(old), old)
            self._put_entries(entries, self._no_entries)
        self._remove_row(key)

    def _remove_row(self, key: bytes) -> None:
        self._session.writes.put(self._schema.id, key, None)
        self._session.given.removed(self._schema.id)

    def _put_entries(self, old: AllEntries, new: AllEntries) -> None:
        """Put entries in place of others: nothing is done where they are the same."""
        put = self._session.put_entry
        for entries, there, then in zip(self._rules.entries, old, new, strict=True):
            if there is not None and (then is None or then.key != there.key):
                put(entries, there.terms, there.key, None)
            if then is not None and (there is None or then[1:] != there[1:]):
                put(entries, then.terms, then.key, then.row)

    def _done(self, values: Sequence[Value]) -> None:
        """A row has been written or deleted."""
        running = self._session.running
        running.changes += 1
        captured = running.on(self._schema.id).captured
        if captured is not None:
            captured.append(tuple(values))

    # ------------------------------------------------------------------------------- keys

    def _read(self, key: bytes) -> list[Value] | None:
        """The row of a key as it is now; None if there is none."""
        found = self._session.find(self._schema.id, key)
        return None if found is None else found_columns(found, key, self._rows.everything)

    def _key_of(self, identity: Value) -> bytes:
        if self._identity is Identity.HIDDEN:
            return identity  # type: ignore[return-value]
        if self._schema.key_types[0] is ColumnType.REAL and isinstance(identity, int):
            identity = float(identity)  # so SQLite keeps whole REALs while it gathers rows
        return self._rows.keys.encode([identity])

    def _note(self, values: Sequence[Value]) -> int:
        rowid: int = values[self._schema.key[0]]  # type: ignore[assignment]
        self._session.given.added(self._schema.id, rowid)
        if self._schema.autoincrement and rowid > self._session.given.greatest(self._schema):
            self._session.given.keep_greatest(self._schema, rowid)
        return rowid

    def _new_rowid(self) -> int:
        """One more than the greatest there is; if that is the greatest possible, any free one.

        Raises FullError if there is none.
        """
        session, schema = self._session, self._schema
        least = session.given.greatest(schema) + 1 if schema.autoincrement else MIN_INTEGER
        rowid = session.given.next(schema, self._rows.keys, least)
        return self._free_rowid() if rowid > MAX_INTEGER else rowid

    def next_rowids(self, count: int) -> Sequence[int] | None:
        """The keys for so many rows of ``insert_new``; None if they are not known beforehand."""
        if not (self._has_rowid and self._inserts_new):
            return None
        first = self._session.given.next(self._schema, self._rows.keys, MIN_INTEGER, count)
        return None if first > MAX_INTEGER else range(first, first + count)

    def _free_rowid(self) -> int:
        """A rowid that no row has, as SQLite looks for one: a few times at random."""
        attempts = 0 if self._schema.autoincrement else _ATTEMPTS
        for _ in range(attempts):
            rowid = random.randint(1, MAX_INTEGER - 1)
            if self._session.find(self._schema.id, self._rows.keys.encode([rowid])) is None:
                return rowid
        raise apsw.FullError(f"table {self._schema.name} holds the greatest possible rowid")
