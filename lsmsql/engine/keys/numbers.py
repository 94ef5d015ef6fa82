"""Numbers as 64-bit words that sort, one at a time and in bulk; see the package docstring."""

from __future__ import annotations

import math
import struct
from typing import cast

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SIGN = 1 << 63
ALL_ONES = (1 << 64) - 1
EXACT = 1 << 53
"""Below this magnitude every integer is a double; from here on a residual follows."""
LOW, HIGH = -float(SIGN), float(SIGN)
"""An integral double is a 64-bit integer from LOW up to, but not including, HIGH."""

_WORD = struct.Struct(">Q")
_DOUBLE = struct.Struct(">d")


def word_of_double(value: float) -> int:
    """The sortable word of a double; of 0.0 for -0.0."""
    bits: int = _WORD.unpack(_DOUBLE.pack(value + 0.0))[0]
    return bits ^ ALL_ONES if bits & SIGN else bits | SIGN


def double_of_word(word: int) -> float:
    """The double behind a word. Raises ValueError for NaN and -0.0, which are never written."""
    bits = word ^ SIGN if word & SIGN else word ^ ALL_ONES
    value: float = _DOUBLE.unpack(_WORD.pack(bits))[0]
    if value != value or bits == SIGN:
        raise ValueError(f"not a number that a key can hold: word {word:#018x}")
    return value


def is_integral(value: float) -> bool:
    """Whether a REAL has the value of a 64-bit INTEGER, and so the same key."""
    return LOW <= value < HIGH and value.is_integer()


def split_number(value: int | float) -> tuple[float, int]:
    """The greatest double not above ``value``, and the rest: ``value == double + rest``."""
    if isinstance(value, float):
        return value, 0
    below = float(value)
    if below > value:  # Python compares int with float exactly
        below = math.nextafter(below, -math.inf)
    return below, value - int(below)


def join_number(below: float, rest: int) -> int | float:
    """The number that was split: int if it is a 64-bit integer, else float.

    Raises ValueError for a rest that ``split_number`` would not give.
    """
    if not is_integral(below):
        if rest:
            raise ValueError(f"residual {rest} on a number that is no 64-bit integer")
        return below
    if rest >= max(math.nextafter(below, math.inf) - below, 1):
        raise ValueError(f"residual {rest} is too large for {below}")
    return int(below) + rest


def words_of_integers(values: Integers) -> Words:
    """INTEGER parts: two's complement with the sign bit flipped."""
    return values.view(np.uint64) ^ np.uint64(SIGN)


def integers_of_words(words: Words) -> Integers:
    return (words ^ np.uint64(SIGN)).view(np.int64)


def words_of_doubles(values: Doubles) -> Words:
    """Bulk form of ``word_of_double``."""
    bits = (values + 0.0).view(np.uint64)
    negative = (bits.view(np.int64) >> 63).view(np.uint64)  # all ones or zero
    return bits ^ (negative | np.uint64(SIGN))


def doubles_of_words(words: Words) -> Doubles:
    """Bulk form of ``double_of_word``. Raises ValueError for NaN and -0.0."""
    positive = (words.view(np.int64) >> 63).view(np.uint64)
    bits = words ^ (~positive | np.uint64(SIGN))
    values = bits.view(np.float64)
    if np.isnan(values).any() or (bits == np.uint64(SIGN)).any():
        raise ValueError("not a number that a key can hold: NaN or -0.0")
    return values


def split_integers(values: Integers) -> tuple[Doubles, Integers]:
    """Bulk form of ``split_number`` for 64-bit integers."""
    below = values.astype(np.float64)
    above = below >= HIGH  # rounded up to 2**63, which int64 cannot hold
    back = np.where(above, 0.0, below).astype(np.int64)
    below = np.where(above | (back > values), np.nextafter(below, -np.inf), below)
    return below, values - below.astype(np.int64)


def join_integers(below: Doubles, rest: Integers) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Bulk form of ``join_number``: integers, and where they hold (elsewhere the double stands)."""
    integral = are_integral(below)
    whole = np.where(integral, below, 0.0)
    gap = np.maximum(np.nextafter(whole, np.inf) - whole, 1.0)
    if ((rest != 0) & ~(integral & (rest < gap))).any():
        raise ValueError("a residual that no 64-bit integer leaves")
    return whole.astype(np.int64) + rest, integral


def are_integral(values: Doubles) -> npt.NDArray[np.bool_]:
    """Bulk form of ``is_integral``."""
    return cast(
        "npt.NDArray[np.bool_]", (values >= LOW) & (values < HIGH) & (np.trunc(values) == values)
    )
