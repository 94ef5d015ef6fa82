"""Doing compactions: levels keep apart, versions that somebody needs stay, the others go."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.compaction import leveled
from lsmsql.engine.schema import KV_TABLE_ID

TINY: dict[str, Any] = {
    "memtable_bytes": 4000,
    "block_rows": 8,
    "table_bytes": 1500,
    "level1_bytes": 3000,
    "level0_files": 2,
    "background": False,
    "sync": "off",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", **TINY) as opened:
        yield opened


def check_levels(store: lsmsql.Store) -> None:
    """Every rule that a version must keep."""
    table = store.core.version.table(KV_TABLE_ID)
    for level in table.levels[1:]:
        for before, after in zip(level.files, level.files[1:], strict=False):
            assert before.meta.largest < after.meta.smallest
    for _, file in table.files():
        meta = file.meta
        assert meta.smallest == file.index.first[0] and meta.largest == file.index.last[-1]
        assert meta.rows == sum(file.index.rows) and meta.keys <= meta.rows
    options = store.core.options
    assert leveled.score(table, options) < 1


def records(store: lsmsql.Store) -> int:
    return sum(level.rows for level in store.stats().table("kv").levels)


def test_a_tree_grows_level_by_level_and_keeps_its_shape(store: lsmsql.Store) -> None:
    chance = random.Random(5)
    model: dict[int, object] = {}
    for step in range(4000):
        key = chance.randrange(600)
        if chance.random() < 0.2:
            store.delete(key)
            model.pop(key, None)
        else:
            store[key] = model[key] = f"{step:060d}"
        if step % 500 == 499:
            store.flush()
            check_levels(store)
            assert list(store.items()) == sorted(model.items())
    stats = store.stats()
    assert len(stats.table("kv").levels) > 1
    assert stats["compactions"] > 3 and stats["compacted_rows"] > 600
    store.compact()
    check_levels(store)
    assert list(store.items()) == sorted(model.items())
    assert records(store) == len(model)


def test_keys_that_come_in_order_are_moved_not_rewritten(store: lsmsql.Store) -> None:
    for key in range(1000):
        store[key] = "x" * 50
    store.flush()
    stats = store.stats()
    assert stats["files_moved"] > 0 and stats["compacted_rows"] == 0
    assert list(store) == list(range(1000))


def test_versions_that_a_reader_needs_stay_until_it_is_done(store: lsmsql.Store) -> None:
    for key in range(100):
        store[key] = "old"
    reader = store.range()
    first = next(reader)
    for key in range(100):
        store[key] = "new"
    for key in range(0, 100, 2):
        store.delete(key)
    store.compact()
    assert records(store) == 200  # old and new of 50 keys, old and deleted of the others
    assert [first, *reader] == [(key, "old") for key in range(100)]
    store["again"] = 1
    store.compact()
    assert records(store) == 51
    assert list(store.items()) == [*((key, "new") for key in range(1, 100, 2)), ("again", 1)]


def test_numbers_that_every_reader_is_beyond_are_forgotten_at_the_bottom(
    store: lsmsql.Store,
) -> None:
    for key in range(40):
        store[key] = key
    reader = store.range()
    first = next(reader)
    store[7] = "new"
    store[8] = "new"
    store.compact()
    assert max(file.meta.max_sequence for _, file in store.core.version.files()) == 42
    assert dict([first, *reader]) == {key: key for key in range(40)}
    assert store[7] == "new"
    store[9] = "newer"
    store.compact()
    metas = [file.meta for _, file in store.core.version.files()]
    assert {meta.max_sequence for meta in metas} == {0} and sum(m.rows for m in metas) == 40
    assert (store[7], store[8], store[9], store[10]) == ("new", "new", "newer", 10)


def test_deleting_everything_leaves_no_record(store: lsmsql.Store) -> None:
    for key in range(200):
        store[key] = "x" * 30
    store.compact()
    for key in range(200):
        store.delete(key)
    store.compact()
    assert list(store) == [] and records(store) == 0
    store["a"] = 1
    assert list(store) == ["a"]


def test_files_of_the_inputs_are_removed_once_nobody_reads_them(
    store: lsmsql.Store, tmp_path: Path
) -> None:
    def names() -> set[str]:
        return {path.name for path in (tmp_path / "store").glob("*.sst")}

    store.ingest([(key, "x" * 50) for key in range(100)])
    reader = store.range()
    next(reader)
    before = names()
    store.delete(0)
    store.compact()
    assert before <= names()
    assert len(list(reader)) == 99
    del reader
    live = {f"{file.meta.number:06d}.sst" for _, file in store.core.version.files()}
    assert names() == live and not before & live


def test_compacting_one_table_leaves_the_others_alone(store: lsmsql.Store) -> None:
    table = store.create_table("t", {"a": "INTEGER"}, "a")
    for name in ("kv", "t"):
        for _ in range(2):
            (store.put(1, 1) if name == "kv" else table.put([1]))
    store.compact("t")
    assert [level.level for level in store.stats().table("t").levels] == [1]
    with pytest.raises(lsmsql.NoSuchTableError):
        store.compact("nothing")
