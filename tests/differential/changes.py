"""Random INSERT, UPDATE and DELETE.

In which order the rows of a statement are taken is SQLite's choice where nothing says it. So where
rows of one statement may get in each other's way, the statement says it, or is about one row.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.differential.draw import Draw
from tests.differential.expressions import Expressions, Name, names_of
from tests.differential.programs import Step
from tests.differential.schemas import Column, Table
from tests.differential.values import Value, exact_value, near_greatest

_WISHES = ["", "", "", "", " OR IGNORE", " OR REPLACE", " OR ABORT", " OR FAIL", " OR ROLLBACK"]


class Changes:
    """Makes statements that change some tables."""

    def __init__(self, draw: Draw, tables: Sequence[Table]) -> None:
        self._draw = draw
        self._tables = tables
        self._expressions = Expressions(draw, tables)

    def change(self) -> Step:
        draw = self._draw
        make = draw.pick(
            [
                self.insert,
                self.insert,
                self.insert,
                self._select,
                self._upsert,
                self._upsert,
                self._update,
                self._update,
                self._move,
                self._from,
                self._delete,
            ]
        )
        return make(draw.pick(self._tables))

    def _step(self, table: Table, sql: str, *, inserts: bool = False) -> Step:
        named = table.alias or f"{table.rowid})" not in sql
        keeps = inserts and table.rowid is not None and named
        return Step(sql, self._draw.taken(sql), keeps_rowid=keeps)

    # --------------------------------------------------------------------------- pieces

    def _constant(self, table: Table, column: Column, *, exact: bool = False) -> str:
        """A value for a column; ``exact``: as the column stores it, if it is not the rowid."""
        draw = self._draw
        if column.name == table.rowid and draw.chance(25):
            return "NULL"
        if column.name == table.rowid and draw.chance(85):
            return draw.bound(draw.pick([*range(15), -1, -(2**63), 2**53 + 1, 1.0, "2", "7.0"]))
        if column.name in table.key_names and draw.chance(50):
            small: dict[str, list[Value]] = {"INTEGER": [*range(30)], "REAL": [0.5, 1, 1.5, 7.25]}
            choices = small.get(column.affinity, [f"k{n}" for n in range(20)])
            if table.strict and column.declared == "BLOB":
                choices = [b"%d" % n for n in range(20)]
            return draw.bound(draw.pick(choices))
        exact = exact or (table.strict and not draw.chance(5))
        if exact and column.name != table.rowid:
            affinity = "" if column.declared == "ANY" else column.affinity
            return draw.bound(exact_value(draw.random, affinity))
        value = draw.value(column.affinity)
        while column.name == table.rowid and near_greatest(value):
            value = draw.value(column.affinity)
        while value is None and column.not_null and draw.chance(80):
            value = draw.value(column.affinity)
        return draw.bound(value)

    def _chosen(self, table: Table) -> tuple[str, list[Column]]:
        """The list of columns of an INSERT, and what it names."""
        draw = self._draw
        if draw.chance(50):
            return "", table.written
        must = [c for c in table.written if c.not_null and c.default is None]
        chosen = draw.some(table.written)
        if draw.chance(85):
            chosen += [c for c in must if c not in chosen]
        rowid = table.rowid
        if rowid is not None and not table.alias and draw.chance(20):
            chosen.append(Column(rowid, "INTEGER", "INTEGER"))
        return f"({', '.join(c.name for c in chosen)})", chosen

    def _values(
        self, table: Table, columns: Sequence[Column], most: int = 4, *, exact: bool = False
    ) -> str:
        rows = (
            f"({', '.join(self._constant(table, column, exact=exact) for column in columns)})"
            for _ in range(self._draw.number(1, most))
        )
        return f"VALUES {', '.join(rows)}"

    def _returning(self, table: Table, percent: int = 20) -> str:
        draw = self._draw
        if not draw.chance(percent):
            return ""
        whole = [name for name in names_of(table) if name.affinity != "REAL"]
        value = Expressions(draw).value(whole) if whole else "1"
        items = draw.pick(["*", value, draw.pick(table.names)])
        if table.rowid is not None and draw.chance(30):
            items += f", {table.rowid}"
        return f" RETURNING {items}"

    def _one_row(self, table: Table) -> str:
        """A condition that one row meets at most."""
        if table.rowid is not None:
            return f"{table.rowid} = {self._draw.number(0, 12)}"
        tests = [f"{k} = {self._constant(table, table.column(k))}" for k in table.key_names]
        return " AND ".join(tests)

    # --------------------------------------------------------------------------- INSERT

    def insert(self, table: Table) -> Step:
        draw = self._draw
        if draw.chance(4):
            sql = f"INSERT INTO {table.name} DEFAULT VALUES{self._returning(table)}"
            return self._step(table, sql, inserts=True)
        word = f"INSERT{draw.pick(_WISHES)}" if draw.chance(95) else "REPLACE"
        listed, columns = self._chosen(table)
        values = self._values(table, columns)
        sql = f"{word} INTO {table.name}{listed} {values}{self._returning(table)}"
        return self._step(table, sql, inserts=True)

    def many(self, table: Table) -> Step:
        """INSERT of some dozens of rows, so that there are several blocks of them."""
        draw = self._draw
        items = []
        for column in table.written:
            factor = draw.pick([1, 3, 7, 11])
            number = f"i * {factor} % {draw.pick([50, 50, 13])}"
            items.append(
                {
                    "REAL": f"({number}) / 2.0",
                    "TEXT": f"'k' || ({number})",
                    "BLOB": f"CAST('k' || ({number}) AS BLOB)",
                }.get(column.affinity, number)
            )
        rows = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
        names = ", ".join(column.name for column in table.written)
        return self._step(
            table,
            f"INSERT OR IGNORE INTO {table.name}({names}) {rows} SELECT {', '.join(items)} FROM n",
        )

    def _select(self, table: Table) -> Step:
        """INSERT of what a query gives, in an order that is total."""
        draw = self._draw
        source = draw.pick(self._tables)
        listed, columns = self._chosen(table)
        scope = names_of(source, "s")
        items = []
        for column in columns:
            if column.name == table.rowid and draw.chance(70):
                items.append("NULL")
            elif draw.chance(75):
                alike = [n for n in scope if n.affinity == column.affinity] or scope
                items.append(draw.pick(alike).sql)
            else:
                items.append(self._constant(table, column))
        order = self._expressions.total_order(scope)
        where = self._expressions.condition(scope, 1)
        sql = (
            f"INSERT{draw.pick(_WISHES)} INTO {table.name}{listed} SELECT {', '.join(items)}"
            f" FROM {source.name} AS s WHERE {where} ORDER BY {order} LIMIT 5"
        )
        return self._step(table, sql, inserts=True)

    def _upsert(self, table: Table) -> Step:
        draw = self._draw
        targets = table.targets()
        listed, columns = self._chosen(table)
        clauses = []
        for place in range(draw.pick([1, 1, 1, 2])):
            target = draw.pick(targets) if targets else None
            if target is None or (place == 0 and draw.chance(10)):
                clauses.append(" ON CONFLICT DO NOTHING")
                break
            terms, where = target
            condition = "" if where is None else f" WHERE {where}"
            clauses.append(f" ON CONFLICT ({terms}){condition} {self._action(table)}")
        clause = "".join(clauses)
        values = self._values(table, columns, 3, exact=table.alias)
        if draw.chance(15):
            values = f"SELECT * FROM ({values}) WHERE true"
        wish = draw.pick(_WISHES) if "DO UPDATE" not in clause else ""
        sql = f"INSERT{wish} INTO {table.name}{listed} {values}{clause}{self._returning(table)}"
        return self._step(table, sql)

    def _action(self, table: Table) -> str:
        """DO NOTHING, or DO UPDATE."""
        draw = self._draw
        if draw.chance(25):
            return "DO NOTHING"
        scope = [*names_of(table), *names_of(table, table.name), *names_of(table, "excluded")]
        assignments = self._assignments(table, scope, self._plain_columns(table) or table.written)
        where = f" WHERE {self._expressions.condition(scope, 1)}" if draw.chance(30) else ""
        return f"DO UPDATE SET {assignments}{where}"

    # --------------------------------------------------------------------------- UPDATE, DELETE

    def _plain_columns(self, table: Table) -> list[Column]:
        """Those that are in no key and no UNIQUE: rows that change them never meet."""
        taken = set(table.key_names)
        taken |= {name for names in table.uniques for name in names}
        text = " ".join(f"{terms} {where}" for terms, where in table.unique_terms)
        free = [c for c in table.written if c.name not in taken and not c.unique]
        used = " ".join(c.generated or "" for c in table.columns)
        return [c for c in free if f"{c.name}" not in f"{text} {used}"]

    def _assignments(self, table: Table, scope: Sequence[Name], columns: Sequence[Column]) -> str:
        draw = self._draw
        chosen = draw.some(columns, most=2)
        if len(chosen) == 2 and draw.chance(25):
            values = ", ".join(self._new(table, column, scope) for column in chosen)
            return f"({chosen[0].name}, {chosen[1].name}) = ({values})"
        return ", ".join(f"{c.name} = {self._new(table, c, scope)}" for c in chosen)

    def _new(self, table: Table, column: Column, scope: Sequence[Name]) -> str:
        draw = self._draw
        if draw.chance(40):
            return self._constant(table, column)
        if table.strict:
            alike = [n for n in scope if n.affinity == column.affinity]
            return draw.pick(alike).sql if alike else self._constant(table, column)
        return self._expressions.value(scope, 1)

    def _update(self, table: Table) -> Step:
        """UPDATE of columns in which rows do not meet, of any number of rows."""
        draw = self._draw
        columns = self._plain_columns(table)
        if not columns:
            return self._move(table)
        scope = names_of(table)
        # Of rows that break NOT NULL or CHECK, one that is taken earlier may stay changed.
        wish = draw.pick(["", "", "", " OR IGNORE", " OR ABORT", " OR ROLLBACK", " OR REPLACE"])
        sql = (
            f"UPDATE{wish} {table.name} SET {self._assignments(table, scope, columns)}"
            f" WHERE {self._expressions.condition(scope, 1)}{self._returning(table)}"
        )
        return self._step(table, sql)

    def _move(self, table: Table) -> Step:
        """UPDATE of any columns of one row, or a shift of all keys beyond each other."""
        draw = self._draw
        scope = names_of(table)
        if table.alias and draw.chance(30):
            shift = draw.pick(["+ 1000", "- 500", "* -1000 - 3"])
            key = table.rowid
            where = f"typeof({key}) = 'integer' AND {key} BETWEEN -99 AND 99"
            sql = f"UPDATE {table.name} SET {key} = {key} {shift} WHERE {where}"
            return self._step(table, sql)
        wish = draw.pick(_WISHES)
        sql = (
            f"UPDATE{wish} {table.name} SET {self._assignments(table, scope, table.written)}"
            f" WHERE {self._one_row(table)}{self._returning(table)}"
        )
        return self._step(table, sql)

    def _from(self, table: Table) -> Step:
        """UPDATE ... FROM, where each row meets one of the others at most."""
        draw = self._draw
        columns = self._plain_columns(table)
        source = draw.pick(self._tables)
        names = names_of(source, "g")
        key, value = draw.pick(names), draw.pick(names)
        mine = names_of(table, "m")
        if not columns or table.strict:
            return self._update(table)
        key_text = f"CAST({key.sql} AS TEXT) COLLATE BINARY"
        grouped = (
            f"SELECT {key_text} AS k, count(*) AS n, max(quote({value.sql})) AS v"
            f" FROM {source.name} AS g WHERE typeof({key.sql}) <> 'blob' GROUP BY {key_text}"
        )
        assigned = draw.pick(columns).name
        sql = (
            f"UPDATE {table.name} AS m SET {assigned} = {draw.pick(['f.n', 'f.v', 'f.k'])}"
            f" FROM ({grouped}) AS f"
            f" WHERE CAST({draw.pick(mine).sql} AS TEXT) COLLATE BINARY = f.k"
        )
        return self._step(table, sql)

    def _delete(self, table: Table) -> Step:
        draw = self._draw
        scope = names_of(table)
        where = f" WHERE {self._expressions.condition(scope, 1)}" if draw.chance(95) else ""
        return self._step(table, f"DELETE FROM {table.name}{where}{self._returning(table)}")
