"""Lists of indexed columns, and CREATE INDEX as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from vtab.sql.reader import Reader, Slice, UnreadableError
from vtab.sql.tokens import NAMES, Kind, unquoted

_VALUES = ("NULL", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP")
"""Words that are values, never names of columns."""

_BEFORE_OPERANDS = (
    "COLLATE", "AND", "OR", "NOT", "IS", "IN", "LIKE", "GLOB", "REGEXP", "MATCH", "ESCAPE",
    "BETWEEN", "FROM",
)  # fmt: skip
"""Words that no expression ends with."""


@dataclass(frozen=True, slots=True)
class Term:
    """One column or expression of a list that is in parentheses.

    ``expression`` is its text without the last COLLATE, ASC and DESC; ``column`` the name if the
    expression is nothing but one; ``collation`` the one that is given for the whole expression.
    """

    expression: Slice
    column: str | None
    collation: str | None
    descending: bool


@dataclass(frozen=True, slots=True)
class IndexPieces:
    """What a CREATE INDEX is made of."""

    unique: bool
    table: str
    terms: tuple[Term, ...]
    where: Slice | None


def index_pieces(sql: str) -> IndexPieces | None:
    """The pieces of a CREATE INDEX statement; None if it is none."""
    try:
        return _read_index(Reader(sql))
    except UnreadableError:
        return None


def _read_index(reader: Reader) -> IndexPieces:
    reader.expect("CREATE")
    unique = reader.accept("UNIQUE")
    reader.expect("INDEX")
    reader.accept("IF", "NOT", "EXISTS")
    reader.qualified()
    reader.expect("ON")
    table = reader.name()
    terms = read_terms(reader.parentheses())
    where = reader.rest() if reader.accept("WHERE") else None
    if not reader.ended:
        raise UnreadableError(f"WHERE or the end expected, not {reader.peek()}")
    return IndexPieces(unique, table, terms, where)


def read_terms(inside: Reader) -> tuple[Term, ...]:
    """The terms of what is in the parentheses. Raises UnreadableError if there are none."""
    return tuple(_read_term(item) for item in inside.items())


def _read_term(item: Reader) -> Term:
    direction = _direction(item)
    item.last -= bool(direction)
    collation = None
    while True:  # a COLLATE may stand in parentheses, and before another one, which then counts
        if _in_parentheses(item):
            item = item.within(item.at + 1, item.last - 1)
            continue
        last = item.last
        while last - 2 > item.at and item.words[last - 2] == "COLLATE":
            last -= 2
        if last == item.last or not _is_operand(item, last):
            break
        collation = collation or unquoted(item.tokens[item.last - 1].text)
        item.last = last
    return Term(item.slice(item.at, item.last), _column(item), collation, direction == "DESC")


def _direction(item: Reader) -> str:
    """The ASC or DESC at the end; "" if there is none, or if it is a name there."""
    before, word = item.last - 2, item.words[item.last - 1]
    if word not in ("ASC", "DESC") or before < item.at or item.words[before] in _BEFORE_OPERANDS:
        return ""
    is_sign = item.tokens[before].kind is Kind.OPERATOR and item.words[before] != ")"
    return "" if is_sign else word


def _in_parentheses(item: Reader) -> bool:
    return item.peek() == "(" and item.closing(item.at) == item.last - 1


def _column(item: Reader) -> str | None:
    token = item.tokens[item.at]
    alone = item.last == item.at + 1
    is_name = token.kind in NAMES
    return unquoted(token.text) if alone and is_name and token.text.upper() not in _VALUES else None


def _is_operand(item: Reader, last: int) -> bool:
    """Whether COLLATE at token ``last`` is about all that stands before it.

    It binds tighter than every operator of two operands, and less than a sign before one. (After
    ``IN (...)`` it is about all, too; but a collation means nothing to a truth value.)
    """
    at = item.at
    while at < last and item.words[at] in ("-", "+", "~"):
        at += 1
    if last - at <= 1:
        return last > at
    if item.words[at] == "CASE":
        return item.words[last - 1] == "END" and _is_one_case(item, at, last)
    at += item.tokens[at].kind in NAMES  # that of a function, or CAST
    return item.words[at] == "(" and item.closing(at) == last - 1


def _is_one_case(item: Reader, first: int, last: int) -> bool:
    """Whether the CASE at ``first`` ends with the END just before ``last``."""
    level = 0
    for at in range(first, last):
        level += (item.words[at] == "CASE") - (item.words[at] == "END")
        if not level:
            return at == last - 1
    return False
