"""What a ``Table`` works on: a store, a snapshot of it, or a transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.core import Core
from lsmsql.engine.projection import Columns, Projection
from lsmsql.engine.readview import ReadView
from lsmsql.engine.recent import Absent
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.slices import Range
from lsmsql.engine.values import Row, Value
from lsmsql.engine.view import Found
from lsmsql.engine.wal.changes import Changes


class Tables(ABC):
    """Reads and changes by table id and encoded key.

    All methods raise ClosedError once it is closed, and the changing ones ReadOnlyError where
    nothing can be changed.
    """

    core: Core

    @property
    @abstractmethod
    def catalog(self) -> Catalog:
        """The tables there are."""

    @abstractmethod
    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of an encoded key; None if there is none."""

    @abstractmethod
    def value(self, key: bytes) -> Value | Absent:
        """The value in ``kv`` of an encoded key, or ABSENT: ``find`` by way of the row cache."""

    @abstractmethod
    def view(self) -> ReadView:
        """What is there now, for a range. Must be closed."""

    def first_rows(
        self, table_id: int, span: Range, projection: Projection, limit: int, *, reverse: bool
    ) -> Columns | None:
        """The first ``limit`` records of ``span`` as columns, in scan order.

        None if that takes a view.
        """
        return None

    @abstractmethod
    def write_one(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the row of ``key``, or delete it with None."""

    @abstractmethod
    def write(self, changes: Changes) -> None:
        """Make many changes as one."""

    @abstractmethod
    def ingest_rows(
        self, rows: RowCodec, data: object, progress: Callable[[int], object] | None
    ) -> int:
        """Add many rows straight to files; see ``Table.ingest``."""
