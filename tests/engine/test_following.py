"""A store that is open for reading sees what another one commits, without being reopened."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
import vtab
from lsmsql.engine import tail
from lsmsql.engine.filesystem import OsFileSystem, ReadFile
from lsmsql.engine.manifest import manifest

COLUMNS = {"a": "INTEGER", "b": "TEXT"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def writer(path):
    with lsmsql.open(path, background=False, block_rows=8, sync="off") as store:
        yield store


@pytest.fixture
def reader(path, writer):
    with lsmsql.open(path, "r") as store:
        yield store


def test_every_kind_of_commit_is_seen_at_once(writer, reader):
    writer["a"] = 1
    assert reader["a"] == 1
    writer["a"] = 2
    assert reader.get("a") == 2
    del writer["a"]
    assert "a" not in reader
    writer.update({i: i for i in range(5)})
    assert len(reader) == 5
    writer.update({i: -i for i in range(1000)})  # columns in the log
    assert list(reader.values()) == [-i for i in range(1000)]
    writer.ingest([(i, "x") for i in range(500, 1500)])
    assert len(reader) == 1500
    assert reader[1499] == "x"
    writer.flush()
    assert reader[499] == -499
    writer.compact()
    assert reader[1499] == "x"
    writer["b"] = b""
    assert list(reader.range("b", limit=1)) == [("b", b"")]


def test_tables_come_and_go(writer, reader):
    table = writer.create_table("t", COLUMNS, "a")
    assert [schema.name for schema in reader.tables()] == ["kv", "t"]
    table.put({"a": 1, "b": "x"})
    seen = reader.table("t")
    assert seen[1] == {"a": 1, "b": "x"}
    writer.flush()
    writer.create_table("u", COLUMNS, "a").ingest([(1, "y")])
    writer.flush()  # the catalogue is in a file before the reader looks
    assert reader.table("u")[1] == {"a": 1, "b": "y"}
    writer.drop_table("t")
    with pytest.raises(lsmsql.NoSuchTableError, match="no such table: t; the store has kv, u"):
        reader.table("t")
    with pytest.raises(lsmsql.NoSuchTableError, match="it has been dropped"):
        seen.range()


def test_sql_reads_one_commit_in_a_statement_and_the_newest_in_the_next(writer, reader):
    connection = apsw.Connection(":memory:")
    vtab.register(connection, reader)
    writer.update(dict.fromkeys(range(100), 1))
    cursor = connection.execute("SELECT value FROM kv")
    first = [next(cursor)]
    writer.update(dict.fromkeys(range(200), 2))
    writer.compact()
    assert first + list(cursor) == [(1,)] * 100
    assert connection.execute("SELECT count(*), sum(value) FROM kv").get == (200, 400)
    with pytest.raises(apsw.ReadOnlyError):
        connection.execute("DELETE FROM kv")
    connection.close()


def test_a_table_that_vanishes_while_it_is_attached_is_no_error(writer, reader, monkeypatch):
    writer.create_table("u", COLUMNS, "a")
    writer.create_table("v", COLUMNS, "a")
    attach = vtab.Binding._attach

    def late(self: vtab.Binding, connection: apsw.Connection, name: str) -> None:
        if name == "u":
            writer.drop_table("u")
        attach(self, connection, name)

    monkeypatch.setattr(vtab.Binding, "_attach", late)
    connection = apsw.Connection(":memory:")
    vtab.register(connection, reader)
    assert connection.execute("SELECT * FROM v").fetchall() == []
    with pytest.raises(apsw.SQLError, match="no such table: u"):
        connection.execute("SELECT * FROM u")
    connection.close()


def test_tables_that_vanish_once_they_are_attached_are_detached(writer, reader, monkeypatch):
    for name in "uvw":
        writer.create_table(name, COLUMNS, "a")
    attach = vtab.Binding._attach

    def late(self: vtab.Binding, connection: apsw.Connection, name: str) -> None:
        if name == "v":
            writer.drop_table("u")
            writer.drop_table("v")
        attach(self, connection, name)

    monkeypatch.setattr(vtab.Binding, "_attach", late)
    connection = apsw.Connection(":memory:")
    vtab.register(connection, reader)
    assert connection.execute("SELECT * FROM w").fetchall() == []
    for name in "uv":
        with pytest.raises(apsw.SQLError, match=f"no such table: {name}"):
            connection.execute(f"SELECT * FROM {name}")
    connection.close()


def test_what_a_reader_looks_at_is_not_disturbed(writer, reader):
    writer.update(dict.fromkeys(range(300), "old"))
    writer.flush()
    seen = reader.range()
    assert next(seen) == (0, "old")
    for i in range(300):
        writer[i] = "new"
    writer.compact()
    assert reader[0] == "new"
    assert list(seen) == [(i, "old") for i in range(1, 300)]


def test_a_reader_changes_nothing(path, writer, reader):
    writer.update({i: i for i in range(300)})
    writer.flush()
    writer["z"] = 1
    before = {
        name: (p := Path(path, name)).stat().st_mtime_ns or p.read_bytes()
        for name in os.listdir(path)
    }
    assert len(reader) == 301
    after = {
        name: (p := Path(path, name)).stat().st_mtime_ns or p.read_bytes()
        for name in os.listdir(path)
    }
    assert before == after
    for change in (
        lambda: reader.put(1, 1),
        lambda: reader.update({1: 1}),
        lambda: reader.delete(1),
        reader.flush,
        reader.compact,
        reader.batch,
        lambda: reader.ingest([(1, 1)]),
        lambda: reader.create_table("t", COLUMNS, "a"),
        lambda: reader.drop_table("kv"),
    ):
        with pytest.raises(lsmsql.ReadOnlyError, match='was opened with mode="r"'):
            change()


def test_one_writer_follows_another(path):
    with lsmsql.open(path) as writer:
        writer["first"] = 1
        reader = lsmsql.open(path, "r")
    assert reader["first"] == 1
    with lsmsql.open(path) as writer:
        writer["second"] = 2
        assert list(reader) == ["first", "second"]
    assert list(reader) == ["first", "second"]
    reader.close()
    with pytest.raises(lsmsql.ClosedError, match="is closed"):
        reader.get("first")


def test_a_copy_that_never_had_a_writer_is_followed_once_it_has(path, writer):
    writer["a"] = 1
    copy = f"{path}-copy"
    shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK"))
    with lsmsql.open(copy, "r") as reader:
        assert dict(reader.items()) == {"a": 1}
        assert "LOCK" not in os.listdir(copy)
        with lsmsql.open(copy) as other:
            other["b"] = 2
            other.flush()
            assert dict(reader.items()) == {"a": 1, "b": 2}


def test_a_manifest_that_is_begun_anew_is_followed(path, writer, reader, monkeypatch):
    monkeypatch.setattr(manifest, "ROTATE_BYTES", 0)
    monkeypatch.setattr(manifest, "_WORTHWHILE", 1)
    numbers = set()
    for i in range(10):
        writer[i] = i
        writer.flush()
        assert reader[i] == i
        numbers.add(writer.core.manifest.number)
    assert len(numbers) > 1
    writer.compact()
    assert list(reader) == list(range(10))


def test_half_a_frame_is_waited_for(path, writer, reader):
    writer["a"] = 1
    assert reader["a"] == 1
    log = writer.core.log
    end = log.size
    writer["b"] = "x" * 10_000
    (name,) = [name for name in os.listdir(path) if name.endswith(".log")]
    file = Path(path, name)
    whole = file.read_bytes()
    for shown in (1, 8, 31, 100, 5000):
        file.write_bytes(whole[: end + shown].ljust(len(whole), b"\0"))
        assert list(reader) == ["a"]
    file.write_bytes(whole)
    assert list(reader) == ["a", "b"]


def test_damage_in_a_log_that_is_complete_is_no_silent_cut(path, writer, reader):
    writer["a"] = 1
    assert reader["a"] == 1
    log = writer.core.log
    end, name = log.size, f"{writer.core.log_number:06d}.log"
    writer["b"] = 2
    file = Path(path, name)
    content = bytearray(file.read_bytes())
    content[end + 20] ^= 1
    file.write_bytes(content)
    with writer.core.write_lock:
        writer.core.rotate()
    with pytest.raises(lsmsql.CorruptionError, match=f"{name}, offset {end}: no sound frame"):
        reader.get("b")


def test_damage_in_the_newest_log_shows_once_it_is_no_half_frame(path, monkeypatch):
    monkeypatch.setattr(tail, "PATIENCE", 0.0)
    with lsmsql.open(path, background=False) as writer, lsmsql.open(path, "r") as reader:
        writer["a"] = 1
        assert reader["a"] == 1
        log = writer.core.log
        assert log is not None
        end, name = log.size, f"{writer.core.log_number:06d}.log"
        writer["b"] = 2
        file = Path(path, name)
        with file.open("r+b") as content:
            content.seek(end + 20)
            content.write(b"\xff")
        for _ in range(3):
            assert list(reader) == ["a"]  # it may be that the frame is being written
        writer["c"] = 3
        with pytest.raises(lsmsql.CorruptionError, match=f"{name}, offset {end}: no sound frame"):
            reader.get("c")


class Racing(OsFileSystem):
    """Before a file is opened the writer flushes and compacts, a few times."""

    def __init__(self, writer: lsmsql.Store, times: int) -> None:
        self.writer = writer
        self.times = times

    def open(self, path: str) -> ReadFile:
        if self.times:
            self.times -= 1
            self.writer[f"extra {self.times}"] = 1
            self.writer.compact()
        return super().open(path)


def test_files_that_vanish_before_they_are_opened_are_no_error(path, writer):
    writer.update({i: i for i in range(50)})
    filesystem = Racing(writer, 0)
    with lsmsql.open(path, "r", filesystem=filesystem) as reader:
        for times in range(1, 6):
            writer[times] = "new"
            writer.flush()
            filesystem.times = times
            assert len(reader) >= 50
            assert reader[times] == "new"
        assert len(reader) == len(writer)


class Hasty(OsFileSystem):
    """Whenever the newest log is looked at, the writer ingests and commits, a few times."""

    def __init__(self, writer: lsmsql.Store) -> None:
        self.writer = writer
        self.times = 0

    def open(self, path: str) -> ReadFile:
        file = super().open(path)
        return Log(file, self) if path.endswith(".log") else file


class Log:
    def __init__(self, file: ReadFile, filesystem: Hasty) -> None:
        self.file = file
        self.filesystem = filesystem

    def read_at(self, offset: int, length: int) -> bytes:
        if self.filesystem.times:
            self.filesystem.times -= 1
            last: Any = self.filesystem.writer["last"]
            number = last + 1
            self.filesystem.writer.ingest([("ingested", number)])
            self.filesystem.writer["last"] = number
        return self.file.read_at(offset, length)

    def size(self) -> int:
        return self.file.size()

    def close(self) -> None:
        self.file.close()


def test_no_commit_is_seen_without_the_ingest_before_it(path, writer):
    writer.update({"ingested": 0, "last": 0})
    filesystem = Hasty(writer)
    with lsmsql.open(path, "r", filesystem=filesystem) as reader:
        for times in (1, 2, 3, 4, 5):
            filesystem.times = times
            for _ in range(2):
                seen: dict[Any, Any] = dict(reader.items())
                assert seen["ingested"] in (seen["last"], seen["last"] + 1)
        assert seen == {"ingested": 15, "last": 15}


keys = st.integers(0, 40)
values = st.integers(-(2**63), 2**63 - 1)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, values),
        st.tuples(st.just("delete"), keys),
        st.tuples(st.just("batch"), st.dictionaries(keys, values, max_size=20)),
        st.tuples(st.just("rows"), values),
        st.tuples(st.just("ingest"), st.dictionaries(keys, values, min_size=1)),
        st.tuples(st.sampled_from(["flush", "compact", "rotate", "reopen", "table"])),
    ),
    max_size=25,
)


def apply(store: lsmsql.Store, path: Path, operation: tuple[Any, ...]) -> lsmsql.Store:
    kind, *given = operation
    if kind == "put":
        store.put(*given)
    elif kind == "delete":
        store.delete(*given)
    elif kind == "batch":
        with store.batch() as batch:
            for key, value in given[0].items():
                batch[key] = value
    elif kind == "rows":
        store.update({i % 200: given[0] for i in range(200)})
    elif kind == "ingest":
        store.ingest(given[0])
    elif kind == "rotate":
        with store.core.write_lock:
            store.core.rotate()
    elif kind == "reopen":
        store.close()
        return lsmsql.open(path, background=False, block_rows=8, sync="off")
    elif kind == "table":
        name = f"t{len(store.tables())}"
        store.create_table(name, COLUMNS, "a").update([(i, name) for i in range(3)])
    else:
        getattr(store, kind)()
    return store


def contents(store: lsmsql.Store) -> dict[str, list[Any]]:
    return {schema.name: list(store.table(schema.name).range()) for schema in store.tables()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(operations, st.sets(st.integers(0, 25)))
def test_a_reader_that_looks_now_and_then_sees_what_the_writer_sees(
    tmp_path_factory, operations, looks
):
    path = tmp_path_factory.mktemp("following") / "store"
    writer = lsmsql.open(path, background=False, block_rows=8, sync="off")
    reader = lsmsql.open(path, "r")
    for number, operation in enumerate(operations):
        writer = apply(writer, path, operation)
        if number in looks:
            assert contents(reader) == contents(writer)
    assert contents(reader) == contents(writer)
    reader.close()
    writer.close()


def test_threads_of_a_reader_see_whole_commits_while_the_writer_flushes_and_compacts(path):
    """Every commit sets all keys to one number, and numbers grow."""
    done = threading.Event()
    wrong: list[object] = []

    def read(reader: lsmsql.Store) -> None:
        last = 0
        while not done.is_set():
            seen: set[Any] = {value for _, value in reader.range()}
            if len(seen) != 1 or min(seen) < last:
                wrong.append((last, seen))
            last = max(seen)
            one: Any = reader[7]
            if one < last:
                wrong.append((last, one))

    with lsmsql.open(path, memtable_bytes=20_000, sync="off", level0_files=2) as writer:
        writer.update(dict.fromkeys(range(150), 0))
        with lsmsql.open(path, "r") as reader:
            threads = [threading.Thread(target=read, args=(reader,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for number in range(1, 51):
                rows = dict.fromkeys(range(150), number)
                writer.ingest(rows) if number % 4 == 0 else writer.update(rows)
            done.set()
            for thread in threads:
                thread.join()
            assert not wrong
            assert set(reader.values()) == {50}
