"""Dates and times, which are texts in SQLite: ``2024-02-29`` and ``2024-02-29 12:30:00[.5]``."""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.numbers import unwrapped
from lsmsql.dialects.rules import ALL, IS_TIME, call, number_of, only, refuse, rule, text_of

_TRUNCATED = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
_EXTRACTED = ("YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE")
_EXTRACTED_ALSO = ("WEEK", "DOW", "ISODOW", "DOY", "EPOCH", "SECOND")

_PARTS = (exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Quarter)


@rule(ALL, exp.CurrentTimestamp)
def now(node: exp.Expr, dialect: str) -> exp.Expr:
    """The time in UTC, to the second."""
    return exp.CurrentTimestamp()


@rule(ALL, exp.CurrentDate)
def today(node: exp.Expr, dialect: str) -> exp.Expr:
    """The date in UTC."""
    return exp.CurrentDate()


@rule("postgres duckdb", exp.TimestampTrunc, exp.DateTrunc)
def truncate(node: exp.Expr, dialect: str) -> exp.Expr:
    """date_trunc(): a timestamp, also of a date."""
    only(node, dialect, {"this", "unit"})
    result = call("dialect_date_trunc", _unit(node, dialect, _TRUNCATED), node.this)
    result.meta[IS_TIME] = True
    return result


@rule(ALL, exp.Extract)
def extract(node: exp.Expr, dialect: str) -> exp.Expr:
    """EXTRACT(part FROM time) and date_part()."""
    only(node, dialect, {"this", "expression"})
    units = _EXTRACTED if dialect == "mysql" else _EXTRACTED + _EXTRACTED_ALSO
    unit = str(node.this.this).upper()
    if unit not in units:
        raise refuse(node, f"known are {', '.join(units)}")
    if unit == "SECOND" and dialect == "duckdb":
        unit = "WHOLE_SECOND"
    return call("dialect_extract", unit.lower(), node.expression)


@rule("mysql duckdb", *_PARTS)
def part(node: exp.Expr, dialect: str) -> exp.Expr:
    """YEAR(time) and its like."""
    only(node, dialect, {"this"})
    return call("dialect_extract", type(node).__name__.lower(), node.this)


@rule("mysql", exp.TsOrDsToDate)
def date_of(node: exp.Expr, dialect: str) -> exp.Expr:
    """DATE(time); in YEAR() and its like it is the parser's own note that a date is wanted."""
    only(node, dialect, {"this"})
    time: exp.Expr = node.this
    if isinstance(node.parent, _PARTS):
        return time
    result = call("dialect_try_date", time)
    result.meta[IS_TIME] = True
    return result


@rule(ALL, exp.Interval)
def interval(node: exp.Expr, dialect: str) -> exp.Expr:
    """A literal number of one unit, and only where it is added or subtracted."""
    only(node, dialect, {"this", "unit"})
    _count(node, dialect)
    if not isinstance(node.parent, exp.Add | exp.Sub | exp.DateAdd | exp.DateSub):
        raise refuse(node, "an interval can only be added to a time, or subtracted")
    return node


@rule(ALL, exp.Add, exp.Sub)
def add(node: exp.Expr, dialect: str) -> exp.Expr:
    """Numbers as in SQLite; a time plus or minus an interval."""
    only(node, dialect, {"this", "expression"})
    left, right = node.this, node.expression
    if isinstance(left, exp.Interval) and isinstance(node, exp.Add):
        left, right = right, left
    if isinstance(right, exp.Interval):
        return _shift(left, right, isinstance(node, exp.Sub), dialect)
    for side in (left, right):
        if _is_time(side):
            raise refuse(node, "of times, only time + INTERVAL is known")
    return node


@rule("mysql", exp.DateAdd, exp.DateSub)
def add_date(node: exp.Expr, dialect: str) -> exp.Expr:
    """DATE_ADD(time, INTERVAL 1 DAY) and DATE_SUB."""
    only(node, dialect, {"this", "expression", "unit"})
    step = exp.Interval(this=node.expression, unit=node.args.get("unit"))
    return _shift(node.this, step, isinstance(node, exp.DateSub), dialect)


def _shift(time: exp.Expr, step: exp.Expr, back: bool, dialect: str) -> exp.Expr:
    count = _count(step, dialect)
    name = "dialect_shift_date" if dialect == "mysql" else "dialect_shift"
    unit = str(step.args["unit"].this).lower().removesuffix("s")
    result = call(name, time, exp.Literal.string(str(-count if back else count)), unit)
    result.meta[IS_TIME] = True
    return result


def _count(node: exp.Expr, dialect: str) -> int:
    """How many units an interval has. Raises Refusal if that is no literal whole number."""
    count = number_of(node.this)
    if count is None:
        text = text_of(node.this) or ""
        count = int(text) if text.lstrip("+-").isdigit() else None
    unit = node.args.get("unit")
    if count is None or unit is None or not isinstance(unit, exp.Var):
        raise refuse(node, "an interval must be a literal whole number of one unit")
    if str(unit.this).upper().removesuffix("S") not in _TRUNCATED:
        raise refuse(node, f"units are {', '.join(_TRUNCATED)}")
    return count


def _unit(node: exp.Expr, dialect: str, known: tuple[str, ...]) -> str:
    unit = node.args.get("unit")
    name = str(unit.this).upper() if unit is not None else ""
    if name not in known:
        raise refuse(node, f"units are {', '.join(known)}")
    return name.lower()


def _is_time(node: exp.Expr) -> bool:
    """Whether an expression, rewritten already, is certainly a date or a time."""
    known = isinstance(node, exp.CurrentDate | exp.CurrentTimestamp)
    return known or bool(unwrapped(node).meta.get(IS_TIME))
