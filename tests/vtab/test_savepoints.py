"""Savepoints of a transaction that writes to several tables: every short program of them."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

import vtab
from lsmsql.engine.store import open_store
from tests.damage.memory import DIRECTORY, MemoryFileSystem

TABLES = ("kv", "t")
SAVEPOINT, RELEASE, BACK = "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s"
STEPS = 6
"""As many as it takes to write to the second table when the savepoint that the first one was told
of is no more, and to go back to an older one."""

Program = tuple[str, ...]


def programs(left: int = STEPS, open_ones: int = 0) -> Iterator[Program]:
    """All programs of so many steps: savepoints, all of one name, and rows for the tables."""
    if left == 0:
        yield ()
        return
    for step in (*TABLES, SAVEPOINT, *((RELEASE, BACK) if open_ones else ())):
        deeper = open_ones + (step is SAVEPOINT) - (step is RELEASE)
        for rest in programs(left - 1, deeper):
            yield step, *rest


def wanted(program: Program) -> set[tuple[str, int]]:
    """The rows that are left: the table, and the number of the step."""
    rows: set[tuple[str, int]] = set()
    savepoints: list[set[tuple[str, int]]] = []
    for number, step in enumerate(program):
        if step in TABLES:
            rows.add((step, number))
        elif step is SAVEPOINT:
            savepoints.append(set(rows))
        elif step is RELEASE:
            savepoints.pop()
        else:
            rows = set(savepoints[-1])
    return rows


def found(connection: apsw.Connection, program: Program) -> set[tuple[str, int]]:
    """The rows that are left in the tables, before all is taken back."""
    connection.execute("BEGIN")
    for number, step in enumerate(program):
        if step in TABLES:
            connection.execute(f"INSERT INTO {step}(key) VALUES (?)", (number,))
        else:
            connection.execute(step)
    rows = connection.execute("SELECT 'kv', key FROM kv UNION ALL SELECT 't', key FROM t")
    left = {(str(table), int(str(number))) for table, number in rows}
    connection.execute("ROLLBACK")
    return left


def test_every_short_program_of_savepoints_and_rows_of_two_tables_leaves_what_it_should() -> None:
    with open_store(DIRECTORY, filesystem=MemoryFileSystem(), background=False) as store:
        store.create_table("t", {"key": "INTEGER"}, "key")
        connection = apsw.Connection(":memory:")
        vtab.register(connection, store)
        for program in programs():
            assert found(connection, program) == wanted(program), program
        connection.close()
