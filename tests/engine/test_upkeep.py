"""The indexes of rows that are written without SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store", sync="off", background=False, block_rows=4) as opened:
        connection = opened.connect()
        connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c TEXT UNIQUE)")
        connection.execute("CREATE INDEX i ON t(b)")
        connection.close()
        opened.table("t").update([[1, "x", "p"], [2, "y", "q"]])
        yield opened


def rows(store: Store) -> list[tuple[object, ...]]:
    assert store.verify().errors == ()
    return [tuple(row.values()) for row in store.table("t").range()]


def test_a_row_that_is_refused_leaves_everything_as_it_was(store: Store) -> None:
    with store.transaction() as transaction:
        table = transaction.table("t")
        with pytest.raises(lsmsql.ConstraintError, match=r"UNIQUE constraint failed: t\.c"):
            table.put([1, "z", "q"])
        with pytest.raises(lsmsql.LimitError):
            table.put([2, "z" * 70_000, "r"])
        table.put([3, "z", "r"])
    assert rows(store) == [(1, "x", "p"), (2, "y", "q"), (3, "z", "r")]


def test_of_many_rows_all_are_written_or_none(store: Store) -> None:
    with store.transaction() as transaction:
        with pytest.raises(lsmsql.ConstraintError):
            transaction.table("t").update([[3, "z", "r"], [1, "n", "p"], [4, "z", "q"]])
        assert len(transaction.table("t")) == 2
    with pytest.raises(lsmsql.ConstraintError), store.batch() as batch:
        batch["k"] = "v"
        batch.table("t").put([3, "z", "r"])
        batch.table("t").put([4, "z", "r"])
    assert rows(store) == [(1, "x", "p"), (2, "y", "q")] and "k" not in store


def test_a_row_may_keep_its_unique_values_or_take_those_of_one_that_has_gone(store: Store) -> None:
    table = store.table("t")
    table.put([1, "new", "p"])
    with store.transaction() as transaction:
        transaction.table("t").delete(2)
        transaction.table("t").put([1, "new", "q"])
        transaction.table("t").put([2, "y", "p"])
    table.put({"a": 3})
    table.put({"a": 4})  # NULL is equal to nothing
    assert rows(store) == [(1, "new", "q"), (2, "y", "p"), (3, None, None), (4, None, None)]
