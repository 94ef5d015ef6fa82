"""The rows of a table that was dropped are there for those who look at the time before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine import cleanup
from lsmsql.engine.snapshot import Snapshot

SMALL: dict[str, Any] = {
    "sync": "off",
    "background": False,
    "block_rows": 2,
    "table_bytes": 300,
    "level0_files": 2,
}
COLUMNS = {"id": "INTEGER", "value": "INTEGER"}

Content = dict[str, dict[int, int]]


def content(tables: lsmsql.Store | Snapshot) -> Content:
    """All rows of all tables but kv."""
    return {
        schema.name: {
            cast("int", row["id"]): cast("int", row["value"])
            for row in tables.table(schema.name).range()
        }
        for schema in tables.tables()
        if schema.name != "kv"
    }


def table_ids(store: lsmsql.Store) -> set[int]:
    """The tables, but for kv and the catalogue, that have files."""
    return {file.meta.table_id for _, file in store.core.version.files()} - {0, 1}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", **SMALL) as opened:
        yield opened


def fill(store: lsmsql.Store, name: str) -> Content:
    store.create_table(name, COLUMNS, "id").update([[i, i * i] for i in range(10)])
    return {name: {i: i * i for i in range(10)}}


@pytest.mark.parametrize("before", ["memory", "files"])
def test_an_open_snapshot_keeps_the_rows(store: lsmsql.Store, before: str) -> None:
    rows = fill(store, "t")
    if before == "files":
        store.flush()
    with store.snapshot() as snapshot:
        store.drop_table("t")
        for upkeep in (store.flush, store.compact, store.flush):
            store["more"] = 1
            upkeep()
            assert content(snapshot) == rows
        assert content(store) == {} and len(table_ids(store)) == 1
        with pytest.raises(lsmsql.NoSuchTableError):
            store.table("t")
    store.compact()
    assert table_ids(store) == set() and store.core.dropped == {}


def test_without_a_snapshot_the_files_go_at_once(store: lsmsql.Store) -> None:
    fill(store, "t")
    store.flush()
    with store.snapshot() as after:
        fill(store, "u")
        store.flush()
        assert len(table_ids(store)) == 2
        store.drop_table("u")
        assert len(table_ids(store)) == 2 and after.sequence < store.sequence
    store.drop_table("t")
    assert table_ids(store) == set()


def test_a_snapshot_after_the_drop_keeps_nothing(store: lsmsql.Store) -> None:
    fill(store, "t")
    store.flush()
    first = store.snapshot()
    store.drop_table("t")
    second = store.snapshot()
    assert len(table_ids(store)) == 1
    first.close()
    store.compact()
    assert table_ids(store) == set() and content(second) == {}
    second.close()


def test_the_files_go_when_the_history_is_past_the_drop(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "s", history=3, **SMALL) as store:
        fill(store, "t")
        store.flush()
        store.drop_table("t")
        left = []
        for value in range(4):
            store["x"] = value
            store.scheduler.look_for_work()
            left.append(len(table_ids(store)))
        assert left == [1, 1, 0, 0]


def test_a_file_that_a_flush_writes_while_its_table_goes_is_removed_too(
    store: lsmsql.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "t")
    scheduler = store.scheduler
    run = scheduler._executor.run

    def drop_meanwhile(job: Any) -> Any:
        outcome = run(job)
        monkeypatch.undo()
        store.drop_table("t")
        cleanup.drop_files_of_dropped_tables(store.core)
        look = "lsmsql.engine.scheduler.drop_files_of_dropped_tables"
        monkeypatch.setattr(look, lambda core: None)  # it had its look just before
        return outcome

    monkeypatch.setattr(scheduler._executor, "run", drop_meanwhile)
    store.compact()
    assert len(table_ids(store)) == 1
    monkeypatch.undo()
    store.compact()
    store.compact()
    assert table_ids(store) == set() and store.core.dropped == {}


def test_a_history_keeps_the_rows_also_when_it_is_opened_again(tmp_path: Path) -> None:
    states: dict[int, Content] = {}
    path = tmp_path / "s"
    with lsmsql.open(path, history=6, **SMALL) as store:
        for name in ("t", "u"):
            rows = fill(store, name)
            states[store.sequence] = rows
            store.drop_table(name)
            states[store.sequence] = {}
    for upkeep in ("flush", "compact", "flush", "compact"):
        with lsmsql.open(path, history=6, **SMALL) as store:
            getattr(store, upkeep)()
            for sequence, rows in states.items():
                with store.snapshot(at=sequence) as past:
                    assert content(past) == rows
            assert len(table_ids(store)) == 2
    with lsmsql.open(path, history=6, **SMALL) as store:
        for value in range(4):  # after which the first drop is out of reach
            store["x"] = value
        store.compact()
        store.compact()
        assert len(table_ids(store)) == 1
    with lsmsql.open(path, **SMALL) as store:
        store.compact()
        assert table_ids(store) == set()


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["create", "drop", "put", "put"]), st.sampled_from("ab")),
        st.tuples(st.sampled_from(["flush", "compact", "snapshot", "close", "reopen"]), st.none()),
    ),
    min_size=10,
    max_size=50,
)


@settings(max_examples=15)
@given(steps, st.sampled_from([None, 4, 1000]))
def test_snapshots_see_the_tables_there_were(tmp_path_factory, taken, history):
    path = tmp_path_factory.mktemp("s") / "store"
    store = lsmsql.open(path, history=history, **SMALL)
    states: dict[int, Content] = {0: {}}
    snapshots: list[Snapshot] = []
    for number, (step, name) in enumerate(taken):
        now = {table: dict(rows) for table, rows in states[store.sequence].items()}
        if step == "create" and name not in now:
            store.create_table(name, COLUMNS, "id")
            now[name] = {}
        elif step == "drop" and name in now:
            store.drop_table(name)
            del now[name]
        elif step == "put" and name in now:
            store.table(name).put([number % 5, number])
            now[name][number % 5] = number
        elif step == "snapshot":
            snapshots.append(store.snapshot())
        elif step == "close" and snapshots:
            snapshots.pop(number % len(snapshots)).close()
        elif step == "reopen":
            while snapshots:
                snapshots.pop().close()
            store.close()
            store = lsmsql.open(path, history=history, **SMALL)
        elif step in ("flush", "compact"):
            getattr(store, step)()
        states[store.sequence] = now
        for snapshot in snapshots:
            assert content(snapshot) == states[snapshot.sequence]
        for sequence in range(store.stats().oldest_sequence, store.sequence + 1):
            with store.snapshot(at=sequence) as past:
                assert content(past) == states[sequence]
    while snapshots:
        snapshots.pop().close()
    store.close()
