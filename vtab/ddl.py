"""CREATE TABLE and CREATE INDEX, as SQLite itself reads them, to definitions of ours.

The statement is run in a database in memory, which is then asked what it has understood; only what
no PRAGMA tells, such as a CHECK, is taken from the text. What cannot be honoured is refused by its
name, never passed over.

    the key of a table      its PRIMARY KEY, if it compares texts byte by byte
                            else its rowid, which is a hidden column, and a UNIQUE index
    UNIQUE                  an index, of SQLite's name for it: sqlite_autoindex_NAME_1
    a column's type         of a STRICT table the only one that it stores, else its affinity
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from lsmsql.engine.collation import fold_of
from lsmsql.engine.column import BINARY, Column, Generated, affinity_of
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.schema import (
    Check,
    IndexDefinition,
    IndexTerm,
    TableSchema,
    make_schema,
)
from lsmsql.engine.store import Store
from lsmsql.engine.table import Table
from lsmsql.engine.values import ColumnType
from vtab.declare import quoted
from vtab.sql.definitions import read_statement
from vtab.sql.indexes import index_pieces
from vtab.sql.tables import ColumnPieces, TablePieces, table_pieces

_EXACT_TYPES = {"INT": ColumnType.INTEGER} | {str(kind): kind for kind in ColumnType}

ImpliedIndexes = tuple[tuple[str, IndexDefinition], ...]
"""Names and definitions of the indexes that the constraints of a table ask for."""


@dataclass(frozen=True)
class TableDefinition:
    """What a CREATE TABLE says. ``may_exist``: IF NOT EXISTS."""

    schema: TableSchema
    indexes: ImpliedIndexes = ()
    may_exist: bool = False


# ------------------------------------------------------------------------------- public


def parse_create(sql: str, name: str | None = None, *, references: bool = False) -> TableDefinition:
    """The table that ``sql`` defines: a CREATE TABLE statement, or, for a table called ``name``,
    the list of its columns in parentheses, whose types are enforced as in a STRICT table.

    Raises SchemaError for wrong SQL and for what cannot be honoured: ON CONFLICT, AS SELECT,
    and foreign keys, unless ``references`` says that they may be there unenforced.
    """
    text = sql if name is None else f"CREATE TABLE {quoted(name)}{sql}"
    may_exist = _check_statement(text)
    scratch = apsw.Connection(":memory:")
    try:
        table = run_alone(scratch, text)
        written = text.strip().removesuffix(";")
        return read_table(
            scratch, table, written, may_exist=may_exist, strict=name is not None,
            references=references,
        )  # fmt: skip
    finally:
        scratch.close()


def create_from_sql(store: Store, sql: str) -> Table:
    """Create the table of a CREATE TABLE statement in the store.

    With IF NOT EXISTS, a table of that name that is there already is returned as it is. Raises
    SchemaError as ``parse_create``, and if the name is taken; ReadOnlyError.
    """
    definition = parse_create(sql)
    schema = definition.schema
    if not (definition.may_exist and store.catalog.find(schema.name)):
        with store.transaction(immediate=True) as transaction:
            transaction.define(schema, definition.indexes)
    return store.table(schema.name)


def unsupported(table: str, what: str) -> SchemaError:
    """The error for what cannot be honoured."""
    return SchemaError(f"table {table}: not supported: {what}")


# ------------------------------------------------------------------------------- the statement


def _check_statement(sql: str) -> bool:
    """Whether the table may exist. Raises SchemaError for what is no plain CREATE TABLE."""
    head = read_statement(sql)
    if head is None:
        with contextlib.closing(apsw.Connection(":memory:")) as scratch:
            run_alone(scratch, sql)  # SQLite says what is wrong
    if head is None or head.verb != "CREATE" or "TABLE" not in head.kind:
        raise SchemaError("a table is defined by CREATE TABLE name(column type, ...)")
    if head.temporary or head.kind != "TABLE":
        kind = "TEMP" if head.temporary else head.kind.removesuffix(" TABLE")
        raise SchemaError(f"a {kind} table cannot be kept in the store")
    pieces = table_pieces(sql)
    if pieces is not None and pieces.select is not None:
        raise SchemaError("CREATE TABLE ... AS SELECT is for a connection: store.connect()")
    return head.conditional


def run_alone(scratch: apsw.Connection, sql: str) -> str:
    """Run the one statement of ``sql``, and return the name of the table that it has created.

    Raises SchemaError.
    """
    statements: list[str] = []

    def only_the_first(_: object, statement: str, __: object) -> bool:
        statements.append(statement)
        return len(statements) == 1

    before = _tables(scratch)
    scratch.exec_trace = only_the_first
    try:
        scratch.execute(sql)
    except apsw.Error as error:
        if len(statements) > 1:
            raise SchemaError("more than one statement; give CREATE TABLE alone") from None
        raise SchemaError(f"{error}") from None
    finally:
        scratch.exec_trace = None
    created = _tables(scratch) - before
    return created.pop() if created else ""


def _tables(scratch: apsw.Connection) -> set[str]:
    sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'"
    return {str(name) for (name,) in _rows(scratch, sql)}


def _rows(scratch: apsw.Connection, sql: str) -> list[tuple[Any, ...]]:
    return scratch.execute(sql).fetchall()


# ------------------------------------------------------------------------------- a table


def read_table(
    scratch: apsw.Connection,
    table: str,
    sql: str,
    *,
    may_exist: bool = False,
    strict: bool = False,
    references: bool = False,
) -> TableDefinition:
    """The definition of a table that is in the database ``scratch``, created by ``sql``.

    ``strict``: its types are enforced, though it does not say STRICT. Raises SchemaError.
    """
    pieces = table_pieces(sql)
    if pieces is None:
        raise SchemaError(f"table {table}: its definition cannot be read: {sql}")
    _check_pieces(table, pieces, references)
    enforced = strict or pieces.strict
    key, key_index = _read_key(scratch, table)
    facts = _rows(scratch, f"PRAGMA main.table_xinfo({quoted(table)})")
    columns = [
        _read_column(piece, fact, enforced, is_rowid=not key_index and [fact[1]] == _names(key))
        for piece, fact in zip(pieces.columns, facts, strict=True)
    ]
    rowid = len(columns) if key_index or not key else _names_of(columns).index(key[0][0])
    implied = _read_implied(scratch, table, rowid)
    clustered = bool(key) and all(binary for _, _, binary in key)
    if not clustered:
        columns.append(Column(_rowid_name(columns), ColumnType.INTEGER, True, hidden=True))
        key = [(columns[-1].name, False, True)]
    checks = [check for piece in pieces.columns for check in piece.checks]
    conditions = [Check(check.expression.text, check.name) for check in checks]
    conditions += [Check(c.inside.text, c.name) for c in pieces.constraints if c.kind == "CHECK"]
    schema = make_schema(
        table,
        columns,
        _names(key),
        descending=[name for name, down, _ in key if down],
        sql=sql,
        strict=enforced,
        checks=conditions,
        autoincrement=pieces.autoincrement,
    )
    indexes = tuple(
        (name, index) for name, index in implied if not clustered or index.origin != "pk"
    )
    return TableDefinition(schema, indexes, may_exist)


def _names_of(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]


def _names(key: Sequence[tuple[str, bool, bool]]) -> list[str]:
    return [name for name, _, _ in key]


def _check_pieces(table: str, pieces: TablePieces, references: bool) -> None:
    """Refuse what SQLite would accept and we do not honour."""
    for column in pieces.columns:
        if column.conflicts:
            raise unsupported(table, _ON_CONFLICT)
        if column.references is not None and not references:
            raise unsupported(table, f"column {column.name}: {_REFERENCES}")
    for constraint in pieces.constraints:
        if constraint.conflict is not None:
            raise unsupported(table, _ON_CONFLICT)
        if constraint.kind.startswith("FOREIGN") and not references:
            raise unsupported(table, _REFERENCES)


_ON_CONFLICT = "ON CONFLICT clauses of a table; give them in the INSERT"
_REFERENCES = (
    "REFERENCES (foreign keys): they would not be enforced;"
    ' lsmsql.connect(path, foreign_keys="declare") takes them as they are'
)


def _read_column(
    piece: ColumnPieces, fact: Sequence[Any], enforced: bool, *, is_rowid: bool
) -> Column:
    _, name, declared, not_null, default, key_place, _ = fact
    if is_rowid:
        kind, shown = ColumnType.INTEGER, None if enforced else declared
    elif enforced:
        kind = _exact_type(declared)
        shown = declared if declared.upper() == "INT" else None
    else:
        kind, shown = ColumnType.ANY, declared
    generated = piece.generated
    collation = (piece.collation or BINARY).upper()
    return Column(
        name,
        kind,
        bool(not_null) or bool(key_place),
        declared=shown,
        collation=collation,
        default=default,
        generated=None
        if generated is None
        else Generated(generated.expression.text, generated.stored),
    )


def _exact_type(declared: str) -> ColumnType:
    """The type that is enforced; of a name that is none of a STRICT table, its affinity."""
    exact = _EXACT_TYPES.get(declared.upper())
    if exact is not None:
        return exact
    if "BLOB" in declared.upper():
        return ColumnType.BLOB
    affinity = affinity_of(declared)
    is_number = affinity is ColumnType.INTEGER and "INT" not in declared.upper()
    return ColumnType.ANY if is_number else affinity


def _rowid_name(columns: Sequence[Column]) -> str:
    """What a rowid is called: the first of its names that is no column's."""
    taken = {column.name.lower() for column in columns}
    free = [name for name in ("rowid", "_rowid_", "oid") if name not in taken]
    if not free:
        raise SchemaError("a table without a PRIMARY KEY needs rowid, _rowid_ or oid for its rowid")
    return free[0]


# ------------------------------------------------------------------------------- keys and indexes


def _read_key(scratch: apsw.Connection, table: str) -> tuple[list[tuple[str, bool, bool]], bool]:
    """Of each column of the primary key, in its order, the name, and whether it is descending and
    compares texts byte by byte. And whether SQLite has an index for it: if not, it is the rowid."""
    for _, index, _, origin, _ in _rows(scratch, f"PRAGMA main.index_list({quoted(table)})"):
        if origin == "pk":
            pragma = f"PRAGMA main.index_xinfo({quoted(index)})"
            terms = [term for term in _rows(scratch, pragma) if term[5]]
            return [
                (name, bool(down), collation.upper() == BINARY)
                for _, _, name, down, collation, _ in terms
            ], True
    pragma = f"SELECT name FROM pragma_table_info({quoted(table)}) WHERE pk"
    return [(name, False, True) for (name,) in _rows(scratch, pragma)], False


def _read_implied(
    scratch: apsw.Connection, table: str, rowid: int
) -> list[tuple[str, IndexDefinition]]:
    """The indexes of UNIQUE constraints, and of a primary key, in the order of their numbers."""
    found: list[tuple[str, IndexDefinition]] = []
    for _, name, unique, origin, _ in _rows(scratch, f"PRAGMA main.index_list({quoted(table)})"):
        if origin != "c":
            terms = _read_terms(scratch, name, rowid)
            found.append((name, IndexDefinition(0, terms, bool(unique), None, origin)))
    return sorted(found, key=lambda pair: int(pair[0].rpartition("_")[2]))


def _read_terms(
    scratch: apsw.Connection, index: str, rowid: int, expressions: Sequence[str] = ()
) -> tuple[IndexTerm, ...]:
    """The terms of an index. ``rowid`` is the position of the rowid's column, ``expressions`` are
    the texts of all terms, if some may be expressions."""
    terms: list[IndexTerm] = []
    pragma = f"PRAGMA main.index_xinfo({quoted(index)})"
    for place, at, _, down, collation, is_key in _rows(scratch, pragma):
        if not is_key:
            continue
        fold_of(collation)
        if at == -2:  # an expression
            terms.append(IndexTerm(None, expressions[place], collation.upper(), bool(down)))
        else:
            terms.append(IndexTerm(rowid if at < 0 else at, None, collation.upper(), bool(down)))
    return tuple(terms)


def read_index(
    scratch: apsw.Connection, name: str, sql: str, table: TableSchema
) -> IndexDefinition:
    """The definition of an index that is in the database ``scratch``, created by ``sql``.

    Raises SchemaError for a collation that is none of SQLite's own.
    """
    pieces = index_pieces(sql)
    if pieces is None:
        raise SchemaError(f"index {name}: its definition cannot be read: {sql}")
    expressions = [term.expression.text for term in pieces.terms]
    terms = _read_terms(scratch, name, table.key[0], expressions)
    where = None if pieces.where is None else pieces.where.text
    return IndexDefinition(table.id, terms, pieces.unique, where)
