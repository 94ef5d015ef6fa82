"""What recovery and reading do not check, or do not tidy up."""

from __future__ import annotations

from lsmsql.engine import recovery
from lsmsql.engine.replay import Replay
from lsmsql.engine.sstable import block
from lsmsql.engine.sstable import format as sstable
from lsmsql.engine.wal import damage
from lsmsql.engine.wal import format as wal
from lsmsql.engine.wal.writer import LogWriter
from tests.mutations.checks import DamagedFiles, MissingFiles, PowerCuts, Tests
from tests.mutations.mutation import Mutation
from tests.mutations.symptoms import FEWER

DAMAGE = (
    Mutation(
        "blocks-unchecked",
        "The checksums of blocks are not looked at.",
        block.parse_block,
        "_CHECKSUM.unpack_from(data, len(body))[0] != checksum(body, offset)",
        "False",
        DamagedFiles("compaction, none", 30),
        "wrong row",
    ),
    Mutation(
        "sections-unchecked",
        "The checksums of bloom filters and properties are not looked at.",
        sstable.unseal,
        """len(data) < _CHECKSUM.size or _CHECKSUM.unpack(data[-_CHECKSUM.size :])[0] != checksum(
        payload, offset
    )""",
        "len(data) < _CHECKSUM.size",
        DamagedFiles("compaction, none", 45, ".sst"),
        "wrong row of",
    ),
    Mutation(
        "frames-unchecked",
        "The checksums of frames are not looked at.",
        wal.sound_frames,
        "stored[0] != computed[index] or ends[index] > len(data)",
        "ends[index] > len(data)",
        DamagedFiles("flush, lz4", 60),
        "wrong (tables|rows?)",
    ),
    Mutation(
        "damage-taken-for-a-torn-tail",
        "A bad place in the newest log ends the reading, even if later frames prove damage.",
        damage.was_durable,
        "return _search(data, bad, number, bad + 1) is not None",
        "return False",
        DamagedFiles("flush, lz4", 60, ".log"),
        "wrong",
    ),
    Mutation(
        "lost-edits-unnoticed",
        "Recovery does not see from the files that the manifest has lost its end.",
        recovery.recover,
        "check_strays(core, logs, others)",
        "pass",
        Tests(
            (
                "tests/engine/test_recovery.py"
                "::test_a_manifest_that_was_cut_does_not_take_the_files_with_it",
            )
        ),
        "DID NOT RAISE.*CorruptionError",
    ),
    Mutation(
        "missing-files-unnoticed",
        "Recovery does not check that all files which the manifest names are there.",
        recovery.recover,
        "_check_files(core, {*logs, *others})",
        "pass",
        MissingFiles("compaction, none"),
        "wrong (row of|rows in) kv",
    ),
    Mutation(
        "gaps-unnoticed",
        "Recovery does not notice that commits are missing between others.",
        Replay._add,
        "sequence > before + 1",
        "False",
        Tests(
            (
                "tests/engine/test_recovery.py::test_a_log_whose_end_is_lost_is_no_gap_between_commits",
            )
        ),
        "DID NOT RAISE.*CorruptionError",
    ),
    Mutation(
        "torn-tail-kept",
        "The torn tail of a log is not cut off before the log goes on.",
        LogWriter.resume,
        "fs.truncate(path, offset, min(synced, offset))",
        "pass",
        PowerCuts("puts", lives=6),
        f"{FEWER}|no sound frame",
    ),
    Mutation(
        "lost-pages-believed",
        "What a failed sync has kept from the disk is not written again by the next opening.",
        LogWriter.resume,
        "fs.truncate(path, offset, min(synced, offset))",
        "fs.truncate(path, offset)",
        Tests(
            (
                "tests/crash/test_power_cuts.py"
                "::test_what_a_failed_sync_kept_from_the_disk_is_written_again[leveled]",
            )
        ),
        "no sound frame|is missing|not a log|no prefix",
    ),
)
