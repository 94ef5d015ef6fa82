"""Statements that are told by their first words and need no tree: transactions and settings."""

from __future__ import annotations

import re

from lsmsql.dialects.errors import DialectError

_NAME = r"""(?:\w+|"(?:[^"]|"")+")"""
_SAME = re.compile(
    rf"(?:BEGIN|COMMIT|END|ROLLBACK)(?:\s+TRANSACTION)?|SAVEPOINT\s+{_NAME}"
    rf"|RELEASE(?:\s+SAVEPOINT)?\s+{_NAME}|ROLLBACK(?:\s+TRANSACTION)?\s+TO(?:\s+SAVEPOINT)?\s+{_NAME}"
    r"|BEGIN\s+(?:DEFERRED|IMMEDIATE|EXCLUSIVE)(?:\s+TRANSACTION)?|PRAGMA\b.*"
    rf"|ANALYZE(?:\s+{_NAME})?|VACUUM",
    re.IGNORECASE | re.DOTALL,
)
_REWRITTEN = (
    (re.compile(r"START\s+TRANSACTION(\s+ISOLATION\s+LEVEL\s+SERIALIZABLE)?", re.I), "BEGIN"),
    (re.compile(r"BEGIN\s+WORK", re.I), "BEGIN"),
    (re.compile(r"BEGIN(\s+TRANSACTION)?\s+ISOLATION\s+LEVEL\s+SERIALIZABLE", re.I), "BEGIN"),
    (re.compile(r"COMMIT\s+WORK", re.I), "COMMIT"),
    (re.compile(r"(ROLLBACK\s+WORK|ABORT)", re.I), "ROLLBACK"),
)
_VERBS = ("BEGIN", "START", "SAVEPOINT", "RELEASE", "COMMIT", "ROLLBACK", "END", "ABORT", "PRAGMA")


def control_statement(sql: str, dialect: str) -> str | None:
    """The statement for SQLite if it is one of these; ``None`` for all others.

    Raises DialectError for a transaction that SQLite cannot make.
    """
    statement = sql.strip().removesuffix(";").rstrip()
    if _SAME.fullmatch(statement):
        return sql
    for pattern, new in _REWRITTEN:
        if pattern.fullmatch(statement):
            return new
    if statement.partition(" ")[0].upper() in _VERBS:
        raise DialectError(dialect, statement, "not known; transactions here are serializable")
    return None
