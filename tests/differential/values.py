"""Values that tables treat differently, or should not: what a column may be asked to hold."""

from __future__ import annotations

import math
from random import Random

Value = int | float | str | bytes | None

SMALL = [0, 1, 2, 3, 4, 5, 7, 10, -1, -2]
WORDS = ["a", "b", "c", "ab", "B", "A", "abc", "x", "a ", "Ab"]
LARGE = [
    2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, 2**63 - 2, -(2**63), -(2**63) + 1,
    2**31, 255, 256, -129, 100,
]  # fmt: skip
REALS = [
    0.0, -0.0, 0.5, 1.0, 1.5, 2.0, -2.5, 1e-5, 0.1, 3.0, 1e15, 2.0**53, 9007199254740994.0,
    2.0**63, -(2.0**63), 1e300, math.inf, -math.inf,
]  # fmt: skip
TEXTS = [
    "", " ", "a", "A", "a ", "a  ", " a", "A ", "AB", "ab", "aB", "1", "01", "1.0", " 1", "1 ",
    "+1", "1e0", "0x1", "-1", "10", "9", "2", "1.5", ".5", "1.", "-0", "-0.0", "1e400", "inf",
    "nan", "1a", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "9007199254740993", "9007199254740993.0", "a_b", "a%b", "%", "_", "[a]", "a*", "?", "\u00e9",
    "\u00c9", "\u00df", "a\u0301", "\U0001f600", "a\0b", "\0", "it's", 'q"q', "z",
]  # fmt: skip
BLOBS = [b"", b"\0", b"a", b"A", b"ab", b"1", b"a ", b"\xff", b"\xc3\xa9", b"\x00\x01"]

_USUAL: dict[str, list[Value]] = {
    "INTEGER": [*SMALL],
    "NUMERIC": [*SMALL, 1.5, 0.5],
    "REAL": [0.5, 1.5, 1, 2, -2.5, 3.0],
    "TEXT": [*WORDS],
    "BLOB": [b"a", b"b", b"", b"ab", 1, "a", 1.0, "1"],
    "": [*SMALL, *WORDS],
}
_EXACT: dict[str, list[Value]] = {
    "INTEGER": [*LARGE],
    "NUMERIC": [*LARGE, *REALS],
    "REAL": [*REALS],
    "TEXT": [*TEXTS],
    "BLOB": [*BLOBS],
    "": [*SMALL, *LARGE, *REALS, *TEXTS, *BLOBS],
}
ANYTHING: list[Value] = [*SMALL, *LARGE, *REALS, *TEXTS, *BLOBS]


def value_for(random: Random, affinity: str) -> Value:
    """Mostly one of few values, so that rows meet; sometimes one that is a trap; sometimes NULL."""
    dice = random.randrange(100)
    if dice < 60:
        return random.choice(_USUAL[affinity])
    if dice < 80:
        return random.choice(_EXACT[affinity])
    if dice < 92:
        return random.choice(ANYTHING)
    return None


def exact_value(random: Random, affinity: str) -> Value:
    """A value that a column of a STRICT table takes."""
    dice = random.randrange(100)
    if dice < 8:
        return None
    values = (_USUAL if dice < 60 else _EXACT)[affinity or "BLOB"]
    if affinity == "BLOB":
        values = [value for value in values if isinstance(value, bytes)]
    return random.choice(values)


def near_greatest(value: Value) -> bool:
    """Whether a rowid of this value leaves few above it."""
    return value in (2**63 - 1, 2**63 - 2, str(2**63 - 1))


def plain(value: Value) -> bool:
    """Whether there is a literal for a value."""
    return not (isinstance(value, str) and "\0" in value)


def literal(value: Value) -> str:
    """SQL for a value that is ``plain``."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    return repr(value)
