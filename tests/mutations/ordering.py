"""What is done too early, or in two steps instead of one, or thrown away too soon."""

from __future__ import annotations

from lsmsql.engine.compaction import job
from lsmsql.engine.core import Core
from lsmsql.engine.flush import flush_oldest
from lsmsql.engine.history import History
from tests.mutations.checks import PowerCuts, Tests
from tests.mutations.mutation import Mutation
from tests.mutations.symptoms import MISSING_FILE, NO_PREFIX

ORDER = (
    Mutation(
        "inputs-removed-early",
        "The inputs of a compaction are removed before the edit is durable.",
        job.run_job,
        "core.install(\n        Edit(\n            added=tuple(AddedFile(job.level, meta)",
        "for file in job.inputs:\n"
        "    core.filesystem.remove(file.path)\n"
        "core.install(\n        Edit(\n            added=tuple(AddedFile(job.level, meta)",
        PowerCuts("leveled"),
        MISSING_FILE,
    ),
    Mutation(
        "log-removed-early",
        "The log of a flush is removed before the edit is durable.",
        flush_oldest,
        "core.install(edit, full)",
        "from lsmsql.engine.wal.format import log_name\n"
        "for number in full.logs:\n"
        "    core.filesystem.remove(core.file_path(log_name(number)))\n"
        "core.install(edit, full)",
        PowerCuts("puts"),
        MISSING_FILE,
    ),
    Mutation(
        "manifest-removed-early",
        "The old manifest is removed before the new one is in force.",
        Core._rotate_manifest,
        "self.manifest =",
        "self.filesystem.remove(old.path)\n"
        "self.filesystem.remove = lambda path: None\n"
        "self.manifest =",
        PowerCuts("manifest"),
        "names MANIFEST-[0-9]+, which is missing",
    ),
    Mutation(
        "commit-in-two-frames",
        "A commit over several tables is written as a frame for each.",
        Core.commit,
        "payload, count, sizes = encode_changes(changes)",
        "if len(changes) > 1:\n"
        "    return max([self.commit({table: changes[table]}) for table in changes])\n"
        "payload, count, sizes = encode_changes(changes)",
        PowerCuts("batches"),
        NO_PREFIX,
    ),
    Mutation(
        "tombstones-dropped",
        "Every merge drops tombstones, also where older files have the keys.",
        job.rewrite,
        "drop_tombstones=job.drop_tombstones,",
        "drop_tombstones=True,",
        PowerCuts("tiered"),
        f"{NO_PREFIX}|the store does not hold what was written",
    ),
    Mutation(
        "versions-of-readers-dropped",
        "A merge keeps the newest version of a key only, whoever still reads older ones.",
        History.retention,
        "snapshots=snapshots,",
        "snapshots=(),",
        Tests(
            (
                "tests/engine/compaction/test_job.py"
                "::test_versions_that_a_reader_needs_stay_until_it_is_done",
            )
        ),
        "assert 50 == 200",
    ),
    Mutation(
        "closed-store-removes-files",
        "A store that was closed still removes the files that its readers let go of.",
        Core.leave_files,
        "file.keep()",
        "pass",
        Tests(
            (
                "tests/engine/test_ownership.py"
                "::test_a_store_that_was_closed_removes_no_files_of_the_one_that_took_its_place",
            )
        ),
        "assert",
    ),
)
