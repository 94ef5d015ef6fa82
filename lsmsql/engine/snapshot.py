"""A snapshot: the whole store as of one commit, to be read for as long as its user likes."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import NoReturn, TypeVar

from lsmsql.engine.catalog import Catalog, catalog_of
from lsmsql.engine.database import Database
from lsmsql.engine.errors import ReadOnlyError
from lsmsql.engine.memtable.memtable import Forgotten
from lsmsql.engine.readview import LongView, ReadView
from lsmsql.engine.recent import Absent
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.values import Row, Value
from lsmsql.engine.verbs import ReadVerbs
from lsmsql.engine.view import Found
from lsmsql.engine.wal.changes import Changes

T = TypeVar("T")


class Snapshot(ReadVerbs):
    """Reads of ``kv`` and of all tables as of one commit; threads may share it.

    It holds a number, and no files or memtables: flush and compaction go on below it, and keep the
    versions that it sees. Its iterators raise ClosedError once it is closed.
    """

    def __init__(self, database: Database, at: int | None = None) -> None:
        super().__init__()
        self.core = database.core
        self._view = LongView(self.core, at=at)
        self._view.share()
        self._catalog = catalog_at(self._view)

    def __repr__(self) -> str:
        return f"<snapshot {self.sequence} of {self.core.path!r}>"

    @property
    def sequence(self) -> int:
        """The number of the newest commit that it sees."""
        return self._view.sequence

    @property
    def catalog(self) -> Catalog:
        """The tables there were."""
        return self._catalog

    # ------------------------------------------------------------------------------- reading

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of an encoded key; None if there is none."""
        return self._read(lambda view: view.find(table_id, key))

    def value(self, key: bytes) -> Value | Absent:
        """The value in ``kv`` of an encoded key, or ABSENT."""
        return self._read(lambda view: view.value(key))

    def _read(self, look: Callable[[ReadView], T]) -> T:
        """What is found, unless another thread has closed the snapshot meanwhile."""
        view = self._view
        try:
            found = look(view)
        except Forgotten:
            view.check()
            raise
        if not view.is_open:
            view.check()
        return found

    def view(self) -> ReadView:
        """The same once more, for a range."""
        return self._view.branch(None)

    # ------------------------------------------------------------------------------- no writing

    def _refuse(self) -> NoReturn:
        self._view.check()
        raise ReadOnlyError("a snapshot can only be read; write to the store itself")

    def write_one(self, table_id: int, key: bytes, row: Row | None) -> NoReturn:
        """Raise ReadOnlyError."""
        self._refuse()

    def write(self, changes: Changes) -> NoReturn:
        """Raise ReadOnlyError."""
        self._refuse()

    def ingest_rows(
        self, rows: RowCodec, data: object, progress: Callable[[int], object] | None
    ) -> NoReturn:
        """Raise ReadOnlyError."""
        self._refuse()

    # ------------------------------------------------------------------------------- the end

    def close(self) -> None:
        """Let go of it. Closing twice is harmless."""
        self._view.close()

    def __enter__(self) -> Snapshot:
        self._view.check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def catalog_at(view: ReadView) -> Catalog:
    """The tables there are for the readers of a view."""
    core = view.core
    catalog = core.catalog
    if catalog.sequence <= view.sequence:
        return catalog
    return catalog_of(view.state, view.sequence, core.path)
