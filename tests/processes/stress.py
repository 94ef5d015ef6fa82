"""Readers beside a writer, for as long as there is time."""

from __future__ import annotations

from tests.processes import beside

NAME = "readers"


def run(seed: int, seconds: float) -> dict[str, int]:
    """One writer and three readers; how often they did what. Raises AssertionError."""
    return beside.run(seed, max(seconds, 2.0))
