"""Which values meet a comparison, as SQLite says, and what follows from what."""

from __future__ import annotations

from itertools import product
from typing import Any

import apsw
import pytest

from tests.vtab.test_queries_like_sqlite import as_literal
from vtab.comparison import Comparison, follows, is_met
from vtab.constraint import Op

VALUES: list[Any] = [
    -1, 0, 1, 5, 0.5, 5.0, 2**53 + 1, 2.0**53, -0.0, "", "5", "a", "A", "a ", "ab", b"", b"a",
]  # fmt: skip
UNARY = (Op.NULL, Op.NOT_NULL)
BINARY = (Op.EQ, Op.NE, Op.IS_NOT, Op.LT, Op.LE, Op.GT, Op.GE)
COLLATIONS = ("BINARY", "NOCASE", "RTRIM")
COMPARISONS = [Comparison(0, op) for op in UNARY] + [
    Comparison(0, op, value, collation if isinstance(value, str) else "BINARY")
    for op, value, collation in product(BINARY, VALUES, COLLATIONS)
    if isinstance(value, str) or collation == "BINARY"
]


@pytest.mark.parametrize("collation", COLLATIONS)
def test_values_meet_what_sqlite_says(collation: str) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE TABLE t(x COLLATE {collation})")
    comparable = [c for c in COMPARISONS if c.collation == collation or type(c.value) is not str]
    for value in (None, *VALUES):
        connection.execute("DELETE FROM t")
        connection.execute("INSERT INTO t VALUES (?)", (value,))
        for each in comparable:
            right = "" if each.op in UNARY else as_literal(each.value)
            found = connection.execute(f"SELECT 1 FROM t WHERE x {each.op.value} {right}").get
            assert is_met(each, value) == bool(found), (each, value)
    connection.close()


def test_what_follows_is_met_by_each_value_that_meets_what_it_follows_from() -> None:
    met = {
        each: frozenset(i for i, value in enumerate((None, *VALUES)) if is_met(each, value))
        for each in COMPARISONS
    }
    for wanted, given in product(COMPARISONS, repeat=2):
        if follows(wanted, given):
            assert met[given] <= met[wanted], (wanted, given)


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        ((Op.EQ, 5), (Op.EQ, 5.0), True),
        ((Op.EQ, 5), (Op.GT, 3), True),
        ((Op.EQ, 5), (Op.NE, 3), True),
        ((Op.EQ, 5), (Op.NE, 5), False),
        ((Op.EQ, "a"), (Op.GT, 3), True),
        ((Op.GT, 5), (Op.GT, 5), True),
        ((Op.GT, 5), (Op.GE, 5), True),
        ((Op.GE, 5), (Op.GT, 5), False),
        ((Op.GE, 5), (Op.GT, 3), True),
        ((Op.GT, 5), (Op.NE, 5), True),
        ((Op.GE, 5), (Op.NE, 5), False),
        ((Op.LT, 5), (Op.LE, "a"), True),
        ((Op.LT, 5), (Op.GT, 3), False),
        ((Op.NE, 5), (Op.NE, 5), True),
        ((Op.NE, 5), (Op.IS_NOT, 5), True),
        ((Op.IS_NOT, 5), (Op.NE, 5), False),
        ((Op.IS_NOT, 5), (Op.IS_NOT, 5), True),
        ((Op.NULL, None), (Op.IS_NOT, 5), True),
        ((Op.NULL, None), (Op.NULL, None), True),
        ((Op.NULL, None), (Op.NE, 5), False),
        ((Op.NOT_NULL, None), (Op.IS_NOT, 5), False),
        ((Op.IS_NOT, 5), (Op.NOT_NULL, None), False),
        ((Op.IN, None), (Op.NOT_NULL, None), True),
        ((Op.EQ, None), (Op.NOT_NULL, None), True),
        ((Op.EQ, None), (Op.EQ, 5), False),
    ],
)
def test_what_follows(given: tuple[Op, Any], wanted: tuple[Op, Any], expected: bool) -> None:
    assert follows(Comparison(0, *wanted), Comparison(0, *given)) is expected


def test_texts_compared_by_two_collations_say_nothing_of_each_other() -> None:
    given = Comparison(0, Op.EQ, "a", "NOCASE")
    assert not follows(Comparison(0, Op.EQ, "a"), given)
    assert not follows(Comparison(0, Op.NE, "b"), given)
    assert follows(Comparison(0, Op.GT, 5), given)
