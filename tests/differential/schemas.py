"""Random tables, and the statements that define them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.differential.draw import Draw

TYPES = {
    "INTEGER": "INTEGER", "INT": "INTEGER", "BIGINT": "INTEGER", "TEXT": "TEXT",
    "VARCHAR(10)": "TEXT", "CLOB": "TEXT", "REAL": "REAL", "DOUBLE": "REAL", "BLOB": "BLOB",
    "": "BLOB", "NUMERIC": "NUMERIC", "DECIMAL(10,2)": "NUMERIC", "DATE": "NUMERIC",
    "BOOLEAN": "NUMERIC", "FLOATING POINT": "INTEGER",
}  # fmt: skip
"""Declared types with the affinity that they mean."""
STRICT_TYPES = {
    "INTEGER": "INTEGER", "INT": "INTEGER", "TEXT": "TEXT", "REAL": "REAL", "BLOB": "BLOB",
    "ANY": "BLOB",
}  # fmt: skip
COLLATIONS = ["BINARY", "NOCASE", "RTRIM"]


@dataclass
class Column:
    """``default`` and ``generated`` are SQL; a generated column is ``stored`` or not."""

    name: str
    declared: str
    affinity: str
    collation: str = "BINARY"
    not_null: bool = False
    default: str | None = None
    generated: str | None = None
    stored: bool = False
    check: str | None = None
    unique: bool = False

    @property
    def has_ties(self) -> bool:
        """Whether two values that differ may be equal: 'a' and 'A', or 1 and 1.0."""
        return self.collation != "BINARY" or self.affinity == "BLOB" or self.generated is not None

    def sql(self) -> str:
        parts = [self.name, self.declared]
        if self.collation != "BINARY":
            parts.append(f"COLLATE {self.collation}")
        if self.not_null:
            parts.append("NOT NULL")
        if self.unique:
            parts.append("UNIQUE")
        if self.default is not None:
            parts.append(f"DEFAULT {self.default}")
        if self.check is not None:
            parts.append(f"CHECK ({self.check})")
        if self.generated is not None:
            kind = "STORED" if self.stored else "VIRTUAL"
            parts.append(f"GENERATED ALWAYS AS ({self.generated}) {kind}")
        return " ".join(part for part in parts if part)


@dataclass
class Table:
    """``key``: its columns and whether each is descending. ``rowid``: a name of its rowid, if that
    can be asked for in both; ``alias``: whether that is a column, its INTEGER PRIMARY KEY."""

    name: str
    columns: list[Column]
    key: list[tuple[str, bool]] = field(default_factory=list)
    rowid: str | None = None
    alias: bool = False
    without_rowid: bool = False
    strict: bool = False
    uniques: list[list[str]] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    unique_terms: list[tuple[str, str | None]] = field(default_factory=list)
    """The terms of unique indexes, as written, and their conditions."""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def written(self) -> list[Column]:
        """The columns that an INSERT may name."""
        return [column for column in self.columns if column.generated is None]

    @property
    def key_names(self) -> list[str]:
        return [name for name, _ in self.key]

    def targets(self) -> list[tuple[str, str | None]]:
        """What an ON CONFLICT clause may be about: terms, and the condition of a partial index.

        Not a UNIQUE of several columns with the rowid among them, which SQLite does not find; and
        nothing that several indexes have, of which SQLite takes one.
        """
        found: list[tuple[str, str | None]] = []
        if self.key:
            found.append((", ".join(self.key_names), None))
        found += [(", ".join(n), None) for n in self.uniques if self.rowid not in n]
        found += [(column.name, None) for column in self.columns if column.unique]
        found += self.unique_terms
        sets = [frozenset(terms.split(", ")) for terms, _ in found]
        return [target for target, names in zip(found, sets, strict=True) if sets.count(names) == 1]

    def sql(self) -> str:
        parts = []
        for column in self.columns:
            text = column.sql()
            if self.alias and column.name == self.rowid:
                text += " PRIMARY KEY"
            parts.append(text)
        if self.key and not self.alias:
            terms = ", ".join(name + (" DESC" if down else "") for name, down in self.key)
            parts.append(f"PRIMARY KEY ({terms})")
        parts += [f"UNIQUE ({', '.join(names)})" for names in self.uniques]
        parts += [f"CHECK ({check})" for check in self.checks]
        options = (["STRICT"] if self.strict else []) + (
            ["WITHOUT ROWID"] if self.without_rowid else []
        )
        return f"CREATE TABLE {self.name} ({', '.join(parts)}) {', '.join(options)}".rstrip()


def draw_table(draw: Draw, name: str) -> Table:
    """A table of two to six columns, with any kind of key."""
    strict = draw.chance(25)
    names = ["a", "b", "c", "d", "e", "f"][: draw.number(2, 6)]
    columns = [_draw_column(draw, column, strict) for column in names]
    table = Table(name, columns, strict=strict)
    kind = draw.pick(["alias", "alias", "none", "single", "composite", "composite"])
    if kind == "alias":
        alias = columns[0] if draw.chance(80) else draw.pick(columns)
        columns[columns.index(alias)] = Column(alias.name, "INTEGER", "INTEGER")
        table.key, table.rowid, table.alias = [(alias.name, False)], alias.name, True
    elif kind == "none":
        table.rowid = draw.pick(["rowid", "rowid", "_rowid_", "oid"])
    else:
        most = 1 if kind == "single" else 3
        key = draw.some(columns, least=min(most, 2), most=most)
        table.key = [(column.name, draw.chance(30)) for column in key]
        table.without_rowid = draw.chance(50)
        if len(key) == 1 and strict and key[0].affinity == "INTEGER":
            key[0].declared, key[0].affinity = "TEXT", "TEXT"
        for column in key:
            column.not_null = True
        if len(key) == 1 and key[0].declared == "INTEGER" and not table.without_rowid:
            key[0].declared = "INT"
    _add_rules(draw, table)
    return table


def _draw_column(draw: Draw, name: str, strict: bool) -> Column:
    types = STRICT_TYPES if strict else TYPES
    usual = ["INTEGER", "TEXT", *types]
    declared = draw.pick(usual)
    column = Column(name, declared, types[declared])
    if draw.chance(30 if column.affinity == "TEXT" else 8):
        column.collation = draw.pick(COLLATIONS)
    column.not_null = draw.chance(10)
    return column


def _add_rules(draw: Draw, table: Table) -> None:
    """DEFAULT, UNIQUE, CHECK and generated columns, on what is not in the key."""
    free = [column for column in table.columns if column.name not in table.key_names]
    for column in free:
        if draw.chance(20) or (column.not_null and draw.chance(50)):
            column.default = _draw_default(draw, table, column)
        column.unique = draw.chance(8)
        if draw.chance(8):
            column.check = draw_check(draw, column)
    if len(free) > 1 and draw.chance(25):
        _generate(draw, table, draw.pick(free[1:]))
    if draw.chance(20):
        table.uniques.append([c.name for c in draw.some(table.columns, least=1, most=2)])
    if draw.chance(10):
        table.checks.append(draw_check(draw, draw.pick(table.columns)))


def _draw_default(draw: Draw, table: Table, column: Column) -> str:
    if table.strict:
        return {
            "INTEGER": "7", "TEXT": "'dflt'", "REAL": "1.5", "BLOB": "x'61'",
        }[column.affinity]  # fmt: skip
    choice = draw.number(0, 5)
    if choice == 0:
        return draw.pick(["(1 + 2)", "(upper('q'))", "('x' || 1)", "(NULL)", "(abs(-3))"])
    if choice == 1:
        return draw.pick(["NULL", "-1", "+2", "TRUE", "1.0", "'1'", "''", "x'00'", "'2.50'"])
    return draw.constant(column.affinity, text=True)


def draw_check(draw: Draw, column: Column) -> str:
    name = column.name
    return draw.pick(
        [
            f"{name} <> 5",
            f"length({name}) < 12",
            f"{name} IS NULL OR {name} <> 'abc'",
            f"typeof({name}) <> 'null' OR 1",
            f"{name} NOT LIKE 'x%'",
            f"{name} BETWEEN -100 AND 'zz'",
        ]
    )


def _generate(draw: Draw, table: Table, column: Column) -> None:
    others = [c.name for c in table.columns if c is not column]
    one, two = draw.pick(others), draw.pick(others)
    formulas = {
        "INTEGER": [f"length({one})", f"{one} IS {two}", f"instr({one}, 'a')"],
        "TEXT": [f"typeof({one})", f"upper({one})", f"'g' || {one}"],
        "REAL": [f"length({one}) + 0.25", f"({one} IS NULL) + 0.5"],
        "NUMERIC": [f"{one} + 1", f"length({one}) / 2.0", f"{one}"],
        "BLOB": [f"{one}", f"coalesce({one}, {two})", f"{one} || ''", f"CAST({one} AS BLOB)"],
    }
    if table.strict and column.affinity == "BLOB" and column.declared == "BLOB":
        formulas["BLOB"] = [f"CAST({one} AS BLOB)"]
    column.generated = draw.pick(formulas[column.affinity])
    column.stored = draw.chance(50)
    column.default = column.check = None
    column.not_null = column.not_null and draw.chance(30)
