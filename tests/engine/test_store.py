"""What a program sees of a store: opening, kv verbs, errors, tables, threads, closing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.filesystem import AppendFile, OsFileSystem
from lsmsql.engine.wal.writer import LogWriter


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def store(path: str) -> Iterator[lsmsql.Store]:
    with lsmsql.open(path, sync="off") as opened:
        yield opened


def listing(path: str) -> dict[str, bytes]:
    return {name: Path(path, name).read_bytes() for name in os.listdir(path)}


class TestOpening:
    def test_a_new_directory_becomes_a_store_with_an_empty_kv(self, path: str) -> None:
        with lsmsql.open(path) as store:
            assert list(store) == [] and len(store) == 0
            assert [schema.name for schema in store.tables()] == ["kv"]

    def test_what_was_written_is_there_after_reopening(self, path: str) -> None:
        with lsmsql.open(path) as store:
            store["a"] = 1
        with lsmsql.open(path) as store:
            assert store["a"] == 1

    def test_a_directory_with_other_files_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("dear")
        with pytest.raises(lsmsql.UsageError, match=r"not a store.*letter\.txt"):
            lsmsql.open(tmp_path)
        assert os.listdir(tmp_path) == ["letter.txt"]
        with lsmsql.open(tmp_path / "new") as store:
            assert store.path == str(tmp_path / "new")

    def test_a_path_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(lsmsql.StorageError, match="file"):
            lsmsql.open(tmp_path / "file")

    @pytest.mark.parametrize("path", [5, None, "", "a\0b"])
    def test_what_is_no_path_is_refused(self, path: str) -> None:
        with pytest.raises(lsmsql.UsageError, match="path"):
            lsmsql.open(path)

    def test_a_mistyped_directory_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(lsmsql.StorageError, match="there is no directory .*typo"):
            lsmsql.open(tmp_path / "typo" / "store")
        assert os.listdir(tmp_path) == []

    def test_a_wrong_mode_or_option_says_what_would_be_right(self, path: str) -> None:
        with pytest.raises(lsmsql.UsageError, match='"rw" or "r"'):
            lsmsql.open(path, "w")
        with pytest.raises(lsmsql.UsageError, match=r"unknown option 'sink'.*sync"):
            lsmsql.open(path, sink="full")
        with pytest.raises(lsmsql.UsageError, match="full, normal, off"):
            lsmsql.open(path, sync="yes")
        assert not os.path.exists(path)

    def test_a_second_writer_is_told_who_holds_the_store(self, store: lsmsql.Store) -> None:
        with pytest.raises(lsmsql.BusyError, match=str(os.getpid())):
            lsmsql.open(store.path)
        store["still"] = "works"

    def test_a_failed_opening_leaves_the_store_free(self, path: str) -> None:
        with lsmsql.open(path) as store:
            store["a"] = 1
        pointer = Path(path, "CURRENT")
        good = pointer.read_bytes()
        pointer.write_bytes(b"nonsense")
        with pytest.raises(lsmsql.CorruptionError, match="CURRENT"):
            lsmsql.open(path)
        pointer.write_bytes(good)
        with lsmsql.open(path) as store:
            assert store["a"] == 1


class TestReadOnly:
    def test_it_reads_files_and_log_and_changes_nothing(self, path: str) -> None:
        with lsmsql.open(path) as store:
            store["flushed"] = 1
            store.flush()
            store["logged"] = 2
        before = listing(path)
        with lsmsql.open(path, "r") as reader:
            assert list(reader.items()) == [("flushed", 1), ("logged", 2)]
            assert reader.readonly
        assert listing(path) == before

    def test_every_write_is_refused(self, path: str) -> None:
        lsmsql.open(path).close()
        with lsmsql.open(path, "r") as reader:
            for write in (
                lambda: reader.put("a", 1),
                lambda: reader.delete("a"),
                lambda: reader.batch(),
                lambda: reader.update({1: 2}),
                lambda: reader.ingest([]),
                lambda: reader.flush(),
                lambda: reader.compact(),
                lambda: reader.create_table("t", {"a": "TEXT"}, "a"),
                lambda: reader.drop_table("kv"),
            ):
                with pytest.raises(lsmsql.ReadOnlyError, match='mode="r"'):
                    write()

    def test_a_store_that_is_not_there_is_not_made(self, path: str) -> None:
        with pytest.raises(lsmsql.StorageError, match="no store"):
            lsmsql.open(path, "r")
        assert not os.path.exists(path)

    def test_it_may_be_opened_beside_a_writer(self, store: lsmsql.Store) -> None:
        store["a"] = 1
        with lsmsql.open(store.path, "r") as reader:
            assert reader["a"] == 1


class TestKeysAndValues:
    @pytest.mark.parametrize(
        "value", [0, -(2**63), 2**63 - 1, 1.5, -0.5, float("inf"), "", "é\0", b"", b"\xff", None]
    )
    def test_what_sqlite_can_hold_comes_back_as_it_was(
        self, store: lsmsql.Store, value: object
    ) -> None:
        store["k"] = value
        assert repr(store["k"]) == repr(value)
        store.flush()
        assert repr(store["k"]) == repr(value)
        if value is not None:
            store[value] = 1
            assert repr(next(store.range(value))) == repr((value, 1))

    def test_one_and_one_point_nought_are_one_key_that_keeps_its_last_type(
        self, store: lsmsql.Store
    ) -> None:
        store[1] = "int"
        store[1.0] = "real"
        assert repr(list(store.items())) == "[(1.0, 'real')]"
        store.compact()
        assert repr(list(store.items())) == "[(1.0, 'real')]"

    def test_relatives_of_the_four_types_are_stored_as_them(self, store: lsmsql.Store) -> None:
        store[True] = bytearray(b"x")
        assert repr(list(store.items())) == "[(1, b'x')]"

    @pytest.mark.parametrize(
        ("key", "value", "error", "message"),
        [
            (None, 1, lsmsql.ConstraintError, "key cannot be None"),
            ("k", [1], lsmsql.TypeMismatchError, "cannot store list"),
            (("a", "b"), 1, lsmsql.TypeMismatchError, "cannot store tuple"),
            ("k", float("nan"), lsmsql.TypeMismatchError, "NaN"),
            (float("nan"), 1, lsmsql.TypeMismatchError, "NaN"),
            ("k", 2**63, lsmsql.LimitError, "64 bits"),
            (-(2**63) - 1, 1, lsmsql.LimitError, "64 bits"),
            ("k", "\ud800", lsmsql.TypeMismatchError, "UTF-8"),
            ("x" * 65_536, 1, lsmsql.LimitError, "65,53"),
        ],
    )
    def test_anything_else_is_refused_and_changes_nothing(
        self,
        store: lsmsql.Store,
        key: object,
        value: object,
        error: type[lsmsql.Error],
        message: str,
    ) -> None:
        store["k"] = "before"
        sequence = store.stats().sequence
        with pytest.raises(error, match=message):
            store.put(key, value)
        with pytest.raises(error, match=message), store.batch() as batch:
            batch.put("other", 1)
            batch.put(key, value)
        with pytest.raises(error):
            store.ingest([("other", 1), (key, value)])
        assert list(store.items()) == [("k", "before")]
        assert store.stats().sequence == sequence

    def test_a_missing_key_is_none_a_default_or_a_key_error(self, store: lsmsql.Store) -> None:
        store["none"] = None
        assert store.get("none", "default") is None
        assert store.get("missing") is None and store.get("missing", 7) == 7
        with pytest.raises(KeyError):
            store["missing"]
        with pytest.raises(KeyError):
            del store["missing"]
        store.delete("missing")

    def test_all_errors_have_one_root(self) -> None:
        errors = [getattr(lsmsql, name) for name in lsmsql.__all__ if name.endswith("Error")]
        assert errors and all(issubclass(error, lsmsql.Error) for error in errors)


class TestMapping:
    def test_keys_items_and_values_follow_sqlites_order(self, store: lsmsql.Store) -> None:
        for key in (b"z", "b", 2, "a", 1.5, -1):
            store[key] = str(key)
        assert list(store) == list(store.keys()) == [-1, 1.5, 2, "a", "b", b"z"]
        assert list(reversed(store)) == [b"z", "b", "a", 2, 1.5, -1]
        assert list(store.values()) == ["-1", "1.5", "2", "a", "b", "b'z'"]
        assert len(store) == 6 and "a" in store and "c" not in store and bool(store)

    def test_ranges_and_prefixes(self, store: lsmsql.Store) -> None:
        for key in ("user:1", "user:2", "user:10", "userx", "v"):
            store[key] = None
        assert [k for k, _ in store.prefix("user:")] == ["user:1", "user:10", "user:2"]
        assert [k for k, _ in store.range("user:10", "userx")] == ["user:10", "user:2"]
        assert [k for k, _ in store.range(reverse=True, limit=2)] == ["v", "userx"]
        assert list(store.range("z", "a")) == []
        with pytest.raises(lsmsql.TypeMismatchError, match=r"range\(\)"):
            store.prefix(5)  # type: ignore[arg-type]
        for limit in (-1, "3", 2.0):
            with pytest.raises(lsmsql.UsageError, match="limit is a number of rows"):
                store.range(limit=limit)  # type: ignore[arg-type]

    def test_a_range_that_nobody_reads_to_its_end_holds_nothing(self, store: lsmsql.Store) -> None:
        store.ingest([(key, key) for key in range(10)])
        store.range()
        next(store.range())
        assert store.core.snapshots.active() == ()


class TestTables:
    def test_rows_go_in_by_name_or_position_and_come_out_as_dicts(
        self, store: lsmsql.Store
    ) -> None:
        table = store.create_table(
            "people", {"city": "TEXT", "id": "INTEGER", "name": "ANY"}, ["city", "id"]
        )
        table.put({"city": "Rome", "id": 2, "name": "Ada"})
        table.put(["Rome", 1, 3.5])
        table["Bern", 9] = {"name": b"B"}
        assert table["Rome", 2] == {"city": "Rome", "id": 2, "name": "Ada"}
        assert list(table) == [("Bern", 9), ("Rome", 1), ("Rome", 2)]
        assert list(reversed(table)) == [("Rome", 2), ("Rome", 1), ("Bern", 9)]
        assert [row["name"] for row in table.range("Rome")] == [3.5, "Ada"]
        assert [row["id"] for row in table.prefix("Rome", reverse=True, limit=1)] == [2]
        assert len(table) == 3 and ("Bern", 9) in table and ("Bern", 8) not in table
        del table["Bern", 9]
        assert table.get(("Bern", 9)) is None
        with pytest.raises(KeyError):
            del table["Bern", 9]

    def test_declared_types_are_enforced_as_strict_tables_do(self, store: lsmsql.Store) -> None:
        table = store.create_table("t", {"id": "INTEGER", "r": "REAL", "s": "TEXT"}, "id")
        table.put({"id": "12", "r": 1, "s": 5})
        assert table[12] == {"id": 12, "r": 1.0, "s": "5"}
        with pytest.raises(lsmsql.TypeMismatchError, match="TEXT value in REAL column r"):
            table.put({"id": 1, "r": "one"})
        with pytest.raises(lsmsql.SchemaError, match="no column 'q'; it has id, r, s"):
            table.put({"id": 1, "q": 1})
        with pytest.raises(lsmsql.SchemaError, match="3 columns, the row has 1"):
            table.put([1])
        with pytest.raises(lsmsql.ConstraintError, match="id"):
            table.put({"r": 1.0})
        assert len(table) == 1

    def test_a_wrong_key_says_what_the_key_is(self, store: lsmsql.Store) -> None:
        table = store.create_table("t", {"a": "TEXT", "b": "INTEGER"}, ["a", "b"])
        with pytest.raises(lsmsql.UsageError, match=r"\(a, b\)"):
            table.get("x")
        with pytest.raises(lsmsql.UsageError, match=r"\(a, b\)"):
            table.get(("x", 1, 2))
        with pytest.raises(lsmsql.UsageError, match="another key"):
            table["x", 1] = {"a": "y", "b": 1}

    def test_tables_are_found_without_regard_to_case(self, store: lsmsql.Store) -> None:
        store.create_table("Birds", {"a": "TEXT"}, "A")
        assert store.table("birds").name == "Birds"
        with pytest.raises(lsmsql.SchemaError, match="already exists"):
            store.create_table("BIRDS", {"a": "TEXT"}, "a")
        with pytest.raises(lsmsql.NoSuchTableError, match=r"no such table: fish.*Birds"):
            store.table("fish")

    @pytest.mark.parametrize(
        ("name", "columns", "key", "message"),
        [
            ("", {"a": "TEXT"}, "a", "name"),
            ("t", {}, "a", "at least one column"),
            ("t", {"a": "TEXT"}, [], "primary key"),
            ("t", {"a": "TEXT"}, "b", "no column 'b'"),
            ("t", {"a": "VARCHAR"}, "a", "INTEGER, REAL, TEXT, BLOB, ANY"),
            ("t", {"a": "TEXT", "A": "TEXT"}, "a", "two columns"),
            ("sqlite_t", {"a": "TEXT"}, "a", "reserved"),
            ("kv", {"a": "TEXT"}, "a", "already exists"),
        ],
    )
    def test_a_definition_that_cannot_be_honoured_is_refused(
        self, store: lsmsql.Store, name: str, columns: dict[str, str], key: str, message: str
    ) -> None:
        with pytest.raises(lsmsql.SchemaError, match=message):
            store.create_table(name, columns, key)
        assert [schema.name for schema in store.tables()] == ["kv"]

    def test_definitions_survive_and_ids_are_never_given_out_twice(self, path: str) -> None:
        with lsmsql.open(path) as store:
            first = store.create_table("a", {"x": "TEXT"}, "x", sql="CREATE TABLE a(x)")
            first.put(["old"])
            store.flush()
            store.drop_table("a")
        with lsmsql.open(path) as store:
            second = store.create_table("a", {"x": "TEXT", "y": "REAL"}, "x", descending=["x"])
            assert second.schema.id > first.schema.id
            assert list(second) == []
            second.put(["p", 1])
            second.put(["q", 2])
        with lsmsql.open(path, "r") as store:
            assert list(store.table("a")) == ["q", "p"]
            assert store.table("a").schema.descending == (True,)

    def test_dropping_a_table_gives_back_its_files(self, path: str) -> None:
        with lsmsql.open(path, background=False) as store:
            table = store.create_table("t", {"a": "INTEGER", "b": "TEXT"}, "a")
            table.ingest([(i, "x" * 50) for i in range(100)])
            assert [name for name in os.listdir(path) if name.endswith(".sst")]
            store.drop_table("t")
            assert not [name for name in os.listdir(path) if name.endswith(".sst")]
            uses: list[Callable[[], object]] = [
                lambda: table.put([1, "x"]),
                lambda: table.delete(1),
                lambda: table.get(1),
                lambda: 1 in table,
                lambda: table.range(),
                lambda: len(table),
                lambda: table.ingest([(1, "x")]),
            ]
            for use in uses:
                with pytest.raises(lsmsql.NoSuchTableError, match="t; it has been dropped"):
                    use()
            with pytest.raises(lsmsql.SchemaError, match="kv"):
                store.drop_table("kv")


class TestBatch:
    def test_it_spans_tables_and_takes_one_commit(self, store: lsmsql.Store) -> None:
        store.create_table("t", {"a": "INTEGER", "b": "TEXT"}, "a")
        before = store.stats()
        with store.batch() as batch:
            batch["k"] = 1
            batch.table("t").put([5, "five"])
            del batch["absent"]
            assert len(batch) == 3
            assert store.get("k") is None
        after = store.stats()
        assert store["k"] == 1 and store.table("t")[5] == {"a": 5, "b": "five"}
        assert after.sequence == before.sequence + 1 and after["commits"] == before["commits"] + 1

    def test_used_after_its_end_it_raises(self, store: lsmsql.Store) -> None:
        with store.batch() as batch:
            batch.put("a", 1)
        with pytest.raises(lsmsql.ClosedError, match="committed"):
            batch.put("b", 2)
        with pytest.raises(lsmsql.ClosedError):
            batch.commit()

    def test_update_sets_many_keys_in_one_commit(self, store: lsmsql.Store) -> None:
        before = store.stats()["commits"]
        store.update({"a": 1, 2: b"two", 3.0: "three", b"four": None, "\u00e4": 4.5})
        pair = ["list", 1]
        store.update([("a", "again"), (2.5, 5), pair, ("a", "last")])  # type: ignore[list-item]
        assert store.stats()["commits"] == before + 2
        assert list(store.items()) == [
            (2, b"two"),
            (2.5, 5),
            (3.0, "three"),
            ("a", "last"),
            ("list", 1),
            ("\u00e4", 4.5),
            (b"four", None),
        ]
        assert [type(key) for key in store][2] is float
        store.update({})
        store.update(iter(()))
        assert store.stats()["commits"] == before + 2

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (("k", object()), "cannot store object"),
            (("k", 1 << 63), "64 bits"),
            (("k", float("nan")), "NaN"),
            (("k", "\ud800"), "UTF-8"),
            (("\ud800", 1), "UTF-8"),
            ((None, 1), "cannot be None"),
            (("k" * 70_000, 1), "limit"),
            ((b"k" * 70_000, 1), "limit"),
            (([], 1), "cannot store list"),
            (("k", 1, 2), "pairs"),
            ("ab", "pairs"),
            (5, "pairs"),
        ],
    )
    def test_an_update_with_a_bad_entry_changes_nothing(
        self, store: lsmsql.Store, bad: object, message: str
    ) -> None:
        store["a"] = 1
        with pytest.raises(lsmsql.UsageError, match=message):
            store.update([("a", 2), bad, ("b", 3)])  # type: ignore[list-item]
        assert list(store.items()) == [("a", 1)]

    @pytest.mark.parametrize("values", [["one", "two", "three"], [b"1", b"", b"333"]])
    @pytest.mark.parametrize(
        "keys",
        [[b"c", b"", b"c"], ["c", "", "c"], ["\u00e4", "b", ""], [3, 2.0, 2.5], ["b", b"b", 1]],
    )
    def test_an_update_is_as_many_puts(
        self, store: lsmsql.Store, tmp_path: Path, keys: list[object], values: list[object]
    ) -> None:
        store.update(zip(keys, values, strict=True))
        with lsmsql.open(tmp_path / "other", sync="off") as other:
            for key, value in zip(keys, values, strict=True):
                other.put(key, value)
            assert repr(list(store.items())) == repr(list(other.items()))

    @pytest.mark.parametrize("key", ["k" * 65_536, b"k" * 65_536, "\ud800"])
    def test_an_update_of_one_type_with_a_bad_key_changes_nothing(
        self, store: lsmsql.Store, key: str | bytes
    ) -> None:
        with pytest.raises(lsmsql.UsageError, match="limit|UTF-8"):
            store.update([(key, b"1"), (key[:5], b"2"), (key[:6], b"3")])
        with pytest.raises(lsmsql.UsageError, match="limit|UTF-8"):
            store.put(key, b"1")
        assert len(store) == 0

    def test_commits_and_their_bytes_are_counted_since_the_opening(self, path: str) -> None:
        with lsmsql.open(path, background=False) as store:
            store["a"] = b"x"
            one = store.stats()
            assert (one["commits"], one["log_bytes"]) == (1, 9 + 2 + 5)
            store.flush()
            assert store.ingest([("b", 1)]) == 1
            with store.batch() as batch:
                batch["c"] = b"y"
                batch["d"] = b"z"
            store.delete("a")
            table_record = 9 + 4
            after = store.stats()
            assert after["commits"] == 3
            assert after["log_bytes"] == one["log_bytes"] * 3 + table_record + 9 + 2
        with lsmsql.open(path, background=False) as store:
            assert (store.stats()["commits"], store.stats()["log_bytes"]) == (0, 0)
            store["a"] = b"x"
            assert (store.stats()["commits"], store.stats()["log_bytes"]) == (1, 16)

    def test_update_of_a_table_puts_all_rows_or_none(self, store: lsmsql.Store) -> None:
        table = store.create_table("t", {"a": "INTEGER", "b": "TEXT"}, "a")
        before = store.stats()["commits"]
        table.update([[1, "one"], {"a": 2}, (1, "uno")])
        assert store.stats()["commits"] == before + 1
        assert list(table.range()) == [{"a": 1, "b": "uno"}, {"a": 2, "b": None}]
        with pytest.raises(lsmsql.UsageError, match="cannot store"):
            table.update([[3, "three"], ["four", "four"]])
        assert len(table) == 2
        store.kv.update([{"key": "k", "value": 1}, ("l", 2)])
        assert list(store.items()) == [("k", 1), ("l", 2)]

    def test_an_empty_batch_is_no_commit(self, store: lsmsql.Store) -> None:
        with store.batch():
            pass
        assert store.stats().sequence == 0


class TestClosing:
    def test_everything_raises_afterwards_and_closing_twice_is_harmless(self, path: str) -> None:
        store = lsmsql.open(path)
        store["a"] = 1
        table = store.create_table("t", {"a": "TEXT"}, "a")
        rows = store.range()
        store.close()
        store.close()
        for use in (
            lambda: store.get("a"),
            lambda: store.put("a", 1),
            lambda: store.range(),
            lambda: next(rows),
            lambda: store.batch(),
            lambda: store.update({1: 2}),
            lambda: store.flush(),
            lambda: store.stats(),
            lambda: store.table("t"),
            lambda: table.put(["x"]),
            lambda: list(table),
            lambda: store.__enter__(),
        ):
            with pytest.raises(lsmsql.ClosedError, match="closed"):
                use()
        assert "closed" in repr(store)

    def test_no_thread_and_no_lock_stays_behind(self, path: str) -> None:
        threads = set(threading.enumerate())
        store = lsmsql.open(path, sync="normal")
        store["a"] = 1
        store.close()
        assert set(threading.enumerate()) <= threads
        lsmsql.open(path).close()


@pytest.mark.parametrize("background", [False, True])
def test_mode_normal_syncs_the_log_before_long(
    path: str, background: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = threading.Event()
    sync = LogWriter.sync

    def tell(log: LogWriter) -> None:
        sync(log)
        synced.set()

    with lsmsql.open(path, sync="normal", sync_interval=0.01, background=background) as store:
        monkeypatch.setattr(LogWriter, "sync", tell)
        store["a"] = 1
        assert synced.wait(20)


def test_the_log_is_synced_before_it_is_full(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    sync = LogWriter.sync

    def tell(log: LogWriter) -> None:
        sync(log)
        synced.set()

    with lsmsql.open(path, sync="off", memtable_bytes=3_000_000) as store:
        monkeypatch.setattr(LogWriter, "sync", tell)
        for key in range(700):
            assert not synced.is_set()
            store[key] = "x" * 3000
        for key in range(700, 900):
            store[key] = "x" * 3000
        assert synced.wait(20)
        assert store.stats()["flushes"] == store.stats().waiting_flushes == 0


def test_a_sync_that_fails_ends_the_writing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lsmsql.open(path, sync="normal", sync_interval=1000.0) as store:
        store["a"] = 1

        def refuse() -> None:
            raise lsmsql.StorageError("sync: no")

        monkeypatch.setattr(LogWriter, "sync", lambda _: refuse())
        store.scheduler._sync_wanted.set()
        for _ in range(2000):
            if not store.core.writable:
                break
            threading.Event().wait(0.005)
        with pytest.raises(lsmsql.FailedError, match="sync: no"):
            store["b"] = 2
        assert store["a"] == 1
        monkeypatch.undo()


class TestThreads:
    def test_readers_see_whole_batches_while_a_writer_flushes_and_compacts(
        self, path: str, hasty: None
    ) -> None:
        done = threading.Event()
        torn: list[object] = []

        def read(store: lsmsql.Store) -> None:
            while not done.is_set():
                seen = {value for _, value in store.range()}
                if len(seen) > 1:
                    torn.append(seen)
                first, second = store.get(0, -1), store.get(49, -1)
                if isinstance(first, int) and isinstance(second, int) and second < first:
                    torn.append((first, second))

        with lsmsql.open(path, sync="off", memtable_bytes=20_000, block_rows=8) as store:
            readers = [threading.Thread(target=read, args=(store,)) for _ in range(2)]
            for reader in readers:
                reader.start()
            for generation in range(80):
                with store.batch() as batch:
                    for key in range(50):
                        batch.put(key, generation)
                if generation % 40 == 25:
                    store.compact()
            done.set()
            for reader in readers:
                reader.join()
            assert torn == []
            assert store.stats()["flushes"] > 5

    def test_writers_in_several_threads_lose_nothing(self, path: str) -> None:
        def write(store: lsmsql.Store, thread: int) -> None:
            for i in range(200):
                store.put(f"{thread}:{i}", i)

        with lsmsql.open(path, sync="off", memtable_bytes=20_000) as store:
            threads = [threading.Thread(target=write, args=(store, n)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(store) == 800
        with lsmsql.open(path) as store:
            assert len(store) == 800


def test_after_an_interrupt_in_a_commit_nothing_more_is_written(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with lsmsql.open(path) as store:
        store["a"] = 1
        with monkeypatch.context() as patch:
            patch.setattr("lsmsql.engine.memtable.memtable.Memtable.put", interrupt)
            with pytest.raises(KeyboardInterrupt):
                store["b"] = 2
        assert list(store) == ["a"]
        with pytest.raises(lsmsql.FailedError):
            store["c"] = 3
    with lsmsql.open(path) as store:
        assert list(store) == ["a", "b"]  # the log had it before the interrupt
        store["c"] = 3


class FullDisk(OsFileSystem):
    """A file system where files of one kind cannot be created any more once ``full`` is set."""

    def __init__(self, ending: str) -> None:
        self.ending = ending
        self.full = False

    def create(self, path: str) -> AppendFile:
        self._check(path)
        return super().create(path)

    def create_log(self, path: str) -> AppendFile:
        self._check(path)
        return super().create_log(path)

    def _check(self, path: str) -> None:
        if self.full and path.endswith(self.ending):
            raise lsmsql.StorageError(f"create {path}: no space left on device")


def test_a_log_that_cannot_be_begun_fails_the_write_and_a_later_one_works(path: str) -> None:
    disk = FullDisk(".log")
    with lsmsql.open(path, filesystem=disk, memtable_bytes=2000, sync="off") as store:
        disk.full = True
        written = 0
        with pytest.raises(lsmsql.StorageError, match="no space left"):
            while written < 1000:
                store.put(written, "x" * 100)
                written += 1
        assert len(store) == written
        disk.full = False
        store.put(written, "y")
        assert len(store) == written + 1


class NoRoomForHeaders(OsFileSystem):
    """A file system that creates files but takes not a byte into them once ``full`` is set."""

    full = False

    def create_log(self, path: str) -> AppendFile:
        file = super().create_log(path)
        if self.full:
            file.close()  # so that writing to it fails
        return file


def test_a_log_that_took_no_header_is_not_left_behind(path: str) -> None:
    disk = NoRoomForHeaders()
    with lsmsql.open(path, filesystem=disk, memtable_bytes=2000, background=False) as store:
        store["a"] = "x" * 3000
        names = set(os.listdir(path))
        disk.full = True
        with pytest.raises(lsmsql.StorageError):
            store["b"] = 1
        assert set(os.listdir(path)) == names
        disk.full = False
        store["b"] = 2
    with lsmsql.open(path) as store:
        assert list(store) == ["a", "b"]


def test_a_background_failure_stops_writers_with_its_cause_and_readers_go_on(path: str) -> None:
    disk = FullDisk(".sst")
    store = lsmsql.open(path, filesystem=disk, memtable_bytes=2000, sync="off")
    store["first"] = 1
    disk.full = True
    with pytest.raises(lsmsql.StorageError, match="no space left"):
        for i in range(1000):
            store.put(i, "x" * 100)
    assert store["first"] == 1
    with pytest.raises(lsmsql.FailedError, match="no space left"):
        store.put("again", 1)
    store.close()
    disk.full = False
    with lsmsql.open(path, filesystem=disk) as again:
        assert again["first"] == 1


def test_the_cache_gives_way_to_the_memtables(tmp_path):
    with lsmsql.open(tmp_path / "s", memory_budget=4_000_000, background=False) as store:
        idle = store.core.cache.capacity
        for i in range(1500):
            store.put(i, b"x" * 200)
        busy = store.core.cache.capacity
        store.flush()
        assert busy < idle - 300_000
        assert store.core.cache.capacity == idle == 4_000_000


@pytest.mark.parametrize("wrong", [5, None, 1.5])
def test_update_refuses_what_holds_no_entries(tmp_path, wrong):
    with lsmsql.open(tmp_path / "s") as store:
        table = store.create_table("t", {"id": "INTEGER"}, "id")
        with pytest.raises(lsmsql.TypeMismatchError, match="update takes pairs"):
            store.update(wrong)
        for rows in (wrong, {"id": 1}):
            with pytest.raises(lsmsql.TypeMismatchError, match="update takes several rows"):
                table.update(rows)
        assert store.stats()["commits"] == 1
