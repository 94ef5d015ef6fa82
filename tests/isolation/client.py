"""What a random transaction can do, whatever way it takes to the store.

Tables are ``kv`` and ``t``; keys are the numbers ``KEYS`` in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from tests.isolation.history import Item, Number

TABLES = ("kv", "t")
KEYS = range(6)

Pairs = Iterator[tuple[int, int]]
"""Keys and values."""

Decide = Callable[[int, int], int | None]
"""The new value for a key and its value; None to leave it as it is."""


class Client(Protocol):
    """A way to the store, for one thread. Outside of ``begin`` each call is a transaction.

    What commits raises ``lsmsql.ConflictError``, or ``lsmsql.BusyError`` when another one has the
    writer's place.
    """

    kinds: tuple[str, ...]
    """What ``begin`` can begin."""
    late: bool
    """Whether the snapshot is taken by the first look or change, and not when it begins."""

    def begin(self, kind: str) -> None:
        """Begin a transaction."""

    def get(self, table: str, key: int) -> int | None:
        """The value of a key."""

    def scan(self, table: str, first: int, last: int, reverse: bool, limit: int | None) -> Pairs:
        """The keys from ``first`` to ``last``, both included, and their values."""

    def count(self, table: str, first: int, last: int) -> int:
        """How many keys there are from ``first`` to ``last``."""

    def put(self, table: str, key: int, value: int) -> None:
        """Set a value, whether the key is there or not."""

    def put_all(self, changes: Mapping[Item, int]) -> None:
        """Set many values as one change, whether the keys are there or not."""

    def load(self, table: str, rows: Mapping[int, int]) -> None:
        """Set many values, by bulk ingest if this is no part of a transaction."""

    def insert(self, table: str, key: int, value: int) -> bool:
        """Set a value if the key is not there; whether it was not."""

    def delete(self, table: str, key: int) -> bool | None:
        """Delete a key; whether it was there, or None if nobody has looked."""

    def update(self, table: str, first: int, last: int, decide: Decide) -> None:
        """Have ``decide`` see all keys from ``first`` to ``last`` and say what becomes of them."""

    def savepoint(self) -> None:
        """Make a savepoint within those there are."""

    def back(self) -> None:
        """Take back what was done since the newest savepoint, which is no more."""

    def release(self) -> None:
        """Forget the newest savepoint; what was done since stays."""

    def commit(self) -> None:
        """Commit. If that fails the transaction is to be rolled back."""

    def rollback(self) -> None:
        """Take everything back."""

    def published(self) -> Number:
        """The number of the newest commit that is seen."""

    def committed(self) -> Number | None:
        """The number of the commit that this thread has made since the last call."""

    def upkeep(self, what: str) -> None:
        """Have the store "flush" or "compact"."""

    def close(self) -> None:
        """Roll back what is open, and let go of the store."""
