"""Statements that SQLite does not run on virtual tables as it does on its own, made ready for it.

    INSERT ... ON CONFLICT ...    a plain INSERT; the table does the rest (see ``upsert``)
    ... RETURNING ...             a plain statement; then a SELECT from the rows that were written
    INSERT INTO t(a) ...          the table is told which columns are named
    CREATE, DROP, ALTER, ...      done by ``definer``

Every other statement stays as it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import apsw

from lsmsql.engine.errors import SchemaError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.declare import quoted
from vtab.running import Written
from vtab.session import Session
from vtab.sql.changes import Change, read_change
from vtab.sql.parameters import Bindings, Part, Variables, bindings_for, compose, read_variables
from vtab.sql.reader import Slice
from vtab.upsert import Clause, RowUpsert, read_clauses

Rows = list[tuple[Any, ...]]

_OURS = ("main", "temp")


@dataclass(frozen=True)
class ChangeStatement:
    """INSERT, UPDATE or DELETE on a table of the store.

    ``main`` is what SQLite runs, ``returning`` the query for the rows to return. ``named`` are the
    positions of the columns that an INSERT names, None if all count as named. ``once``: an UPDATE
    ... FROM, which changes a row once, however many rows it is joined with.
    """

    table: TableSchema
    main: Part
    named: frozenset[int] | None
    clauses: tuple[Clause, ...]
    returning: Part | None
    variables: Variables
    once: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether SQLite runs it as it is, and the table need know nothing of it."""
        return not (self.named is not None or self.clauses or self.returning or self.once)


def read_change_statement(session: Session, sql: str) -> ChangeStatement | None:
    """The statement, if it changes a table of the store; None if it is another one.

    Raises SchemaError for clauses that do not fit the table.
    """
    change = read_change(sql)
    if change is None or (change.schema or "main").lower() not in _OURS:
        return None
    catalog = session.catalog
    table = catalog.find(change.table)
    if table is None:
        return None
    variables = read_variables(sql)
    inserts = change.verb in ("INSERT", "REPLACE")
    clauses: tuple[Clause, ...] = ()
    if change.upsert:
        evaluation = session.evaluation
        sources = evaluation.source(table, "row").name, evaluation.source(table, "excluded").name
        indexes = catalog.indexes.get(table.id, ())
        clauses = read_clauses(change, table, indexes, variables, sources)
    return ChangeStatement(
        table,
        compose(variables, *_main(change, table)),
        _named(change, table) if inserts else None,
        clauses,
        None if change.returning is None else _returning(session, change, table, variables),
        variables,
        change.joined,
    )


def _main(change: Change, table: TableSchema) -> list[Slice | str]:
    """What SQLite is to run. An INSERT without names means all columns but the generated ones."""
    main = change.main
    generated = any(column.generated is not None for column in table.columns)
    inserts = change.verb in ("INSERT", "REPLACE")
    if not (inserts and generated and change.columns is None) or change.default_values:
        return [main]
    names = [quoted(c.name) for c in table.columns if c.generated is None and not c.hidden]
    at = change.target_end - main.start
    head, tail = Slice(main.text[:at], main.start), Slice(main.text[at:], change.target_end)
    return [head, f"({', '.join(names)})", tail]


def _named(change: Change, table: TableSchema) -> frozenset[int] | None:
    """The columns that an INSERT names; None if no other column has a default.

    Raises SchemaError for a generated one.
    """
    if change.columns is None and not change.default_values:
        return None
    named = {table.positions.get(name.lower(), -1) for name in change.columns or ()}
    for position in named:
        if position >= 0 and table.columns[position].generated is not None:
            raise SchemaError(
                f'cannot INSERT into generated column "{table.columns[position].name}"'
            )
    has_defaults = any(c.default is not None for c in table.columns)
    return frozenset(named) if has_defaults else None


def _returning(session: Session, change: Change, table: TableSchema, variables: Variables) -> Part:
    source = session.evaluation.source(table, "returned").name
    name = quoted(change.alias or change.table)
    assert change.returning is not None
    return compose(variables, "SELECT ", change.returning, f" FROM {source} AS {name}")


def run_change(
    session: Session,
    cursor: apsw.Cursor,
    statement: ChangeStatement,
    bindings: Bindings | None,
    fetch: Callable[[apsw.Cursor], Rows],
) -> tuple[int, Rows]:
    """Run the statement: how many rows it has inserted, changed or deleted, and those it returns.

    All of it is done, or nothing, also if ``fetch`` fails, which takes these rows.
    """
    running, table = session.running, statement.table
    before = running.changes
    if statement.is_plain:
        cursor.execute(statement.main.text, bindings)
        return running.changes - before, []
    upsert = None
    if statement.clauses:
        upsert = RowUpsert(session.evaluation, table, statement.clauses, bindings)
    returning = statement.returning
    changed: set[bytes] | None = set() if statement.once else None
    captured: list[tuple[Value, ...]] | None = None if returning is None else []
    written = Written(statement.named, upsert, captured, changed)
    if returning is None or captured is None:
        _run_main(session, cursor, statement, written, bindings)
        return running.changes - before, []
    with _all_or_none(cursor.connection) as done:
        _run_main(session, cursor, statement, written, bindings)
        done.append(statement)
        source = session.evaluation.source(table, "returned")
        with source.holding(captured):
            rows = fetch(cursor.execute(returning.text, bindings_for(returning, bindings)))
    return running.changes - before, rows


def _run_main(
    session: Session,
    cursor: apsw.Cursor,
    statement: ChangeStatement,
    written: Written,
    bindings: Bindings | None,
) -> None:
    main = statement.main
    whole = session.undoing.whole() if statement.once else nullcontext()
    with session.running.statement(statement.table.id, written), whole:
        cursor.execute(main.text, bindings_for(main, bindings))


@contextmanager
def _all_or_none(connection: apsw.Connection) -> Iterator[list[object]]:
    """Take back what was done if then something fails.

    What was done is to be put into the list that is given: a statement that fails itself has taken
    back by then what it has to, and OR FAIL lets something stay.
    """
    begin, end, undo = "BEGIN", "COMMIT", "ROLLBACK"
    if connection.in_transaction:
        begin, end, undo = "SAVEPOINT lsm_rows", "RELEASE lsm_rows", "ROLLBACK TO lsm_rows"
    done: list[object] = []
    connection.execute(begin)
    try:
        yield done
        connection.execute(end)
    except BaseException:
        if connection.in_transaction:  # OR ROLLBACK has ended it
            if done:
                connection.execute(undo)
            if not done or end != "COMMIT":
                connection.execute(end)
        raise
