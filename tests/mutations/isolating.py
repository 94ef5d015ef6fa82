"""What transactions do not remember, and what their validation overlooks."""

from __future__ import annotations

from lsmsql.engine import scan, validation
from lsmsql.engine.database import Database
from lsmsql.engine.readview import ReadView
from lsmsql.engine.transaction import Transaction
from lsmsql.engine.writeset import WriteSet
from tests.mutations.checks import Histories, Tests
from tests.mutations.mutation import Mutation
from tests.mutations.symptoms import CYCLE
from vtab.session import Session

_RACES = "tests/isolation/test_commit_races.py::test_"

ISOLATION = (
    Mutation(
        "keys-unvalidated",
        "Reads by key are not validated.",
        validation.first_conflict,
        "newer.changed(key)",
        "False",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "ranges-unvalidated",
        "Reads of ranges are not validated.",
        validation.first_conflict,
        "newer.changed_in(span)",
        "False",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "flushed-changes-overlooked",
        "Validation looks at memtables only, not at files that were written since.",
        validation._Newer.__init__,
        "[f for _, f in table.version.files() if f.max_sequence > since]",
        "[]",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "deletions-overlooked",
        "Validation does not take a deletion for a change.",
        validation._Newer.changed,
        "version.sequence > since",
        "version.sequence > since and version.row is not None",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "absence-forgotten",
        "It is not remembered that a key was absent.",
        ReadView.find,
        "if self._reads is not None:",
        "table = self._state.tables.get(table_id, NOTHING)\n"
        "if self._reads is not None and find(table, key, self.sequence, self.sequence):",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "range-ends-forgotten",
        "The part of a range behind its last row is not remembered.",
        scan._Reading.read,
        "note(span if left is None else span.without(left, reverse=reverse))",
        "note(Range(piece.keys[0], piece.keys[-1] + b'\\0') if piece.keys else Range(b'', b''))",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "reads-taken-back",
        "Going back to a savepoint forgets what was read.",
        Transaction.leave,
        "self._writes.rollback(savepoint.step)",
        "self._writes.rollback(savepoint.step)\nself._reads = self._view._reads = ReadSet()",
        Histories("python"),
        CYCLE,
    ),
    Mutation(
        "savepoints-ignored",
        "Going back to a savepoint takes nothing back.",
        WriteSet.rollback,
        "self._fresh = {}\n        while len(self._sealed) > step:",
        "while False:",
        Histories("python"),
        "and had set it to|G1a|counted",
    ),
    Mutation(
        "snapshot-moves",
        "A transaction reads what is newest.",
        Transaction.value,
        "return self._view.value(key)",
        "return self._database.value(key)",
        Histories("python"),
        f"{CYCLE}|counted",
    ),
    Mutation(
        "statements-unvalidated",
        "What SQL statements read is not remembered.",
        Session._present,
        "if keep:\n            pin.remember(self.reads)",
        "pass",
        Histories("sql", 8),
        CYCLE,
    ),
    Mutation(
        "validated-too-early",
        "Validation is done before the writers' lock is taken.",
        Database.commit_changes,
        "with core.write_lock:\n"
        "            core.committing = True\n"
        "            try:\n"
        "                sequence = self._commit(changes, reads, since, holder)",
        "if reads is not None and core.sequence > since:\n"
        "    self._validate(changes, reads, since)\n"
        "with core.write_lock:\n"
        "    core.committing = True\n"
        "    try:\n"
        "        sequence = self._commit(changes, None, since, holder)",
        Tests((f"{_RACES}a_commit_that_waits_for_another_one_is_validated_after_it",)),
        "DID NOT RAISE.*ConflictError",
    ),
    Mutation(
        "unsynced-commits-overlooked",
        "Validation overlooks commits that are in the log, and are not synced and seen yet.",
        Database._commit,
        "reads is not None and core.sequence > since",
        "reads is not None and core.snapshots.published > since",
        Tests((f"{_RACES}a_commit_that_is_not_synced_yet_counts",)),
        "DID NOT RAISE.*ConflictError",
    ),
)
