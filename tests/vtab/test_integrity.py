"""PRAGMA integrity_check and quick_check say what verify finds."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

import vtab
from lsmsql.engine.store import open_store

PRAGMAS = ["integrity_check", "quick_check"]


@pytest.fixture
def filled(store, connection):
    """Two tables with files, and rows that are not committed."""
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(id INTEGER PRIMARY KEY, x TEXT)")
    store.table("t").update([i, f"x{i}"] for i in range(100))
    store.update((i, i) for i in range(100))
    store.flush()
    connection.execute("BEGIN; INSERT INTO t VALUES(1000, 'y')")
    return connection


@pytest.mark.parametrize("pragma", PRAGMAS)
def test_a_sound_store_is_ok(filled, pragma):
    assert filled.pragma(pragma) == "ok"
    assert filled.execute(f"PRAGMA {pragma}(t)").get == "ok"
    assert filled.execute("SELECT count(*) FROM t").get == 101


@pytest.mark.parametrize("pragma", PRAGMAS)
def test_damage_is_told_for_the_table_that_has_it(filled, store, path, pragma):
    files = store.core.version.table(store.table("t").schema.id).files()
    name = next(file.path.rpartition("/")[2] for _, file in files)
    data = (Path(path) / name).read_bytes()
    (Path(path) / name).write_bytes(b"?" + data[1:])
    filled.execute("COMMIT")
    told = filled.execute(f"PRAGMA {pragma}").get
    assert told.startswith(f"error: {name}, offset 0 (table t): ") and "\n" not in told
    assert filled.execute(f"PRAGMA {pragma}(kv)").get == "ok"


def test_a_check_beside_a_writer(store, path):
    store.update((i, i) for i in range(50))
    store.flush()
    with open_store(path, "r") as reader:
        connection = apsw.Connection(":memory:")
        vtab.register(connection, reader)
        store.update((i, i) for i in range(50, 90))
        store.compact()
        assert connection.pragma("integrity_check") == "ok"
        connection.close()
