"""What is done wrong when the disk fails."""

from __future__ import annotations

from lsmsql.engine import store
from lsmsql.engine.core import Core
from lsmsql.engine.filesystem.files import OsAppendFile
from lsmsql.engine.wal.writer import LogWriter
from tests.mutations.checks import Faults, Tests
from tests.mutations.mutation import Mutation

FAULTS = (
    Mutation(
        "sync-tried-again",
        "A sync that failed is tried again, and believed.",
        LogWriter.sync,
        "self._fail(error)\n            raise",
        "self._file.sync()",
        Tests(
            (
                "tests/faults/test_faults.py"
                "::test_a_sync_that_failed_is_not_tried_again_and_stops_all_writes[False]",
            )
        ),
        "DID NOT RAISE.*StorageError",
    ),
    Mutation(
        "failure-forgotten",
        "After a write that failed the store takes more of them.",
        Core.fail,
        "self.writable = False",
        "self.failure = None",
        Faults("EIO"),
        "assert rows in self.possible",
    ),
    Mutation(
        "files-left-open",
        "What was opened stays open if a store cannot be opened.",
        store.open_store,
        "stack.callback(lock.release)\n            _close_files(core, stack)",
        "stack.callback(lock.release)",
        Faults("EIO"),
        "MANIFEST-[0-9]+",
    ),
    Mutation(
        "short-writes-believed",
        "What the system wrote in part is taken for written.",
        OsAppendFile.write,
        "written < len(data)",
        "False",
        Tests(
            (
                "tests/faults/test_faults.py"
                "::test_writes_that_the_system_does_in_part_are_done_in_full",
            )
        ),
        "assert",
    ),
)
