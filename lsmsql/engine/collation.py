"""SQLite's collations, as what they make of a text: two texts are equal if this is.

An index keeps its texts in this form, in the order of their bytes. (SQLite's NOCASE takes no notice
of what follows a zero byte, but for the length; here it does.)
"""

from __future__ import annotations

from collections.abc import Callable

from lsmsql.engine.column import BINARY
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.values import Value

_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

Fold = Callable[[str], str]


def _no_case(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _no_trailing_spaces(text: str) -> str:
    return text.rstrip(" ")


_FOLDS: dict[str, Fold] = {"NOCASE": _no_case, "RTRIM": _no_trailing_spaces}


def fold_of(collation: str) -> Fold | None:
    """What makes texts of a collation comparable by their bytes; None where they are.

    Raises SchemaError for a collation that is none of SQLite's own.
    """
    name = collation.upper()
    if name == BINARY:
        return None
    if name not in _FOLDS:
        known = ", ".join([BINARY, *_FOLDS])
        raise SchemaError(f"collation {collation} cannot be kept in an index; those are {known}")
    return _FOLDS[name]


def folded(fold: Fold | None, value: Value) -> Value:
    """A value as an index keeps it."""
    return fold(value) if fold is not None and type(value) is str else value
