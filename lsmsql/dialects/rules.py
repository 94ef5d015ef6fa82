"""How a rule is declared and found.

A rule takes a node of the tree, as the dialect reads it, whose parts have been rewritten already,
and returns the node that says the same to SQLite: a new one, or the same one, changed or not. It
raises what ``refuse`` gives for what it does not know to mean the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.errors import SqlglotError

from lsmsql.dialects.errors import DialectError

Rule = Callable[[exp.Expr, str], exp.Expr]
Node = TypeVar("Node", bound=exp.Expr)

IS_TIME = "lsmsql time"
"""What is noted of nodes, rewritten already, whose value is certainly a date or a time."""

RULES: dict[tuple[str, type[exp.Expr]], Rule] = {}


def rule(dialects: str, *types: type[exp.Expr]) -> Callable[[Rule], Rule]:
    """Declare the rule for nodes of these types in these dialects (names with blanks between)."""

    def declare(function: Rule) -> Rule:
        for dialect in dialects.split():
            for kind in types:
                assert (dialect, kind) not in RULES, f"two rules for {kind} of {dialect}"
                RULES[dialect, kind] = function
        return function

    return declare


def same(dialects: str, *types: type[exp.Expr], arguments: str) -> None:
    """Declare that nodes mean the same in SQLite, as long as they have no more than these parts."""
    allowed = set(arguments.split())

    def check(node: exp.Expr, dialect: str) -> exp.Expr:
        return only(node, dialect, allowed)

    rule(dialects, *types)(check)


def only(node: exp.Expr, dialect: str, allowed: set[str]) -> exp.Expr:
    """The node, if it has none but these parts. Raises Refusal."""
    for name, value in node.args.items():
        if value and name not in allowed:
            part = value if isinstance(value, exp.Expr) else node
            raise refuse(part, "has no equivalent in SQLite that is known to be the same")
    return node


class Refusal(Exception):  # noqa: N818  (it never leaves this package)
    """A rule does not know a node, or a part of it, to mean the same in SQLite."""

    def __init__(self, node: exp.Expr, why: str) -> None:
        super().__init__(why)
        self.node = node
        self.why = why


def refuse(node: exp.Expr, why: str) -> Refusal:
    """What a rule raises."""
    return Refusal(node, why)


def refused(node: exp.Expr, dialect: str, why: str) -> DialectError:
    """The error that quotes a construct, and what is around it if it says little by itself."""
    try:
        construct = node.sql(dialect, comments=False, unsupported_level=ErrorLevel.IGNORE)
    except (SqlglotError, ValueError, AttributeError):  # its own generator cannot write it
        construct = type(node).__name__
    if len(construct) < 8 and node.parent is not None:
        return refused(node.parent, dialect, why)
    return DialectError(dialect, construct, why)


def sqlite(template: str, **parts: exp.Expr | str | int) -> exp.Expr:
    """The tree of a piece of SQL for SQLite, with nodes in the place of its ``:names``."""
    tree: exp.Expr = parse_one(template, read="sqlite")
    for found in list(tree.find_all(exp.Placeholder)):
        if found.this in parts:
            new = exp.convert(parts[found.this])
            tree = new if found is tree else tree
            found.replace(new)
    return tree


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A call of a function, as SQLite's text would be read."""
    names = [f"a{i}" for i in range(len(arguments))]
    template = f"{name}({', '.join(':' + n for n in names)})"
    return sqlite(template, **dict(zip(names, arguments, strict=True)))


def text_of(node: exp.Expr | None) -> str | None:
    """The value of a text literal."""
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None


def number_of(node: exp.Expr | None) -> int | None:
    """The value of a literal whole number, with or without a sign."""
    if isinstance(node, exp.Neg):
        inner = number_of(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        return int(node.this)
    return None


def is_boolean(node: exp.Expr) -> bool:
    """Whether the value of an expression is certainly true, false or NULL."""
    if isinstance(node, exp.Paren):
        return is_boolean(node.this)
    if isinstance(node, exp.Cast):
        return bool(node.to.this is exp.DType.BOOLEAN)
    return isinstance(
        node, exp.Predicate | exp.Connector | exp.Not | exp.Boolean | exp.Exists | exp.Is | exp.In
    ) and not isinstance(node, exp.SubqueryPredicate)


ALL = "postgres mysql duckdb"
