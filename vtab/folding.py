"""Text compared without regard to case (collation NOCASE), as bounds on its bytes.

NOCASE compares A to Z as a to z. So texts that it finds between two others lie between these by
their bytes too, if the lower one is written in capitals and the upper one in small letters. Some
characters stand between the capitals and the small letters, which a lower bound must end before.

LIKE with a prefix sends such bounds.
"""

from __future__ import annotations

from itertools import product

MOST_LETTERS = 3
"""Bounds with the same beginning are written in all ways of so many letters of it."""

_CAPITALS = {small: small - 32 for small in range(ord("a"), ord("z") + 1)}
_SMALL = {capital: small for small, capital in _CAPITALS.items()}
_BETWEEN = frozenset("[\\]^_`")


def folds(value: str) -> bool:
    """Whether the bounds of ``value`` hold: SQLite looks no further than the first NUL."""
    return "\0" not in value


def lowest(value: str) -> str:
    """No text that NOCASE finds at or above ``value`` is below this."""
    at = next((i for i, character in enumerate(value) if character in _BETWEEN), len(value))
    return value[:at].translate(_CAPITALS)


def highest(value: str) -> str:
    """No text that NOCASE finds at or below ``value`` is above this."""
    return value.translate(_SMALL)


def spellings(low: str, high: str) -> list[tuple[str, str]]:
    """Bounds as above, ascending and disjoint, that together hold all texts between the two.

    Of a text between two that begin alike, the beginning is known but for its case: so the texts in
    between need not be gone through.
    """
    beginning: list[str] = []
    for a, b in zip(low.translate(_SMALL), high.translate(_SMALL), strict=False):
        if a != b or len(beginning) == MOST_LETTERS:
            break
        beginning.append(a)
    rest = slice(len(beginning), None)
    ways = [dict.fromkeys((letter.translate(_CAPITALS), letter)) for letter in beginning]
    bottom, top = lowest(low[rest]), highest(high[rest])
    return [("".join(way) + bottom, "".join(way) + top) for way in product(*ways)]
