"""Bulk ingest: every kind of source, all rows or none, and the place the files take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine import ingest as ingest_module
from lsmsql.engine.column import Column
from lsmsql.engine.compaction.strategy import level0_runs
from lsmsql.engine.output import write_tables
from lsmsql.engine.sources import convert_array
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.values import ColumnType, check_value


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", background=False, block_rows=8) as opened:
        yield opened


COLUMNS = {"id": "INTEGER", "name": "TEXT", "score": "REAL", "any": "ANY"}
ROWS = [(3, "c", 1.5, None), (1, "a", None, b"x"), (2, "b", 2.0, "t")]
SORTED = sorted(ROWS)


def as_tuples(table: lsmsql.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.range()]


@pytest.mark.parametrize("kind", ["tuples", "dicts", "generator"])
def test_rows_of_any_shape_are_taken(store: lsmsql.Store, kind: str) -> None:
    table = store.create_table("t", COLUMNS, "id")
    sources: dict[str, object] = {
        "tuples": ROWS,
        "dicts": [dict(zip(COLUMNS, row, strict=True)) for row in ROWS],
        "generator": (row for row in ROWS),
    }
    assert table.ingest(sources[kind]) == 3
    assert as_tuples(table) == SORTED


@pytest.mark.parametrize("kind", ["table", "batch", "reader", "pandas"])
def test_arrow_data_of_any_kind_is_taken_by_column_name(store: lsmsql.Store, kind: str) -> None:
    table = store.create_table("t", COLUMNS, "id")
    arrow = pa.table({"NAME": ["b", "a"], "id": pa.array([2, 1], pa.int16()), "score": [1, None]})
    source: object = arrow
    if kind == "batch":
        source = arrow.to_batches()[0]
    elif kind == "reader":
        source = arrow.to_reader()
    elif kind == "pandas":
        source = pytest.importorskip("pandas").DataFrame(
            {"name": ["b", "a"], "id": [2, 1], "score": [1.0, float("nan")]}
        )
    assert table.ingest(source) == 2
    assert as_tuples(table) == [(1, "a", None, None), (2, "b", 1.0, None)]


def test_kv_takes_pairs_mappings_and_columns_named_key_and_value(store: lsmsql.Store) -> None:
    store.ingest([("a", 1), (2, b"x")])
    store.ingest({1.5: None})
    store.ingest(pa.table({"key": ["b"], "value": [0.5]}))
    assert list(store.items()) == [(1.5, None), (2, b"x"), ("a", 1), ("b", 0.5)]


def test_of_several_rows_with_one_key_the_last_counts(store: lsmsql.Store) -> None:
    assert store.ingest([(1, "x"), (2, "y"), (1.0, "z"), (2, "w")]) == 4
    assert repr(list(store.items())) == "[(1.0, 'z'), (2, 'w')]"


def test_rows_replace_older_ones_wherever_these_are(store: lsmsql.Store) -> None:
    store.ingest([(i, "bottom") for i in range(10)])
    store[3] = "flushed"
    store.flush()
    store[4] = "in memory"
    store.delete(5)
    store.ingest([(i, "new") for i in (2, 3, 4, 5)])
    assert [value for _, value in store.items()] == ["bottom"] * 2 + ["new"] * 4 + ["bottom"] * 4
    store[4] = "newest"
    assert store[4] == "newest"
    store.compact()
    assert [value for _, value in store.range(2, 6)] == ["new", "new", "newest", "new"]


def test_an_iterator_opened_before_sees_nothing_of_it(store: lsmsql.Store) -> None:
    store.ingest([(i, 0) for i in range(40)])
    rows = store.range()
    first = next(rows)
    store.ingest([(i, 1) for i in range(80)])
    store.compact()
    assert [first, *rows] == [(i, 0) for i in range(40)]
    assert [value for _, value in store.items()] == [1] * 80


def test_chunks_that_overlap_are_all_there_and_the_later_one_wins(tmp_path: Path) -> None:
    rows = [(i % 3000, i) for i in range(40_000)]
    with lsmsql.open(tmp_path / "s", memory_budget=500_000, background=False) as store:
        seen: list[int] = []
        assert store.ingest(iter(rows), progress=seen.append) == 40_000
        assert len(seen) > 1 and seen == sorted(seen) and seen[-1] == 40_000
        assert list(store.items()) == sorted(dict(rows).items())
        store.compact()
        assert list(store.items()) == sorted(dict(rows).items())


def test_new_files_go_as_deep_as_nothing_above_them_overlaps(store: lsmsql.Store) -> None:
    def levels() -> list[tuple[int, int]]:
        return [(level.level, level.rows) for level in store.stats().table("kv").levels]

    store.ingest([(i, 0) for i in range(10)])
    assert levels() == [(1, 10)]
    store.ingest([(i, 0) for i in range(10, 20)])
    assert levels() == [(1, 20)]
    store.ingest([(5, 1)])
    assert levels() == [(0, 1), (1, 20)]


@pytest.mark.parametrize("rows", [1, 2, 3, 500])
@pytest.mark.parametrize("columns", [{"id": "INTEGER"}, {"id": "INTEGER", "name": "TEXT"}])
def test_threads_that_share_a_chunk_write_each_row_once(
    store: lsmsql.Store, monkeypatch: pytest.MonkeyPatch, rows: int, columns: dict[str, str]
) -> None:
    monkeypatch.setattr(ingest_module, "_MIN_SHARED_BYTES", 0)
    table = store.create_table("t", columns, "id")
    keys = [number * 7919 % rows for number in range(rows)] * 2
    found = {"id": keys, "name": [f"row {place}" for place in range(2 * rows)]}
    assert table.ingest(pa.table({name: found[name] for name in columns})) == 2 * rows
    last = {key: f"row {place}" for place, key in enumerate(keys)}
    expected = [(key, last[key])[: len(columns)] for key in range(rows)]
    assert as_tuples(table) == expected
    files = sum(level.files for level in store.stats().table("t").levels)
    assert files == (2 if rows > 1 else 1)


def test_a_thread_that_fails_leaves_no_file_of_the_other(
    store: lsmsql.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "_MIN_SHARED_BYTES", 0)
    failed = threading.Event()

    def write_one(*arguments: Any, **more: Any) -> list[FileMeta]:
        if threading.current_thread().name.endswith("_1"):
            failed.set()
            raise lsmsql.StorageError("full")
        assert failed.wait(60)
        return write_tables(*arguments, **more)

    monkeypatch.setattr(ingest_module, "write_tables", write_one)
    with pytest.raises(lsmsql.StorageError, match="full"):
        store.ingest([(n, n) for n in range(100)])
    assert len(store) == 0 and not list((tmp_path / "store").glob("*.sst"))
    monkeypatch.setattr(ingest_module, "write_tables", write_tables)
    assert store.ingest([(n, n) for n in range(100)]) == 100 and len(store) == 100


def test_what_fails_half_way_leaves_nothing_behind(store: lsmsql.Store, tmp_path: Path) -> None:
    def rows() -> Iterator[tuple[object, object]]:
        yield from ((i, "x" * 100) for i in range(50_000))
        raise ZeroDivisionError

    store["before"] = 1
    names = set((tmp_path / "store").iterdir())
    with pytest.raises(ZeroDivisionError):
        store.ingest(rows())
    assert list(store) == ["before"]
    assert set((tmp_path / "store").iterdir()) == names


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (5, lsmsql.TypeMismatchError, "cannot ingest int"),
        ("text", lsmsql.TypeMismatchError, "cannot ingest str"),
        ([5], lsmsql.TypeMismatchError, "not int"),
        ([(1, 2)], lsmsql.SchemaError, "4 columns, the row has 2"),
        (pa.table({"id": [1], "nome": ["x"]}), lsmsql.SchemaError, "no column 'nome'"),
        (pa.table({"name": ["x"]}), lsmsql.ConstraintError, "id"),
        (pa.table({"id": [None, 1]}), lsmsql.ConstraintError, "id"),
        (pa.table({"id": [1.5]}), lsmsql.TypeMismatchError, "REAL value in INTEGER column id"),
        (pa.table({"id": [1], "score": [float("nan")]}), lsmsql.TypeMismatchError, "NaN"),
        (
            pa.table({"id": [1], "any": pa.array([0], pa.timestamp("s"))}),
            lsmsql.TypeMismatchError,
            "timestamp",
        ),
        (
            pa.table({"id": pa.array([2**63], pa.uint64())}),
            lsmsql.TypeMismatchError,
            "id",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused_with_the_reason(
    store: lsmsql.Store, data: object, error: type[lsmsql.Error], message: str
) -> None:
    table = store.create_table("t", COLUMNS, "id")
    with pytest.raises(error, match=message):
        table.ingest(data)
    assert as_tuples(table) == []


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False),
            st.sampled_from(["1", "1.5", "x", " 7 ", ""]),
            st.binary(max_size=2),
        ),
        max_size=4,
    ),
    st.sampled_from(list(ColumnType)),
)
def test_a_column_is_converted_as_its_values_would_be_one_by_one(
    values: list[object], kind: ColumnType
) -> None:
    classes = {type(v) for v in values} - {type(None)}
    if len(classes) > 1:
        values = [v for v in values if v is None or type(v) is next(iter(classes))]
    column = Column("c", kind)

    def outcome(convert: object) -> object:
        try:
            return repr(convert())  # type: ignore[operator]
        except lsmsql.Error as error:
            return type(error), str(error)

    one_by_one = outcome(lambda: [column.convert(check_value(v)) for v in values])
    at_once = outcome(lambda: convert_array(pa.array(values), column).to_pylist())
    assert at_once == one_by_one


def test_ingest_waits_for_compaction_when_level_0_is_full(tmp_path):
    limits: dict[str, Any] = {"level0_files": 1, "level0_slow": 2, "level0_stop": 2}
    with lsmsql.open(tmp_path / "s", **limits) as store:
        for i in range(12):
            store.ingest([(f"k{j}", i) for j in range(2000)])
            assert level0_runs(store.core.version) <= 2
        assert dict(store.items()) == {f"k{j}": 11 for j in range(2000)}
