"""The keys that a table keyed by one INTEGER gives to rows that come without one."""

from __future__ import annotations

from typing import Protocol, cast

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.claims import Claimer
from lsmsql.engine.core import Core
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import MAX_INTEGER
from lsmsql.engine.view import Found, found_slot
from lsmsql.engine.writeset import WriteSet


class Transaction(Protocol):
    """What is asked of the transaction that goes on."""

    writes: WriteSet

    @property
    def catalog(self) -> Catalog:
        """The tables as it has them."""

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of a key."""


class GivenKeys:
    """The keys given out in one transaction after the other of a connection."""

    def __init__(self, core: Core, transaction: Transaction) -> None:
        self._core = core
        self._transaction = transaction
        self._last: dict[int, int | None] = {}
        self._claimer: Claimer | None = None
        """Who was given keys, in this transaction."""

    def next(self, schema: TableSchema, codec: KeyCodec, least: int, count: int = 1) -> int:
        """The key after the greatest; ``least`` or greater. Of several it is the first.

        That is no read of the transaction: others may add rows. Nobody else gets the same one while
        it goes on. Beyond MAX_INTEGER if the greatest possible is taken.
        """
        if schema.id not in self._last:
            self._last[schema.id] = self._newest(schema, codec)
        last = self._last[schema.id]
        least = max(least, 1 if last is None else last + 1)
        if least > MAX_INTEGER - count + 1:
            return MAX_INTEGER + 1
        if self._claimer is None:
            self._claimer = Claimer()
        return self._core.claims.claim(schema.id, self._claimer, least, count)

    def _newest(self, schema: TableSchema, codec: KeyCodec) -> int | None:
        """The greatest key there is by now, also in commits that the transaction does not see."""
        keys_only = Projection(schema, codec, ())
        forwards = schema.descending[0]
        with ReadView(self._core, self._transaction.writes) as view:
            slices = view.scan(schema.id, Range(), keys_only, reverse=not forwards, first=1)
            piece = next(slices, None)
            if piece is None:
                return None
            (last,) = codec.decode(piece.keys[0 if forwards else -1])
            return cast("int", last)

    def added(self, table_id: int, key: int) -> None:
        """A row has come into a table."""
        if table_id in self._last:
            last = self._last[table_id]
            self._last[table_id] = key if last is None else max(last, key)

    def removed(self, table_id: int) -> None:
        """A row has left a table."""
        self._last.pop(table_id, None)

    def greatest(self, table: TableSchema) -> int:
        """The greatest key that a table with AUTOINCREMENT has ever had; 0 if it had none."""
        sequences = self._transaction.catalog.sequences
        found = None
        if sequences is not None:
            key = key_codec(sequences).encode([table.id])
            found = self._transaction.find(sequences.id, key)
        return 0 if found is None else cast("int", found_slot(found, 0))

    def keep_greatest(self, table: TableSchema, key: int) -> None:
        """A row of a table with AUTOINCREMENT has a key greater than all before."""
        sequences = self._transaction.catalog.sequences
        assert sequences is not None
        encoded = key_codec(sequences).encode([table.id])
        self._transaction.writes.put(sequences.id, encoded, (key,))

    def forget(self) -> None:
        """Something has been taken back."""
        self._last.clear()

    def end(self) -> None:
        """The transaction is over."""
        self._last.clear()
        if self._claimer is not None:
            self._core.claims.end(self._claimer)
            self._claimer = None
