"""Repair saves all that is undamaged, invents nothing, and tells what it lost."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.repair.repair import repair
from lsmsql.engine.repair.report import RepairReport
from lsmsql.engine.verify.verify import verify
from tests.engine.repair.history import History, Rows, build, contents, data_blocks
from tests.engine.verify.stores import fingerprint, flip, names


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The path of a store, and its history."""
    path = str(tmp_path_factory.mktemp("original") / "store")
    return path, build(path)


@pytest.fixture
def source(original, tmp_path: Path) -> str:
    """A copy of it, to be damaged."""
    path = str(tmp_path / "source")
    shutil.copytree(original[0], path)
    return path


@pytest.fixture
def history(original) -> History:
    history: History = original[1]
    return history


def repaired(source: str, target: Path) -> tuple[RepairReport, dict[str, Rows]]:
    """Repair a store, whose files stay as they are, and read the new one, which is sound."""
    before = fingerprint(source)
    report = repair(source, target)
    assert fingerprint(source) == before
    assert verify(target).findings == ()
    found = contents(str(target))
    assert {name: len(rows) for name, rows in found.items()} == dict(report.rows)
    shutil.rmtree(target)
    return report, found


def wrong(history: History, found: dict[str, Rows]) -> set[tuple[str, object]]:
    """Keys that do not have their newest row. What they have must at least have been theirs."""
    for table, rows in found.items():
        for key, row in rows.items():
            assert row in history.versions[table][key], (table, key)
    tables = history.versions
    return {
        (table, key)
        for table in tables
        for key in tables[table]
        if found.get(table, {}).get(key) != history.now(table).get(key)
    }


def test_a_sound_store_is_saved_whole(source, history, tmp_path):
    report, found = repaired(source, tmp_path / "new")
    assert (report.ok, report.losses, report.notes) == (True, (), ())
    assert wrong(history, found) == set()
    assert "nothing lost" in str(report)


def test_the_new_store_goes_on_as_any_other(source, tmp_path):
    new = str(tmp_path / "new")
    repair(source, new)
    with lsmsql.open(new, background=False) as store:
        store["more"] = 1
        store.table("trips").put([999, "x", "y", 1])
        other = store.create_table("other", {"a": "INTEGER"}, "a")
        other.put([1])
        store.compact()
    with lsmsql.open(new, "r") as store:
        assert store["more"] == 1 and store["key 039"] == "(39, 3)"
        assert store.table("trips")[999, "x"]["cost"] == 1.0
        assert [schema.id for schema in store.tables()] == [1, 3, 2]
    assert verify(new).findings == ()


def test_damage_within_a_block_costs_the_rows_of_that_block_alone(source, history, tmp_path):
    chosen = random.Random(3)
    damaged = 0
    for name in chosen.sample(names(source, ".sst"), 10):
        blocks = data_blocks(source, name)
        for start, end, rows in chosen.sample(blocks, min(2, len(blocks))):
            offset = chosen.randrange(start, end)
            flip(source, name, offset)
            report, found = repaired(source, tmp_path / "new")
            flip(source, name, offset)
            (loss,) = report.losses
            assert (loss.file, loss.offset, loss.rows) == (name, start, rows)
            assert len(wrong(history, found)) <= rows
            damaged += 1
    assert damaged > 10


def test_damage_behind_the_blocks_costs_nothing(source, history, tmp_path):
    chosen = random.Random(4)
    for name in chosen.sample(names(source, ".sst"), 9):
        _, end, _ = data_blocks(source, name)[-1]
        size = os.path.getsize(f"{source}/{name}")
        for offset in (chosen.randrange(end, size), size - chosen.randrange(1, 80)):
            flip(source, name, offset)
            report, found = repaired(source, tmp_path / "new")
            flip(source, name, offset)
            assert wrong(history, found) == set(), (name, offset)
            assert report.ok, (name, offset)


def test_a_file_that_was_cut_gives_the_blocks_before_the_cut(source, history, tmp_path):
    name = max(names(source, ".sst"), key=lambda n: os.path.getsize(f"{source}/{n}"))
    blocks = data_blocks(source, name)
    assert len(blocks) > 2
    lost = sum(rows for _, _, rows in blocks[2:])
    os.truncate(f"{source}/{name}", blocks[2][0] + 5)
    report, found = repaired(source, tmp_path / "new")
    (loss,) = report.losses
    assert (loss.file, loss.offset, loss.rows) == (name, blocks[2][0], None)
    assert loss.keys.startswith("keys from ") and loss.keys.endswith(" on")
    assert 0 < len(wrong(history, found)) <= lost


def test_index_and_block_damaged_leave_the_other_blocks(source, history, tmp_path):
    name = max(names(source, ".sst"), key=lambda n: os.path.getsize(f"{source}/{n}"))
    blocks = data_blocks(source, name)
    flip(source, name, os.path.getsize(f"{source}/{name}") - 80 - 30)
    flip(source, name, blocks[1][0])
    report, found = repaired(source, tmp_path / "new")
    (loss,) = report.losses
    assert (loss.file, loss.offset, loss.rows) == (name, blocks[1][0], blocks[1][2])
    assert len(wrong(history, found)) <= blocks[1][2]


def test_a_missing_file_is_told_with_what_the_manifest_knew(source, history, tmp_path):
    for name in names(source, ".sst")[::3]:
        rows = sum(rows for _, _, rows in data_blocks(source, name))
        os.rename(f"{source}/{name}", tmp_path / "away")
        report, found = repaired(source, tmp_path / "new")
        os.rename(tmp_path / "away", f"{source}/{name}")
        losses = [loss for loss in report.losses if loss.file == name]
        assert [(loss.problem, loss.rows) for loss in losses] == [("the file is missing", rows)]
        assert len(wrong(history, found)) <= rows


@pytest.mark.parametrize("missing", [None, "MANIFEST-000001"])
def test_a_file_in_the_place_of_another_is_not_taken_for_it(source, history, tmp_path, missing):
    first, second = names(source, ".sst")[2:4]
    rows = sum(rows for _, _, rows in data_blocks(source, first))
    shutil.copy(f"{source}/{second}", f"{source}/{first}")
    if missing:
        os.remove(f"{source}/{missing}")
    report, found = repaired(source, tmp_path / "new")
    (loss,) = report.losses
    assert (loss.file, loss.problem) == (first, f"this is file {int(second[:6])}")
    assert missing or (loss.rows == rows and len(wrong(history, found)) <= rows)


def test_a_damaged_frame_of_a_log_costs_its_commit_alone(source, history, tmp_path):
    (name,) = names(source, ".log")
    size = os.path.getsize(f"{source}/{name}")
    chosen = random.Random(5)
    for offset in (0, 17, *(chosen.randrange(32, size) for _ in range(12))):
        flip(source, name, offset)
        report, found = repaired(source, tmp_path / "new")
        flip(source, name, offset)
        lost = wrong(history, found)
        assert len(report.losses) + len(report.notes) == (offset >= 32)
        one_commit = {("kv", f"logged {i}") for i in range(30)}
        assert lost <= one_commit or len(lost) == 1


@pytest.mark.parametrize("missing", ["CURRENT", "MANIFEST-000001"])
def test_without_the_manifest_sequence_numbers_decide(source, history, tmp_path, missing):
    os.remove(f"{source}/{missing}")
    report, found = repaired(source, tmp_path / "new")
    assert not report.ok and not report.losses
    lost = wrong(history, found)
    if missing == "CURRENT":
        assert lost == set() and "the newest sound manifest" in report.notes[0]
    else:  # those that were ingested over others
        assert any("were taken for the oldest" in note for note in report.notes)
        assert lost <= {
            ("trips", key) for key, v in history.versions["trips"].items() if len(v) > 1
        }


def test_a_damaged_manifest_loses_nothing_but_what_it_alone_knew(source, history, tmp_path):
    name = "MANIFEST-000001"
    size = os.path.getsize(f"{source}/{name}")
    chosen = random.Random(6)
    for _ in range(8):
        offset = chosen.randrange(size)
        flip(source, name, offset)
        report, found = repaired(source, tmp_path / "new")
        flip(source, name, offset)
        assert not report.losses and report.notes
        doubted = any("were taken for the oldest" in note for note in report.notes)
        assert doubted or wrong(history, found) == set(), offset


def test_files_from_before_the_last_compaction_do_no_harm(source, history, tmp_path):
    """As a crash leaves them. Without a manifest they are read, too."""
    older = str(tmp_path / "older")
    with lsmsql.open(source, background=False) as store:
        shutil.copytree(source, older)
        store.compact()
    for name in names(older, ".sst"):
        if not os.path.exists(f"{source}/{name}"):
            shutil.copy(f"{older}/{name}", source)
    assert wrong(history, repaired(source, tmp_path / "new")[1]) == set()


def test_a_table_whose_definition_is_lost_is_built_from_its_files(source, history, tmp_path):
    for name in names(source, ".sst"):
        head = (Path(source) / name).read_bytes()
        if b"lsm_catalog" in head:
            flip(source, name, 10)
    report, found = repaired(source, tmp_path / "new")
    assert any("definition of table trips is lost" in note for note in report.notes)
    assert [loss.table for loss in report.losses] == ["lsm_catalog"]
    assert wrong(history, found) == set()
    repair(source, tmp_path / "new")
    with lsmsql.open(tmp_path / "new", "r") as store:
        names_now = [column.name for column in store.table("trips").schema.columns]
    assert names_now == ["day", "who", "column1", "column2"]


def test_many_places_at_once(source, history, tmp_path):
    chosen = random.Random(8)
    for _ in range(10):
        damaged = str(tmp_path / "damaged")
        shutil.copytree(source, damaged)
        for _ in range(6):
            name = chosen.choice(names(damaged, ""))
            size = os.path.getsize(f"{damaged}/{name}")
            if size:
                flip(damaged, name, chosen.randrange(size))
        report, found = repaired(damaged, tmp_path / "new")
        assert not wrong(history, found) or report.losses or report.notes
        shutil.rmtree(damaged)


def test_places_that_will_not_do_are_refused(source, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "a").write_text("a")
    for target, problem in (
        (full, "is not empty"),
        (f"{source}/new", "is within"),
        (source, "is within"),
    ):
        with pytest.raises(lsmsql.UsageError, match=problem):
            repair(source, target)
    with pytest.raises(lsmsql.StorageError, match="there is no store"):
        repair(full, tmp_path / "new")
    assert not (tmp_path / "new").exists()
