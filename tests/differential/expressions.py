"""Random expressions: conditions and values over the columns that are in scope.

None of them can fail: which rows an expression is computed for is the planner's own affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.differential.draw import Draw
from tests.differential.schemas import Table

COMPARISONS = ["=", "=", "=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT", "IS NOT DISTINCT FROM"]
LIKES = ["a%", "%a", "A%", "_", "a_%", "%", "1%", "%b%", "ab", "a\\%%", "", "\u00e9%", "[a]%"]
GLOBS = ["a*", "A*", "*a", "?", "[ab]*", "[^a]*", "1*", "*", "a[*]", "", "ab"]
_LEAVES = 45


@dataclass(frozen=True)
class Name:
    """A column in scope. ``ties``: whether different values of it may be equal."""

    sql: str
    affinity: str
    ties: bool = True

    @property
    def kind(self) -> str:
        """The affinity as far as comparisons know it."""
        return self.affinity if self.affinity in ("TEXT", "BLOB") else "NUMERIC"


Scope = Sequence[Name]


def names_of(table: Table, alias: str | None = None) -> list[Name]:
    """The columns of a table, as they are named in a statement."""
    prefix = "" if alias is None else f"{alias}."
    return [Name(f"{prefix}{c.name}", c.affinity, c.has_ties) for c in table.columns]


class Expressions:
    """Makes expressions. ``tables`` are those that subqueries may ask."""

    def __init__(self, draw: Draw, tables: Sequence[Table] = ()) -> None:
        self._draw = draw
        self._tables = tables

    # --------------------------------------------------------------------------- conditions

    def condition(self, scope: Scope, depth: int = 2) -> str:
        draw = self._draw
        if depth > 0 and draw.chance(40):
            one, two = self.condition(scope, depth - 1), self.condition(scope, depth - 1)
            return draw.pick(
                [f"{one} AND {two}", f"({one} OR {two})", f"{one} AND {two}", f"NOT ({one})"]
            )
        if draw.chance(60):
            return self.search(draw.pick(scope))
        return self._test(scope, depth)

    def search(self, name: Name) -> str:
        """A condition on one column, as indexes are good for."""
        draw, column = self._draw, name.sql
        constant = draw.constant(name.affinity)
        match draw.number(0, 9):
            case 0 | 1 | 2 | 3:
                return f"{column} {draw.pick(COMPARISONS)} {constant}"
            case 4:
                return f"{column} {draw.pick(['', 'NOT '])}BETWEEN {self._two(name)}"
            case 5:
                return f"{column} {draw.pick(['', '', 'NOT '])}IN ({self._list(name)})"
            case 6:
                return f"{column} IS {draw.pick(['', 'NOT '])}NULL"
            case 7:
                pattern = draw.bound(draw.pick(LIKES))
                return f"{column} {draw.pick(['', 'NOT '])}LIKE {pattern}" + draw.pick(
                    ["", "", " ESCAPE '\\'"]
                )
            case 8:
                return f"{column} {draw.pick(['', 'NOT '])}GLOB {draw.bound(draw.pick(GLOBS))}"
            case _:
                return f"{constant} {draw.pick(COMPARISONS[:-1])} {column}"

    def _two(self, name: Name) -> str:
        return f"{self._draw.constant(name.affinity)} AND {self._draw.constant(name.affinity)}"

    def _list(self, name: Name) -> str:
        draw = self._draw
        return ", ".join(draw.constant(name.affinity) for _ in range(draw.number(1, 4)))

    def _test(self, scope: Scope, depth: int) -> str:
        draw = self._draw
        value = self.value(scope, depth - 1)
        match draw.number(0, 9 if self._tables and depth > 0 else 6):
            case 0 | 1:
                return f"{value} {draw.pick(COMPARISONS)} {self.value(scope, depth - 1)}"
            case 2:
                return self._rows(scope)
            case 3:
                collation = draw.pick(["NOCASE", "RTRIM", "BINARY"])
                name = draw.pick(scope)
                other = draw.constant(name.affinity)
                return f"{name.sql} COLLATE {collation} {draw.pick(COMPARISONS)} {other}"
            case 4:
                return f"{value} IN ({self._list(draw.pick(scope))})"
            case 5:
                return f"{value}"
            case 6:
                return f"{value} IS {draw.pick(['', 'NOT '])}{draw.pick(['NULL', 'TRUE', 'FALSE'])}"
            case 7:
                return f"{draw.pick(['', 'NOT '])}EXISTS ({self._subquery(scope, '1', depth)})"
            case _:
                word = draw.pick(["IN", "IN", "NOT IN"])
                return f"+{draw.pick(scope).sql} {word} ({self._subquery(scope, None, depth)})"

    def _rows(self, scope: Scope) -> str:
        """A comparison of row values."""
        draw = self._draw
        names = [draw.pick(scope) for _ in range(draw.number(2, 3))]
        left = ", ".join(name.sql for name in names)

        def right() -> str:
            return "(" + ", ".join(draw.constant(name.affinity) for name in names) + ")"

        match draw.number(0, 3):
            case 0:
                return f"({left}) BETWEEN {right()} AND {right()}"
            case 1:
                return f"({left}) IN (VALUES {right()}, {right()})"
            case _:
                return f"({left}) {draw.pick(['=', '<', '<=', '>', '>=', '<>', 'IS'])} {right()}"

    def pair(self, scope: Scope, other: Scope) -> tuple[Name, Name]:
        """A column of each to be compared, mostly of one kind: others are seldom equal."""
        one = self._draw.pick(scope)
        found = [name for name in other if name.kind == one.kind]
        return one, self._draw.pick(found if found and self._draw.chance(65) else other)

    def _subquery(self, outer: Scope, item: str | None, depth: int) -> str:
        """A SELECT on one table, often of what the row outside has."""
        draw = self._draw
        table = draw.pick(self._tables)
        alias = draw.name("s")
        inner = names_of(table, alias)
        conditions = []
        if draw.chance(60):
            one, two = self.pair(inner, outer)
            conditions.append(f"{one.sql} = {two.sql}")
        if draw.chance(60) or not conditions:
            conditions.append(self.condition(inner, depth - 1))
        item = item or draw.pick(inner).sql
        return f"SELECT {item} FROM {table.name} AS {alias} WHERE {' AND '.join(conditions)}"

    # --------------------------------------------------------------------------- values

    def value(self, scope: Scope, depth: int = 2) -> str:
        draw = self._draw
        if depth <= 0 or draw.chance(_LEAVES):
            name = draw.pick(scope)
            return name.sql if draw.chance(80) else draw.constant(name.affinity)
        one = self.value(scope, depth - 1)
        if draw.chance(50):
            return self._function(scope, one, depth)
        two = self.value(scope, depth - 1)
        match draw.number(0, 7):
            case 0 | 1:
                return f"({one} {draw.pick(['+', '-', '*', '/', '%', '&', '|', '<<'])} {two})"
            case 2:
                return f"({one} || {two})"
            case 3:
                test = self.condition(scope, depth - 2)
                return f"CASE WHEN {test} THEN {one} ELSE {two} END"
            case 4:
                return f"CASE {one} WHEN {two} THEN {draw.constant()} WHEN 1 THEN 'one' END"
            case 5:
                return f"({one} {draw.pick(['=', '<', 'IS', 'LIKE', '>='])} {two})"
            case 6:
                return f"{draw.pick(['coalesce', 'nullif', 'ifnull', 'min', 'max'])}({one}, {two})"
            case _:
                return f"iif({self.condition(scope, depth - 2)}, {one}, {two})"

    def _function(self, scope: Scope, argument: str, depth: int) -> str:
        draw = self._draw
        if self._tables and depth > 1 and draw.chance(15):
            return f"({self._subquery(scope, 'count(*)', depth)})"
        return draw.pick(
            [
                f"CAST({argument} AS {draw.pick(['INTEGER', 'TEXT', 'REAL', 'BLOB', 'NUMERIC'])})",
                f"length({argument})",
                f"lower({argument})",
                f"upper({argument})",
                f"typeof({argument})",
                f"quote({argument})",
                f"hex({argument})",
                f"trim({argument})",
                f"substr({argument}, {draw.number(-2, 3)})",
                f"instr({argument}, 'a')",
                f"replace({argument}, 'a', 'bb')",
                f"unicode({argument})",
                f"sign({argument})",
                f"-{argument}",
                f"+{argument}",
                f"~{argument}",
                f"({argument} COLLATE NOCASE)",
            ]
        )

    # --------------------------------------------------------------------------- orders

    def total_order(self, scope: Scope) -> str:
        """Terms of ORDER BY that leave nothing open but the order of equal rows."""
        terms = [f"{name.sql} COLLATE BINARY, typeof({name.sql})" for name in scope]
        if self._draw.chance(50):
            first = self._draw.pick(scope).sql
            terms.insert(0, f"{first}{self._draw.pick(['', ' DESC', ' NULLS LAST'])}")
        return ", ".join(terms)
