"""The functions that translated SQL may call: ``register`` puts them into a connection.

They say what SQLite's own do not: they raise an error where the dialects do, know all letters, and
calendars. Each gives NULL if its first argument is NULL, where nothing else is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache, wraps
from typing import Any

import apsw

from lsmsql.dialects.calendar import (
    date_of,
    extract,
    shift,
    shift_date,
    timestamp_of,
    truncate,
)
from lsmsql.engine.errors import UsageError
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER

Value = Any
"""A value of SQLite: None, int, float, str or bytes."""

_MOST_DECIMALS = 400
"""No number has more digits before or behind the point."""
_ROUNDING = Context(prec=2 * _MOST_DECIMALS, rounding=ROUND_HALF_UP)

_TRUE = {"true", "t", "1", "yes", "y"}
_FALSE = {"false", "f", "0", "no", "n"}


def register(connection: apsw.Connection) -> None:
    """Give a connection all functions. They are deterministic, and touch nothing outside."""
    for name, (function, arguments) in FUNCTIONS.items():
        connection.create_scalar_function(
            f"dialect_{name}", function, arguments, deterministic=True, flags=apsw.SQLITE_INNOCUOUS
        )


# ------------------------------------------------------------------------------- numbers


def nonzero(number: Value) -> Value:
    """The number itself. Raises UsageError for zero."""
    if number == 0:
        raise UsageError("division by zero")
    return number


def divide(dividend: Value, divisor: Value) -> float | None:
    """A fraction; infinite if the divisor is zero. Raises UsageError for 0 / 0."""
    if divisor is None:
        return None
    if divisor != 0:
        return float(_checked(dividend) / _checked(divisor))
    if dividend == 0:
        raise UsageError("0 / 0 is no number, and SQLite cannot keep that")
    return math.copysign(math.inf, dividend) * math.copysign(1, divisor)


def remainder(dividend: Value, divisor: Value) -> Value:
    """What a division that cuts off leaves, with the sign of the dividend. Raises UsageError."""
    if divisor is None:
        return None
    if _checked(divisor) == 0:
        raise UsageError("division by zero")
    if isinstance(_checked(dividend), int) and isinstance(divisor, int):
        return abs(dividend) % abs(divisor) * (-1 if dividend < 0 else 1)
    return math.fmod(dividend, divisor)


def round_decimal(number: Value, decimals: Value) -> Value:
    """Rounded as the decimal that it is written as, halves away from zero."""
    if decimals is None:
        return None
    if isinstance(_checked(number), float) and not math.isfinite(number):
        return number
    unit = Decimal(1).scaleb(-max(-_MOST_DECIMALS, min(_MOST_DECIMALS, decimals)))
    rounded = Decimal(repr(number)).quantize(unit, context=_ROUNDING)
    if isinstance(number, int) and MIN_INTEGER <= rounded <= MAX_INTEGER:
        return int(rounded)
    return float(rounded)


def round_binary(number: Value, decimals: Value) -> Value:
    """Rounded as the binary fraction that it is, multiplied, halves away from zero."""
    if decimals is None:
        return None
    if isinstance(_checked(number), int) or not math.isfinite(number):
        return round_decimal(number, decimals)
    scale = 10.0 ** abs(decimals)
    scaled = number * scale if decimals >= 0 else number / scale
    away = math.copysign(math.floor(abs(scaled) + 0.5), scaled)
    if not math.isfinite(scaled):
        return number
    return away / scale if decimals >= 0 else away * scale


def _checked(number: Value) -> Value:
    if not isinstance(number, int | float):
        raise UsageError(f"{number!r} is no number")
    return number


# ------------------------------------------------------------------------------- casts


def integer(value: Value, bits: int) -> int:
    """A whole number of so many bits. Raises UsageError for what is none, and for a half, which
    is rounded to even or away from zero, depending on a type that SQLite does not know."""
    if isinstance(value, float) and math.isfinite(value):
        if abs(value) % 1 == 0.5 and round(value) != math.floor(abs(value) + 0.5) * (-1) ** (
            value < 0
        ):
            raise UsageError(f"{value!r} as a whole number: round it first")
        value = round(value)
    elif isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d+\s*", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise UsageError(f"{value!r} is no whole number of {bits} bits")
    return value


def signed(value: Value) -> int:
    """The whole number that a text begins with, 0 if none; others rounded."""
    if isinstance(value, str):
        match = re.match(r"\s*[+-]?\d+", value, re.ASCII)
        value = int(match[0]) if match else 0
    elif isinstance(value, float):
        value = int(round_decimal(value, 0))
    return integer(value, 64)


def real(value: Value) -> float:
    """A number as a fraction. Raises UsageError for what is none."""
    if isinstance(value, str) and re.fullmatch(
        r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", value, re.I
    ):
        return float(value)
    return float(_checked(value))


def boolean(value: Value) -> int:
    """0 or 1, also of words. Raises UsageError for other texts."""
    if isinstance(value, int | float):
        return int(value != 0)
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise UsageError(f"{value!r} is neither true nor false")
    return int(word in _TRUE)


def text(value: Value) -> str:
    """A whole number or a text as a text. Raises UsageError for others: they are written in
    different ways."""
    if not isinstance(value, int | str):
        raise UsageError(f"{value!r} as a text: the dialects write it in different ways")
    return str(value)


# ------------------------------------------------------------------------------- texts


def lower(value: Value) -> str:
    """All letters small, one for one."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in _written(value))


def upper(value: Value) -> str:
    """All letters great, one for one."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in _written(value))


def like(value: Value, pattern: Value, escape: str) -> int | None:
    """Whether a text is like a pattern, cases told apart."""
    if pattern is None:
        return None
    return int(_compiled(pattern, escape, 0).fullmatch(_written(value)) is not None)


def ilike(value: Value, pattern: Value, escape: str) -> int | None:
    """Whether a text is like a pattern, cases not told apart."""
    if pattern is None:
        return None
    return int(_compiled(pattern, escape, re.IGNORECASE).fullmatch(_written(value)) is not None)


@cache
def _compiled(pattern: str, escape: str, flags: int) -> re.Pattern[str]:
    pieces, characters = [], iter(_written(pattern))
    for character in characters:
        if escape and character == escape:
            following = next(characters, None)
            if following is None:
                raise UsageError(f"the pattern {pattern!r} ends with its escape character")
            pieces.append(re.escape(following))
        else:
            pieces.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.compile("".join(pieces), flags | re.DOTALL)


def lpad(value: Value, size: int | None, fill: str | None) -> str | None:
    """Filled on the left to this many characters, or cut off."""
    return _padded(_written(value), size, fill, left=True)


def rpad(value: Value, size: int | None, fill: str | None) -> str | None:
    """Filled on the right to this many characters, or cut off."""
    return _padded(_written(value), size, fill, left=False)


def _padded(value: str, size: int | None, fill: str | None, *, left: bool) -> str | None:
    if size is None or fill is None:
        return None
    missing = max(size, 0) - len(value)
    if missing <= 0:
        return value[: max(size, 0)]
    if not fill:
        raise UsageError("nothing to fill with")
    filled = (fill * missing)[:missing]
    return filled + value if left else value + filled


def split_part(value: Value, delimiter: str | None, number: int | None) -> str | None:
    """The n-th part, from 1, from the end if negative; empty if there is none. UsageError for 0."""
    if delimiter is None or number is None:
        return None
    if number == 0 or not delimiter:
        raise UsageError("split_part: parts count from 1, and the delimiter is not empty")
    parts = _written(value).split(delimiter)
    at = number - 1 if number > 0 else len(parts) + number
    return parts[at] if 0 <= at < len(parts) else ""


def replace(value: Value, old: str | None, new: str | None) -> str | None:
    """Every ``old`` replaced; nothing, if ``old`` is empty."""
    if old is None or new is None:
        return None
    return _written(value).replace(old, new) if old else _written(value)


def repeat(value: Value, times: int | None) -> str | None:
    """A text so many times; up to 1,000,000,000 characters, then UsageError."""
    if times is None:
        return None
    if len(_written(value)) * times > 1_000_000_000:
        raise UsageError("repeat: the text would be too long")
    return _written(value) * times


def reverse(value: Value) -> str:
    """The characters from the last to the first."""
    return _written(value)[::-1]


def _written(value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise UsageError(f"{value!r} is no text")
    return value


# ------------------------------------------------------------------------------- all of them


def _null_first(function: Callable[..., Value]) -> Callable[..., Value]:
    @wraps(function)
    def called(first: Value, *others: Value) -> Value:
        return None if first is None else function(first, *others)

    return called


def _or_null(function: Callable[..., Value]) -> Callable[..., Value]:
    @wraps(function)
    def called(*arguments: Value) -> Value:
        try:
            return function(*arguments)
        except UsageError:
            return None

    return called


_ALL: dict[str, tuple[Callable[..., Value], int]] = {
    "nonzero": (nonzero, 1),
    "divide": (divide, 2),
    "remainder": (remainder, 2),
    "round": (round_decimal, 2),
    "round_binary": (round_binary, 2),
    "integer": (integer, 2),
    "signed": (signed, 1),
    "real": (real, 1),
    "boolean": (boolean, 1),
    "text": (text, 1),
    "lower": (lower, 1),
    "upper": (upper, 1),
    "like": (like, 3),
    "ilike": (ilike, 3),
    "lpad": (lpad, 3),
    "rpad": (rpad, 3),
    "split_part": (split_part, 3),
    "replace": (replace, 3),
    "repeat": (repeat, 2),
    "reverse": (reverse, 1),
    "date": (date_of, 1),
    "timestamp": (timestamp_of, 1),
    "date_trunc": (lambda unit, time: None if time is None else truncate(unit, time), 2),
    "extract": (lambda unit, time: None if time is None else extract(unit, time), 2),
    "shift": (shift, 3),
    "shift_date": (shift_date, 3),
}
_CASTS = ("integer", "real", "boolean", "date", "timestamp")

FUNCTIONS: dict[str, tuple[Callable[..., Value], int]] = {
    **{name: (_null_first(function), count) for name, (function, count) in _ALL.items()},
    **{f"try_{name}": (_or_null(_null_first(_ALL[name][0])), _ALL[name][1]) for name in _CASTS},
}
"""Each function, and how many arguments it takes, by its name without ``dialect_``."""
