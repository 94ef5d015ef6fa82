"""Whether two outcomes of a statement are the same, as far as its text says what it is to give."""

from __future__ import annotations

import math
from typing import Any

from tests.differential.programs import Step
from tests.differential.sides import Outcome, Row


def difference(step: Step, ours: Outcome, theirs: Outcome) -> str | None:
    """What differs, in words; None if nothing does."""
    if ours.error != theirs.error:
        return f"error: {_error(ours)} instead of {_error(theirs)}"
    if ours.in_transaction != theirs.in_transaction:
        now = "in a transaction" if ours.in_transaction else "in no transaction"
        return f"{now} after {_error(ours)}"
    if theirs.rows is None or ours.rows is None:
        return None
    if ours.changes != theirs.changes:
        return f"changes: {ours.changes} instead of {theirs.changes}"
    if step.keeps_rowid and theirs.changes and ours.rowid != theirs.rowid:
        return f"last_insert_rowid: {ours.rowid} instead of {theirs.rowid}"
    return _rows(step, ours.rows, theirs.rows)


def _error(outcome: Outcome) -> str:
    return f"{outcome.error} ({outcome.message})" if outcome.error else "no error"


def _rows(step: Step, ours: list[Row], theirs: list[Row]) -> str | None:
    fold = _loose if step.loose else _exact
    mine, other = sorted(map(fold, ours)), sorted(map(fold, theirs))
    if mine != other:
        return f"rows:\n    {_shown(ours)}\n  instead of\n    {_shown(theirs)}"
    if step.order is not None and _keys(ours, step.order) != _keys(theirs, step.order):
        return f"order:\n    {_shown(ours)}\n  instead of\n    {_shown(theirs)}"
    return None


def _shown(rows: list[Row]) -> str:
    shown = [repr(row) for row in rows[:20]]
    return "\n    ".join([*shown, "..."] if len(rows) > 20 else shown) or "none"


def _keys(rows: list[Row], order: tuple[int, ...]) -> list[str]:
    return [repr([_folded(v) for p in order for v in row[p : p + 1]]) for row in rows]


def _exact(row: Row) -> str:
    return repr([_positive(value) for value in row])


def _positive(value: Any) -> Any:
    """The value, but 0.0 for -0.0: a REAL column of SQLite's does not hold that."""
    return 0.0 if isinstance(value, float) and value == 0 else value


def _loose(row: Row) -> str:
    return repr([_folded(value) for value in row])


def _folded(value: Any) -> Any:
    """A value so that those that any collation takes for equal are."""
    if isinstance(value, str):
        return "".join(c.lower() if c.isascii() else c for c in value).rstrip(" ")
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value
