"""Flush: what is in logs, and in memtables, goes to files of level 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.background import job
from lsmsql.engine.output import write_files
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.wal import changes, runs

keys = st.integers(0, 12)
values = (
    st.none()
    | st.integers(-5, 5)
    | st.text(max_size=3)
    | st.binary(max_size=3)
    | st.floats(allow_nan=False)
)
commits = st.lists(
    st.dictionaries(keys, st.just("delete") | values, min_size=1, max_size=8), max_size=20
)


@given(
    commits=commits,
    worth=st.integers(1, 8),
    piece=st.integers(1, 200),
    size=st.integers(1, 2000),
    reopen=st.integers(0, 20),
)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_files_hold_what_the_memtables_held(
    tmp_path_factory: pytest.TempPathFactory,
    commits: list[dict[int, object]],
    worth: int,
    piece: int,
    size: int,
    reopen: int,
) -> None:
    path = tmp_path_factory.mktemp("flush") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "WORTH_COLUMNS", worth)
        patch.setattr(runs, "PIECE_BYTES", piece)
        patch.setattr(job, "SORT_BYTES", size)
        store = lsmsql.open(path, background=False, sync="off")
        model: dict[object, object] = {}
        for number, commit in enumerate(commits):
            with store.batch() as batch:
                for key, value in commit.items():
                    if value == "delete":
                        batch.delete(key)
                        model.pop(key, None)
                    else:
                        batch.put(key, value)
                        model[key] = value
            if number == reopen:  # from there on memtables stem from two logs
                store.close()
                store = lsmsql.open(path, background=False, sync="off")
        in_memory = list(store.items())
        store.flush()
        assert store.stats().table("kv").memtable_rows == 0
        assert repr(list(store.items())) == repr(in_memory) == repr(sorted(model.items()))
        store.close()


def test_each_snapshot_keeps_its_versions(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "store", background=False) as store:
        store["a"] = 1
        store["b"] = 1
        before = iter(store.items())
        assert next(before) == ("a", 1)
        store["a"] = 2
        del store["b"]
        store.update({f"{i:03d}": i for i in range(200)})
        store.flush()
        assert list(before) == [("b", 1)]
        assert store["a"] == 2 and "b" not in store and len(store) == 201


def test_tables_of_one_log_go_to_a_file_each_and_dropped_ones_to_none(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "store", background=False) as store:
        for name in ("one", "two"):
            store.create_table(name, {"k": "INTEGER", "v": "TEXT"}, "k")
        for i in range(300):
            store.table("one").put((i, f"{i}"))
            store.table("two").put((i, None))
        store.table("one").update([(i, "new") for i in range(100, 300)])
        store.drop_table("two")
        store["x"] = "y"
        store.flush()
        assert list(store.table("one").range(99, 101)) == [
            {"k": 99, "v": "99"},
            {"k": 100, "v": "new"},
        ]
        files = {table.name: table.levels[0].files for table in store.stats().tables}
        assert files == {"kv": 1, "one": 1}


def test_a_flush_that_fails_at_the_second_table_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lsmsql.open(tmp_path / "store", background=False) as store:
        store.create_table("other", {"k": "INTEGER"}, "k")
        store.flush()
        store["x"] = "y"
        store.table("other").put((1,))
        done: list[list[FileMeta]] = []

        def fail(*given: Any, **more: Any) -> list[FileMeta]:
            if done:
                raise lsmsql.StorageError("no")
            done.append(write_files(*given, **more))
            return done[0]

        before = sorted(path.name for path in (tmp_path / "store").glob("*.sst"))
        monkeypatch.setattr(job, "write_files", fail)
        with pytest.raises(lsmsql.StorageError, match="no"):
            store.flush()
        assert sorted(path.name for path in (tmp_path / "store").glob("*.sst")) == before
        assert store["x"] == "y"
    with lsmsql.open(tmp_path / "store") as store:
        assert store["x"] == "y" and store.table("other").get(1) == {"k": 1}


def test_a_log_that_is_damaged_on_the_disk_is_flushed_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with lsmsql.open(path, background=False) as store:
        table = store.create_table("t", {"a": "INTEGER", "b": "ANY"}, "a")
        table.update([(i, [i, "x", None, 1.5][i % 4]) for i in range(20)])
        store.update({i: i for i in range(10)})
        seen = store.range()
        store.delete(3)
        store[4] = "new"
        (log,) = path.glob("*.log")
        content = bytearray(log.read_bytes())
        content[100] ^= 1
        log.write_bytes(content)
        store.flush()
        assert store.stats()["damaged_logs"] == 1
        assert list(seen) == [(i, i) for i in range(10)]
        expected = dict(store.items())
        rows = list(table.range())
    with lsmsql.open(path) as store:
        assert dict(store.items()) == expected
        assert store.get(4) == "new"
        assert 3 not in store
        assert list(store.table("t").range()) == rows
