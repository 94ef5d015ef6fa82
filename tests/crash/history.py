"""The history of a store's commits: what may be there after a crash, and what must be."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import lsmsql

Rows = dict[Any, Any]
"""Rows of a table by key: values in ``kv``, tuples of the other columns elsewhere."""

Contents = dict[str, Rows]
"""All tables by name. Never changed: a commit makes another."""


class LossError(AssertionError):
    """A state that was recovered to what it must not be."""


def read_contents(store: lsmsql.Store) -> Contents:
    """All that a store holds, by scans."""
    found: Contents = {"kv": dict(store.items())}
    for schema in store.tables():
        if schema.name != "kv":
            rows = store.table(schema.name).range()
            found[schema.name] = {key: tuple(rest) for key, *rest in (r.values() for r in rows)}
    return found


@dataclass
class History:
    """Commits in their order; ``contents[n]`` is what the store holds after ``n`` of them.

    ``begun[n]`` is how many operations had been recorded when commit ``n`` began (0 for the
    beginning). ``safe`` are pairs: from that many operations on, so many commits must be there.
    """

    contents: list[Contents] = field(default_factory=lambda: [{"kv": {}}])
    begun: list[int] = field(default_factory=lambda: [0])
    safe: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    @property
    def newest(self) -> Contents:
        """What the store holds now."""
        return self.contents[-1]

    @property
    def count(self) -> int:
        """How many commits there are."""
        return len(self.contents) - 1

    def begin(self, contents: Contents, position: int) -> None:
        """A commit begins that makes the store hold ``contents``."""
        self.contents.append(contents)
        self.begun.append(position)

    def secure(self, count: int, position: int) -> None:
        """So many commits are durable, now that ``position`` operations have been recorded."""
        if count > self.safe[-1][1]:
            self.safe.append((position, count))

    def bounds(self, cut: int) -> tuple[int, int]:
        """The least and the most commits that may be there after a cut."""
        must = self.safe[bisect_right(self.safe, cut, key=lambda pair: pair[0]) - 1][1]
        return must, bisect_right(self.begun, cut) - 1

    def judge(self, found: Contents, cut: int) -> int:
        """How many commits made ``found``. Raises LossError if that is none of those allowed."""
        must, most = self.bounds(cut)
        for count in range(most, must - 1, -1):
            if self.contents[count] == found:
                return count
        for count in range(must):
            if self.contents[count] == found:
                raise LossError(f"{count} commits are there, of {must} that must be")
        raise LossError(
            f"what is there is no prefix of the history, of which {must} to {most} commits may be"
            f" there: {_difference(found, self.contents[most])}"
        )

    def reopened(self, found: Contents, position: int) -> None:
        """A new process found this: the history goes on from there, and it is durable."""
        count = self.judge(found, position)
        del self.contents[count + 1 :], self.begun[count + 1 :]
        self.secure(count, position)


def _difference(found: Contents, wanted: Contents) -> str:
    """Where two contents differ, in a line."""
    if found.keys() != wanted.keys():
        return f"tables {sorted(found)} instead of {sorted(wanted)}"
    parts = []
    for name, rows in found.items():
        missing = [key for key in wanted[name] if key not in rows]
        others = [key for key in rows if rows[key] != wanted[name].get(key)]
        if missing or others:
            parts.append(f"{name} lacks {missing[:3]} and has other {others[:3]}")
    return "; ".join(parts)
