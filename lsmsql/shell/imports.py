"""Text files into tables.

Rows go straight to files (``Table.ingest``) where a table has nothing but columns and a key. What
has indexes, defaults or conditions gets them by INSERT, and so does what is in a transaction.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

import apsw

from lsmsql.dbapi.link import Link
from lsmsql.engine.column import affinity_of
from lsmsql.engine.errors import ConstraintError, LimitError, TypeMismatchError, UsageError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.table import Table
from lsmsql.engine.values import ColumnType, Value
from vtab.declare import quoted
from vtab.definer import atomic

_NUMBERS = (ColumnType.INTEGER, ColumnType.REAL)
_ROWS_PER_CHECK = 1000
_WRONG_ROW = (csv.Error, ConstraintError, TypeMismatchError, LimitError, apsw.ConstraintError)


@dataclass(frozen=True)
class ImportFile:
    """A file of rows. ``skip`` is the number of lines at its start that are none."""

    path: str
    separator: str = ","
    skip: int = 0
    encoding: str = "utf-8"


@dataclass(frozen=True)
class ImportColumn:
    """A column to be imported. In one for numbers an empty field is NULL."""

    name: str
    is_number: bool = False


def columns_of(schema: TableSchema) -> list[ImportColumn]:
    """The columns of a table of the store that can be written to."""
    return [
        ImportColumn(column.name, column.affinity in _NUMBERS)
        for column in schema.columns
        if column.generated is None and not column.hidden
    ]


def temporary_columns(connection: apsw.Connection, table: str) -> list[ImportColumn]:
    """The same of a temporary table."""
    sql = "SELECT name, type FROM pragma_table_xinfo(?, 'temp') WHERE hidden = 0"
    rows = connection.execute(sql, (table,)).fetchall()
    return [ImportColumn(str(name), affinity_of(str(kind)) in _NUMBERS) for name, kind in rows]


class _Rows:
    """The rows of a file, in the order of its fields. ``columns`` are those that it has.

    They are the first row, if that names columns of the table, or ``known`` is None: then there is
    no table yet.
    """

    def __init__(self, source: ImportFile, file: TextIO, known: list[ImportColumn] | None) -> None:
        self._source = source
        self._reader = csv.reader(file, delimiter=source.separator)
        self._first = next(self._reader, None)
        header = [field.strip() for field in self._first or ()]
        if known is None:
            named: list[ImportColumn] | None = [ImportColumn(name) for name in header]
        else:
            named = _named(header, known)
        if named is not None:
            self._first = None
        self.columns: list[ImportColumn] = known or [] if named is None else named

    @property
    def place(self) -> str:
        """File and line of the row that was read last."""
        return f"{self._source.path}, line {self._source.skip + self._reader.line_num}"

    def values(self, check: Callable[[], None]) -> Iterator[list[Value]]:
        """The values of each row. Raises UsageError for one of another length."""
        numbers = [at for at, column in enumerate(self.columns) if column.is_number]
        if self._first:
            yield self._values(self._first, numbers)
        for number, fields in enumerate(self._reader):
            if number % _ROWS_PER_CHECK == 0:
                check()
            if fields:  # the reader gives an empty list for an empty line
                yield self._values(fields, numbers)

    def _values(self, fields: list[str], numbers: Sequence[int]) -> list[Value]:
        if len(fields) != len(self.columns):
            raise UsageError(
                f"{self.place}: {len(fields)} fields where {len(self.columns)} are expected"
            )
        values: list[Value] = list(fields)
        for at in numbers:
            values[at] = fields[at] or None
        return values


def _named(header: list[str], known: list[ImportColumn]) -> list[ImportColumn] | None:
    """The columns that the first row names; None if a field names none, or two the same."""
    by_name = {column.name.lower(): column for column in known}
    found = [by_name[field.lower()] for field in header if field.lower() in by_name]
    return found if found and len({column.name for column in found}) == len(header) else None


@contextmanager
def _reading(source: ImportFile, known: list[ImportColumn] | None) -> Iterator[_Rows]:
    """Raises UsageError naming file and line for what is no CSV, or breaks a rule of the table."""
    with open(source.path, encoding=source.encoding, newline="") as file:
        for _ in range(source.skip):
            file.readline()
        rows = None
        try:
            rows = _Rows(source, file, known)
            yield rows
        except _WRONG_ROW as error:
            place = source.path if rows is None else rows.place
            raise UsageError(f"{place}: {error}") from None


def ingest_file(source: ImportFile, table: Table, check: Callable[[], None]) -> int:
    """Put the rows of a file into a table, all or none, and return how many.

    Rows replace those with the same key. A first row that holds names of columns says which
    columns there are and in which order; the others are NULL. ``check`` is called now and then and
    may raise to stop.

    Raises UsageError naming file and line for a row of another length or with a wrong value, and
    OSError if the file cannot be read.
    """
    schema = table.schema
    with _reading(source, columns_of(schema)) as rows:
        return table.ingest(_complete(rows, schema, check))


def _complete(
    rows: _Rows, schema: TableSchema, check: Callable[[], None]
) -> Iterator[tuple[Value, ...]]:
    """The rows in the order of the table's columns."""
    positions = [schema.positions[column.name.lower()] for column in rows.columns]
    for values in rows.values(check):
        row: list[Value] = [None] * len(schema.columns)
        for position, value in zip(positions, values, strict=True):
            row[position] = value
        yield schema.convert_row(row)


def insert_file(
    source: ImportFile,
    link: Link,
    table: str,
    columns: list[ImportColumn] | None,
    check: Callable[[], None],
) -> int:
    """The same by INSERT: what the file does not have gets its default, or is computed.

    With None for ``columns`` the table is created, with those that the first row names.
    """
    count = 0
    with _reading(source, columns) as rows, atomic(link.raw):
        names = ", ".join(quoted(column.name) for column in rows.columns)
        if columns is None:
            if not names:
                raise UsageError(f"{source.path}: there is no first row to name the columns")
            types = ", ".join(f"{quoted(column.name)} TEXT" for column in rows.columns)
            link.command(f"CREATE TABLE {quoted(table)}({types})")
        marks = ", ".join("?" * len(rows.columns))
        insert = f"INSERT OR REPLACE INTO {quoted(table)}({names}) VALUES ({marks})"
        statement = link.statement(insert)
        cursor = link.raw.cursor()
        for values in rows.values(check):
            count += link.run(cursor, statement, values)[1]
    return count
