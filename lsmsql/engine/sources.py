"""What can be ingested: Arrow data of any kind, or an iterable of rows, as columns of a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.column import Column
from lsmsql.engine.columns import arrow_type, build_column
from lsmsql.engine.errors import ConstraintError, SchemaError, TypeMismatchError
from lsmsql.engine.rows import RowLike
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import ColumnType, Row

Batch = list[pa.Array]

_ROWS_PER_BATCH = 16384
_BATCH_BYTES = 1 << 29


def read_source(data: object, schema: TableSchema) -> Iterator[Batch]:
    """The columns of ``schema``, in order and converted, batch by batch.

    ``data`` is anything with Arrow's stream or array interface (pyarrow, pandas, polars, duckdb),
    whose columns are matched by name, or an iterable of rows as ``Table.put`` takes them. Raises
    SchemaError for columns that do not match, TypeMismatchError, ConstraintError, LimitError.
    """
    if hasattr(data, "__arrow_c_stream__"):
        return _arrow_batches(pa.RecordBatchReader.from_stream(data), schema)
    if hasattr(data, "__arrow_c_array__"):
        return _arrow_batches([pa.record_batch(data)], schema)
    if isinstance(data, Mapping) or not isinstance(data, Iterable) or isinstance(data, str | bytes):
        raise TypeMismatchError(
            f"cannot ingest {type(data).__name__};"
            " give Arrow data, a DataFrame or an iterable of rows"
        )
    return _row_batches(data, schema)


def _row_batches(rows: Iterable[RowLike], schema: TableSchema) -> Iterator[Batch]:
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, _ROWS_PER_BATCH)):
        yield from _columns_of([schema.convert_row(row) for row in chunk], schema)


def _columns_of(rows: list[Row], schema: TableSchema) -> Iterator[Batch]:
    """Rows as columns: in several batches if one would be beyond Arrow's 32-bit offsets."""
    columns = zip(*rows, strict=True)
    batch = [build_column(v, c.type) for v, c in zip(columns, schema.columns, strict=True)]
    if len(rows) > 1 and any(isinstance(column, pa.ChunkedArray) for column in batch):
        half = len(rows) // 2
        yield from _columns_of(rows[:half], schema)
        yield from _columns_of(rows[half:], schema)
    else:
        yield batch


def _arrow_batches(batches: Iterable[pa.RecordBatch], schema: TableSchema) -> Iterator[Batch]:
    for batch in _in_reach(batches):
        _check_names(batch.schema.names, schema)
        positions = {name.lower(): i for i, name in enumerate(batch.schema.names)}
        columns: Batch = []
        for column in schema.columns:
            at = positions.get(column.name.lower())
            array = pa.nulls(batch.num_rows) if at is None else batch.column(at)
            columns.append(convert_array(array, column))
        yield columns


def _in_reach(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches cut so that each is well below what 32-bit offsets reach."""
    for batch in batches:
        parts = batch.nbytes // _BATCH_BYTES + 1
        rows = -(-batch.num_rows // parts) or 1
        for start in range(0, max(batch.num_rows, 1), rows):
            yield batch.slice(start, rows)


def _check_names(names: list[str], schema: TableSchema) -> None:
    unknown = [name for name in names if name.lower() not in schema.positions]
    if unknown:
        known = ", ".join(column.name for column in schema.columns)
        raise SchemaError(f"table {schema.name} has no column {unknown[0]!r}; it has {known}")
    if len({name.lower() for name in names}) < len(names):
        raise SchemaError("the data to ingest have two columns of the same name")


def convert_array(array: pa.Array, column: Column) -> pa.Array:
    """``array`` as ``column`` stores it: converted by STRICT rules, in one of our Arrow types."""
    array = _plain(array, column)
    if column.not_null and array.null_count:
        raise ConstraintError(f"NOT NULL constraint failed: {column.name}")
    if array.type == pa.float64() and pc.any(pc.is_nan(array)).as_py():
        raise TypeMismatchError(
            f"{column.name}: NaN cannot be stored; use null for a missing number"
        )
    wanted = arrow_type(column.type)
    if array.type in (wanted, pa.null()) or column.affinity is ColumnType.ANY:
        return array if wanted is None else array.cast(wanted)
    if wanted is None and array.type in (arrow_type(column.affinity), pa.binary()):
        return array
    if array.type == pa.int64() and column.affinity is ColumnType.REAL:
        return array.cast(pa.float64(), safe=False)
    values = [column.convert(value) for value in array.to_pylist()]
    return build_column(values, column.type)


def _plain(array: pa.Array, column: Column) -> pa.Array:
    """``array`` as null, int64, double, string or binary. Raises TypeMismatchError for others."""
    target = _plain_type(array.type)
    if target is None:
        raise TypeMismatchError(
            f"{column.name}: cannot store Arrow type {array.type};"
            " cast it to an integer, a float, text or bytes"
        )
    if array.type == target:
        return array
    try:
        return array.cast(target)
    except pa.ArrowException as error:
        raise TypeMismatchError(f"{column.name}: {error}") from None


def _plain_type(kind: Any) -> Any:
    types = pa.types
    if types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if types.is_integer(kind) or types.is_boolean(kind):
        return pa.int64()
    if types.is_floating(kind):
        return pa.float64()
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    ):
        return pa.binary()
    return pa.null() if types.is_null(kind) else None
