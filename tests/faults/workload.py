"""What a program does with a store, step by step, and what must hold if the disk fails it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lsmsql
from lsmsql.engine.errors import Error, FailedError, StorageError
from lsmsql.engine.manifest.manifest import CURRENT
from lsmsql.engine.sstable.meta import file_name
from lsmsql.engine.store import Store
from tests.faults.faulty import FaultyFileSystem

Model = dict[str, dict[Any, Any]]
"""The rows of each table by their keys."""

SETTINGS: dict[str, Any] = {
    "memtable_bytes": 3000,
    "table_bytes": 2000,
    "block_rows": 8,
    "level0_files": 3,
    "compaction_process": False,
}


@dataclass(frozen=True)
class Step:
    """Something that is done to a store, and what it makes of the rows."""

    name: str
    act: Callable[[Store], object]
    change: Callable[[Model], object] = lambda model: None

    def applied(self, model: Model) -> Model:
        """The rows afterwards."""
        changed = {name: dict(rows) for name, rows in model.items()}
        self.change(changed)
        return changed


def _put(key: Any, value: Any) -> Step:
    return Step(f"put {key}", lambda s: s.put(key, value), lambda m: m["kv"].update({key: value}))


def _update(entries: dict[Any, Any]) -> Step:
    return Step("update", lambda s: s.update(entries), lambda m: m["kv"].update(entries))


def _batch() -> Step:
    def act(store: Store) -> None:
        with store.batch() as batch:
            batch.put("batched", 1)
            batch.delete("a0")

    def change(model: Model) -> None:
        model["kv"]["batched"] = 1
        model["kv"].pop("a0", None)

    return Step("batch", act, change)


def _ingest(prefix: str, count: int) -> Step:
    rows = {f"{prefix}{number}": "x" * 30 for number in range(count)}
    return Step("ingest", lambda s: s.ingest(rows), lambda m: m["kv"].update(rows))


def _create_table() -> Step:
    def act(store: Store) -> None:
        store.create_table("t", {"id": "INTEGER", "v": "TEXT"}, "id")

    return Step("create table", act, lambda m: m.update({"t": {}}))


def _rows(start: int, count: int) -> Step:
    rows = {number: f"row {number}" for number in range(start, start + count)}

    def act(store: Store) -> None:
        store.table("t").update([[number, text] for number, text in rows.items()])

    return Step("rows", act, lambda m: m["t"].update(rows))


FLUSH = Step("flush", lambda s: s.flush())
COMPACT = Step("compact", lambda s: s.compact())
DROP = Step("drop table", lambda s: s.drop_table("t"), lambda m: m.pop("t"))

SESSIONS: tuple[tuple[Step, ...], ...] = (
    (
        _put("a0", 0),
        _create_table(),
        _rows(0, 5),
        _batch(),
        FLUSH,
        _put("a1", None),
        _ingest("i", 40),
        _update({f"u{number}": b"y" * 60 for number in range(50)}),
        _put("a2", "after a full memtable"),
    ),
    (
        _put("a3", 3),
        COMPACT,
        _rows(3, 5),
        _ingest("k", 5),
        FLUSH,
        DROP,
        _put("a4", 4),
        COMPACT,
        _put("a5", 5),
    ),
)
"""Each is an opening of the store, steps, and a closing."""


def read_rows(store: Store) -> Model:
    """All rows."""
    rows: Model = {"kv": dict(store.items())}
    for schema in store.tables():
        if schema.name != "kv":
            rows[schema.name] = {row["id"]: row["v"] for row in store.table(schema.name).range()}
    return rows


def check_error(error: BaseException, kind: type[StorageError] = StorageError) -> None:
    """An error of ours whose cause, however far away, is what the operating system said."""
    assert isinstance(error, kind), repr(error)
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    assert cause is not None, f"{error!r} has no OSError behind it"
    assert cause.strerror is not None and cause.strerror in str(error)


@dataclass
class Run:
    """The sessions on a disk that fails, and what the store may hold.

    ``possible``: what it may hold after what was acknowledged, and what was not.
    """

    disk: FaultyFileSystem
    path: str
    background: bool = False
    possible: list[Model] = field(default_factory=lambda: [{"kv": {}}])
    errors: int = 0
    others: set[threading.Thread] = field(default_factory=lambda: store_threads())

    def go(self) -> None:
        """Do it all, then once more look at the store on a disk that is whole."""
        self.work()
        self.disk.repair()
        self.look_afterwards()

    def work(self) -> None:
        """The sessions, and then a reader."""
        for steps in SESSIONS:
            self._session(steps)
        self._read_only()

    def _attempt(self, action: Callable[[], Any]) -> Any:
        """What ``action`` returns; None if the disk has failed it."""
        try:
            return action()
        except (Error, OSError) as error:
            check_error(error)
            self.errors += 1
            return None

    def _open(self, mode: str) -> Store | None:
        store: Store | None = self._attempt(
            lambda: lsmsql.open(
                self.path, mode, filesystem=self.disk, background=self.background, **SETTINGS
            )
        )
        if store is None:
            assert not self.disk.handles, self.disk.handles
            self._check_threads()
        return store

    def _session(self, steps: tuple[Step, ...]) -> None:
        store = self._open("rw") or self._open("rw")
        if store is None:
            return
        self._settle(store)
        for step in steps:
            errors = self.errors
            self._do(store, step)
            if self.errors > errors:
                self._settle(store)
        self._settle(store)
        self._close(store)

    def _do(self, store: Store, step: Step) -> None:
        before = self.possible
        if any("t" not in model for model in before) and step.name in ("rows", "drop table"):
            return  # nobody knows whether the table is there
        refused = store.core.failure is not None
        try:
            step.act(store)
        except (Error, OSError) as error:
            check_error(error, FailedError if refused else StorageError)
            self.errors += 1
            if not refused:
                self.possible = [*before, *(step.applied(model) for model in before)]
        else:
            assert not refused or step.change is Step.change, f"{step.name} after a failure"
            self.possible = [step.applied(model) for model in before]

    def _settle(self, store: Store) -> None:
        """What is read is possible, and if the store takes writes it is what there is.

        A commit that failed is not seen, though it may be there when the store is opened again.
        """
        rows = self._attempt(lambda: read_rows(store))
        if rows is None:
            return
        assert rows in self.possible
        if store.core.failure is None:
            self.possible = [rows]

    def _close(self, store: Store) -> None:
        self._attempt(store.close)
        del store
        assert not self.disk.handles, self.disk.handles
        self._check_threads()

    def _check_threads(self) -> None:
        """The store has left no thread behind."""
        left = store_threads() - self.others
        assert not left, left

    def _read_only(self) -> None:
        made = self.disk.exists(f"{self.path}/{CURRENT}")  # else there is no store to read
        store = self._open("r") if made else None
        if store is not None:
            rows = self._attempt(lambda: read_rows(store))
            assert rows is None or rows in self.possible
            self._close(store)

    def look_afterwards(self) -> None:
        """What is there is possible, whole, and nothing else is left; the store takes writes."""
        store = lsmsql.open(self.path, filesystem=self.disk, background=False, **SETTINGS)
        rows = read_rows(store)
        assert rows in self.possible
        live = {file_name(file.meta.number) for _, file in store.core.version.files()}
        names = self.disk.list(self.path)
        assert {name for name in names if name.endswith(".sst")} == live
        assert "CURRENT.new" not in names
        store.put("last", "one")
        store.compact()
        store.close()
        with lsmsql.open(self.path, "r", filesystem=self.disk) as reader:
            rows["kv"]["last"] = "one"
            assert read_rows(reader) == rows
        assert not self.disk.handles


def store_threads() -> set[threading.Thread]:
    """The threads of all open stores."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("lsmsql")}
