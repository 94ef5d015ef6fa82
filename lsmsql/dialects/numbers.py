"""Arithmetic: division above all, in which no two dialects agree.

          7 / 2    7.0 / 2   by zero    %
postgres  3        3.5       error      of whole numbers and others
mysql     3.5      3.5       NULL       of whole numbers and others
duckdb    3.5      3.5       infinity   of whole numbers and others
SQLite    3        3.5       NULL       of whole numbers
"""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.rules import ALL, call, number_of, only, refuse, rule, same, sqlite

_SUM_PARTS = {"this", "expression"}

same(ALL, exp.Abs, exp.Sign, exp.Floor, exp.Ceil, arguments="this")
same(ALL, exp.Sqrt, exp.Ln, exp.Exp, arguments="this")


@rule("postgres", exp.Div)
def whole_division(node: exp.Expr, dialect: str) -> exp.Expr:
    """SQLite's division is the same, but for zero, if the operands have one type in every row."""
    for side in (node.this, node.expression):
        if any(_may_mix_types(found) for found in side.walk()):
            raise refuse(node, "its operand may be a whole number in one row only: CAST its parts")
    return sqlite(":a / :b", a=node.this, b=not_zero(node.expression))


@rule("duckdb", exp.IntDiv)
def duckdb_whole_division(node: exp.Expr, dialect: str) -> exp.Expr:
    """``//`` of whole numbers cuts off, of others it does not: as SQLite's ``/``."""
    return whole_division(node, dialect)


@rule("duckdb", exp.Div)
def infinite_division(node: exp.Expr, dialect: str) -> exp.Expr:
    """Always a fraction; infinite if the divisor is zero."""
    if is_not_zero(node.expression):
        return sqlite("CAST(:a AS REAL) / :b", a=node.this, b=node.expression)
    return call("dialect_divide", node.this, node.expression)


@rule("mysql", exp.Div)
def fraction(node: exp.Expr, dialect: str) -> exp.Expr:
    """Always a fraction; NULL if the divisor is zero."""
    return sqlite("CAST(:a AS REAL) / :b", a=node.this, b=node.expression)


@rule("mysql", exp.IntDiv)
def cut_division(node: exp.Expr, dialect: str) -> exp.Expr:
    """``DIV`` cuts off; NULL if the divisor is zero."""
    return sqlite("CAST(:a / :b AS INTEGER)", a=node.this, b=node.expression)


@rule("postgres duckdb", exp.Mod)
def remainder(node: exp.Expr, dialect: str) -> exp.Expr:
    """SQLite's ``%`` cuts its operands off first, and is NULL for zero."""
    if number_of(node.this) is not None and is_not_zero(node.expression):
        return sqlite(":a % :b", a=node.this, b=node.expression)
    return call("dialect_remainder", unwrapped(node.this), unwrapped(node.expression))


@rule("mysql", exp.Mod)
def remainder_or_null(node: exp.Expr, dialect: str) -> exp.Expr:
    """As above, and NULL for zero."""
    divisor = unwrapped(node.expression)
    if not is_not_zero(divisor):
        divisor = call("NULLIF", divisor, 0)
    return call("dialect_remainder", unwrapped(node.this), divisor)


@rule("duckdb", exp.Round)
def round_fraction(node: exp.Expr, dialect: str) -> exp.Expr:
    """Halves away from zero, as multiplied binary fractions."""
    only(node, dialect, {"this", "decimals"})
    return call("dialect_round_binary", node.this, node.args.get("decimals") or 0)


@rule("postgres mysql", exp.Round)
def round_decimal(node: exp.Expr, dialect: str) -> exp.Expr:
    """Halves away from zero, as decimals. Postgres rounds DOUBLE PRECISION otherwise."""
    only(node, dialect, {"this", "decimals"})
    decimals = node.args.get("decimals")
    if decimals is None and dialect == "postgres":
        raise refuse(node, "rounds DOUBLE PRECISION otherwise than NUMERIC: round(x, 0)")
    return call("dialect_round", node.this, decimals or 0)


@rule(ALL, exp.Pow)
def power(node: exp.Expr, dialect: str) -> exp.Expr:
    """``^`` and ``**`` where they are powers, and power()."""
    only(node, dialect, _SUM_PARTS)
    return call("POWER", unwrapped(node.this), unwrapped(node.expression))


@rule("postgres duckdb", exp.Greatest, exp.Least)
def extreme_of_known(node: exp.Expr, dialect: str) -> exp.Expr:
    """NULLs are passed over; SQLite's max() and min() of several are NULL if any is."""
    only(node, dialect, {"this", "expressions", "ignore_nulls"})
    values = [node.this, *node.expressions]
    if len(values) == 1:
        return _first(node)
    turned = [[*values[i:], *values[:i]] for i in range(len(values))]
    return call(_name(node), *(call("COALESCE", *(v.copy() for v in row)) for row in turned))


@rule("mysql", exp.Greatest, exp.Least)
def extreme(node: exp.Expr, dialect: str) -> exp.Expr:
    """NULL if any is, as in SQLite."""
    only(node, dialect, {"this", "expressions", "ignore_nulls"})
    if not node.expressions:
        return _first(node)
    return call(_name(node), node.this, *node.expressions)


def _first(node: exp.Expr) -> exp.Expr:
    first: exp.Expr = node.this
    return first


def _name(node: exp.Expr) -> str:
    return "MAX" if isinstance(node, exp.Greatest) else "MIN"


_CHOICES = (exp.Coalesce, exp.Case, exp.If, exp.Max, exp.Min)


def _may_mix_types(node: exp.Expr) -> bool:
    """Whether an expression, rewritten already, chooses among values that may differ in type.

    The dialects give all of them one type, SQLite leaves each as it is.
    """
    if not isinstance(node, _CHOICES) or isinstance(node.parent, exp.Case):
        return False
    parts = [node.this, *node.expressions]
    if isinstance(node, exp.Case | exp.If):
        branches = [node] if isinstance(node, exp.If) else node.args["ifs"]
        parts = [branch.args.get("true") for branch in branches]
        parts += [node.args.get("default"), node.args.get("false")]
    kinds = {_kind(unwrapped(part)) for part in parts if part is not None and not _is_zero(part)}
    return len(kinds) > 1 or ("" in kinds and len([p for p in parts if p and not _is_zero(p)]) > 1)


def _kind(node: exp.Expr) -> str:
    """``integer`` or ``real`` if that is certain."""
    if isinstance(node, exp.Literal) and not node.is_string:
        return "integer" if node.this.isdigit() else "real"
    if isinstance(node, exp.Anonymous) and str(node.this) in ("dialect_integer", "dialect_real"):
        return str(node.this).removeprefix("dialect_")
    return ""


def _is_zero(node: exp.Expr) -> bool:
    return number_of(node) == 0 or isinstance(node, exp.Null)


def unwrapped(node: exp.Expr) -> exp.Expr:
    """An expression without parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def is_not_zero(node: exp.Expr) -> bool:
    """Whether an expression is a literal number other than zero."""
    node = unwrapped(node)
    if isinstance(node, exp.Neg):
        return is_not_zero(node.this)
    return isinstance(node, exp.Literal) and not node.is_string and float(node.this) != 0


def not_zero(node: exp.Expr) -> exp.Expr:
    """The expression, which raises an error when it is zero."""
    return node if is_not_zero(node) else call("dialect_nonzero", unwrapped(node))
