"""From a statement in another dialect to one that SQLite runs: ``translate``.

    text ── parameters get names ── parse ── rules ── the tree for SQLite ─┬─ the text as it was
                                                                          └─ a text written anew

The tree that the rules leave is compared with what the same text says to SQLite. If that is equal,
the text needs no rewrite and is returned as it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lsmsql.dialects.errors import DialectError
from lsmsql.engine.errors import UsageError

SQLITE = "sqlite"
DIALECTS = (SQLITE, "postgres", "mysql", "duckdb")


@dataclass(frozen=True)
class Translation:
    """A statement for SQLite.

    ``names`` are the names of the parameters in the order in which positional values belong to
    them: ``None`` for the N-th that is written ``?`` or ``?N``, and so the same values can be bound
    to ``sql`` that were meant for the original, a sequence as well as a mapping.
    ``rewritten`` tells whether ``sql`` is another text than the one that was given.
    """

    sql: str
    names: tuple[str | None, ...] = ()
    rewritten: bool = False


@lru_cache(maxsize=512)
def translate(sql: str, dialect: str) -> Translation:
    """One statement of a dialect (``postgres``, ``mysql``, ``duckdb``) as a statement for SQLite.

    What SQLite reads with the same meaning comes back as it is, ``sqlite`` always. The result may
    call the functions of ``lsmsql.dialects.functions``; ``register`` them in the connection.

    Raises DialectError, which quotes the construct, for whatever is not known to mean the same in
    SQLite; UsageError for an unknown dialect.
    """
    check_dialect(dialect)
    if dialect == SQLITE:
        return Translation(sql)
    from lsmsql.dialects.rewriting import rewrite  # imports sqlglot: 0.2 seconds, once

    try:
        text, names = rewrite(sql, dialect)
    except RecursionError:
        raise DialectError(dialect, sql.strip(), "too deeply nested") from None
    return Translation(text, names, text != sql)


def check_dialect(dialect: str) -> None:
    """Raises UsageError for an unknown dialect."""
    if dialect not in DIALECTS:
        raise UsageError(f"unknown dialect {dialect!r}; there are {', '.join(DIALECTS)}")
