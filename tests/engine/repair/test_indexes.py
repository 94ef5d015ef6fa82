"""Repair of stores with indexes and views: indexes agree with the rows that are left."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.repair.repair import repair
from lsmsql.engine.repair.report import RepairReport
from lsmsql.engine.store import Store
from tests.engine.verify.stores import SMALL, flip, names
from tests.running import run

DEFINITIONS = (
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c, d)",
    "CREATE INDEX by_c ON t(c DESC, b COLLATE NOCASE)",
    "CREATE INDEX partial ON t(c) WHERE d > 5",
    "CREATE INDEX computed ON t(c + d)",
    "CREATE VIEW v AS SELECT b FROM t WHERE c = 3",
)


def open_small(path: object) -> Store:
    return lsmsql.open(path, **SMALL)  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = str(tmp_path / "source")
    with open_small(path) as store:
        run(store, *DEFINITIONS)
        for part in range(3):
            numbers = range(part * 20, part * 20 + 40)
            values = ", ".join(f"({n}, 'b{n + part}', {n % 7}, {n % 10})" for n in numbers)
            run(store, f"REPLACE INTO t VALUES {values}")
            store.flush()
        store.table("t")
    return path


def index_names(store: Store) -> set[str]:
    return {schema.name for schema in store.catalog.by_id.values() if schema.index}


def check(report: RepairReport, target: Path, lost: list[int]) -> set[str]:
    """That the new store is sound, and is told truly; the names of its indexes."""
    with open_small(target) as store:
        assert store.verify().errors == ()
        assert run(store, "PRAGMA integrity_check") == [("ok",)]
        left = [a for (a,) in run(store, "SELECT a FROM t WHERE +a >= 0")]
        assert len(left) == report.rows["t"]
        for c in range(7):
            found = run(store, f"SELECT b FROM t WHERE c = {c} ORDER BY a")
            assert found == run(store, f"SELECT b FROM t WHERE +c = {c} ORDER BY a")
        assert run(store, "SELECT count(*) FROM v") == [(len(run(store, "SELECT * FROM v")),)]
        run(store, "ALTER TABLE t RENAME COLUMN c TO cc")
        lost += sorted(set(range(80)) - set(left))
        return index_names(store)


def test_of_an_undamaged_store_all_is_saved(source: str, tmp_path: Path) -> None:
    report = repair(source, tmp_path / "target")
    lost: list[int] = []
    indexes = check(report, tmp_path / "target", lost)
    assert indexes == {"sqlite_autoindex_t_1", "by_c", "partial", "computed"}
    assert report.ok and lost == [] and set(report.rows) == {"kv", "t"}


@pytest.mark.parametrize("seed", range(12))
def test_indexes_agree_with_what_is_left_of_a_damaged_store(
    source: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    files = names(source, ".sst")
    for name in chance.sample(files, chance.randint(1, 3)):
        flip(source, name, chance.randrange((Path(source) / name).stat().st_size))
    report = repair(source, tmp_path / "target")
    lost: list[int] = []
    indexes = check(report, tmp_path / "target", lost)
    assert not lost or report.losses
    told = "\n".join(report.notes)
    for name in {"sqlite_autoindex_t_1", "by_c", "partial", "computed"} - indexes:
        assert f"index {name} of table t was dropped" in told


def test_damage_of_an_index_alone_is_no_loss(source: str, tmp_path: Path) -> None:
    with open_small(source) as store:
        number = store.catalog.named("by_c").id  # type: ignore[union-attr]
        ((_, file), *_) = store.core.version.table(number).files()
        name = Path(file.path).name
    flip(source, name, 3)
    report = repair(source, tmp_path / "target")
    assert check(report, tmp_path / "target", []) == {"sqlite_autoindex_t_1", "by_c"}
    assert report.losses == () and len(report.notes) == 2


def test_a_unique_index_that_older_rows_contradict_is_dropped(tmp_path: Path) -> None:
    source = str(tmp_path / "source")
    with open_small(source) as store:
        run(
            store,
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)",
            "INSERT INTO t VALUES (1, 'x')",
        )
        store.flush()
        run(store, "UPDATE t SET b = 'y'")
        store.flush()
        (file,) = [
            f for _, f in store.core.version.table(2).files() if f.max_sequence == store.sequence
        ]
        newest = Path(file.path)
        run(store, "INSERT INTO t VALUES (2, 'x')")
    newest.unlink()
    report = repair(source, tmp_path / "target")
    (note,) = report.notes
    assert note.startswith(
        "index sqlite_autoindex_t_1 of table t was dropped, as rows that were saved"
    )
    with open_small(tmp_path / "target") as store:
        assert run(store, "SELECT a FROM t WHERE b = 'x' ORDER BY a") == [(1,), (2,)]
        assert store.verify().ok
