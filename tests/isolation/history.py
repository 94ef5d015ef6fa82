"""What transactions have seen and done: what the checker goes by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

Item = tuple[str, int]
"""A key of a table."""

Number = float
"""The number of a commit: an integer of at least 1. Versions of an item are in its order."""

ANY_TIME: tuple[Number, Number] = (0, math.inf)


@dataclass(frozen=True)
class Look:
    """What a transaction has learnt of the keys ``first`` to ``last``, both included, of a table.

    ``seen``: values by key; other keys are absent. Or just how many keys there are.
    ``own``: keys that the transaction has changed itself before: of these it has learnt nothing.
    """

    table: str
    first: int
    last: int
    seen: Mapping[int, int] | int
    own: frozenset[int] = frozenset()

    @property
    def by_key(self) -> bool:
        """Whether one item was asked for, not those that fulfil a predicate."""
        return self.first == self.last


@dataclass
class Transaction:
    """One transaction. Every value that is written is unique in the whole history.

    ``number``: that of its commit; None if it has not committed, or has written nothing.
    ``writes``: what it leaves behind (None deletes). ``replaced`` and ``taken_back``: values that
    it wrote before it wrote others, and before it went back to a savepoint.
    ``began`` and ``ended``: moments, as counts of all beginnings and ends so far.
    ``snapshot``: it reads as of a commit between these two, both included. That is only used to
    tell which deletion made a key absent; of anything else that was read, the value tells it.
    """

    name: str
    kind: str = "transaction"
    looks: list[Look] = field(default_factory=list)
    writes: dict[Item, int | None] = field(default_factory=dict)
    number: Number | None = None
    replaced: set[int] = field(default_factory=set)
    taken_back: set[int] = field(default_factory=set)
    began: int = 0
    ended: int = 0
    snapshot: tuple[Number, Number] = ANY_TIME
    conflict: bool = False
    """Whether it was not committed because of others."""

    def __str__(self) -> str:
        """Its name, and what kind of transaction it was if that is not the usual one."""
        parts = [] if self.kind == "transaction" else [self.kind]
        parts += [] if self.number is None else [f"commit {self.number}"]
        return f"{self.name} ({', '.join(parts)})" if parts else self.name


History = list[Transaction]
