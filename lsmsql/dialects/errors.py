"""The error of SQL that cannot be translated."""

from __future__ import annotations

from lsmsql.engine.errors import UsageError


class DialectError(UsageError, ValueError):
    """SQL that has no equivalent in SQLite, or none that is known to mean the same.

    ``dialect`` is the dialect, ``construct`` the part of the statement that is at fault, as text.
    """

    def __init__(self, dialect: str, construct: str, why: str) -> None:
        shown = construct if len(construct) <= 120 else construct[:117] + "..."
        super().__init__(f"{dialect}: {shown}: {why}")
        self.dialect = dialect
        self.construct = construct
