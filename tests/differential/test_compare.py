"""What counts as a difference, and that one is found and made small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.differential.compare import difference
from tests.differential.programs import Step
from tests.differential.running import run
from tests.differential.shrinking import shrunk
from tests.differential.sides import Ours, Outcome

QUERY = Step("SELECT a, b FROM t")
ORDERED = replace(QUERY, order=(0,))
LOOSE = replace(QUERY, loose=True)
ROWS = Outcome([(1, "a"), (2, "b")])
SAME = [
    (QUERY, [(2, "b"), (1, "a")]),
    (ORDERED, [(1, "a"), (2, "b")]),
    (LOOSE, [(1.0, "A "), (2, "b")]),
]
OTHERS = [
    (QUERY, [(1, "a")]),
    (QUERY, [(1.0, "a"), (2, "b")]),
    (QUERY, [(1, "A"), (2, "b")]),
    (QUERY, [(1, "a"), (1, "a"), (2, "b")]),
    (ORDERED, [(2, "b"), (1, "a")]),
    (LOOSE, [(1, "a"), (2, "c")]),
]


@pytest.mark.parametrize(("step", "rows"), SAME)
def test_rows_are_the_same_as_far_as_the_statement_says(step, rows):
    assert difference(step, Outcome(rows), ROWS) is None


@pytest.mark.parametrize(("step", "rows"), OTHERS)
def test_other_rows_are_a_difference(step, rows):
    assert difference(step, Outcome(rows), ROWS) is not None


@pytest.mark.parametrize(
    "other",
    [
        replace(ROWS, changes=1),
        replace(ROWS, in_transaction=True),
        Outcome(error="SQLITE_CONSTRAINT_UNIQUE"),
    ],
)
def test_other_effects_are_a_difference(other):
    assert difference(QUERY, other, ROWS) is not None


def test_two_errors_of_one_kind_are_the_same():
    one, two = Outcome(error="error", message="x"), Outcome(error="error", message="y")
    assert difference(QUERY, one, two) is None


def test_a_fault_is_found_and_its_program_made_small(monkeypatch):
    honest = Ours.run

    def faulty(side: Ours, step: Step) -> Outcome:
        outcome = honest(side, step)
        return replace(outcome, rows=[]) if "b > 1" in step.sql else outcome

    monkeypatch.setattr(Ours, "run", faulty)
    texts = [
        "CREATE TABLE u(x)",
        "CREATE TABLE t(b UNIQUE)",
        "INSERT INTO t VALUES (2), (4)",
        "SELECT x FROM u",
        "SELECT b FROM t WHERE b > 1",
    ]
    failure = run([Step(text) for text in texts])
    assert failure is not None
    small = shrunk(failure)
    assert [step.sql.split()[0] for step in small.steps] == ["CREATE", "INSERT", "SELECT"]
    assert "UNIQUE" not in small.steps[0].sql
    assert "(2)" not in small.steps[1].sql or "(4)" not in small.steps[1].sql
    assert small.difference.startswith("rows")
