"""What the planner takes over, and what it leaves to SQLite."""

from __future__ import annotations

import pytest

from lsmsql.engine.schema import make_schema
from vtab.access import Access
from vtab.constraint import ROWID, Collation, Constraint, Op
from vtab.costs import estimate
from vtab.explain import describe, readable
from vtab.planner import Planned, make_plan

FLIGHTS = make_schema(
    "flights",
    {"carrier": "TEXT", "origin": "TEXT", "day": "INTEGER", "number": "ANY", "delay": "REAL"},
    ["origin", "day", "number"],
    descending=["day"],
)
CARRIER, ORIGIN, DAY, NUMBER, DELAY = range(5)
PER = (10_000.0, 100.0, 1.0)
ONE = make_schema("one", {"id": "INTEGER", "v": "ANY"}, "id")


def plan(*constraints: Constraint, order_by=(), columns=(DELAY,), distinct=0) -> Planned:
    return make_plan(FLIGHTS, constraints, order_by, columns, distinct)


def text(planned: Planned) -> str:
    return describe(planned.plan, Access(FLIGHTS, planned.plan))


@pytest.mark.parametrize(
    ("constraints", "expected", "arguments"),
    [
        ([], "SCAN flights COLUMNS delay", ()),
        (
            [Constraint(DAY, Op.GT), Constraint(ORIGIN, Op.EQ)],
            "SEARCH flights BY PRIMARY KEY (origin=? AND day>?) COLUMNS delay",
            (1, 0),
        ),
        (
            [Constraint(DAY, Op.LE), Constraint(ORIGIN, Op.IN), Constraint(DAY, Op.GE)],
            "SEARCH flights BY PRIMARY KEY (origin IN (...) AND day>=? AND day<=?) COLUMNS delay",
            (1, 2, 0),
        ),
        (
            [Constraint(ORIGIN, Op.EQ), Constraint(DAY, Op.EQ), Constraint(NUMBER, Op.EQ)],
            "SEARCH flights BY PRIMARY KEY (origin=? AND day=? AND number=?) COLUMNS delay",
            (0, 1, 2),
        ),
        ([Constraint(DAY, Op.EQ)], "SCAN flights ZONES day=? COLUMNS delay", (0,)),
        ([Constraint(DELAY, Op.EQ)], "SCAN flights ZONES delay=? COLUMNS delay", (0,)),
        ([Constraint(ORIGIN, Op.EQ, usable=False)], "SCAN flights COLUMNS delay", ()),
        ([Constraint(ORIGIN, Op.EQ, collation=Collation.OTHER)], "SCAN flights COLUMNS delay", ()),
        (
            [Constraint(ORIGIN, Op.EQ), Constraint(DAY, Op.EQ, collation=Collation.OTHER)],
            "SEARCH flights BY PRIMARY KEY (origin=? AND day=?) COLUMNS delay",
            (0, 1),
        ),
        (
            [Constraint(ORIGIN, Op.GT), Constraint(ORIGIN, Op.GT), Constraint(ORIGIN, Op.LT)],
            "SEARCH flights BY PRIMARY KEY (origin>? AND origin<?) COLUMNS delay",
            (0, 2),
        ),
    ],
)
def test_conditions(
    constraints: list[Constraint], expected: str, arguments: tuple[int, ...]
) -> None:
    planned = plan(*constraints)
    assert text(planned) == expected
    assert planned.arguments == arguments


def test_bounds_that_come_with_a_pattern_are_not_used_where_it_finds_more_than_texts() -> None:
    bounds = [Constraint(0, op, literal=True, patterned=True) for op in (Op.GE, Op.LT)]
    for kind, used in (("TEXT", True), ("ANY", False), ("BLOB", False)):
        schema = make_schema("t", {"k": kind}, "k")
        assert make_plan(schema, bounds, (), (0,)).plan.searches is used


def test_bounds_without_regard_to_case_are_checked_again() -> None:
    folded = [Constraint(ORIGIN, op, collation=Collation.NOCASE) for op in (Op.GE, Op.LT)]
    planned = plan(*folded, Constraint(ORIGIN, Op.LIMIT))
    expected = "SEARCH flights BY PRIMARY KEY (origin>=? NOCASE AND origin<? NOCASE) COLUMNS delay"
    assert text(planned) == expected
    assert set(planned.checked) == {0, 1}
    exact = plan(*folded, Constraint(ORIGIN, Op.GE))
    assert exact.arguments == (2, 1) and set(exact.checked) == {1}
    assert not plan(Constraint(ORIGIN, Op.EQ, collation=Collation.NOCASE)).plan.searches


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ([(ORIGIN, False)], "ORDER BY PRIMARY KEY"),
        ([(ORIGIN, True)], "ORDER BY PRIMARY KEY DESC"),
        ([(ORIGIN, False), (DAY, True)], "ORDER BY PRIMARY KEY"),
        ([(ORIGIN, True), (DAY, False), (NUMBER, True)], "ORDER BY PRIMARY KEY DESC"),
        ([(ORIGIN, False), (DAY, True), (NUMBER, False), (DELAY, True)], "ORDER BY PRIMARY KEY"),
        ([(ORIGIN, False), (DAY, False)], None),
        ([(DAY, True)], None),
        ([(ORIGIN, False), (NUMBER, False)], None),
        ([(ORIGIN, False), (DELAY, False)], None),
    ],
)
def test_order(order_by: list[tuple[int, bool]], expected: str | None) -> None:
    wanted = f"SCAN flights {expected} COLUMNS delay" if expected else "SCAN flights COLUMNS delay"
    assert text(plan(order_by=order_by)) == wanted


def test_a_column_with_one_value_may_be_anywhere_in_the_order() -> None:
    fixed = Constraint(ORIGIN, Op.EQ)
    for order_by in (
        [(DAY, False)],
        [(ORIGIN, False), (DAY, False)],
        [(DAY, False), (ORIGIN, True), (NUMBER, True)],
    ):
        planned = plan(fixed, order_by=order_by)
        assert planned.plan.ordered and planned.plan.reverse


def test_the_values_of_in_come_one_after_the_other_so_nothing_is_in_order() -> None:
    assert not plan(Constraint(ORIGIN, Op.IN), order_by=[(ORIGIN, False)]).plan.ordered


def test_groups_need_no_direction() -> None:
    either = [(DAY, False), (ORIGIN, True)]
    assert not plan(order_by=either).plan.ordered
    for distinct in (1, 2):
        assert plan(order_by=either, distinct=distinct).plan.ordered
        assert not plan(order_by=[(DAY, False)], distinct=distinct).plan.ordered
    assert not plan(order_by=either, distinct=3).plan.ordered


LIMIT, OFFSET = Constraint(0, Op.LIMIT), Constraint(0, Op.OFFSET)


@pytest.mark.parametrize(
    ("constraints", "order_by", "taken"),
    [
        ([LIMIT], [], True),
        ([OFFSET, LIMIT], [], True),
        ([Constraint(ORIGIN, Op.EQ), LIMIT], [(DAY, True)], True),
        ([Constraint(ORIGIN, Op.GE, literal=True), LIMIT], [], True),
        ([Constraint(ORIGIN, Op.GE), LIMIT], [], True),
        ([Constraint(ORIGIN, Op.GE, literal=True), OFFSET, LIMIT], [], True),
        ([Constraint(ORIGIN, Op.GE), OFFSET, LIMIT], [], False),
        ([Constraint(DELAY, Op.GT), LIMIT], [], False),
        ([Constraint(ORIGIN, Op.GT, usable=False), LIMIT], [], False),
        ([LIMIT], [(DELAY, False)], False),
        ([Constraint(ORIGIN, Op.IN), LIMIT], [], False),
        ([OFFSET], [], False),
    ],
)
def test_limit_is_taken_over_only_if_nothing_is_left_to_check(
    constraints: list[Constraint], order_by: list[tuple[int, bool]], taken: bool
) -> None:
    planned = plan(*constraints, order_by=order_by)
    assert planned.plan.limit is taken
    assert planned.plan.offset is (taken and OFFSET in constraints)
    if taken:
        assert constraints[planned.arguments[-1 - planned.plan.offset]] is LIMIT


def test_the_rowid_is_the_key() -> None:
    planned = make_plan(ONE, [Constraint(ROWID, Op.EQ)], [(ROWID, True)], ())
    assert describe(planned.plan, Access(ONE, planned.plan)) == "SEARCH one BY PRIMARY KEY (id=?)"


def test_the_last_bit_stands_for_all_columns_behind_it() -> None:
    wide = make_schema("wide", {f"c{i}": "ANY" for i in range(70)}, "c0")
    assert make_plan(wide, [], (), {0, 5}).plan.columns == (0, 5)
    assert make_plan(wide, [], (), {5, 63}).plan.columns == (5, *range(63, 70))


def test_columns_in_words() -> None:
    assert text(plan(columns=range(64))) == "SCAN flights COLUMNS *"
    assert text(plan(columns=())) == "SCAN flights"
    assert text(plan(LIMIT, OFFSET, columns=())) == "SCAN flights LIMIT ? OFFSET ?"


def test_narrower_plans_are_cheaper() -> None:
    plans = [
        plan(),
        plan(Constraint(ORIGIN, Op.GT)),
        plan(Constraint(ORIGIN, Op.GT), Constraint(ORIGIN, Op.LT)),
        plan(Constraint(ORIGIN, Op.EQ), Constraint(DAY, Op.EQ)),
        plan(*(Constraint(column, Op.EQ) for column in (ORIGIN, DAY, NUMBER))),
    ]
    estimates = [estimate(p.plan, FLIGHTS, 1_000_000, PER) for p in plans]
    costs = [e.cost for e in estimates]
    assert costs == sorted(costs, reverse=True)
    assert estimates[-1].unique and estimates[-1].rows == 1
    assert not any(e.unique for e in estimates[:-1])


def test_known_counts_replace_guesses() -> None:
    planned = plan(Constraint(ORIGIN, Op.GT))
    assert estimate(planned.plan, FLIGHTS, 1_000_000, PER, matched=7).rows == 7


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("SCAN t VIRTUAL TABLE INDEX 3:SCAN t COLUMNS *", "SCAN t COLUMNS *"),
        ("SCAN u VIRTUAL TABLE INDEX 0:SEARCH t BY PRIMARY KEY (k=?) LEFT-JOIN",
         "SEARCH t AS u BY PRIMARY KEY (k=?) LEFT-JOIN"),
        ("SCAN u VIRTUAL TABLE INDEX 0:SCAN t", "SCAN t AS u"),
        ("SCAN f VIRTUAL TABLE INDEX 0:SCAN flights COLUMNS *", "SCAN flights AS f COLUMNS *"),
        ("SCAN a b VIRTUAL TABLE INDEX 0:SCAN a b COLUMNS *", "SCAN a b COLUMNS *"),
        ("USE TEMP B-TREE FOR ORDER BY", "USE TEMP B-TREE FOR ORDER BY"),
    ],
)  # fmt: skip
def test_readable(detail: str, expected: str) -> None:
    assert readable(detail) == expected
