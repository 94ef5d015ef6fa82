"""CAST, ``::`` and literals with a type. SQLite's never fail: ``CAST('x' AS INTEGER)`` is 0."""

from __future__ import annotations

import re

from sqlglot import exp

from lsmsql.dialects.numbers import unwrapped
from lsmsql.dialects.rules import (
    ALL,
    IS_TIME,
    call,
    is_boolean,
    number_of,
    refuse,
    rule,
    sqlite,
    text_of,
)

_T = exp.DType
_BITS = {_T.TINYINT: 8, _T.SMALLINT: 16, _T.MEDIUMINT: 24, _T.INT: 32, _T.BIGINT: 64}
_TEXTS = {_T.TEXT, _T.VARCHAR}
_TIMES = {_T.DATE: "date", _T.TIMESTAMP: "timestamp", _T.TIMESTAMPNTZ: "timestamp",
          _T.DATETIME: "timestamp"}  # fmt: skip
_SCALES = {"postgres": None, "duckdb": 3, "mysql": 0}
"""The decimals of DECIMAL when none are given."""
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])")
_TIME = re.compile(_DATE.pattern + r" ([01]\d|2[0-3]):[0-5]\d:[0-5]\d")


@rule(ALL, exp.DataType, exp.DataTypeParam)
def part_of_a_type(node: exp.Expr, dialect: str) -> exp.Expr:
    """Types are looked at where they are used."""
    return node


@rule("postgres duckdb", exp.Cast, exp.TryCast)
def cast(node: exp.Expr, dialect: str) -> exp.Expr:
    """Exact, or an error; with TRY_CAST, NULL."""
    value, kind = unwrapped(node.this), node.args["to"]
    prefix = "dialect_try_" if isinstance(node, exp.TryCast) else "dialect_"
    _check_parts(node, dialect)
    if kind.this in _BITS:
        literal, limit = number_of(value), 2 ** (_BITS[kind.this] - 1)
        if literal is not None and -limit <= literal < limit:
            return _part(node, "this")
        if _is_decimal(value):
            value = call("dialect_round", value, 0)
        return call(prefix + "integer", value, _BITS[kind.this])
    if kind.this is _T.DOUBLE:
        return call(prefix + "real", value)
    if kind.this is _T.DECIMAL:
        scale = _scale(kind, dialect)
        number = call(prefix + "real", value)
        return number if scale is None else call("dialect_round", number, scale)
    if kind.this is _T.BOOLEAN:
        return value if is_boolean(value) else call(prefix + "boolean", value)
    if kind.this in _TIMES:
        return _time(value, _TIMES[kind.this], prefix)
    if kind.this in _TEXTS:
        return _as_text(value, kind, dialect)
    raise refuse(node, "casts to this type are not supported")


@rule("mysql", exp.Cast)
def mysql_cast(node: exp.Expr, dialect: str) -> exp.Expr:
    """MySQL's casts do not fail either: what begins a text counts, and wrong dates are NULL."""
    value, kind = unwrapped(node.this), node.args["to"]
    _check_parts(node, dialect)
    if kind.this is _T.BIGINT and not kind.expressions:
        return call("dialect_signed", value)
    if kind.this is _T.DECIMAL:
        return call(
            "dialect_round", sqlite("CAST(:a AS REAL)", a=value), _scale(kind, dialect) or 0
        )
    if kind.this is _T.DOUBLE:
        return sqlite("CAST(:a AS REAL)", a=value)
    if kind.this in _TIMES:
        return _time(value, _TIMES[kind.this], "dialect_try_")
    if kind.this in (_T.CHAR, *_TEXTS) and not kind.expressions:
        return call("dialect_text", value)
    raise refuse(node, "casts to this type are not supported")


def _part(node: exp.Expr, name: str) -> exp.Expr:
    part: exp.Expr = node.args[name]
    return part


def _check_parts(node: exp.Expr, dialect: str) -> None:
    for name in ("format", "action", "default", "safe"):
        if node.args.get(name) and name != "safe":
            raise refuse(node, "casts have no more than a type")
    if node.args["to"].args.get("nested"):
        raise refuse(node, "arrays, maps and structs do not exist in SQLite")


def _scale(kind: exp.Expr, dialect: str) -> int | None:
    """How many decimals a DECIMAL has; ``None`` for as many as there are."""
    if not kind.expressions:
        return _SCALES[dialect]
    return number_of(kind.expressions[1].this) if len(kind.expressions) > 1 else 0


def _is_decimal(value: exp.Expr) -> bool:
    if isinstance(value, exp.Neg):
        return _is_decimal(value.this)
    return isinstance(value, exp.Literal) and not value.is_string


def _time(value: exp.Expr, name: str, prefix: str) -> exp.Expr:
    text = text_of(value) or ""
    known = _DATE if name == "date" else _TIME
    result = value if known.fullmatch(text) else call(prefix + name, value)
    result.meta[IS_TIME] = True
    return result


def _as_text(value: exp.Expr, kind: exp.Expr, dialect: str) -> exp.Expr:
    if is_boolean(value):
        text = sqlite("CASE WHEN :a THEN 'true' WHEN NOT :b THEN 'false' END",
                      a=value, b=exp.Paren(this=value.copy()))  # fmt: skip
    else:
        text = value if text_of(value) is not None else call("dialect_text", value)
    if kind.expressions and dialect == "postgres":
        return call("SUBSTRING", text, 1, kind.expressions[0].this)
    return text
