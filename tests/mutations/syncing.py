"""What is not synced before something else relies on it."""

from __future__ import annotations

from lsmsql.engine import backup, ingest, recovery
from lsmsql.engine.background.executor import Executor
from lsmsql.engine.cleanup import drop_files_of_dropped_tables
from lsmsql.engine.core import Core
from lsmsql.engine.manifest import manifest
from lsmsql.engine.manifest.manifest import Manifest
from lsmsql.engine.sstable.writer import TableWriter
from tests.mutations.checks import PowerCuts, Tests
from tests.mutations.mutation import Mutation
from tests.mutations.symptoms import FEWER, MISSING_FILE, NO_PREFIX

SYNCS = (
    Mutation(
        "log-name-not-synced",
        "When a log is begun its directory is not synced.",
        Core.rotate,
        "self._or_fail(lambda: self.filesystem.sync_directory(self.path))",
        "pass",
        PowerCuts("ddl", most=250),
        FEWER,
    ),
    Mutation(
        "acknowledged-before-sync",
        "A commit is acknowledged, and published, before the log is synced.",
        Core.settle,
        "self._sync_log()",
        "self.snapshots.published = self.sequence",
        PowerCuts("puts"),
        FEWER,
    ),
    Mutation(
        "full-log-not-synced",
        "When a log is full the next one is begun without syncing it.",
        Core.rotate,
        "self.sync_log()",
        "pass",
        PowerCuts("puts", "normal"),
        f"{FEWER}|no sound frame, in a log that is complete",
    ),
    Mutation(
        "manifest-not-synced",
        "The edits of the manifest are not synced.",
        Manifest._append,
        "self._log.sync()",
        "pass",
        PowerCuts("puts"),
        "a manifest without an edit",
    ),
    Mutation(
        "current-not-synced",
        "CURRENT is put in force before its contents are synced.",
        manifest._point_current,
        "file.sync()",
        "pass",
        PowerCuts("creation"),
        "does not name a manifest",
    ),
    Mutation(
        "manifest-name-not-synced",
        "CURRENT is put in force before the name of its manifest is synced.",
        manifest._point_current,
        "file.close()\n    filesystem.sync_directory(directory)",
        "file.close()",
        PowerCuts("creation"),
        "names MANIFEST-[0-9]+, which is missing",
    ),
    Mutation(
        "current-name-not-synced",
        "The old manifest is removed before the new CURRENT's name is synced.",
        manifest._point_current,
        'filesystem.rename(temporary, f"{directory}/{CURRENT}")\n'
        "    filesystem.sync_directory(directory)",
        'filesystem.rename(temporary, f"{directory}/{CURRENT}")',
        PowerCuts("manifest"),
        "names MANIFEST-[0-9]+, which is missing",
    ),
    Mutation(
        "tables-not-synced",
        "SSTables are not synced before the manifest names them.",
        TableWriter.finish,
        "self._file.sync()",
        "pass",
        PowerCuts("leveled"),
        "sst.* no SSTable footer|sst.* are too few for an SSTable",
    ),
    Mutation(
        "table-names-not-synced",
        "SSTables get their true names, which are not synced.",
        Executor._name_files,
        "self._filesystem.sync_directory(job.directory)",
        "pass",
        PowerCuts("leveled"),
        MISSING_FILE,
    ),
    Mutation(
        "store-name-not-synced",
        "The directory of a new store is not synced into its parent.",
        recovery.create_store,
        "core.filesystem.sync_directory(os.path.dirname(core.path))",
        "pass",
        PowerCuts("creation"),
        FEWER,
    ),
    Mutation(
        "names-of-the-killed-not-synced",
        "Recovery trusts names that a killed process has left, and that are not on the disk yet.",
        recovery.recover,
        "core.filesystem.sync_directory(core.path)",
        "pass",
        PowerCuts("creation", lives=6),
        FEWER,
    ),
    Mutation(
        "ingest-before-log",
        "An ingest does not sync the log, which has the commits before it.",
        ingest._install,
        "core.sync_log()",
        "pass",
        PowerCuts("ingest", "off"),
        NO_PREFIX,
    ),
    Mutation(
        "drop-before-log",
        "Files of a dropped table go before the log is synced that says it was dropped.",
        drop_files_of_dropped_tables,
        "core.sync_log()",
        "pass",
        PowerCuts("ddl", "off"),
        NO_PREFIX,
    ),
    Mutation(
        "backup-name-not-synced",
        "The directory of a backup is not synced into its parent.",
        backup._make_directory,
        "filesystem.sync_directory(parent)",
        "pass",
        Tests(
            ("tests/crash/test_backups.py::test_a_backup_that_was_made_is_on_the_disk[/backup]",)
        ),
        "assert",
    ),
)
