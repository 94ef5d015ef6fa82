"""A damaged store is opened, read, flushed and compacted: right rows or CorruptionError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import lsmsql
from lsmsql.engine.errors import CorruptionError, FormatError, StorageError
from lsmsql.engine.store import Store
from lsmsql.engine.table import Table
from tests.damage.memory import DIRECTORY, MemoryFileSystem
from tests.damage.samples import SETTINGS, Sample, frames

RIGHT, REPORTED = "right", "reported"


@dataclass(frozen=True)
class Damaged:
    """A sample whose file ``name`` holds other bytes; None: it is gone."""

    sample: Sample
    name: str
    content: bytes | None

    def disk(self) -> MemoryFileSystem:
        """A disk with the damaged store."""
        disk = self.sample.disk()
        if self.content is None:
            disk.remove(f"{DIRECTORY}/{self.name}")
        else:
            disk.files[f"{DIRECTORY}/{self.name}"] = bytearray(self.content)
        return disk

    def allowed(self) -> tuple[int, ...]:
        """At which points of its history the store may seem to be; or it reports damage.

        Damage in the newest log that no later frame gives away looks like a torn tail.
        """
        last = len(self.sample.history) - 1
        if self.name != self.sample.newest_log or self.content is None:
            return (last,)
        original = self.sample.files[self.name]
        written = frames(original, self.name)
        intact = [self.content[a:b] == original[a:b] for a, b, _ in written]
        if all(intact):
            return (last,)
        bad = intact.index(False)
        proved = any(
            whole and durable > written[bad][0]
            for whole, (_, _, durable) in zip(intact, written, strict=True)
        )
        return () if proved else (bad,)


class Examination:
    """Whoever reads gets what ``allowed`` says, or an error that names the damage."""

    def __init__(self, damaged: Damaged) -> None:
        self._damaged = damaged
        self._sample = damaged.sample
        self._allowed = damaged.allowed()
        self._mode = ""
        self.outcome = RIGHT

    def run(self, *, thorough: bool = True) -> str:
        """RIGHT if all rows were, REPORTED if there was an error at least once.

        Only a ``thorough`` examination opens the store for writing. Raises AssertionError for wrong
        rows, and whatever else comes out.
        """
        disk = self._damaged.disk()
        for mode in ("r", "rw") if thorough else ("r",):
            self._mode = mode
            self._examine(disk)
        return self.outcome

    def _examine(self, disk: MemoryFileSystem) -> None:
        store: Store | None = self._guarded(
            lambda: lsmsql.open(DIRECTORY, self._mode, filesystem=disk, **SETTINGS)
        )
        if store is None:
            return
        try:
            self._read(store)
            if self._mode == "rw":
                self._guarded(store.flush)
                self._guarded(store.compact)
                self._read(store)
        finally:
            store.close()

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """What ``action`` returns; None if it reports damage."""
        try:
            return action()
        except (CorruptionError, FormatError) as error:
            self._check(error)
        except StorageError as error:
            if not self._is_told(error):
                raise
        self.outcome = REPORTED
        return None

    def _is_told(self, error: BaseException | None) -> bool:
        """Whether damage is the cause. For a reader a missing file is none: writers remove them."""
        if self._mode == "r" and (self._damaged.content is None or _is_missing(error)):
            return True
        while error is not None and not isinstance(error, CorruptionError):
            error = error.__cause__
        return error is not None

    def _check(self, error: CorruptionError | FormatError) -> None:
        assert DIRECTORY in str(error), f"{error} does not name the file"
        if isinstance(error, CorruptionError) and error.file.endswith(self._damaged.name):
            size = len(self._damaged.content or b"")
            assert error.offset is None or 0 <= error.offset <= size, error

    def _read(self, store: Store) -> None:
        names = {schema.name for schema in store.tables()}
        printed = self._sample.printed
        self._allowed = tuple(n for n in self._allowed if set(printed[n]) == names)
        assert self._allowed, f"wrong tables: {names}"
        for name in names:
            table = store.table(name)
            for key in self._sample.keys[name]:  # first: once a block is read no filter is asked
                self._get(table, key)
            self._settle(name, self._guarded(partial(_rows, table)))
            self._settle(name, self._guarded(partial(_rows, table, reverse=True)))

    def _settle(self, name: str, rows: str | None) -> None:
        """Rows were read: what is allowed narrows down to what says the same."""
        if rows is not None:
            printed = self._sample.printed
            self._allowed = tuple(n for n in self._allowed if printed[n][name] == rows)
            assert self._allowed, f"wrong rows in {name}"

    def _get(self, table: Table, key: Any) -> None:
        row = self._guarded(partial(table.get, key, ()))
        if row is not None:
            found = repr(tuple(row.values())) if row else ""
            rows = [self._sample.rows[n][table.name] for n in self._allowed]
            assert any(found == r.get(key, "") for r in rows), f"wrong row of {table.name}: {found}"


def _is_missing(error: BaseException | None) -> bool:
    return error is not None and isinstance(error.__cause__, FileNotFoundError)


def _rows(table: Table, reverse: bool = False) -> str:
    rows = [tuple(row.values()) for row in table.range(reverse=reverse)]
    return repr(rows[::-1] if reverse else rows)
