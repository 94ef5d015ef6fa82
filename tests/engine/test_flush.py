"""Flush: all versions of a memtable go to a file, however large they are."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine import flush
from lsmsql.engine.background import job
from lsmsql.engine.background.records import pack_records
from lsmsql.engine.flush import memtable_records
from lsmsql.engine.memtable.memtable import Memtable


def test_a_memtable_is_handed_over_with_all_its_versions() -> None:
    memtable = Memtable()
    memtable.put(b"b", (None, 1), 1, 10, 0)
    memtable.put(b"a", None, 2, 10, 0)
    memtable.put(b"b", (None, "x"), 3, 10, 0)
    assert list(memtable_records(memtable, 2)) == [
        pack_records([b"b", b"b", b"a"], [3, 1, 2], [(None, "x"), (None, 1), None], 2)
    ]


def test_records_too_large_for_one_array_come_in_pieces_that_part_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flush, "MAX_WINDOW_BYTES", 200)
    memtable = Memtable()
    sequence = 0
    for key in (b"c", b"a", b"b", b"d"):
        for value in ("é" * 30, b"x" * 60, 7):
            sequence += 1
            memtable.put(key, (None, value), sequence, 60, 0)
    chunks = list(memtable_records(memtable, 2))
    assert [chunk.keys.data for chunk in chunks] == [b"ccc", b"aaa", b"bbb", b"ddd"]
    numbers = [list(array("q", chunk.sequences)) for chunk in chunks]
    assert numbers == [[3, 2, 1], [6, 5, 4], [9, 8, 7], [12, 11, 10]]


def test_runs_that_are_sorted_apart_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flush, "MAX_WINDOW_BYTES", 2000)
    monkeypatch.setattr(job, "SORT_BYTES", 500)
    with lsmsql.open(tmp_path / "store", background=False) as store:
        model = {(i * 37) % 100: f"{i:050d}" for i in range(250)}
        for i in range(250):
            store[(i * 37) % 100] = f"{i:050d}"
        store.flush()
        assert [level.files for level in store.stats().table("kv").levels] == [1]
        assert list(store.items()) == sorted(model.items())
