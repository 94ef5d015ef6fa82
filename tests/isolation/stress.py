"""Random histories, and transfers between accounts, for as long as there is time."""

from __future__ import annotations

from tests.isolation import bank, histories

NAME = "transactions"


def run(seed: int, seconds: float) -> dict[str, int]:
    """A round of both; what was in it, by kind. Raises AssertionError."""
    each = max(seconds, 4.0) / 2
    done = histories.run(seed, each)
    done.update(bank.run(seed, each, "full" if seed % 2 else "off"))
    kinds = ("transactions", "commits", "conflicts", "reads", "transfers", "looks")
    return {kind: done[kind] for kind in kinds}
