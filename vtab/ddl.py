"""CREATE TABLE, as SQLite itself reads it, to a definition of ours.

The statement is run in an empty database in memory, which is then asked what it has understood.
What cannot be honoured is refused by its name, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apsw

from lsmsql.engine.column import Column
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.schema import TableSchema, make_schema
from lsmsql.engine.store import Store
from lsmsql.engine.table import Table
from lsmsql.engine.values import ColumnType
from vtab.declare import quoted

_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?(?:\*/|\Z) | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
    | \w+ | \S""",
    re.VERBOSE | re.DOTALL,
)
_EXACT_TYPES = {"INT": ColumnType.INTEGER} | {str(kind): kind for kind in ColumnType}
_AFFINITIES = (
    (("INT",), ColumnType.INTEGER),
    (("CHAR", "CLOB", "TEXT"), ColumnType.TEXT),
    (("BLOB",), ColumnType.BLOB),
    (("REAL", "FLOA", "DOUB"), ColumnType.REAL),
)
"""SQLite's rules, in its order: the first that occurs in the name of a type decides."""


@dataclass(frozen=True)
class _Words:
    """The words of a statement in upper case, without comments, and how deep in parentheses."""

    words: tuple[str, ...]
    depths: tuple[int, ...]

    def contains(self, *phrase: str) -> bool:
        """Whether these words follow each other somewhere."""
        size = len(phrase)
        return any(self.words[i : i + size] == phrase for i in range(len(self.words)))

    def outside(self) -> list[str]:
        """The words that are in no parentheses."""
        return [w for w, depth in zip(self.words, self.depths, strict=True) if depth == 0]


def _read_words(sql: str) -> _Words:
    words, depths, depth = [], [], 0
    for word in _tokens(sql):
        depth -= word == ")"
        words.append(word.upper())
        depths.append(depth)
        depth += word == "("
    return _Words(tuple(words), tuple(depths))


def _tokens(sql: str) -> Iterator[str]:
    for match in _TOKEN.finditer(sql):
        if not match.group().startswith(("--", "/*")):
            yield match.group()


# ------------------------------------------------------------------------------- public


def parse_create(sql: str, name: str | None = None) -> TableSchema:
    """The table that ``sql`` defines: a CREATE TABLE statement, or, for a table called ``name``,
    the list of its columns in parentheses.

    Raises SchemaError for wrong SQL and for what cannot be honoured: DEFAULT, CHECK, UNIQUE,
    foreign keys, generated columns, AUTOINCREMENT, COLLATE, ON CONFLICT, AS SELECT, no primary key.
    """
    if name is not None:
        sql = f"CREATE TABLE {quoted(name)}{sql}"
    words = _read_words(sql)
    _check_statement(words)
    scratch = apsw.Connection(":memory:")
    try:
        table = _run(scratch, sql)
        _check_words(words, table)
        return _read_schema(scratch, table, sql.strip().removesuffix(";"))
    finally:
        scratch.close()


def create_from_sql(store: Store, sql: str) -> Table:
    """Create the table of a CREATE TABLE statement in the store.

    With IF NOT EXISTS, a table of that name that is there already is returned as it is. Raises
    SchemaError as ``parse_create``, and if the name is taken; ReadOnlyError.
    """
    schema, may_exist = parse_statement(sql)
    if not (may_exist and store.catalog.find(schema.name)):
        store.define(schema)
    return store.table(schema.name)


def parse_statement(sql: str) -> tuple[TableSchema, bool]:
    """The table of a CREATE TABLE statement, and whether one of its name may be there already.

    Raises SchemaError as ``parse_create``.
    """
    return parse_create(sql), _read_words(sql).contains("IF", "NOT", "EXISTS")


# ------------------------------------------------------------------------------- the statement


def _check_statement(words: _Words) -> None:
    outside = words.outside()
    if outside[:2] != ["CREATE", "TABLE"]:
        if outside[:1] == ["CREATE"] and "TABLE" in outside[2:3]:
            raise SchemaError(f"a {outside[1]} table cannot be kept in the store")
        raise SchemaError("a table is defined by CREATE TABLE name(column type, ...)")
    if "AS" in outside and "(" not in outside[: outside.index("AS")]:
        raise SchemaError(
            "CREATE TABLE ... AS SELECT is not supported: create the table, then INSERT ... SELECT"
        )


def _run(scratch: apsw.Connection, sql: str) -> str:
    """Run the one statement of ``sql`` in an empty database, and return the name of its table."""
    statements: list[str] = []

    def only_the_first(_: object, statement: str, __: object) -> bool:
        statements.append(statement)
        return len(statements) == 1

    scratch.exec_trace = only_the_first
    try:
        scratch.execute(sql)
    except apsw.Error as error:
        if len(statements) > 1:
            raise SchemaError("more than one statement; give CREATE TABLE alone") from None
        raise SchemaError(f"{error}") from None
    scratch.exec_trace = None
    ((name,),) = _rows(
        scratch,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'",
    )
    return str(name)


def _check_words(words: _Words, table: str) -> None:
    """Refuse what no PRAGMA tells of."""
    if "CHECK" in words.words:
        raise _unsupported(table, "CHECK constraints")
    if words.contains("ON", "CONFLICT"):
        raise _unsupported(table, "ON CONFLICT clauses of a table; give them in the INSERT")


def _unsupported(table: str, what: str) -> SchemaError:
    return SchemaError(f"table {table}: not supported: {what}")


# ------------------------------------------------------------------------------- what it says


def _read_schema(scratch: apsw.Connection, table: str, sql: str) -> TableSchema:
    columns: list[Column] = []
    pragma = f"PRAGMA main.table_xinfo({quoted(table)})"
    for _, name, kind, not_null, default, key_place, hidden in _rows(scratch, pragma):
        _check_column(scratch, table, name, default, hidden)
        columns.append(Column(name, _column_type(kind), bool(not_null) or bool(key_place)))
    if _rows(scratch, f"PRAGMA main.foreign_key_list({quoted(table)})"):
        raise _unsupported(table, "REFERENCES (foreign keys)")
    key = _read_key(scratch, table)
    if not key:
        raise SchemaError(f"table {table} needs a PRIMARY KEY")
    down = [name for name, descending in key if descending]
    return make_schema(table, columns, [name for name, _ in key], descending=down, sql=sql)


def _check_column(
    scratch: apsw.Connection, table: str, name: str, default: str | None, hidden: int
) -> None:
    _, collation, _, _, autoincrement = scratch.column_metadata("main", table, name)
    column = f"column {name}"
    if hidden:
        raise _unsupported(table, f"{column}: GENERATED columns")
    if default is not None:
        raise _unsupported(table, f"{column}: DEFAULT")
    if autoincrement:
        raise _unsupported(
            table,
            f"{column}: AUTOINCREMENT; without it, INSERT gives an INTEGER PRIMARY KEY the number"
            " after the greatest",
        )
    if collation.upper() != "BINARY":
        raise _unsupported(table, f"{column}: COLLATE {collation}")


def _column_type(declared: str) -> ColumnType:
    name = declared.upper()
    exact = _EXACT_TYPES.get(name)
    if exact is not None:
        return exact
    for parts, kind in _AFFINITIES:
        if any(part in name for part in parts):
            return kind
    return ColumnType.ANY


def _read_key(scratch: apsw.Connection, table: str) -> list[tuple[str, bool]]:
    """Names and directions of the columns of the primary key, in its order."""
    key: list[tuple[str, bool]] = []
    indexes = _rows(scratch, f"PRAGMA main.index_list({quoted(table)})")
    for _, index, _, origin, _ in indexes:
        if origin == "u":
            raise _unsupported(table, "UNIQUE beside the primary key")
        pragma = f"PRAGMA main.index_xinfo({quoted(index)})"
        for _, _, name, descending, collation, is_key in _rows(scratch, pragma):
            if is_key and collation.upper() != "BINARY":
                raise _unsupported(table, f"COLLATE {collation} in the primary key")
            if is_key:
                key.append((name, bool(descending)))
    if key:
        return key
    pragma = f"SELECT name FROM pragma_table_info({quoted(table)}) WHERE pk"
    return [(name, False) for (name,) in _rows(scratch, pragma)]


def _rows(scratch: apsw.Connection, sql: str) -> list[tuple[Any, ...]]:
    return scratch.execute(sql).fetchall()
