"""CREATE TABLE, taken apart into what no PRAGMA tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from vtab.sql.indexes import Term, read_terms
from vtab.sql.reader import Reader, Slice, UnreadableError
from vtab.sql.tokens import NAMES, Kind, capitals, unquoted

_ACTIONS = ("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")
_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
"""Words that begin a constraint of the table; no column is called so without quotes."""
_STANDARD_TYPES = ("ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT")
"""These SQLite keeps in capitals, others as they are written."""
_GENERATED_ALWAYS = re.compile(r"\s*generated\s*always\Z", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that rows must meet, and the name of the constraint."""

    name: str | None
    expression: Slice


@dataclass(frozen=True, slots=True)
class Generated:
    """What computes a column, and whether the result is stored with the row."""

    expression: Slice
    stored: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """``ON CONFLICT action`` of one constraint: NOT NULL, NULL, PRIMARY KEY or UNIQUE."""

    constraint: str
    action: str


@dataclass(frozen=True, slots=True)
class ColumnPieces:
    """What the definition of a column is made of.

    ``type`` is the declared one as SQLite keeps it, "" without one. ``default`` is what follows
    DEFAULT, ``references`` a foreign key from REFERENCES on, ``text`` the whole definition.
    """

    name: str
    type: str
    checks: tuple[Check, ...]
    generated: Generated | None
    collation: str | None
    default: Slice | None
    conflicts: tuple[Conflict, ...]
    autoincrement: bool
    references: Slice | None
    text: Slice


@dataclass(frozen=True, slots=True)
class TableConstraint:
    """A constraint that stands by itself: PRIMARY KEY, UNIQUE, CHECK or FOREIGN KEY.

    ``inside`` is what is in its first parentheses: of a CHECK the condition, else a list, which
    ``terms`` are for PRIMARY KEY and UNIQUE. ``text`` is all of it but the name; ``conflict`` the
    word after ON CONFLICT.
    """

    kind: str
    name: str | None
    inside: Slice
    terms: tuple[Term, ...]
    conflict: str | None
    autoincrement: bool
    text: Slice


@dataclass(frozen=True, slots=True)
class TablePieces:
    """What a CREATE TABLE is made of: columns and constraints, or the text of its ``select``."""

    columns: tuple[ColumnPieces, ...] = ()
    constraints: tuple[TableConstraint, ...] = ()
    strict: bool = False
    without_rowid: bool = False
    select: Slice | None = None

    @property
    def autoincrement(self) -> bool:
        """Whether AUTOINCREMENT stands anywhere."""
        columns = any(column.autoincrement for column in self.columns)
        return columns or any(constraint.autoincrement for constraint in self.constraints)


def table_pieces(sql: str) -> TablePieces | None:
    """The pieces of a CREATE TABLE statement; None if it is none."""
    try:
        return _read_table(Reader(sql))
    except UnreadableError:
        return None


def column_pieces(text: str) -> ColumnPieces | None:
    """The pieces of one column's definition, as in ALTER TABLE ADD COLUMN; None if it is none."""
    try:
        reader = Reader(text)
        pieces = _read_column(reader)
        return pieces if reader.ended else None
    except UnreadableError:
        return None


def _read_table(reader: Reader) -> TablePieces:
    reader.expect("CREATE")
    if not reader.accept("TEMP"):
        reader.accept("TEMPORARY")
    reader.expect("TABLE")
    reader.accept("IF", "NOT", "EXISTS")
    reader.qualified()
    if reader.accept("AS"):
        return TablePieces(select=reader.rest())
    inside = reader.parentheses()
    columns = [_read_column(inside)]
    while inside.accept(",") and inside.peek() not in _CONSTRAINTS:
        columns.append(_read_column(inside))
    constraints = _read_constraints(inside)
    options = [] if reader.ended else [" ".join(_words(item)) for item in reader.items()]
    if not {"STRICT", "WITHOUT ROWID"}.issuperset(options):
        raise UnreadableError("an unknown option of the table")
    strict, without_rowid = "STRICT" in options, "WITHOUT ROWID" in options
    return TablePieces(tuple(columns), tuple(constraints), strict, without_rowid)


def _words(item: Reader) -> list[str]:
    return item.words[item.at : item.last]


# ------------------------------------------------------------------------------- columns


@dataclass
class _Draft:
    """A column whose definition is being read."""

    constraint_name: str | None = None
    checks: list[Check] = field(default_factory=list)
    generated: Generated | None = None
    collation: str | None = None
    default: Slice | None = None
    conflicts: list[Conflict] = field(default_factory=list)
    autoincrement: bool = False
    references: Slice | None = None


def _read_column(reader: Reader) -> ColumnPieces:
    first = reader.at
    name = reader.name()
    declared = _read_type(reader)
    draft = _Draft()
    while not reader.ended and reader.peek() != ",":
        clause = _CLAUSES.get(reader.peek())
        if clause is None:
            raise UnreadableError(f"a constraint expected, not {reader.peek()}")
        clause(draft, reader)
    return ColumnPieces(
        name,
        declared,
        tuple(draft.checks),
        draft.generated,
        draft.collation,
        draft.default,
        tuple(draft.conflicts),
        draft.autoincrement,
        draft.references,
        reader.slice(first, reader.at),
    )


def _read_type(reader: Reader) -> str:
    """The words up to the first constraint, and a size in parentheses.

    GENERATED ALWAYS is no constraint to SQLite's grammar here but the end of the type, of whose
    text it is then cut off. If the type begins with quotes, what is in them is all that counts.
    """
    first = reader.at
    while (
        not reader.ended
        and reader.tokens[reader.at].kind in NAMES
        and (reader.peek() not in _CLAUSES or reader.follows("GENERATED"))
    ):
        reader.at += 1
    if reader.at == first:
        return ""
    if reader.peek() == "(":
        reader.parentheses()
    text = reader.slice(first, reader.at).text
    text = _GENERATED_ALWAYS.sub("", text)
    start = reader.tokens[first].text
    name = text if text != start else unquoted(text)
    if capitals(name) in _STANDARD_TYPES:
        return capitals(name)
    return text if reader.tokens[first].kind is Kind.WORD else unquoted(start)


def _name(draft: _Draft, reader: Reader) -> None:
    """The name counts for all constraints of the column up to the next name."""
    reader.expect("CONSTRAINT")
    draft.constraint_name = reader.name()


def _default(draft: _Draft, reader: Reader) -> None:
    reader.expect("DEFAULT")
    first = reader.at
    if reader.peek() == "(":
        reader.parentheses()
    else:
        if reader.peek() in ("+", "-"):
            reader.token()
        if reader.token().kind is Kind.OPERATOR:
            raise UnreadableError("DEFAULT has no value")
    draft.default = reader.slice(first, reader.at)


def _null(draft: _Draft, reader: Reader) -> None:
    if reader.follows("NOT", "DEFERRABLE"):
        _skip_deferrable(reader)
        return
    constraint = "NOT NULL" if reader.accept("NOT") else "NULL"
    reader.expect("NULL")
    _conflict(draft, reader, constraint)


def _primary_key(draft: _Draft, reader: Reader) -> None:
    reader.expect("PRIMARY", "KEY")
    if not reader.accept("ASC"):
        reader.accept("DESC")
    _conflict(draft, reader, "PRIMARY KEY")
    draft.autoincrement |= reader.accept("AUTOINCREMENT")


def _unique(draft: _Draft, reader: Reader) -> None:
    reader.expect("UNIQUE")
    _conflict(draft, reader, "UNIQUE")


def _conflict(draft: _Draft, reader: Reader, constraint: str) -> None:
    action = _read_conflict(reader)
    if action is not None:
        draft.conflicts.append(Conflict(constraint, action))


def _check(draft: _Draft, reader: Reader) -> None:
    reader.expect("CHECK")
    draft.checks.append(Check(draft.constraint_name, reader.parentheses().rest()))


def _collate(draft: _Draft, reader: Reader) -> None:
    reader.expect("COLLATE")
    draft.collation = reader.name()


def _generated(draft: _Draft, reader: Reader) -> None:
    reader.accept("GENERATED", "ALWAYS")
    reader.expect("AS")
    expression = reader.parentheses().rest()
    stored = reader.accept("STORED")
    if not stored:
        reader.accept("VIRTUAL")
    draft.generated = Generated(expression, stored)


def _references(draft: _Draft, reader: Reader) -> None:
    first = reader.at
    _skip_references(reader)
    draft.references = reader.slice(first, reader.at)


def _deferrable(draft: _Draft, reader: Reader) -> None:
    _skip_deferrable(reader)


_CLAUSES: dict[str, Callable[[_Draft, Reader], None]] = {
    "CONSTRAINT": _name, "DEFAULT": _default, "NOT": _null, "NULL": _null, "PRIMARY": _primary_key,
    "UNIQUE": _unique, "CHECK": _check, "COLLATE": _collate, "GENERATED": _generated,
    "AS": _generated, "REFERENCES": _references, "DEFERRABLE": _deferrable,
}  # fmt: skip
"""What reads a constraint of a column, by its first word."""


# ------------------------------------------------------------------------------- both


def _read_conflict(reader: Reader) -> str | None:
    return reader.choose(*_ACTIONS) if reader.accept("ON", "CONFLICT") else None


def _skip_references(reader: Reader) -> None:
    reader.expect("REFERENCES")
    reader.name()
    if reader.peek() == "(":
        reader.parentheses()
    while reader.follows("ON") or reader.follows("MATCH"):
        if reader.accept("MATCH"):
            reader.name()
            continue
        reader.expect("ON")
        reader.choose("INSERT", "DELETE", "UPDATE")
        if reader.choose("SET", "NO", "CASCADE", "RESTRICT") in ("SET", "NO"):
            reader.choose("NULL", "DEFAULT", "ACTION")
    if reader.follows("DEFERRABLE") or reader.follows("NOT", "DEFERRABLE"):
        _skip_deferrable(reader)


def _skip_deferrable(reader: Reader) -> None:
    reader.accept("NOT")
    reader.expect("DEFERRABLE")
    if reader.accept("INITIALLY"):
        reader.choose("DEFERRED", "IMMEDIATE")


# ------------------------------------------------------------------------------- constraints


def _read_constraints(reader: Reader) -> list[TableConstraint]:
    """The constraints up to the end. A name counts up to the next comma, which may be missing."""
    constraints: list[TableConstraint] = []
    name = None
    while not reader.ended:
        if reader.accept(","):
            name = None
        if reader.accept("CONSTRAINT"):
            name = reader.name()
        else:
            constraints.append(_read_constraint(reader, name))
    return constraints


def _read_constraint(reader: Reader, name: str | None) -> TableConstraint:
    first = reader.at
    kind = reader.choose("PRIMARY", "UNIQUE", "CHECK", "FOREIGN")
    if kind in ("PRIMARY", "FOREIGN"):
        reader.expect("KEY")
        kind += " KEY"
    inside = reader.parentheses()
    autoincrement = kind == "PRIMARY KEY" and inside.words[inside.last - 1] == "AUTOINCREMENT"
    inside.last -= autoincrement
    text = inside.slice(inside.at, inside.last)
    terms = read_terms(inside) if kind in ("PRIMARY KEY", "UNIQUE") else ()
    if kind == "FOREIGN KEY":
        _skip_references(reader)
    conflict = None if kind == "FOREIGN KEY" else _read_conflict(reader)
    whole = reader.slice(first, reader.at)
    return TableConstraint(kind, name, text, terms, conflict, autoincrement, whole)
