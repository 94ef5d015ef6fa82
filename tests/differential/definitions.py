"""Random CREATE, DROP and ALTER, and what becomes of the tables that the program knows of."""

from __future__ import annotations

from dataclasses import replace

from tests.differential.draw import Draw
from tests.differential.expressions import Expressions, names_of
from tests.differential.programs import Step
from tests.differential.schemas import COLLATIONS, TYPES, Column, Table, draw_check, draw_table

_CONDITIONS = ["{0} IS NOT NULL", "{0} > 2", "{0} = 'a'", "typeof({0}) = 'integer'", "{0} < 'b'"]
_TERMS = ["length({0})", "lower({0})", "{0} || 'x'", "round({0})", "{0} + 1", "typeof({0})"]


class Definitions:
    """Makes definitions; ``tables`` are changed along with them."""

    def __init__(self, draw: Draw, tables: list[Table]) -> None:
        self._draw = draw
        self._tables = tables
        self.views: list[Table] = []
        """What queries may take for tables."""

    def table(self) -> Step:
        table = draw_table(self._draw, self._draw.name("t"))
        self._tables.append(table)
        return self._step(table.sql())

    def definition(self) -> Step:
        draw = self._draw
        make = draw.pick(
            [
                self.index,
                self.index,
                self.index,
                self._drop_index,
                self._add_column,
                self._drop_column,
                self._rename_column,
                self._rename,
                self._drop,
                self._view,
                self._drop_view,
                self._as_select,
                self._reindex,
                self._wrong,
            ]
        )
        return make(draw.pick(self._tables))

    def _step(self, sql: str) -> Step:
        return Step(sql, self._draw.taken(sql))

    def _drop(self, table: Table) -> Step:
        """DROP TABLE, mostly to create it anew."""
        draw = self._draw
        if len(self._tables) < 4 and draw.chance(60):
            return self.table()
        if len(self._tables) < 3:
            return self.index(table)
        self._tables.remove(table)
        return self._step(f"DROP TABLE {table.name}")

    # --------------------------------------------------------------------------- indexes

    def index(self, table: Table) -> Step:
        draw = self._draw
        name = draw.name("i")
        terms, plain = [], []
        for column in draw.some(table.columns, most=3):
            term = draw.pick(_TERMS).format(column.name) if draw.chance(15) else column.name
            plain.append(term)
            if draw.chance(10):
                term += f" COLLATE {draw.pick(COLLATIONS)}"
            terms.append(term + draw.pick(["", "", " DESC", " ASC"]))
        where = None
        if draw.chance(20):
            where = draw.pick(_CONDITIONS).format(draw.pick(table.names))
        unique = draw.chance(25)
        if unique and not any(table.alias and term == table.rowid for term in plain):
            table.unique_terms.append((", ".join(plain), where))
        table.indexes.append(name)
        condition = "" if where is None else f" WHERE {where}"
        word = "UNIQUE INDEX" if unique else "INDEX"
        return self._step(f"CREATE {word} {name} ON {table.name}({', '.join(terms)}){condition}")

    def _drop_index(self, table: Table) -> Step:
        if not table.indexes:
            return self.index(table)
        name = self._draw.pick(table.indexes)
        table.indexes.remove(name)
        return self._step(f"DROP INDEX {self._draw.pick(['', 'IF EXISTS '])}{name}")

    def _reindex(self, table: Table) -> Step:
        names = ["", table.name, *table.indexes]
        return self._step(f"{self._draw.pick(['REINDEX', 'ANALYZE'])} {self._draw.pick(names)}")

    # --------------------------------------------------------------------------- ALTER

    def _add_column(self, table: Table) -> Step:
        draw = self._draw
        if len(table.columns) > 7 or table.strict:
            return self._rename_column(table)
        declared = draw.pick(list(TYPES))
        column = Column(draw.name("n"), declared, TYPES[declared])
        if draw.chance(50):
            column.default = draw.constant(column.affinity, text=True)
            column.not_null = column.default != "NULL" and draw.chance(30)
        if draw.chance(15):
            column.collation = draw.pick(COLLATIONS)
        if draw.chance(10):
            column.check = draw_check(draw, column)
        # A CHECK may refuse what there is: then later statements find no such column, in both.
        table.columns.append(column)
        return self._step(f"ALTER TABLE {table.name} ADD COLUMN {column.sql()}")

    def _drop_column(self, table: Table) -> Step:
        draw = self._draw
        used = " ".join(
            [*table.key_names, table.rowid or "", *(n for names in table.uniques for n in names)]
            + [c.generated or "" for c in table.columns]
            + [c.check or "" for c in table.columns]
            + [*table.checks, *(f"{t} {w}" for t, w in table.unique_terms)]
        )
        free = [c for c in table.columns if c.name not in used and not c.unique]
        if not free or len(table.columns) < 3 or table.indexes:
            return self._add_column(table)
        column = draw.pick(free)
        table.columns.remove(column)
        return self._step(f"ALTER TABLE {table.name} DROP COLUMN {column.name}")

    def _rename_column(self, table: Table) -> Step:
        draw = self._draw
        column = draw.pick(table.columns)
        simple = not (table.checks or table.unique_terms or table.uniques) and all(
            c.generated is None and c.check is None for c in table.columns
        )
        if not simple:
            return self.index(table)
        old, new = column.name, draw.name("r")
        column.name = new
        table.key = [(new if name == old else name, down) for name, down in table.key]
        if table.rowid == old:
            table.rowid = new
        return self._step(f"ALTER TABLE {table.name} RENAME COLUMN {old} TO {new}")

    def _rename(self, table: Table) -> Step:
        old, table.name = table.name, self._draw.name("t")
        return self._step(f"ALTER TABLE {old} RENAME TO {table.name}")

    # --------------------------------------------------------------------------- the rest

    def _view(self, table: Table) -> Step:
        draw = self._draw
        where = Expressions(draw).condition(names_of(table), 1)
        draw.variables.clear()
        columns = [replace(column, generated="") for column in table.columns]
        view = Table(draw.name("w"), columns)
        self.views.append(view)
        sql = f"CREATE VIEW {view.name} AS SELECT {', '.join(table.names)} FROM {table.name}"
        return self._step(sql if ":" in where else f"{sql} WHERE {where}")

    def _drop_view(self, table: Table) -> Step:
        if not self.views:
            return self._view(table)
        view = self._draw.pick(self.views)
        self.views.remove(view)
        return self._step(f"DROP VIEW {view.name}")

    def _as_select(self, table: Table) -> Step:
        draw = self._draw
        name = draw.name("t")
        columns = [c for c in table.columns if c.generated is None]
        if len(self._tables) > 3 or not columns:
            return self._reindex(table)
        made = [Column(c.name, "", c.affinity) for c in columns]
        self._tables.append(Table(name, made))
        names = ", ".join(c.name for c in columns)
        return self._step(f"CREATE TABLE {name} AS SELECT {names} FROM {table.name}")

    def _wrong(self, table: Table) -> Step:
        """What is refused, and changes nothing."""
        draw = self._draw
        return self._step(
            draw.pick(
                [
                    f"CREATE TABLE {table.name} (a)",
                    f"CREATE TABLE IF NOT EXISTS {table.name} (a)",
                    f"CREATE INDEX {draw.name('i')} ON {table.name}(nothing)",
                    f"ALTER TABLE {table.name} DROP COLUMN {table.names[0]}_",
                    f"ALTER TABLE {table.name} ADD COLUMN {table.names[0]} TEXT",
                    "DROP INDEX nothing",
                    "DROP TABLE IF EXISTS nothing",
                    "DROP TABLE nothing",
                    f"INSERT INTO {table.name}(nothing) VALUES (1)",
                    f"UPDATE {table.name} SET nothing = 1",
                    f"SELECT nothing FROM {table.name}",
                    f"INSERT INTO {table.name} VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
                    f"INSERT INTO {table.name} SELECT 1 WHERE",
                    f"DELETE FROM {table.name} WHERE max(1)",
                ]
            )
        )
