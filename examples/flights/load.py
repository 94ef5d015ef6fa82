"""Loading the tables: into a store, and into an SQLite file to compare with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

import vtab
from examples.flights.dataset import open_csv_file, read_batches
from examples.flights.tables import TABLES
from lsmsql.engine.store import Store

Progress = Callable[[str, int], object]
"""Called with the name of a table and a number of rows that were read."""


def ignore(table: str, rows: int) -> None:
    """No progress bar."""


def load_store(store: Store, progress: Progress = ignore) -> dict[str, int]:
    """Create the five tables and ingest their rows; returns the number of rows of each."""
    rows = {}
    for name, sql in TABLES.items():
        table = vtab.create_from_sql(store, sql)
        with open_csv_file(name) as file:
            batches = read_batches(file, table.schema, lambda n, name=name: progress(name, n))
            rows[name] = table.ingest(batches)
    return rows


def load_sqlite(path: Path, store: Store) -> None:
    """The same tables in a new SQLite file, made as small as SQLite can.

    As WITHOUT ROWID tables they take a third less than as rowid tables, whose primary key is a
    second B-tree; VACUUM then fills the pages.
    """
    connection = apsw.Connection(str(path))
    with connection:
        for name, sql in TABLES.items():
            connection.execute(f"{sql} WITHOUT ROWID")
            insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(store.table(name).columns))})"
            with open_csv_file(name) as file:
                for batch in read_batches(file, store.table(name).schema):
                    values = [column.to_pylist() for column in batch.columns]
                    connection.executemany(insert, zip(*values, strict=True))
    connection.execute("VACUUM")
    connection.close()
