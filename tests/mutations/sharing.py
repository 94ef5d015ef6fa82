"""What other processes are not told, or not asked."""

from __future__ import annotations

from lsmsql.engine.core import Core
from lsmsql.engine.filesystem.locking import OsLock
from lsmsql.engine.following import Follower
from tests.mutations.checks import Tests
from tests.mutations.mutation import Mutation

PROCESSES = (
    Mutation(
        "announcements-missed",
        "A reader does not look at the announcements again once it has read the log.",
        Follower._catch_up,
        "if self._announced() == announced:",
        "if True:",
        Tests(
            ("tests/engine/test_following.py::test_no_commit_is_seen_without_the_ingest_before_it",)
        ),
        "assert [0-9]+ in ",
    ),
    Mutation(
        "files-not-announced",
        "A writer does not announce to readers that files have changed.",
        Core.install,
        "self._or_fail(self.announce)",
        "pass",
        Tests(
            ("tests/engine/test_following.py::test_no_commit_is_seen_without_the_ingest_before_it",)
        ),
        "assert [0-9]+ in ",
    ),
    Mutation(
        "log-not-announced",
        "A writer does not announce to readers that it has begun another log.",
        Core.rotate,
        "self._or_fail(self.announce)",
        "pass",
        Tests(
            (
                "tests/engine/test_following.py"
                "::test_damage_in_a_log_that_is_complete_is_no_silent_cut",
            )
        ),
        "DID NOT RAISE.*CorruptionError",
    ),
    Mutation(
        "lock-not-taken",
        "A writer does not ask whether another one has the lock.",
        OsLock.take,
        "try_lock(self._fd)",
        "True",
        Tests(
            (
                "tests/engine/test_ownership.py"
                "::test_within_a_process_a_second_opening_is_refused_at_once",
            )
        ),
        "DID NOT RAISE.*BusyError",
    ),
)
