"""The uncommitted changes of one transaction, which it can read before they are committed.

Most transactions are never looked at before their end: a change then is one entry in a dict. Only
when somebody wants to know the present *step*, to come back to it or to read as of it, the changes
made since the last one are sealed: they become a step, and go into memtables, where they can be
read in order and by step.

    put, put, put     step -> 1     put, put     step -> 2     put ...
    `-- sealed as 1 --'             `- as 2 -'                 not sealed yet

Not for more than one thread at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.values import Row

Records = dict[int, dict[bytes, Row | None]]
"""Changes by table id and key; None deletes."""

_ALL = 0
"""No version of a write set is ever let go: the oldest step that may be asked for."""


class WriteSet:
    """Changes by table id and key; of several changes to one key the last counts."""

    def __init__(self) -> None:
        self._fresh: Records = {}
        self._sealed: list[Records] = []
        self._memtables: dict[int, Memtable] = {}

    def put(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the payload of ``key``, or with None delete it."""
        try:
            self._fresh[table_id][key] = row
        except KeyError:
            self._fresh[table_id] = {key: row}

    def put_all(self, table_id: int, rows: Mapping[bytes, Row]) -> None:
        """``put`` for each of the keys."""
        self._fresh.setdefault(table_id, {}).update(rows)

    def may_have(self, table_id: int, keys: Collection[bytes]) -> bool:
        """Whether any of the keys may have been changed."""
        fresh = self._fresh.get(table_id)
        if fresh is not None and not fresh.keys().isdisjoint(keys):
            return True
        memtable, step = self._memtables.get(table_id), len(self._sealed)
        return memtable is not None and any(memtable.get(key, step) is not None for key in keys)

    def get(self, table_id: int, key: bytes) -> tuple[Row | None] | None:
        """The newest change of ``key``, with None in it for a deletion; None if there is none."""
        records = self._fresh.get(table_id)
        if records is not None and key in records:
            return (records[key],)
        memtable = self._memtables.get(table_id)
        version = None if memtable is None else memtable.get(key, len(self._sealed))
        return None if version is None else (version.row,)

    @property
    def step(self) -> int:
        """The number of this point: 0 at the beginning, one more after each time it has changed."""
        if self._fresh:
            self._seal()
        return len(self._sealed)

    def _seal(self) -> None:
        fresh, self._fresh = self._fresh, {}
        self._sealed.append(fresh)
        for table_id, records in fresh.items():
            memtable = self._memtables.get(table_id)
            if memtable is None:
                memtable = self._memtables[table_id] = Memtable()
            if len(records) == 1:
                ((key, row),) = records.items()
                memtable.put(key, row, len(self._sealed), 0, _ALL)
            else:
                memtable.put_all(records, len(self._sealed), 0, _ALL)

    def memtable(self, table_id: int) -> Memtable | None:
        """The sealed changes of one table; their sequence numbers are steps."""
        return self._memtables.get(table_id)

    def rollback(self, step: int) -> None:
        """Take back all changes after ``step``, which has been the present one before."""
        self._fresh = {}
        while len(self._sealed) > step:
            for table_id, records in self._sealed[-1].items():
                memtable = self._memtables[table_id]
                for key in records:
                    memtable.undo(key, len(self._sealed))
            self._sealed.pop()

    def changes(self) -> Records:
        """The newest change of each key. What is handed out may be what the write set works on."""
        if not self._sealed:
            return self._fresh
        newest: Records = {}
        for step in (*self._sealed, self._fresh):
            for table_id, records in step.items():
                newest.setdefault(table_id, {}).update(records)
        return newest

    def changes_of(self, table_id: int) -> dict[bytes, Row | None]:
        """The newest change of each key of one table."""
        newest: dict[bytes, Row | None] = {}
        memtable = self._memtables.get(table_id)
        if memtable is not None:
            for keys in memtable.slices():
                found, _, rows = memtable.records(keys, len(self._sealed))
                newest.update(zip(found, rows, strict=True))
        newest.update(self._fresh.get(table_id, {}))
        return newest
