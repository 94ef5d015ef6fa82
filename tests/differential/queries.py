"""Random queries, each with what its text says of the order and the identity of its rows."""

from __future__ import annotations

from collections.abc import Sequence

from tests.differential.draw import Draw
from tests.differential.expressions import Expressions, Name, names_of
from tests.differential.programs import Step
from tests.differential.schemas import Table

_JOINS = ["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", ","]


class Queries:
    """Makes queries on some tables."""

    def __init__(self, draw: Draw, tables: Sequence[Table], views: Sequence[Table] = ()) -> None:
        self._draw = draw
        self._tables = tables
        self._views = views
        self._expressions = Expressions(draw, tables)

    def query(self) -> Step:
        draw = self._draw
        kinds = [
            self._rows, self._rows, self._rows, self._limited, self._limited, self._by_key,
            self._join, self._join, self._groups, self._groups, self._distinct, self._extremes,
            self._compound, self._with, self._recursive, self._window, self._counts, self._nested,
        ]  # fmt: skip
        make = draw.pick(kinds)
        return make()

    # --------------------------------------------------------------------------- one table

    def _items(self, scope: Sequence[Name], least: int = 1) -> list[str]:
        draw = self._draw
        return [self._expressions.value(scope) for _ in range(draw.number(least, 3))]

    def _where(self, scope: Sequence[Name], percent: int = 80, depth: int = 2) -> str:
        if not self._draw.chance(percent):
            return ""
        return f" WHERE {self._expressions.condition(scope, depth)}"

    def _table(self, alias: str = "t") -> tuple[Table, str, list[Name]]:
        """A table, how it is named in FROM, and its columns in scope."""
        views = self._views if self._draw.chance(15) else ()
        table = self._draw.pick(views or self._tables)
        scope = names_of(table, alias)
        if table.rowid is not None and not table.alias:
            scope.append(Name(f"{alias}.{table.rowid}", "INTEGER", False))
        return table, f"{table.name} AS {alias}", scope

    def _step(self, sql: str, order: tuple[int, ...] | None = None, *, loose: bool = False) -> Step:
        return Step(sql, self._draw.taken(sql), order, loose)

    def _ordered(
        self, count: int, percent: int = 50, *, loose: bool = False
    ) -> tuple[str, tuple[int, ...] | None]:
        """ORDER BY on some of ``count`` columns of a result, and which they are.

        ``loose``: of equal values any may be there, so that they are not told apart.
        """
        draw = self._draw
        if not draw.chance(percent):
            return "", None
        places = draw.some(range(count), most=3)
        terms = [
            str(place + 1)
            + draw.pick(["", "", "", *([] if loose else [" COLLATE NOCASE", " COLLATE BINARY"])])
            + draw.pick(["", "", " DESC", " ASC"])
            + draw.pick(["", "", "", " NULLS LAST", " NULLS FIRST"])
            for place in places
        ]
        return f" ORDER BY {', '.join(terms)}", tuple(places)

    def _rows(self) -> Step:
        _, source, scope = self._table()
        items = self._items(scope) if self._draw.chance(60) else [n.sql for n in scope]
        order, places = self._ordered(len(items))
        return self._step(
            f"SELECT {', '.join(items)} FROM {source}{self._where(scope)}{order}", places
        )

    def _by_key(self) -> Step:
        """A search for all or the first columns of a key, as a program does most."""
        draw = self._draw
        table, source, scope = self._table()
        key = table.key_names or [table.rowid or table.names[0]]
        tests = []
        for name in key[: draw.number(1, len(key))]:
            column = next((n for n in scope if n.sql == f"t.{name}"), scope[0])
            tests.append(f"t.{name} {draw.pick(['=', '=', '>', '<='])} " + draw.constant(
                column.affinity
            ))  # fmt: skip
        down = draw.pick(["", " DESC"])
        order = "" if draw.chance(50) else " ORDER BY " + ", ".join(f"t.{k}{down}" for k in key)
        items = [f"t.{name}" for name in key] + [n.sql for n in scope]
        places = tuple(range(len(key))) if order else None
        sql = f"SELECT {', '.join(items)} FROM {source} WHERE {' AND '.join(tests)}{order}"
        return self._step(sql, places)

    def _limited(self) -> Step:
        """ORDER BY with LIMIT, where the order leaves nothing open."""
        draw = self._draw
        table, source, scope = self._table()
        order = self._expressions.total_order(scope)
        strict = all(not table.column(k).has_ties for k in table.key_names)
        if table.key and strict and draw.chance(60):
            turn = draw.chance(50)
            order = ", ".join(f"t.{k}{' DESC' if d != turn else ''}" for k, d in table.key)
        elif table.rowid is not None and draw.chance(60):
            order = f"t.{table.rowid}{draw.pick(['', ' DESC'])}"
        items = ", ".join(n.sql for n in scope)
        limit = draw.bound(draw.number(-1, 6)) + draw.pick(["", f" OFFSET {draw.number(0, 4)}"])
        where = self._where(scope, 60)
        return self._step(
            f"SELECT {items} FROM {source}{where} ORDER BY {order} LIMIT {limit}",
            tuple(range(len(scope))),
        )

    def _distinct(self) -> Step:
        _, source, scope = self._table()
        names = [n.sql for n in self._draw.some(scope, most=3)]
        order, places = self._ordered(len(names), loose=True)
        where = self._where(scope, 40)
        return self._step(
            f"SELECT DISTINCT {', '.join(names)} FROM {source}{where}{order}", places, loose=True
        )

    def _extremes(self) -> Step:
        draw = self._draw
        _, source, scope = self._table()
        one, two = draw.pick(scope).sql, draw.pick(scope).sql
        items = draw.pick([f"min({one})", f"max({one})", f"min({one}), max({two})"])
        return self._step(f"SELECT {items} FROM {source}{self._where(scope, 50)}", loose=True)

    def _counts(self) -> Step:
        _, source, scope = self._table()
        item = self._draw.pick(["count(*)", f"count({self._draw.pick(scope).sql})"])
        return self._step(f"SELECT {item} FROM {source}{self._where(scope, 80, 3)}")

    # --------------------------------------------------------------------------- joins

    def _joined(self, count: int) -> tuple[str, list[Name]]:
        """FROM with joins of up to ``count`` tables, and the columns in scope."""
        draw = self._draw
        _, text, scope = self._table("t0")
        for number in range(1, count):
            _, source, more = self._table(f"t{number}")
            join = draw.pick(_JOINS)
            one, two = self._expressions.pair(scope, more)
            comparison = draw.pick(["=", "=", "=", "=", "<", "IS"])
            test = f"{one.sql} {comparison} {two.sql}"
            scope = [*scope, *more]
            if draw.chance(25):
                test += f" AND {self._expressions.condition(scope, 0)}"
            on = "" if join in (",", "CROSS JOIN") else f" ON {test}"
            text += f"{join if join == ',' else ' ' + join} {source}{on}"
        return text, scope

    def _join(self) -> Step:
        text, scope = self._joined(self._draw.pick([2, 2, 2, 3]))
        items = self._items(scope) + [n.sql for n in self._draw.some(scope, most=3)]
        order, places = self._ordered(len(items), 30)
        where = self._where(scope, 70)
        return self._step(f"SELECT {', '.join(items)} FROM {text}{where}{order}", places)

    # --------------------------------------------------------------------------- groups, windows

    def _aggregate(self, scope: Sequence[Name]) -> str:
        """An aggregate whose value does not depend on the order of the rows."""
        draw = self._draw
        name = draw.pick(scope)
        column = name.sql
        choices = [
            "count(*)",
            f"count({column})",
            f"sum(length({column}))",
            f"total({column} IS NULL)",
            f"avg({column} = {draw.constant(name.affinity)})",
            f"sum(unicode({column})) FILTER (WHERE {self._expressions.condition(scope, 0)})",
            f"group_concat({column}, ';' ORDER BY {column} COLLATE BINARY, typeof({column}))",
        ]
        if not name.ties:
            choices += [f"min({column})", f"max({column})", f"count(DISTINCT {column})"]
        return draw.pick(choices)

    def _groups(self) -> Step:
        draw = self._draw
        text, scope = self._joined(1 if draw.chance(70) else 2)
        keys = [n.sql for n in draw.some(scope, least=0, most=2)]
        items = [*keys, *(self._aggregate(scope) for _ in range(draw.number(1, 3)))]
        order, places = self._ordered(len(items), 40, loose=True)
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        having = f" HAVING {draw.pick(['count(*) > 1', self._aggregate(scope)])}"
        if not keys or draw.chance(70):
            having = ""
        where = self._where(scope, 50)
        # The variables of HAVING stand behind those of WHERE: they have names.
        return self._step(
            f"SELECT {', '.join(items)} FROM {text}{where}{group}{having}{order}",
            places,
            loose=True,
        )

    def _window(self) -> Step:
        draw = self._draw
        _, source, scope = self._table()
        total = self._expressions.total_order(scope)
        one, two = draw.pick(scope).sql, draw.pick(scope).sql
        function = draw.pick(
            [
                f"rank() OVER (ORDER BY {one})",
                f"dense_rank() OVER (PARTITION BY {two} ORDER BY {one} DESC)",
                f"count(*) OVER (PARTITION BY {one})",
                f"sum(length({one})) OVER (ORDER BY {two})",
                f"row_number() OVER (ORDER BY {total})",
                f"lag(typeof({one}), 1, 'none') OVER (ORDER BY {total})",
                f"first_value(quote({one})) OVER (PARTITION BY typeof({two}) ORDER BY {total})",
                f"count({one}) OVER (ORDER BY {total} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
                f"percent_rank() OVER (PARTITION BY {two} ORDER BY {one} NULLS LAST)",
                f"ntile(3) OVER (ORDER BY {total})",
            ]
        )
        items = [function, *(n.sql for n in scope)]
        order, places = self._ordered(len(items), 30)
        where = self._where(scope, 40)
        return self._step(f"SELECT {', '.join(items)} FROM {source}{where}{order}", places)

    # --------------------------------------------------------------------------- several SELECTs

    def _columns(self, count: int) -> str:
        """A SELECT of so many columns of a table, or of numbers in place of its rowid."""
        draw = self._draw
        table, source, scope = self._table()
        names = [
            f"{n.sql} + 0" if n.sql.rpartition(".")[2] == table.rowid else n.sql for n in scope
        ]
        items = [draw.pick(names) if draw.chance(85) else draw.constant() for _ in range(count)]
        return f"SELECT {', '.join(items)} FROM {source}{self._where(scope, 60, 1)}"

    def _compound(self) -> Step:
        draw = self._draw
        count = draw.number(1, 3)
        text = self._columns(count)
        for _ in range(draw.pick([1, 1, 2])):
            word = draw.pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
            text += f" {word} {self._columns(count)}"
        order, places = self._ordered(count, 40, loose=True)
        return self._step(text + order, places, loose=True)

    def _with(self) -> Step:
        draw = self._draw
        _, source, scope = self._table()
        names = draw.some(scope, least=2, most=3)
        outer = [Name(f"w.x{i}", n.affinity, n.ties) for i, n in enumerate(names)]
        inner = f"SELECT {', '.join(n.sql for n in names)} FROM {source}{self._where(scope, 60)}"
        titles = ", ".join(f"x{i}" for i in range(len(names)))
        hint = draw.pick(["", " MATERIALIZED", " NOT MATERIALIZED"])
        _, other, more = self._table("u")
        join = draw.pick(["JOIN", "LEFT JOIN"])
        both = [*outer, *more]
        items = ", ".join(n.sql for n in draw.some(both, most=4))
        one, two = self._expressions.pair(outer, more)
        on = f"{one.sql} = {two.sql}"
        return self._step(
            f"WITH w({titles}) AS{hint} ({inner}) SELECT {items} FROM w {join} {other} ON {on}"
            f"{self._where(both, 50, 1)}"
        )

    def _recursive(self) -> Step:
        draw = self._draw
        _, source, scope = self._table()
        (first, _), two = self._expressions.pair(scope, scope), draw.pick(scope).sql
        one = first.sql
        if draw.chance(50):
            body = f"SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {draw.number(2, 6)}"
            sql = f"WITH RECURSIVE r(n) AS ({body}) SELECT n, {two} FROM r JOIN {source}"
            return self._step(f"{sql} ON {one} = n")
        start = f"SELECT {one}, 0 FROM {source}{self._where(scope, 70, 0)}"
        again = f"SELECT {two}, d + 1 FROM r JOIN {source} ON {one} = x WHERE d < 2"
        return self._step(
            f"WITH RECURSIVE r(x, d) AS ({start} UNION ALL {again}) SELECT count(*), d FROM r"
            " GROUP BY d"
        )

    def _nested(self) -> Step:
        """A query over what a query gives, with subqueries among the items."""
        draw = self._draw
        _, source, scope = self._table("i")
        total = self._expressions.total_order(scope)
        names = ", ".join(f"{n.sql} AS y{i}" for i, n in enumerate(scope))
        outer = [Name(f"q.y{i}", n.affinity, n.ties) for i, n in enumerate(scope)]
        limit = f" ORDER BY {total} LIMIT {draw.number(1, 5)}" if draw.chance(50) else ""
        items = ", ".join(self._items(outer))
        return self._step(
            f"SELECT {items} FROM (SELECT {names} FROM {source}{self._where(scope, 50)}{limit})"
            f" AS q{self._where(outer, 60)}"
        )
