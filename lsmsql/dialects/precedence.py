"""Operators without parentheses that the dialects bind otherwise than SQLite does.

SQLite binds ``||`` closer than ``*``, and ``&`` looser than ``+``; the others do neither, nor do
they agree with each other. Only what all of them read alike is taken without parentheses.
"""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.rules import refused

_SUMS = (exp.Add, exp.Sub)
_PRODUCTS = (exp.Mul, exp.Div, exp.Mod, exp.IntDiv)
_COMPARISONS = (
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
)
_MATCHES = (exp.Like, exp.ILike, exp.Glob, exp.RegexpLike, exp.RegexpILike, exp.SimilarTo)
_TESTS = (*_COMPARISONS, *_MATCHES, exp.Is, exp.In, exp.Between)
_CONNECTORS = (exp.And, exp.Or, exp.Xor)
_OTHERS = (exp.DPipe, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.Pow)
_JSON = (exp.JSONExtract, exp.JSONExtractScalar)
_OPERATORS = (*_SUMS, *_PRODUCTS, *_TESTS, *_CONNECTORS, *_OTHERS, *_JSON, exp.Not)


def check_precedence(tree: exp.Expr, dialect: str) -> None:
    """Raise DialectError where an operator in an operator needs parentheses to be clear."""
    for node in tree.walk():
        if not isinstance(node, _OPERATORS):
            continue
        for name in ("this", "expression"):
            child = node.args.get(name)
            if isinstance(child, _OPERATORS) and not _clear(node, child, name == "expression"):
                raise refused(node, dialect, "the dialects bind these differently: parenthesize")


def _clear(parent: exp.Expr, child: exp.Expr, right: bool) -> bool:
    arithmetic = (*_SUMS, *_PRODUCTS)
    if isinstance(parent, (*_CONNECTORS, exp.Not)):
        return not isinstance(child, exp.Xor)
    if isinstance(parent, _TESTS):
        return isinstance(child, (*arithmetic, exp.DPipe)) or (
            isinstance(child, _JSON) and not right
        )
    if isinstance(parent, _SUMS):
        return isinstance(child, _PRODUCTS if right else arithmetic)
    if isinstance(parent, _PRODUCTS):
        return not right and isinstance(child, _PRODUCTS)
    return not right and type(parent) is type(child)
