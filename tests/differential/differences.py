"""The differences that are accepted, each with its reason. docs/sql.md lists them for users.

Kept out of what is generated:

    rowids of tables with another PRIMARY KEY   such a table has none here: its key is its key
    NULL in a PRIMARY KEY                       refused here, as the SQL standard has it
    foreign keys, triggers, AUTOINCREMENT       refused here
    the order of rows where no ORDER BY says it, the one of equal values that DISTINCT, GROUP BY,
    UNION, min() and max() give, and which rows LIMIT gives without an order: SQLite leaves these
    open for its own tables, too
"""

from __future__ import annotations

from tests.differential.programs import Step
from tests.differential.sides import Outcome

_CONFLICTS = (" OR IGNORE", " OR FAIL", " OR ROLLBACK")


def accepted(step: Step, ours: Outcome, theirs: Outcome) -> bool:
    """Whether the two errors may differ."""
    return _type_error(step, ours, theirs)


def _type_error(step: Step, ours: Outcome, theirs: Outcome) -> bool:
    """A value of a wrong type for a STRICT table, in a statement with OR IGNORE and its kind.

    SQLite would take a constraint error of a virtual table for one that these are about, which a
    wrong type is not. So it has another code.
    """
    wrong = theirs.error == "SQLITE_CONSTRAINT_DATATYPE"
    return (
        wrong and ours.error == "SQLITE_MISMATCH" and any(word in step.sql for word in _CONFLICTS)
    )
