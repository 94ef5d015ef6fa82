"""Tables that are altered by SQL while a program in Python holds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import lsmsql
from lsmsql.engine.store import Store, open_store
from tests.running import run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store", sync="off", background=False, block_rows=4) as opened:
        run(opened, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
        opened.table("t").update([n, f"b{n}"] for n in range(6))
        yield opened


def test_a_table_that_is_held_has_the_columns_of_today(store: Store) -> None:
    held = store.table("t")
    rows = held.range()
    assert next(rows) == {"a": 0, "b": "b0"}
    run(store, "ALTER TABLE t ADD COLUMN c DEFAULT 7", "ALTER TABLE t RENAME COLUMN b TO bb")
    assert next(rows) == {"a": 1, "b": "b1"}
    assert held.columns == ("a", "bb", "c") and store.table("t").columns == held.columns
    assert held.get(1) == {"a": 1, "bb": "b1", "c": 7}
    held.put({"a": 1, "bb": "new"})
    held[2] = {"bb": "newer", "c": 9}
    run(store, "ALTER TABLE t DROP COLUMN bb", "ALTER TABLE t RENAME TO u")
    held.put([3, 5])
    assert [tuple(row.values()) for row in held.range(limit=4)] == [
        (0, 7),
        (1, None),
        (2, 9),
        (3, 5),
    ]
    assert held.name == "u" and len(held) == 6 and list(held) == list(range(6))
    run(store, "DROP TABLE u")
    with pytest.raises(lsmsql.NoSuchTableError):
        held.get(1)


def test_a_snapshot_and_a_transaction_keep_the_columns_that_they_began_with(store: Store) -> None:
    with store.snapshot() as before, store.transaction() as transaction:
        run(store, "ALTER TABLE t ADD COLUMN c DEFAULT 7")
        for view in (before, transaction):
            assert view.table("t").get(1) == {"a": 1, "b": "b1"}
        transaction.table("t").put([1, "old layout"])
        with pytest.raises(lsmsql.ConflictError, match="the definition of a table"):
            transaction.commit()
    assert store.table("t").get(1) == {"a": 1, "b": "b1", "c": 7}


@pytest.mark.parametrize("indexed", [False, True])
def test_null_ingested_into_an_added_column_is_null(store: Store, indexed: bool) -> None:
    run(store, "ALTER TABLE t ADD COLUMN c DEFAULT 7", "ALTER TABLE t ADD COLUMN d DEFAULT 'x'")
    if indexed:
        run(store, "CREATE INDEX i ON t(c)")
    table = store.table("t")
    table.ingest([[10, "p", None, "q"], [11, "r", 5, None]])
    table.ingest(pa.table({"a": [12, 13], "c": pa.array([None, 6], pa.int64())}))
    for _ in range(2):
        assert run(store, "SELECT c, d FROM t WHERE a > 4") == [
            (7, "x"), (None, "q"), (5, None), (None, None), (6, None)
        ]  # fmt: skip
        assert run(store, "SELECT a FROM t WHERE c IS NULL") == [(10,), (12,)]
        store.compact()
    assert store.verify().ok


@pytest.mark.parametrize("rule", ["b INT CHECK (b > 0)", "b INT, g AS (b + 1)"])
@pytest.mark.parametrize("indexed", [False, True])
def test_ingest_takes_no_rows_that_only_sql_can_check_or_compute(
    store: Store, rule: str, indexed: bool
) -> None:
    run(store, f"CREATE TABLE ruled(a INTEGER PRIMARY KEY, {rule})")
    if indexed:
        run(store, "CREATE INDEX i ON ruled(b)")
    table = store.table("ruled")
    with pytest.raises(lsmsql.UsageError, match=r"write its rows with SQL: store\.connect"):
        table.ingest([{"a": 1, "b": -1}])
    assert len(table) == 0


def test_rows_are_not_ingested_past_an_index_that_was_created_meanwhile(store: Store) -> None:
    def source() -> Iterator[list[object]]:
        yield [7, "b7"]
        run(store, "CREATE INDEX i ON t(b)")
        yield [8, "b8"]

    with pytest.raises(lsmsql.ConflictError, match="an index has been created meanwhile"):
        store.table("t").ingest(source())
    assert len(store.table("t")) == 6
    assert store.table("t").ingest(iter([[7, "b7"]])) == 1
    assert store.verify().ok and len(store.table("t")) == 7


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("flushed", [False, True])
def test_rows_older_than_a_column_that_is_not_null_are_sound(
    store: Store, tmp_path: Path, emptied: bool, flushed: bool
) -> None:
    table = store.table("t")
    if emptied:
        run(store, "DELETE FROM t")
    if flushed:
        store.flush()
    run(store, "ALTER TABLE t ADD COLUMN c NOT NULL DEFAULT 7")
    table.put([9, "new", 8])
    assert store.verify().errors == ()
    kept = list(table.range())
    report = lsmsql.repair(store.path, tmp_path / "saved")
    assert report.ok
    with open_store(tmp_path / "saved") as saved:
        assert list(saved.table("t").range()) == kept
