"""Loading the tables: into a store, and into an SQLite file to compare with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import apsw

import vtab
from examples.flights.dataset import open_csv_file, read_batches
from examples.flights.tables import TABLES
from lsmsql.engine.store import Store

TOTAL_ROWS = 367_687

Progress = Callable[[str, int], object]
"""Called with the name of a table and a number of rows that were read."""


def no_progress(table: str, rows: int) -> None:
    """Show nothing."""


def load_store(store: Store, progress: Progress = no_progress) -> None:
    """Create the five tables and ingest their rows."""
    for name, sql in TABLES.items():
        table = vtab.create_from_sql(store, sql)

        def advance(rows: int, name: str = name) -> None:
            progress(name, rows)

        with open_csv_file(name) as file:
            table.ingest(read_batches(file, table.schema, advance))


def load_sqlite(path: Path) -> float:
    """The same tables in a new SQLite file, as small as they get; returns the seconds of loading.

    As WITHOUT ROWID tables they take a third less than as rowid tables, whose primary key is a
    second B-tree. VACUUM, which is not counted as loading, then fills the pages.
    """
    began = time.perf_counter()
    connection = apsw.Connection(str(path))
    with connection:
        for name, sql in TABLES.items():
            schema = vtab.parse_create(sql).schema
            insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(schema.columns))})"
            connection.execute(f"{sql}, WITHOUT ROWID")
            with open_csv_file(name) as file:
                for batch in read_batches(file, schema):
                    values = [column.to_pylist() for column in batch.columns]
                    connection.executemany(insert, zip(*values, strict=True))
    seconds = time.perf_counter() - began
    connection.execute("VACUUM")
    connection.close()
    return seconds
