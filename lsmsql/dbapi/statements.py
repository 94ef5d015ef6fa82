"""What a text of SQL is, found out once for each text.

SQLite prepares the statement for that, and says how many parameters it takes and which columns it
gives. So whatever is wrong with it shows before anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import apsw
import apsw.ext

from lsmsql.shell.statements import Action, Head, choose, in_temp, is_blank, read_head

Description = tuple[str, str | None, None, None, None, None, None]
"""A column of a result as PEP 249 has it: its name and declared type are known."""

_CHANGING: Final = frozenset({"INSERT", "REPLACE", "UPDATE", "DELETE"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    ``plain``: it gives rows and does nothing else. ``changing``: it inserts, updates or deletes
    rows. ``defining``: afterwards other statements may have other columns. ``size``: how many
    parameters it takes; ``names`` has the name of each, or None. ``description`` is None if it
    gives no rows. ``head`` is set if there is more to do than to run it.
    """

    sql: str
    plain: bool
    changing: bool
    inserting: bool
    defining: bool
    size: int
    names: tuple[str | None, ...]
    description: tuple[Description, ...] | None
    head: Head | None
    action: Action


def read_statement(connection: apsw.Connection, text: str) -> tuple[Statement, str]:
    """The first statement of ``text``, and the text behind it, empty if it has no other.

    Raises what SQLite says of a wrong one, and UsageError and SchemaError for what would be lost.
    """
    details = apsw.ext.query_info(connection, text)
    sql, rest = details.first_query, details.query_remaining or ""
    head = read_head(sql) if details.has_vdbe else Head()
    action = Action.RUN if details.is_explain else choose(head)
    changing = head.verb in _CHANGING or (head.verb == "WITH" and not details.is_readonly)
    special = action is not Action.RUN or head.verb == "ROLLBACK"
    defining = special or not (changing or details.is_readonly or head.verb == "BEGIN")
    statement = Statement(
        sql=in_temp(sql, head) if action is Action.ATTACH else sql,
        plain=bool(details.description) and not (changing or defining),
        changing=changing,
        inserting=changing and head.verb in ("INSERT", "REPLACE", "WITH"),
        defining=defining,
        size=details.bindings_count,
        names=tuple(details.bindings_names),
        description=tuple(_describe(*column) for column in details.description) or None,
        head=head if special else None,
        action=action,
    )
    return statement, "" if is_blank(rest) else rest


def _describe(name: str, kind: str | None) -> Description:
    return name, kind, None, None, None, None, None


def plain_description(description: tuple[Description, ...]) -> tuple[Description, ...]:
    """The columns without the types that stand in brackets behind their names: 'day [date]'."""
    return tuple(_describe(name.partition(" [")[0], kind) for name, kind, *_ in description)


def named_type(name: str) -> str | None:
    """The type in brackets at the end of the name of a column."""
    before, bracket, kind = name.rpartition("[")
    return kind[:-1] if bracket and before and kind.endswith("]") else None
