"""EXPLAIN QUERY PLAN as a tree, as the sqlite3 shell draws it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Node = tuple[Any, ...]
"""A row of EXPLAIN QUERY PLAN: id, id of the parent (0: none), unused, detail."""


def draw(nodes: Iterable[Node]) -> Iterator[str]:
    """The lines of the tree."""
    children: dict[int, list[Node]] = {}
    for node in nodes:
        children.setdefault(node[1], []).append(node)
    if children:
        yield "QUERY PLAN\n"
        yield from _branch(children, 0, "")


def _branch(children: dict[int, list[Node]], parent: int, indent: str) -> Iterator[str]:
    nodes = children.get(parent, [])
    for node in nodes:
        last = node is nodes[-1]
        yield f"{indent}{'`--' if last else '|--'}{node[3]}\n"
        yield from _branch(children, node[0], indent + ("   " if last else "|  "))
