"""What a text of SQL is, found out once for each text.

SQLite prepares the statement for that, and says how many parameters it takes and which columns it
gives. So whatever is wrong with it shows before anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import apsw
import apsw.ext

from lsmsql.engine.errors import SchemaError, UsageError
from vtab.pragmas import adapted
from vtab.session import Session
from vtab.sql.definitions import Definition, read_statement
from vtab.sql.operands import compares_plain_values
from vtab.sql.parameters import Part, compose, read_variables
from vtab.sql.reader import Slice
from vtab.sql.split import is_blank, split_explain, split_first
from vtab.sql.tokens import first_word
from vtab.statements import ChangeStatement, read_change_statement

Description = tuple[str, str | None, None, None, None, None, None]
"""A column of a result as PEP 249 has it: its name and declared type are known."""

sqlite_version: Final = apsw.sqlite_lib_version()
"""The version of SQLite, such as "3.46.0"."""
sqlite_version_info: Final = tuple(int(part) for part in sqlite_version.split("."))

_CHANGING: Final = frozenset({"INSERT", "REPLACE", "UPDATE", "DELETE"})
_DEFINING: Final = frozenset({"CREATE", "DROP", "ALTER", "REINDEX", "ANALYZE"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    ``plain``: it gives rows and does nothing else. ``changing``: it inserts, updates or deletes
    rows. ``defining``: afterwards other statements may have other columns. ``size``: how many
    parameters it takes; ``names`` has the name of each, or None. ``description`` is None if it
    gives no rows. ``change`` is set if a table of the store is changed, ``definition`` if something
    may be defined in the store. ``plan``: it is EXPLAIN QUERY PLAN. ``told``: what its columns are
    compared with has no affinity.
    """

    sql: str
    verb: str
    plain: bool
    changing: bool
    defining: bool
    size: int
    names: tuple[str | None, ...]
    description: tuple[Description, ...] | None
    change: ChangeStatement | None = None
    definition: Definition | None = None
    plan: bool = False
    told: bool = False

    @property
    def inserting(self) -> bool:
        """Whether it may give a new key."""
        return self.changing and self.verb in ("INSERT", "REPLACE", "WITH")


def read(connection: apsw.Connection, session: Session, text: str) -> tuple[Statement, str]:
    """The first statement of ``text``, and the text behind it, empty if it has no other.

    Raises what SQLite says of a wrong one, and UsageError and SchemaError for what would be lost.
    """
    session.planning.told = told = _is_told(session, text)
    try:
        statement, rest = _read(connection, session, text)
    except apsw.SQLError as error:
        name = str(error).removeprefix("no such index: ")
        if name != str(error) and session.catalog.named(name) is not None:
            raise SchemaError(
                f"INDEXED BY {name}: not supported, since SQLite does not know the indexes of"
                " virtual tables; leave it out, or write +x for x to keep other indexes out"
            ) from None
        raise
    return replace(statement, told=told), rest


def _is_told(session: Session, text: str) -> bool:
    tables = [table.name.lower() for table in session.catalog.tables]
    return compares_plain_values(split_first(text)[0], tables)


def _read(connection: apsw.Connection, session: Session, text: str) -> tuple[Statement, str]:
    verb = first_word(text)
    if verb == "EXPLAIN":
        sql, rest = split_first(text)
        explainable = _explainable(connection, session, sql)
        return _read_other(connection, session, explainable, verb)[0], _more(rest)
    if verb in _DEFINING:
        sql, rest = split_first(text)
        definition = read_statement(sql)
        if definition is not None:
            if definition.temporary:
                sql = session.in_temp(sql)
            size = read_variables(sql).count
            statement = Statement(
                sql, verb, False, False, True, size, (None,) * size, None, definition=definition
            )
            return statement, _more(rest)
    if verb in _CHANGING or verb == "WITH":
        sql, rest = split_first(text)
        sql = session.in_temp(sql)
        change = read_change_statement(session, sql)
        if change is not None:
            return _read_change(connection, sql, verb, change), _more(rest)
    return _read_other(connection, session, text, verb)


def _more(rest: str) -> str:
    return "" if is_blank(rest) else rest


def _explainable(connection: apsw.Connection, session: Session, sql: str) -> str:
    """An EXPLAIN that SQLite understands: of a change without the clauses that it refuses, and of a
    definition on the twins in ``main`` (see ``vtab.twins``)."""
    sql = session.in_temp(sql)
    explain, statement = split_explain(sql)
    statement = " " * len(explain) + statement  # so that places in it are places in ``sql``
    definition = read_statement(statement)
    if definition is None:
        change = read_change_statement(session, statement)
        if change is None:
            return sql
        _read_change(connection, statement, "", change)
        return explain + change.main.text[len(explain) :]
    creates = definition.verb == "CREATE" and definition.table is None
    subject = definition.table or definition.name or ""
    part = in_main(statement, definition)
    if part is None or not (creates or session.catalog.named(subject)):
        return sql
    details_of(connection, part, statement)
    return explain + part.text[len(explain) :]


def in_main(sql: str, definition: Definition) -> Part | None:
    """The statement with the schema ``main`` before its name; None if it has none, or is TEMP."""
    place, written = definition.place, definition.written
    if definition.temporary or place is None or written is None:
        return None
    before, after = Slice(sql[: place.start], 0), Slice(sql[place.end :], place.end)
    return compose(read_variables(sql), before, "main.", written, after)


def details_of(connection: apsw.Connection, part: Part, sql: str) -> apsw.ext.QueryDetails:
    """What SQLite says of a part of the statement ``sql``; in an error, of the place in ``sql``."""
    try:
        return apsw.ext.query_info(connection, part.text)
    except apsw.Error as error:
        offset = getattr(error, "error_offset", -1)
        if offset >= 0:
            place = part.origin(len(part.text.encode()[:offset].decode(errors="replace")))
            if place is None and "syntax error" in str(error):  # in what follows a clause
                raise apsw.SQLError("incomplete input") from None
            offset = -1 if place is None else len(sql[:place].encode())
            error.error_offset = offset  # type: ignore[attr-defined]
        raise


def _read_change(
    connection: apsw.Connection, sql: str, verb: str, change: ChangeStatement
) -> Statement:
    """A change of a table of the store; SQLite looks at what it will be given to run."""
    details = details_of(connection, change.main, sql)
    for clause in change.clauses:
        if clause.query is not None:
            details_of(connection, clause.query, sql)
    description: tuple[Description, ...] | None = None
    if change.returning is not None:
        details = details_of(connection, change.returning, sql)
        description = tuple(_describe(*column) for column in details.description)
    variables = change.variables
    names = tuple(
        None if name is None else name[1:]
        for name in (variables.names.get(number + 1) for number in range(variables.count))
    )
    return Statement(
        sql, verb, False, True, False, variables.count, names, description, change=change
    )


def _read_other(
    connection: apsw.Connection, session: Session, text: str, verb: str
) -> tuple[Statement, str]:
    if verb == "VACUUM":
        raise UsageError(
            "VACUUM is for SQLite files; Store.compact, or .compact in the shell,"
            " does it for the store"
        )
    if verb == "PRAGMA":
        first, rest = split_first(text)
        text = adapted(first) + rest
    details = apsw.ext.query_info(connection, text)
    sql, rest = details.first_query, details.query_remaining or ""
    meant = sql if verb == "EXPLAIN" else session.in_temp(sql)
    if meant != sql:
        sql = meant
        details = apsw.ext.query_info(connection, sql)
    verb = verb if details.has_vdbe and not details.is_explain else ""
    changing = verb in _CHANGING or (verb == "WITH" and not details.is_readonly)
    defining = not (changing or details.is_readonly or verb == "BEGIN") or verb == "ROLLBACK"
    plan = details.is_explain == 2
    statement = Statement(
        sql,
        verb,
        plain=bool(details.description) and not (changing or defining or plan),
        changing=changing,
        defining=defining,
        size=details.bindings_count,
        names=tuple(details.bindings_names),
        description=tuple(_describe(*column) for column in details.description) or None,
        plan=plan,
    )
    return statement, "" if is_blank(rest) else rest


def _describe(name: str, kind: str | None) -> Description:
    return name, kind, None, None, None, None, None


def plain_description(description: tuple[Description, ...]) -> tuple[Description, ...]:
    """The columns without the types that stand in brackets behind their names: 'day [date]'."""
    return tuple(_describe(name.partition(" [")[0], kind) for name, kind, *_ in description)


def named_type(name: str) -> str | None:
    """The type in brackets at the end of the name of a column."""
    before, bracket, kind = name.rpartition("[")
    return kind[:-1] if bracket and before and kind.endswith("]") else None
