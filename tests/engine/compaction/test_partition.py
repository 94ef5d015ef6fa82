"""Parting a merge: the ranges are all keys, and about equal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine import scheduler as scheduler_module
from lsmsql.engine.background import executor as executor_module
from lsmsql.engine.compaction import job as job_module
from lsmsql.engine.compaction.partition import ALL_KEYS, file_ranges, key_ranges
from lsmsql.engine.sstable.index import BlockIndex
from tests.engine.compaction.versions import file


@dataclass
class Index:
    """As much of an index as is looked at."""

    first: list[bytes]
    lengths: list[int]


def ranges_of(indexes: list[Index], parts: int) -> list[tuple[bytes | None, bytes | None]]:
    return key_ranges(cast("list[BlockIndex]", indexes), parts)


firsts = st.lists(st.binary(max_size=2), min_size=1, max_size=20, unique=True).map(sorted)
indexes = st.lists(
    firsts.flatmap(
        lambda keys: st.lists(st.integers(1, 100), min_size=len(keys), max_size=len(keys)).map(
            lambda lengths: Index(keys, lengths)
        )
    ),
    max_size=4,
)


@given(indexes, st.integers(1, 5))
def test_ranges_follow_each_other_from_end_to_end(found: list[Index], parts: int) -> None:
    ranges = ranges_of(found, parts)
    assert 1 <= len(ranges) <= parts
    assert ranges[0][0] is None and ranges[-1][1] is None
    for (_, stop), (start, _) in pairwise(ranges):
        assert stop is not None and stop == start
    bounds = [stop for _, stop in ranges[:-1] if stop is not None]
    assert bounds == sorted(set(bounds))


def test_ranges_have_about_equal_bytes() -> None:
    newer = Index([b"%03d" % n for n in range(0, 1000, 10)], [50] * 100)
    older = Index([b"%03d" % n for n in range(600, 1000)], [50] * 400)
    (_, cut), _ = ranges_of([newer, older], 2)
    assert cut is not None
    assert 245 <= sum(key < cut for index in (newer, older) for key in index.first) <= 255


def test_what_cannot_be_parted_stays_whole() -> None:
    assert ranges_of([], 2) == ranges_of([Index([b"a"], [9])], 2) == [ALL_KEYS]


@given(st.lists(st.tuples(st.integers(1, 26), st.integers(1, 10**12)), max_size=20), st.integers(0))
def test_ranges_of_files_begin_where_files_do(found: list[tuple[int, int]], nbytes: int) -> None:
    metas = [file(n, chr(96 + key) + "z", size) for n, (key, size) in enumerate(found)]
    ranges = file_ranges(metas, nbytes)
    assert ranges[0][0] is None and ranges[-1][1] is None
    bounds = [start for start, _ in ranges[1:] if start is not None]
    assert [stop for _, stop in ranges[:-1]] == bounds == sorted(set(bounds))
    assert set(bounds) < {meta.smallest for meta in metas} or not bounds
    assert len(ranges) <= max(1, sum(meta.size for meta in metas) // max(1, nbytes))


@pytest.mark.parametrize("processes", [True, False])
def test_a_shared_merge_leaves_what_one_worker_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: bool
) -> None:
    monkeypatch.setattr(job_module, "MIN_SHARED_BYTES", 0)
    monkeypatch.setattr(executor_module, "MIN_BYTES", 0)
    monkeypatch.setattr(scheduler_module, "processors", lambda: 2)
    small: dict[str, Any] = {"sync": "off", "block_rows": 8, "compaction_process": processes}
    with lsmsql.open(tmp_path / "store", **small) as store:
        for step in range(900):
            store[step * 7 % 300] = step
            if step == 650:
                reader = store.range()
                first = next(reader)
        del store[5]
        store.compact()
        stats = store.stats()
        assert stats["worker_jobs"] == (3 if processes else 0)
        assert stats["compactions"] == 1
        assert [level.files for level in stats.table("kv").levels] == [2]
        assert dict([first, *reader]) == {step * 7 % 300: step for step in range(651)}
        expected = {step * 7 % 300: step for step in range(900)}
        del expected[5]
        assert dict(store.items()) == expected


def test_a_share_that_fails_takes_the_others_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "MIN_SHARED_BYTES", 0)
    monkeypatch.setattr(scheduler_module, "processors", lambda: 2)
    path = tmp_path / "store"
    with lsmsql.open(path, sync="off", block_rows=8) as store:
        for key in range(300):
            store[key] = "x" * 100
        store.flush()
        (file,) = path.glob("*.sst")
        data = bytearray(file.read_bytes())
        data[20] ^= 0xFF
        file.write_bytes(data)
        with pytest.raises(lsmsql.CorruptionError):
            store.compact()
        assert list(path.glob("*.sst")) == [file]
