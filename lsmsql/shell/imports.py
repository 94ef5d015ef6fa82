"""CSV files into tables of the store."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lsmsql.engine.errors import Error, UsageError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.table import Table
from lsmsql.engine.values import ColumnType, Value

_NUMBERS = (ColumnType.INTEGER, ColumnType.REAL)


@dataclass(frozen=True)
class ImportFile:
    """A file of rows. ``skip`` is the number of lines at its start that are none."""

    path: str
    separator: str = ","
    skip: int = 0
    encoding: str = "utf-8"


def import_file(source: ImportFile, table: Table, check: Callable[[], None]) -> int:
    """Put the rows of a file into a table, all or none, and return how many.

    Rows replace those with the same key. A first row that holds names of columns says which
    columns there are and in which order; the others are NULL. An empty field of an INTEGER or REAL
    column is NULL. ``check`` is called now and then and may raise to stop.

    Raises UsageError naming file and line for a row of another length or with a wrong value, and
    OSError if the file cannot be read.
    """
    with open(source.path, encoding=source.encoding, newline="") as file:
        for _ in range(source.skip):
            file.readline()
        reader = csv.reader(file, delimiter=source.separator)
        try:
            return table.ingest(_rows(reader, source, table.schema, check))
        except csv.Error as error:
            line = source.skip + reader.line_num
            raise UsageError(f"{source.path}, line {line}: {error}") from None


def _rows(
    reader: Iterator[list[str]], source: ImportFile, schema: TableSchema, check: Callable[[], None]
) -> Iterator[tuple[Value, ...]]:
    """The rows in the order of the table's columns."""
    first = next(reader, None)
    if first is None:
        return
    positions = _header(first, schema)
    if positions is None:
        positions = list(range(len(schema.columns)))
        yield _row(first, positions, schema, source, reader)
    for number, fields in enumerate(reader):
        if number % 1000 == 0:
            check()
        if fields:  # the reader gives an empty list for an empty line
            yield _row(fields, positions, schema, source, reader)


def _header(fields: list[str], schema: TableSchema) -> list[int] | None:
    """For each field the position of the column it names, or None if some field names none."""
    positions = [schema.positions.get(field.strip().lower()) for field in fields]
    found = [position for position in positions if position is not None]
    return found if len(set(found)) == len(fields) else None


def _row(
    fields: list[str],
    positions: list[int],
    schema: TableSchema,
    source: ImportFile,
    reader: Iterator[list[str]],
) -> tuple[Value, ...]:
    place = f"{source.path}, line {source.skip + reader.line_num}"  # type: ignore[attr-defined]
    if len(fields) != len(positions):
        raise UsageError(f"{place}: {len(fields)} fields where {len(positions)} are expected")
    row: list[Value] = [None] * len(schema.columns)
    for field, position in zip(fields, positions, strict=True):
        if field or schema.columns[position].type not in _NUMBERS:
            row[position] = field
    try:
        return schema.convert_row(row)
    except Error as error:
        raise UsageError(f"{place}: {error}") from None
