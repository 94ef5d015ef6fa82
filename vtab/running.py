"""What the running statement wants of the rows that it writes, and SQLite does not tell a table.

    INSERT INTO t(a, b) ...          which columns are named: the others get their defaults
    ... ON CONFLICT DO UPDATE ...    what to do with a row that is there already
    ... RETURNING ...                the rows, as they have been written

Whoever hands a statement to SQLite says so before, and looks here afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.values import Value

Values = Sequence[Value]


class Upsert(Protocol):
    """What an INSERT does with a row that is there already."""

    def clause(self, entries: IndexEntries | None) -> Any:
        """What is to be done if an index, or with None the key, has the row already; or None."""

    def place(self, entries: IndexEntries | None) -> int:
        """Which of several conflicts comes first."""

    def changed(self, clause: Any, old: Values, new: Values) -> dict[int, Value] | None:
        """New values for the row that is there, by position; None to leave it as it is."""


@dataclass
class Written:
    """What is to be known of a statement on one table."""

    named: frozenset[int] | None = None
    """The positions of the columns that an INSERT names; None: all of them."""
    upsert: Upsert | None = None
    captured: list[tuple[Value, ...]] | None = None
    """Where to put the rows that were written or deleted, if anybody wants them."""
    changed: set[bytes] | None = None
    """The keys of the rows that were changed, if each is to be changed once."""


NOTHING_SAID = Written()


class Running:
    """The running statements, by the table that they write to."""

    def __init__(self) -> None:
        self._written: dict[int, Written] = {}
        self.changes = 0
        """How many rows have been inserted, changed or deleted since the connection was opened."""

    @property
    def is_quiet(self) -> bool:
        """Whether no statement wants anything of the rows but that they are written."""
        return not self._written

    def on(self, table_id: int) -> Written:
        """What is known of the statement that writes to a table."""
        return self._written.get(table_id, NOTHING_SAID)

    def begin(self, table_id: int, written: Written) -> None:
        """A statement on a table begins; whatever was said of an earlier one is forgotten."""
        self._written[table_id] = written

    @contextmanager
    def statement(self, table_id: int, written: Written) -> Iterator[None]:
        """While a statement on a table runs. Others may run within it."""
        before = self._written.get(table_id)
        self._written[table_id] = written
        try:
            yield
        finally:
            if before is None:
                del self._written[table_id]
            else:
                self._written[table_id] = before
