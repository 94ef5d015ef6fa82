"""Conditions that are nothing but comparisons of columns with constants, all of which must hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lsmsql.engine.values import MAX_INTEGER, Value
from vtab.sql.reader import Reader, UnreadableError
from vtab.sql.tokens import Kind, unquoted

_OPERATORS = {
    "=": "=", "==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<>": "<>", "!=": "<>",
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NULL_TESTS = {
    ("ISNULL",): "IS NULL",
    ("IS", "NULL"): "IS NULL",
    ("NOTNULL",): "IS NOT NULL",
    ("NOT", "NULL"): "IS NOT NULL",
    ("IS", "NOT", "NULL"): "IS NOT NULL",
}
_CONSTANTS = ("NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP")
"""Words that are values, not names of columns."""

_DIGITS = frozenset("0123456789.eE+-")
_MOST_DIGITS = 19
"""Of longer numbers SQLite may make another REAL than Python does."""


@dataclass(frozen=True, slots=True)
class ColumnComparison:
    """``column operator value``, with the column on the left.

    ``operator`` is one of ``= < <= > >= <>``, ``IS``, ``IS NOT``, or ``IS NULL`` or ``IS NOT NULL``
    without a value. There is no other way in which NULL is the value.
    """

    column: str
    operator: str
    value: Value = None


@lru_cache(maxsize=1024)
def column_comparisons(sql: str) -> tuple[ColumnComparison, ...] | None:
    """The comparisons that the condition is made of with AND; None if it is anything else."""
    try:
        return tuple(_read_all(Reader(sql)))
    except UnreadableError:
        return None


def _read_all(reader: Reader) -> Iterator[ColumnComparison]:
    yield from _read_term(reader)
    while reader.accept("AND"):
        yield from _read_term(reader)
    if not reader.ended:
        raise UnreadableError(f"AND or the end expected, not {reader.peek()}")


def _read_term(reader: Reader) -> Iterator[ColumnComparison]:
    if reader.peek() == "(":
        yield from _read_all(reader.parentheses())
    elif not _is_column(reader):
        value = _read_value(reader)
        operator = _read_operator(reader)
        yield ColumnComparison(_read_column(reader), _TURNED.get(operator, operator), value)
    else:
        yield from _read_comparison(reader, _read_column(reader))


def _read_comparison(reader: Reader, column: str) -> Iterator[ColumnComparison]:
    for words, operator in _NULL_TESTS.items():
        if reader.accept(*words):
            yield ColumnComparison(column, operator)
            return
    if reader.accept("BETWEEN"):
        yield ColumnComparison(column, ">=", _read_value(reader))
        reader.expect("AND")
        yield ColumnComparison(column, "<=", _read_value(reader))
        return
    operator = _read_operator(reader)
    if operator in ("IS", "IS NOT") and reader.peek() in ("TRUE", "FALSE"):
        raise UnreadableError("a test for truth")
    yield ColumnComparison(column, operator, _read_value(reader))


def _is_column(reader: Reader) -> bool:
    if reader.ended:
        return False
    kind = reader.tokens[reader.at].kind
    return kind is Kind.QUOTED or (kind is Kind.WORD and reader.peek() not in _CONSTANTS)


def _read_column(reader: Reader) -> str:
    if not _is_column(reader):
        raise UnreadableError(f"a column expected, not {reader.peek() or 'the end'}")
    return reader.name()


def _read_operator(reader: Reader) -> str:
    if reader.accept("IS", "NOT"):
        return "IS NOT"
    if reader.accept("IS"):
        return "IS"
    return _OPERATORS[reader.choose(*_OPERATORS)]


def _read_value(reader: Reader) -> Value:
    """A constant other than NULL."""
    first, negative = reader.at, False
    while reader.peek() in ("-", "+"):
        negative ^= reader.choose("-", "+") == "-"
    signed = reader.at > first
    token = reader.token()
    if token.kind is Kind.NUMBER:
        number = _number(token.text)
        return -number if negative else number
    if token.kind is Kind.STRING and not signed:
        return unquoted(token.text)
    if token.kind is Kind.BLOB and not signed:
        return bytes.fromhex(token.text[2:-1])
    if token.text.upper() in ("TRUE", "FALSE") and not signed:
        return int(token.text.upper() == "TRUE")
    raise UnreadableError(f"a constant expected, not {token.text}")


def _number(text: str) -> int | float:
    if len(text) > _MOST_DIGITS or not set(text) <= _DIGITS:
        raise UnreadableError(f"a number that may be another one in SQLite: {text}")
    if not text.isdecimal():
        return float(text)
    if int(text) > MAX_INTEGER:
        raise UnreadableError(f"a whole number that is a REAL: {text}")
    return int(text)
