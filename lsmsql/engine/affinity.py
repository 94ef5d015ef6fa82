"""Conversions between types: what SQLite's column affinities make of a value."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, ColumnType, Value


def real_to_text(value: float) -> str:
    """Text of a REAL as SQLite 3.53 and later render it in a TEXT column.

    At most 17 significant digits, always with a point: '1.0', '1.0e+100', '0.33333333333333332'.
    Earlier versions of SQLite give fewer digits.
    """
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0.0"
    sign = "-" if value < 0 else ""
    digits, exponent = _significant_digits(abs(value))
    if not -5 < exponent < 17:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{digits.rjust(len(digits) - exponent - 1, '0')}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{sign}{whole}.{digits[exponent + 1 :] or '0'}"


def _significant_digits(value: float) -> tuple[str, int]:
    """SQLite's digits of a positive number, without trailing zeros, and the exponent of the first.

    SQLite computes 18 or 19 digits and rounds these half up to 17: the last digit can differ from
    that of one rounding. A run of nines or zeros up to the sixteenth digit it cuts off if the
    shorter number is the same double.
    """
    digits, scale = _leading_digits(value)
    whole = scale >= 0
    if digits[14:16] == "99":
        kept = len(digits[:14].rstrip("9"))
        shorter = str(int(digits[:kept] or "0") + 1)
    elif digits[13:16] == "000" or whole:
        shorter = digits[:13].rstrip("0")
        kept = len(shorter)
    else:
        kept, shorter = 0, "0"
    if float(f"{shorter}e{scale + len(digits) - kept}") != value:
        kept, shorter = 17, str(int(digits[:17]) + (digits[17] >= "5"))
    exponent = len(shorter) - 1 + scale + len(digits) - kept
    return shorter.rstrip("0"), exponent


def _leading_digits(value: float) -> tuple[str, int]:
    """18 or 19 digits of a positive number, and the power of ten to scale them by.

    Binary to decimal by one multiplication with a power of ten of 64 bits, as SQLite does it: the
    last digit is right but for what these bits leave out.
    """
    fraction, exponent = math.frexp(value)
    mantissa, exponent = int(math.ldexp(fraction, 64)), exponent - 64
    power = 17 - math.floor((exponent + 63) * math.log10(2))
    ten, ten_exponent = _power_of_ten(power)
    doubled = (mantissa * ten >> 64) >> -(exponent + ten_exponent + 65)
    return str((doubled + 1) >> 1), -power


@cache
def _power_of_ten(power: int) -> tuple[int, int]:
    """``(m, e)`` with m of 64 bits, the rest cut off, so that 10**power is about m * 2**e."""
    if power < 0:
        divisor = 10**-power
        exponent = -63 - divisor.bit_length()
        return (1 << -exponent) // divisor, exponent
    exact = 10**power
    exponent = exact.bit_length() - 64
    return exact >> exponent if exponent > 0 else exact << -exponent, exponent


def text_to_number(text: str) -> int | float | None:
    """The number that SQLite's NUMERIC affinity reads in ``text``, up to a zero byte if it has one;
    None if it is not one.

    One difference: a real of 20 and more digits is rounded correctly, where SQLite can be off in
    the last bit.
    """
    stripped = text.partition("\0")[0].strip(" \t\n\v\f\r")
    if not stripped or not set(stripped) <= set("0123456789+-.eE"):
        return None
    try:
        number = int(stripped)
    except ValueError:  # a real, no number at all, or more digits than int() reads
        number = MAX_INTEGER + 1
    if MIN_INTEGER <= number <= MAX_INTEGER:
        return number
    try:
        return float(stripped)
    except ValueError:
        return None


def _to_integer(value: Value) -> Value:
    if isinstance(value, str):
        number = text_to_number(value)
        value = value if number is None else number
    if isinstance(value, float) and value.is_integer() and MIN_INTEGER < value < MAX_INTEGER:
        return int(value)
    return value


def _to_real(value: Value) -> Value:
    if isinstance(value, str):
        number = text_to_number(value)
        value = value if number is None else number
    return float(value) if isinstance(value, int) else value


def _to_text(value: Value) -> Value:
    if isinstance(value, int):
        return str(value)
    return real_to_text(value) if isinstance(value, float) else value


def _unchanged(value: Value) -> Value:
    return value


APPLY_AFFINITY: dict[ColumnType, Callable[[Value], Value]] = {
    ColumnType.INTEGER: _to_integer,
    ColumnType.REAL: _to_real,
    ColumnType.TEXT: _to_text,
    ColumnType.BLOB: _unchanged,
    ColumnType.ANY: _unchanged,
}
"""Per type, the conversion SQLite's STRICT tables try before they check."""

UNCHANGED: dict[ColumnType, frozenset[type]] = {
    ColumnType.INTEGER: frozenset({int, bytes, type(None)}),
    ColumnType.REAL: frozenset({float, bytes, type(None)}),
    ColumnType.TEXT: frozenset({str, bytes, type(None)}),
    ColumnType.ANY: frozenset({int, float, str, bytes, type(None)}),
}
"""By affinity, the types of values that are not converted."""
