"""Tables as they were: ``SELECT * FROM flights_at(120)`` reads ``flights`` as of commit 120.

Each table of the store has such a function, an eponymous virtual table in SQLite's words. Its
argument is a hidden column behind those of the table. ``=`` on it gives the first argument of every
plan; all the rest is planned and read as for the table itself.

    flights_at(120) WHERE id = 7      at = 120, id = 7

It sees commits only: nothing of what a transaction has not committed yet, and no row of a table
that was not there yet. How far back it goes is said by the option ``history``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import apsw

from lsmsql.engine.errors import NoSuchTableError, UsageError
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.bestindex import Planning
from vtab.cursor import Cursor
from vtab.declare import past_declaration
from vtab.failures import HistoryError
from vtab.session import Session

SUFFIX = "_at"

_NO_PLAN = -1
"""The number of the plan of a query that does not say which commit it is about."""

_DEAR = 1e90


def past_name(schema: TableSchema) -> str:
    """The name of the function for a table."""
    return schema.name + SUFFIX


def register_past(connection: apsw.Connection, session: Session, schema: TableSchema) -> None:
    """Let the connection read a table as it was. A table of the same name comes first in SQL."""
    connection.create_module(
        past_name(schema),
        _Module(session, schema),  # type: ignore[arg-type]
        use_bestindex_object=True,
        eponymous=True,
        eponymous_only=True,
        read_only=True,
    )


# ruff: noqa: N802 (SQLite's names)


class _Module:
    """Makes the eponymous table."""

    def __init__(self, session: Session, schema: TableSchema) -> None:
        self._table = PastTable(session, schema)
        self._declaration = past_declaration(schema)

    def Connect(self, *_: object) -> tuple[str, PastTable]:
        """SQLite wants to know the table."""
        return self._declaration, self._table


class PastTable:
    """A table at any commit of the past."""

    def __init__(self, session: Session, schema: TableSchema) -> None:
        self._session = session
        self._schema = replace(schema, name=past_name(schema))
        self._planning = Planning(session.core, session.accesses, lambda _: ())

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        """Plan a query. False if the number is not known in the order of tables proposed."""
        wanted = [
            number
            for number in range(info.nConstraint)
            if info.get_aConstraint_iColumn(number) == len(self._schema.columns)
            and info.get_aConstraint_op(number) == apsw.SQLITE_INDEX_CONSTRAINT_EQ
        ]
        usable = [number for number in wanted if info.get_aConstraint_usable(number)]
        if usable:
            self._planning.choose(info, self._schema, argument=usable[0])
        elif wanted:
            return False
        else:
            info.idxNum, info.estimatedCost = _NO_PLAN, _DEAR
        return True

    def Open(self) -> PastCursor:
        """A cursor for a statement."""
        return PastCursor(self._session, self._schema)

    def Disconnect(self) -> None:
        """The connection has done with this object."""

    Destroy = Disconnect


class PastCursor(Cursor):
    """Rows of a table as of the commit that is the first argument of ``Filter``."""

    __slots__ = ("_at", "_view")

    def __init__(self, session: Session, schema: TableSchema) -> None:
        super().__init__(session, schema)
        self._at = len(schema.columns)
        self._view: ReadView | None = None

    def Filter(self, number: int, text: str, arguments: tuple[Any, ...]) -> None:
        """Begin to read with the plan of that number."""
        if number == _NO_PLAN:
            name = self._schema.name
            raise HistoryError(f"{name} needs the number of a commit, as in {name}(120)")
        held = self._view
        view = self._view = self._as_of(arguments[0], held)
        self._begin(view, number, arguments[1:], same_view=view is held)

    def _as_of(self, sequence: Value, held: ReadView | None) -> ReadView:
        """A view of that commit: the one that is held, if it is of that."""
        core = self._session.core
        if held is not None:
            if held.sequence == sequence and type(sequence) is int:
                return held
            self.Close()
        core.check_open()
        if self._schema.id not in (core.catalog.by_id.keys() | self._session.catalog.by_id.keys()):
            raise NoSuchTableError(f"no such table: {self._schema.name}; it has been dropped")
        if type(sequence) is not int:
            given = "NULL" if sequence is None else repr(sequence)
            raise HistoryError(
                f"{self._schema.name} takes the number of a commit, an integer, not {given}"
            )
        try:
            return ReadView(core, at=sequence)
        except UsageError as error:
            raise HistoryError(str(error)) from None

    def Column(self, number: int) -> Value:
        """A value of the present row."""
        if number == self._at:
            assert self._view is not None
            return self._view.sequence
        return super().Column(number)

    def Close(self) -> None:
        """Let go of the view."""
        view, self._view = self._view, None
        if view is not None:
            view.close()
