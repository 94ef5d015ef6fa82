"""What a statement of SQL's data definition language is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from vtab.sql.reader import Reader, Slice, UnreadableError
from vtab.sql.tokens import first_word

_VERBS = ("CREATE", "DROP", "ALTER", "REINDEX", "ANALYZE")
Result = TypeVar("Result")

_KINDS = ("TABLE", "INDEX", "VIEW", "TRIGGER")


@dataclass(frozen=True, slots=True)
class Alteration:
    """What ALTER TABLE does.

    ======================= ================= ===========================================
    ``kind``                ``column``        else
    ======================= ================= ===========================================
    RENAME TABLE                              ``new_name``
    RENAME COLUMN           its old name      ``new_name``
    ADD COLUMN              its name          ``text``: the definition, as in CREATE TABLE
    DROP COLUMN             its name
    OTHER                                     ``text``: all that follows the table's name
    ======================= ================= ===========================================
    """

    kind: str
    column: str | None = None
    new_name: str | None = None
    text: Slice | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """The head of a CREATE, DROP, ALTER, REINDEX or ANALYZE.

    ``kind`` is TABLE, INDEX, VIEW, TRIGGER or VIRTUAL TABLE, and "" for REINDEX and ANALYZE, which
    do not say it. ``conditional`` is IF EXISTS or IF NOT EXISTS. ``place`` is ``schema.name`` as
    written, ``written`` the name alone; these, and ``name``, are None for REINDEX and ANALYZE of
    everything. ``table`` is the one that an index or a trigger is created for. ``rest`` is what
    follows the name, and None if nothing does.
    """

    verb: str
    kind: str = ""
    temporary: bool = False
    unique: bool = False
    conditional: bool = False
    schema: str | None = None
    name: str | None = None
    place: Slice | None = None
    written: Slice | None = None
    table: str | None = None
    rest: Slice | None = None
    alteration: Alteration | None = None

    def in_schema(self, sql: str, schema: str) -> str:
        """The statement, which is ``sql``, with ``schema`` before the name, or in place of another.

        Without a name it stays as it is.
        """
        if self.place is None or self.written is None:
            return sql
        return f"{sql[: self.place.start]}{schema}.{self.written.text}{sql[self.place.end :]}"


@lru_cache(maxsize=4096)
def read_statement(sql: str) -> Definition | None:
    """The head of the statement; None if it is another one, or cannot be read."""
    verb = first_word(sql)
    if verb not in _VERBS:
        return None
    try:
        reader = Reader(sql)
        reader.expect(verb)
        if verb == "CREATE":
            return _read_create(reader)
        if verb == "DROP":
            return _read_drop(reader)
        if verb == "ALTER":
            return _read_alter(reader)
        return _read_all_or_one(verb, reader)
    except UnreadableError:
        return None


def _read_create(reader: Reader) -> Definition:
    temporary = reader.accept("TEMP") or reader.accept("TEMPORARY")
    unique = reader.accept("UNIQUE")
    kind = reader.choose("VIRTUAL", *_KINDS)
    if kind == "VIRTUAL":
        reader.expect("TABLE")
        kind = "VIRTUAL TABLE"
    conditional = reader.accept("IF", "NOT", "EXISTS")
    head = _named(Definition("CREATE", kind, temporary, unique, conditional), reader)
    if kind not in ("INDEX", "TRIGGER"):
        return head
    if kind == "TRIGGER" and head.rest:
        reader.at = reader.find(reader.at, ("ON",))
        start = head.rest.start  # the statement goes on after the semicolons in it
        head = replace(head, rest=Slice(reader.sql[start:], start))
    reader.expect("ON")
    _, table, _ = reader.qualified()
    return replace(head, table=table)


def _read_drop(reader: Reader) -> Definition:
    kind = reader.choose(*_KINDS)
    conditional = reader.accept("IF", "EXISTS")
    return _ended(_named(Definition("DROP", kind, conditional=conditional), reader), reader)


def _read_all_or_one(verb: str, reader: Reader) -> Definition:
    return Definition(verb) if reader.ended else _ended(_named(Definition(verb), reader), reader)


def _named(start: Definition, reader: Reader) -> Definition:
    """The definition with the name that comes next, and what follows; the place is between."""
    schema, name, place = reader.qualified()
    written = reader.slice(reader.at - 1, reader.at)
    rest = None if reader.ended else reader.slice(reader.at, reader.last)
    return replace(start, schema=schema, name=name, place=place, written=written, rest=rest)


def _read_alter(reader: Reader) -> Definition:
    reader.expect("TABLE")
    head = _named(Definition("ALTER", "TABLE"), reader)
    return replace(head, alteration=_read_alteration(reader))


def _read_alteration(reader: Reader) -> Alteration:
    text = reader.slice(reader.at, reader.last)
    if reader.accept("RENAME", "TO"):
        return Alteration("RENAME TABLE", new_name=_last_name(reader))
    if reader.accept("RENAME"):
        reader.accept("COLUMN")
        column = reader.name()
        reader.expect("TO")
        return Alteration("RENAME COLUMN", column, _last_name(reader))
    if reader.peek(1) in ("CONSTRAINT", "CHECK") or reader.peek() not in ("ADD", "DROP"):
        return Alteration("OTHER", text=text)
    if reader.accept("DROP"):
        reader.accept("COLUMN")
        return Alteration("DROP COLUMN", _last_name(reader))
    reader.expect("ADD")
    reader.accept("COLUMN")
    definition = reader.slice(reader.at, reader.last)
    return Alteration("ADD COLUMN", reader.name(), text=definition)


def _last_name(reader: Reader) -> str:
    return _ended(reader.name(), reader)


def _ended(result: Result, reader: Reader) -> Result:
    """The result. Raises UnreadableError if anything follows."""
    if not reader.ended:
        raise UnreadableError(f"the end expected, not {reader.peek()}")
    return result
