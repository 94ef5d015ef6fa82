"""The differences that are accepted, each with its reason. docs/sql.md lists them for users.

Kept out of what is generated:

    rowids of tables with another PRIMARY KEY   such a table has none here: its key is its key
    NULL in a PRIMARY KEY                       refused here, as the SQL standard has it
    foreign keys, triggers, ON CONFLICT of constraints, generated columns in ADD COLUMN
                                                refused here
    the rowid among what UNION and its kind     SQLite does not take it for a column, so that the
    give                                        collation of the next SELECT counts
    excluded.x beside values of other types     SQLite gives it no affinity
    excluded.x of other types than x has, in    SQLite has converted it, or not: that depends on
    tables with an INTEGER PRIMARY KEY          constraints and indexes
    columns that are keys IN a subquery         SQLite compares values of another affinity with a
                                                virtual table as they are
    subqueries and REAL columns in expressions  RETURNING is computed at another time
    of RETURNING
    OR IGNORE and its kind together with DO UPDATE
                                                here they are for the update, too
    whole numbers in generated REAL columns     SQLite may give an INTEGER
    rowids near the greatest                    both then give out some free number at random
    the order of rows where no ORDER BY says it, the one of equal values that DISTINCT, GROUP BY,
    UNION, min() and max() give, which rows LIMIT gives without an order, which of several rows
    UPDATE ... FROM takes, and in which order an UPDATE takes rows that get in each other's way:
    SQLite leaves these open for its own tables, too

And -0.0 is compared as 0.0, which SQLite makes of it in REAL columns.
"""

from __future__ import annotations

from tests.differential.programs import Step
from tests.differential.sides import Outcome

_WRONG_TYPE = ("SQLITE_CONSTRAINT_DATATYPE", "SQLITE_MISMATCH")


def accepted(step: Step, ours: Outcome, theirs: Outcome) -> bool:
    """Whether a statement may end otherwise, and leave other rows behind: a value of a wrong type
    in a STRICT table.

    SQLite keeps the rows before it in a transaction, unless other constraints make it remember what
    to take back. It finds wrong types after constraints that it has no index for, and before the
    others. And SQLite would take a constraint error of a virtual table for one that OR IGNORE and
    its kind are about, which a wrong type is not: so here it has another code.
    """
    if theirs.error in _WRONG_TYPE:
        return bool(ours.error) and (theirs.in_transaction or ours.error != theirs.error)
    ignores = " OR IGNORE" in step.sql or "DO NOTHING" in step.sql
    return ours.error in _WRONG_TYPE and (bool(theirs.error) or ignores)
