"""INSERT, REPLACE, UPDATE and DELETE, and the clauses that SQLite refuses on virtual tables.

Those are UPSERT and RETURNING. ``Change.main`` is the statement without them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vtab.sql.indexes import Term, read_terms
from vtab.sql.reader import Reader, Slice, UnreadableError
from vtab.sql.tokens import first_word

_VERBS = ("INSERT", "REPLACE", "UPDATE", "DELETE")
_CONFLICTS = ("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")
_SOURCES = ("VALUES", "SELECT", "SET", "WHERE")
_CLAUSES = re.compile("CONFLICT|RETURNING", re.IGNORECASE)
_RETURNING = ("RETURNING",)
_ON_CONFLICT = (("ON", "CONFLICT", "("), ("ON", "CONFLICT", "DO"))
_DO = (("DO", "NOTHING"), ("DO", "UPDATE", "SET"))


@dataclass(frozen=True, slots=True)
class Assignment:
    """``column = expression``, or ``(column, ...) = (expression, ...)`` or ``= (SELECT ...)``."""

    columns: tuple[str, ...]
    expression: Slice


@dataclass(frozen=True, slots=True)
class UpsertClause:
    """``ON CONFLICT (target) WHERE target_where DO UPDATE SET assignments WHERE where``.

    ``target`` is the text in the parentheses and ``terms`` what it lists, None if the clause is for
    any conflict. ``assignments`` is None for DO NOTHING.
    """

    target: Slice | None
    terms: tuple[Term, ...] | None
    target_where: Slice | None
    assignments: tuple[Assignment, ...] | None
    where: Slice | None


@dataclass(frozen=True, slots=True)
class Change:
    """One statement that changes rows of ``schema.table``.

    ``verb`` is INSERT, REPLACE, UPDATE or DELETE; ``conflict`` the word after OR, and REPLACE for
    the verb of that name. ``columns`` are those that an INSERT names, None without a list.
    ``main`` begins where the statement does, a WITH included, and ends before the first UPSERT or
    RETURNING; without these it is the whole text. ``returning`` is what follows that word.
    ``target_end`` is where the name of the table ends, or its alias. ``joined``: it is an UPDATE
    with a FROM.
    """

    verb: str
    conflict: str | None
    schema: str | None
    table: str
    alias: str | None
    columns: tuple[str, ...] | None
    default_values: bool
    upsert: tuple[UpsertClause, ...]
    returning: Slice | None
    main: Slice
    target_end: int
    joined: bool = False


def read_change(sql: str) -> Change | None:
    """The pieces of the statement; None if it is another one, or cannot be read."""
    first = first_word(sql)
    if first not in (*_VERBS, "WITH"):
        return None
    # The source of an INSERT may be long: it is gone through only if there may be something behind.
    whole = first in ("UPDATE", "WITH") or _CLAUSES.search(sql)
    up_to = () if whole else _SOURCES
    try:
        return _read(Reader(sql, up_to))
    except UnreadableError:
        return None


def _read(reader: Reader) -> Change:
    _skip_with(reader)
    verb = reader.choose(*_VERBS)
    conflict = "REPLACE" if verb == "REPLACE" else None
    if verb in ("INSERT", "UPDATE") and reader.accept("OR"):
        conflict = reader.choose(*_CONFLICTS)
    if verb != "UPDATE":
        reader.expect("FROM" if verb == "DELETE" else "INTO")
    schema, table, _ = reader.qualified()
    alias = reader.name() if reader.accept("AS") else None
    target_end = reader.tokens[reader.at - 1].end
    inserts = verb in ("INSERT", "REPLACE")
    columns = _read_names(reader.parentheses()) if inserts and reader.peek() == "(" else None
    default_values = reader.follows("DEFAULT", "VALUES")
    first = reader.at
    reader.at = _find_clauses(reader, upserts=inserts)
    from_at = reader.find(first, ("FROM",), depth=0) if verb == "UPDATE" else reader.last
    joined = from_at < reader.at
    main = _read_main(reader)
    upsert = tuple(_read_upserts(reader))
    returning = reader.rest() if reader.accept(*_RETURNING) else None
    if not reader.ended:
        raise UnreadableError(f"RETURNING or the end expected, not {reader.peek()}")
    return Change(
        verb, conflict, schema, table, alias, columns, default_values, upsert, returning, main,
        target_end, joined,
    )  # fmt: skip


def _skip_with(reader: Reader) -> None:
    if not reader.accept("WITH"):
        return
    if reader.peek(1) not in ("AS", "("):  # else it is a table of that name
        reader.accept("RECURSIVE")
    more = True
    while more:
        reader.name()
        if reader.peek() == "(":
            reader.parentheses()
        reader.expect("AS")
        reader.accept("NOT")
        reader.accept("MATERIALIZED")
        reader.parentheses()
        more = reader.accept(",")


def _read_names(inside: Reader) -> tuple[str, ...]:
    return tuple(_only_name(item) for item in inside.items())


def _only_name(item: Reader) -> str:
    name = item.name()
    if not item.ended:
        raise UnreadableError(f"a comma expected, not {item.peek()}")
    return name


def _find_clauses(reader: Reader, upserts: bool) -> int:
    """Where the first UPSERT or RETURNING is.

    ``JOIN t ON conflict(x)`` looks like an UPSERT, but no DO follows.
    """
    at = reader.find(reader.at, _RETURNING, *_ON_CONFLICT, depth=0)
    while reader.stands(at, ("ON",)):
        after = reader.find(at + 1, *_DO, *_ON_CONFLICT, _RETURNING, depth=0)
        if upserts and reader.stands(after, ("DO",)):
            break
        at = reader.find(at + 1, _RETURNING, *_ON_CONFLICT, depth=0)
    return at


def _read_main(reader: Reader) -> Slice:
    """The text up to here. Without UPSERT and RETURNING it is all of it, as SQLite may know it."""
    if reader.ended:
        return Slice(reader.sql, 0)
    return Slice(reader.sql[: reader.tokens[reader.at - 1].end], 0)


# ------------------------------------------------------------------------------- UPSERT


def _read_upserts(reader: Reader) -> list[UpsertClause]:
    clauses = []
    while reader.accept("ON", "CONFLICT"):
        clauses.append(_read_upsert(reader))
    return clauses


def _read_upsert(reader: Reader) -> UpsertClause:
    target = terms = target_where = assignments = where = None
    if reader.peek() == "(":
        inside = reader.parentheses()
        target, terms = inside.slice(inside.at, inside.last), read_terms(inside)
        if reader.accept("WHERE"):
            target_where = reader.until(*_DO).rest()
    if reader.accept("DO", "UPDATE", "SET"):
        changes = reader.until(("WHERE",), *_ON_CONFLICT, _RETURNING)
        assignments = tuple(_read_assignment(item) for item in changes.items())
        if reader.accept("WHERE"):
            where = reader.until(*_ON_CONFLICT, _RETURNING).rest()
    else:
        reader.expect("DO", "NOTHING")
    return UpsertClause(target, terms, target_where, assignments, where)


def _read_assignment(item: Reader) -> Assignment:
    columns = _read_names(item.parentheses()) if item.peek() == "(" else (item.name(),)
    item.expect("=")
    return Assignment(columns, item.rest())
