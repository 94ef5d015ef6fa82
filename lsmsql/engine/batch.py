"""A batch: many changes, of any number of tables, committed as one."""

from __future__ import annotations

from types import TracebackType

from lsmsql.engine.database import Database
from lsmsql.engine.errors import ClosedError
from lsmsql.engine.rows import RowCodec, RowLike
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.table import KeyValue
from lsmsql.engine.values import Row


class Batch:
    """Collects changes; ``commit``, or leaving the ``with`` block, makes all of them at once.

    Of several changes to one key the last counts. An exception in the block throws the batch away.
    """

    def __init__(self, database: Database, kv: KeyValue) -> None:
        self._database = database
        self._encode = kv.encode
        self._encode_key = kv.encode_key
        self._changes: dict[int, dict[bytes, Row | None]] = {}
        self._kv = self._records(KV_TABLE_ID)
        self._open = True

    def _records(self, table_id: int) -> dict[bytes, Row | None]:
        return self._changes.setdefault(table_id, {})

    def _check(self) -> None:
        if not self._open:
            raise ClosedError("the batch has been committed or thrown away")

    def put(self, key: object, value: object) -> None:
        """Set the value of a key of ``kv``."""
        if not self._open:
            self._check()
        encoded, payload = self._encode(key, value)
        self._kv[encoded] = payload

    def delete(self, key: object) -> None:
        """Delete a key of ``kv``."""
        self._check()
        self._kv[self._encode_key(key)] = None

    __setitem__ = put
    __delitem__ = delete

    def table(self, name: str) -> TableBatch:
        """The batch's side of another table."""
        self._check()
        schema = self._database.core.catalog.get(name)
        return TableBatch(self, RowCodec(schema), self._records(schema.id))

    def __len__(self) -> int:
        """The number of keys changed."""
        return sum(map(len, self._changes.values()))

    def commit(self) -> None:
        """Make all changes, atomically. If that fails, none has been made."""
        self._check()
        self._database.write(self._changes)
        self._open = False

    def discard(self) -> None:
        """Throw the changes away."""
        self._open = False
        self._changes = {}

    def __enter__(self) -> Batch:
        self._check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.discard()
        elif self._open:
            self.commit()


class TableBatch:
    """Changes of one table within a batch."""

    def __init__(self, batch: Batch, rows: RowCodec, records: dict[bytes, Row | None]) -> None:
        self._batch = batch
        self._rows = rows
        self._changes = records

    def put(self, row: RowLike) -> None:
        """Insert a row, or replace the one with the same key."""
        self._batch._check()
        key, payload = self._rows.encode_row(row)
        self._changes[key] = payload

    def delete(self, key: object) -> None:
        """Delete the row with that key, if there is one."""
        self._batch._check()
        self._changes[self._rows.encode_key(key)] = None

    def __setitem__(self, key: object, row: RowLike) -> None:
        self.put(self._rows.row_with_key(key, row))

    __delitem__ = delete
