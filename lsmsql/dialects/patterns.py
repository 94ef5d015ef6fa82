"""LIKE and ILIKE.

Case counts for LIKE in Postgres and DuckDB, and not in MySQL and SQLite (there for ASCII only). A
literal pattern of LIKE becomes one of GLOB, for which case counts and which can use a key.
"""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.rules import ALL, call, only, refuse, rule, sqlite, text_of

_DEFAULT_ESCAPE = {"postgres": "\\", "mysql": "\\", "duckdb": ""}


@rule(ALL, exp.Like, exp.ILike)
def like(node: exp.Expr, dialect: str) -> exp.Expr:
    """LIKE without ESCAPE; with it, ``escaped`` does both."""
    only(node, dialect, {"this", "expression", "negate"})
    if isinstance(node.parent, exp.Escape):
        return node
    return _match(node, _DEFAULT_ESCAPE[dialect], dialect)


@rule(ALL, exp.Escape)
def escaped(node: exp.Expr, dialect: str) -> exp.Expr:
    """LIKE with ESCAPE and one literal character, or none."""
    escape = text_of(node.expression)
    if escape is None or len(escape) > 1 or not isinstance(node.this, exp.Like | exp.ILike):
        raise refuse(node, "ESCAPE takes one literal character")
    return _match(node.this, escape, dialect)


def _match(node: exp.Expr, escape: str, dialect: str) -> exp.Expr:
    if node.args.get("negate"):
        node.set("negate", None)
        return _negated(_match(node, escape, dialect))
    pattern = text_of(node.expression)
    exact = isinstance(node, exp.Like) and dialect != "mysql"
    if pattern is None:
        name = "dialect_like" if exact else "dialect_ilike"
        return call(name, node.this, node.expression, escape)
    if escape and pattern.endswith(escape) and not pattern.endswith(escape * 2):
        raise refuse(node, "the pattern ends with its escape character")
    if exact:
        return sqlite(":a GLOB :b", a=node.this, b=_as_glob(pattern, escape))
    if not pattern.isascii():
        return call("dialect_ilike", node.this, node.expression, escape)
    if escape and escape in pattern:
        return sqlite(":a LIKE :b ESCAPE :c", a=node.this, b=node.expression, c=escape)
    return sqlite(":a LIKE :b", a=node.this, b=node.expression)


def _negated(match: exp.Expr) -> exp.Expr:
    """The opposite of a test, as it is written: ``a NOT LIKE b``."""
    inner = match.this if isinstance(match, exp.Escape) else match
    if not isinstance(inner, exp.Like):
        return exp.Not(this=match)
    inner.set("negate", True)
    return match


def _as_glob(pattern: str, escape: str) -> str:
    """A pattern of LIKE as one of GLOB."""
    pieces, characters = [], iter(pattern)
    for character in characters:
        if escape and character == escape:
            pieces.append(_literally(next(characters)))
        else:
            pieces.append({"%": "*", "_": "?"}.get(character) or _literally(character))
    return "".join(pieces)


def _literally(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character
