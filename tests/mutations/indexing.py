"""Indexes that are not kept up, and what they no longer forbid."""

from __future__ import annotations

from lsmsql.engine.building import _Builder
from lsmsql.engine.catalog import Catalog
from lsmsql.engine.database import Database
from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.upkeep import Upkeep
from tests.mutations.checks import Agreement
from tests.mutations.mutation import Mutation
from vtab.writer import Writer

_STALE = "entry .* is not that of a row"
_MISSING = "row .* is missing"

INDEXES = (
    Mutation(
        "entries-left-by-sql",
        "A row that SQL changes or deletes leaves its old entries in the indexes.",
        Writer._put_entries,
        "put(entries, there.terms, there.key, None)",
        "pass",
        Agreement(),
        _STALE,
    ),
    Mutation(
        "entries-left-by-python",
        "A row that is replaced or deleted without SQL leaves its old entries in the indexes.",
        Upkeep.change,
        "changes.append((entries.schema.id, before, None))",
        "pass",
        Agreement(),
        f"{_STALE}|UNIQUE constraint failed",
    ),
    Mutation(
        "indexes-forgotten",
        "A single row is written past the indexes of its table.",
        Database.write_one,
        "raise IndexedError",
        "pass",
        Agreement(),
        f"{_STALE}|{_MISSING}",
    ),
    Mutation(
        "duplicates-allowed",
        "Nobody looks whether another row has the same UNIQUE values.",
        IndexEntries.equals,
        "not self.definition.unique or None in terms.values",
        "True",
        Agreement(),
        "two rows with the same UNIQUE value",
    ),
    Mutation(
        "nulls-equal",
        "NULL is equal to NULL in a UNIQUE index.",
        IndexEntries.equals,
        "not self.definition.unique or None in terms.values",
        "not self.definition.unique",
        Agreement(),
        "UNIQUE constraint failed",
    ),
    Mutation(
        "index-unseen",
        "Who began to write to a table before an index was created may commit without it.",
        Catalog._touched,
        "if index.index is None:",
        "if True:",
        Agreement(),
        _MISSING,
    ),
    Mutation(
        "changes-meanwhile-forgotten",
        "An index that is built lacks what is written meanwhile.",
        _Builder.catch_up,
        "changed_keys(core.state.table(table_id), since.sequence)",
        "set()",
        Agreement(),
        _MISSING,
    ),
)
