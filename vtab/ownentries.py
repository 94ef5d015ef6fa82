"""The entries that a transaction itself has made or taken out of UNIQUE indexes, by their terms.

A new row of a UNIQUE index is looked for among them, and among those of the snapshot. So many rows
can be inserted without the write set being put in order for each.
"""

from __future__ import annotations

from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.values import Row
from lsmsql.engine.writeset import WriteSet

Alive = dict[bytes, bool]
"""Entries, and whether they are there: not if they were taken out."""


class OwnEntries:
    """What ``writes`` has of UNIQUE indexes. Gathered when it is first asked for."""

    def __init__(self) -> None:
        self._known: dict[int, dict[bytes, Alive]] = {}

    def forget(self) -> None:
        """Something has been taken back."""
        self._known.clear()

    def note(self, entries: IndexEntries, prefix: bytes, entry: bytes, row: Row | None) -> None:
        """An entry was made, or with None taken out."""
        known = self._known.get(entries.schema.id)
        if known is not None:
            known.setdefault(prefix, {})[entry] = row is not None

    def with_prefix(self, entries: IndexEntries, prefix: bytes, writes: WriteSet) -> Alive:
        """The entries with these terms."""
        known = self._known.get(entries.schema.id)
        if known is None:
            known = self._known[entries.schema.id] = {}
            for entry, row in writes.changes_of(entries.schema.id).items():
                known.setdefault(entries.prefix_of(entry), {})[entry] = row is not None
        return known.get(prefix, {})
