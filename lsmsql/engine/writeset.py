"""The uncommitted changes of one transaction, which it can read before they are committed.

Each change gets a *step*, 1, 2, 3, ...; a statement that must not see its own effects reads at the
step it began with, and going back to a savepoint takes back the changes after its step.

Not for more than one thread at a time.
"""

from __future__ import annotations

from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.values import Row

_ALL = 0
"""No version of a write set is ever let go: the oldest step that may be asked for."""


class WriteSet:
    """Changes by table id and key, newest last."""

    def __init__(self) -> None:
        self._memtables: dict[int, Memtable] = {}
        self._journal: list[tuple[int, bytes]] = []

    @property
    def step(self) -> int:
        """The number of the newest change; 0 if there is none."""
        return len(self._journal)

    @property
    def nbytes(self) -> int:
        """Estimated size in memory."""
        return sum(memtable.nbytes for memtable in self._memtables.values())

    def put(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the payload of ``key``, or with None delete it."""
        memtable = self._memtables.get(table_id)
        if memtable is None:
            memtable = self._memtables[table_id] = Memtable()
        self._journal.append((table_id, key))
        memtable.put(key, row, len(self._journal), len(key), _ALL)

    def memtable(self, table_id: int) -> Memtable | None:
        """The changes of one table; their sequence numbers are steps."""
        return self._memtables.get(table_id)

    def rollback(self, step: int) -> None:
        """Take back all changes after ``step``."""
        while len(self._journal) > step:
            table_id, key = self._journal[-1]
            self._memtables[table_id].undo(key, len(self._journal))
            self._journal.pop()

    def changes(self) -> dict[int, dict[bytes, Row | None]]:
        """The newest change of each key, per table id, in key order."""
        changes: dict[int, dict[bytes, Row | None]] = {}
        for table_id, memtable in self._memtables.items():
            records = changes[table_id] = {}
            for keys in memtable.slices():
                found, _, rows = memtable.records(keys, self.step)
                records.update(zip(found, rows, strict=True))
        return changes
