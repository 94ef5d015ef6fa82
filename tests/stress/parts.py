"""The parts of the stress test.

A part is a module with

    NAME                    what it is called on the command line
    run(seed, seconds)      one round of about so many seconds; returns counts by kind, and raises
                            AssertionError or an error of ours at a failure, with a text that says
                            how to come back to it
    again(what)             does again, and alone, what such a text names; not all parts can
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tests.crash import kills, power
from tests.damage import stress as damage
from tests.faults import stress as faults
from tests.fuzz import stress as fuzz
from tests.isolation import stress as transactions
from tests.processes import stress as readers

Tried = dict[str, int]


class Part(Protocol):
    """What a part is made of."""

    NAME: str

    def run(self, seed: int, seconds: float) -> Tried:
        """One round."""


PARTS: dict[str, Part] = {
    part.NAME: part for part in (power, kills, faults, damage, fuzz, readers, transactions)
}


def again(name: str, what: str) -> None:
    """Do one failure again. Raises ValueError if the part cannot, other than by its seed."""
    part = PARTS[name]
    repeat: Callable[[str], None] | None = getattr(part, "again", None)
    if repeat is None:
        raise ValueError(f"{name} is done again by its seed: python -m tests.stress {name} --seed")
    repeat(what)
