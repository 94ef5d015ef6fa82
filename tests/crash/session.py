"""A program at work on a store whose history is kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import lsmsql
from lsmsql.engine.filesystem import FileSystem
from tests.crash.history import Contents, History, Rows, read_contents

COLUMNS = {"id": "INTEGER", "text": "TEXT", "number": "ANY"}
"""Of every table but ``kv``. The first one is the key."""

STORE = "/store"

Changes = Mapping[str, Mapping[Any, Any]]
"""By table and key: a value (``kv``), a tuple of the other columns, or None to delete."""


class Session:
    """Commits to a store, and what each of them makes of it noted in a history.

    ``position`` says how many operations the file system has recorded.
    """

    def __init__(
        self,
        filesystem: FileSystem,
        history: History,
        options: Mapping[str, Any],
        position: Callable[[], int],
        path: str = STORE,
    ) -> None:
        self.history = history
        self.store: lsmsql.Store
        self._filesystem = filesystem
        self._options = options
        self._position = position
        self._path = path
        self._log = 0
        self.open()

    def open(self) -> None:
        """Open the store, and judge what is there."""
        self.store = lsmsql.open(self._path, filesystem=self._filesystem, **self._options)
        self._log = self.store.core.log_number
        self.history.reopened(read_contents(self.store), self._position())

    def reopen(self) -> None:
        """Close the store and open it again."""
        self.store.close()
        if self._options["sync"] != "off":
            self._secure(self.history.count)
        self.open()

    def tables(self) -> list[str]:
        """The tables that there are, without ``kv``."""
        return [name for name in self.history.newest if name != "kv"]

    # ------------------------------------------------------------------------------- commits

    def put(self, key: str, value: object) -> None:
        """Set one key of ``kv``."""
        self._commit(self._changed({"kv": {key: value}}), lambda: self.store.put(key, value))

    def delete(self, key: str) -> None:
        """Delete one key of ``kv``."""
        self._commit(self._changed({"kv": {key: None}}), lambda: self.store.delete(key))

    def change(self, changes: Changes) -> None:
        """Change any number of rows in any number of tables, as one commit."""

        def work() -> None:
            with self.store.batch() as batch:
                for name, rows in changes.items():
                    for key, row in rows.items():
                        if name == "kv":
                            batch.delete(key) if row is None else batch.put(key, row)
                        elif row is None:
                            batch.table(name).delete(key)
                        else:
                            batch.table(name).put((key, *row))

        self._commit(self._changed(changes), work)

    def ingest(self, name: str, rows: Rows) -> None:
        """Add rows straight to files: one commit, durable in every mode."""
        table = self.store.table(name)
        given = list(rows.items()) if name == "kv" else [(key, *row) for key, row in rows.items()]
        self._commit(self._changed({name: rows}), lambda: table.ingest(given))
        self._secure(self.history.count)

    def create_table(self, name: str) -> None:
        """Create a table of ``COLUMNS``."""
        contents = {**self.history.newest, name: {}}
        self._commit(contents, lambda: self.store.create_table(name, COLUMNS, "id"))

    def drop_table(self, name: str) -> None:
        """Drop a table and what is in it."""
        contents = {other: rows for other, rows in self.history.newest.items() if other != name}
        self._commit(contents, lambda: self.store.drop_table(name))

    def _changed(self, changes: Changes) -> Contents:
        contents = dict(self.history.newest)
        for name, rows in changes.items():
            changed = {**contents[name], **rows}
            contents[name] = {key: row for key, row in changed.items() if row is not None}
        return contents

    def _commit(self, contents: Contents, work: Callable[[], object]) -> None:
        before = self.history.count
        self.history.begin(contents, self._position())
        work()
        if self._options["sync"] == "full":
            self._secure(self.history.count)
        elif self.store.core.log_number != self._log:  # a log is synced before the next one begins
            self._secure(before)
        self._log = self.store.core.log_number

    def _secure(self, count: int) -> None:
        self.history.secure(count, self._position())

    # ------------------------------------------------------------------------------- upkeep

    def sync(self) -> None:
        """What the background does at times in mode "normal"."""
        self.store.core.sync_log()
        self._secure(self.history.count)

    def rotate(self) -> None:
        """Begin a new log; what was in memory waits for its flush."""
        with self.store.core.write_lock:
            self.store.core.rotate()
        self._secure(self.history.count)

    def flush(self) -> None:
        """Write all memtables to files."""
        self.store.flush()
        self._secure(self.history.count)

    def compact(self) -> None:
        """Merge everything."""
        self.store.compact()
        self._secure(self.history.count)
