"""The whole way of one statement: parse, check, rules, and the text that comes of it."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError

from lsmsql.dialects import (  # noqa: F401  (they declare the rules)
    casts,
    changes,
    definitions,
    numbers,
    patterns,
    queries,
    series,
    texts,
    times,
    unchanged,
)
from lsmsql.dialects.errors import DialectError
from lsmsql.dialects.lexical import check_characters
from lsmsql.dialects.parameters import Parameters, find_parameters, tokens_of
from lsmsql.dialects.precedence import check_precedence
from lsmsql.dialects.rules import RULES, Refusal, refuse, refused
from lsmsql.dialects.statements import control_statement
from lsmsql.dialects.writer import is_sqlite, read, silence, with_numbers, write

_REPLACE = re.compile(r"\s*REPLACE\s+(?=INTO\b)", re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(QUERY\s+PLAN\s+)?(?=SELECT|WITH|INSERT|UPDATE|DELETE)", re.I)


def rewrite(sql: str, dialect: str) -> tuple[str, tuple[str | None, ...]]:
    """A statement as text for SQLite, and the names of its parameters. Raises DialectError."""
    control = control_statement(sql, dialect)
    if control is not None:
        return control, ()
    explain = _EXPLAIN.match(sql)
    if explain:
        text, names = rewrite(sql[explain.end() :], dialect)
        return f"EXPLAIN {'QUERY PLAN ' if explain[1] else ''}{text}", names
    tokens = tokens_of(sql, dialect)
    check_characters(sql, tokens, dialect)
    parameters = find_parameters(sql, tokens, dialect)
    named = parameters.named(sql)
    replace = dialect == "mysql" and _REPLACE.match(named)
    tree = parse(f"INSERT {named[replace.end() :]}" if replace else named, dialect)
    if tree is None:
        return sql, ()
    if replace:
        tree.set("alternative", "REPLACE")
    check_precedence(tree, dialect)
    return _text(apply_rules(tree, dialect), sql, named, parameters, dialect), parameters.names


def parse(sql: str, dialect: str) -> exp.Expr | None:
    """The tree of the one statement of a text; ``None`` if there is none. Raises DialectError."""
    try:
        with silence():
            found = [tree for tree in Dialect.get_or_raise(dialect).parse(sql) if tree is not None]
    except ParseError as error:
        details = error.errors[0] if error.errors else {}
        near = details.get("highlight") or sql.strip()
        what = details.get("description") or "cannot be parsed"
        raise DialectError(dialect, near, what) from None
    except (SqlglotError, AttributeError, KeyError):  # the parser itself fails on some wrong SQL
        raise DialectError(dialect, sql.strip(), "cannot be parsed") from None
    if len(found) > 1:
        raise DialectError(dialect, sql.strip(), "more than one statement")
    return found[0] if found else None


def apply_rules(tree: exp.Expr, dialect: str) -> exp.Expr:
    """The tree for SQLite: the rule of each node, the innermost nodes first."""
    pairs = zip(tree.walk(bfs=True), tree.copy().walk(bfs=True), strict=True)
    for node, original in reversed(list(pairs)):
        node.comments = None
        found = RULES.get((dialect, type(node)), _unknown)
        try:
            new = found(node, dialect)
        except Refusal as refusal:
            construct = original if refusal.node is node else refusal.node
            raise refused(construct, dialect, refusal.why) from None
        except (AttributeError, KeyError):  # the parser does not see to it that all is there
            raise refused(original, dialect, "a part is missing") from None
        if node is tree:
            tree = new
        elif new is not node and node.parent is not None:
            node.replace(new)
    return tree


def _unknown(node: exp.Expr, dialect: str) -> exp.Expr:
    raise refuse(node, "has no equivalent in SQLite that is known to be the same")


def _text(tree: exp.Expr, sql: str, named: str, parameters: Parameters, dialect: str) -> str:
    if read(named) == tree:
        unchanged = parameters.for_sqlite(sql)
        if is_sqlite(unchanged):
            return unchanged
    written = write(tree)
    if read(written) != tree or not is_sqlite(written):
        raise DialectError(
            dialect, sql.strip(), f"cannot be written for SQLite; the nearest is {written}"
        )
    return with_numbers(written)
