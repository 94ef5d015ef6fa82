"""Counts of what the engine did since the store was opened; what ``Store.stats()`` reports.

Plain integers that any thread adds to. An addition that races with another may be lost: these are
for people and tests to look at, and nothing is decided by them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class Stalls:
    """How often and how long commits were held back because of ``cause``.

    "flush": full memtables waited; "level0": it had too many runs; "compaction": levels were too
    far above their targets. ``last`` is the time of the last one, in seconds since 1970.
    """

    cause: str
    count: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    last: float = 0.0

    def plus(self, seconds: float, now: float) -> Stalls:
        """With one more, of ``seconds``, that has just ended."""
        longest = max(self.longest, seconds)
        return Stalls(self.cause, self.count + 1, self.seconds + seconds, longest, now)


@dataclass
class Counters:
    """Totals since the store was opened. Sizes are in bytes, times in seconds."""

    commits: int = 0
    log_bytes: int = 0
    log_syncs: int = 0
    gets: int = 0
    scans: int = 0
    blocks_read: int = 0
    block_bytes_read: int = 0
    blocks_skipped: int = 0
    cache_hits: int = 0
    recent_hits: int = 0
    columns_decoded: int = 0
    bloom_checks: int = 0
    bloom_negatives: int = 0
    flushes: int = 0
    flushed_bytes: int = 0
    flushed_records: int = 0
    damaged_logs: int = 0
    ingested_bytes: int = 0
    compactions: int = 0
    files_moved: int = 0
    compacted_rows: int = 0
    compaction_read_bytes: int = 0
    compaction_written_bytes: int = 0
    worker_jobs: int = 0
    worker_failures: int = 0
    stalls: int = 0
    stall_seconds: float = 0.0
    decoded_positions: Counter[int] = field(default_factory=Counter, repr=False)
    """Decoded columns by their position in the block: 0 key, 1 sequence, 2 kind, 3 + slot."""

    compaction_style: str = ""
    """"leveled" or "tiered"; a store that reads only has none."""
    stalls_by_cause: dict[str, Stalls] = field(default_factory=dict, repr=False)

    def skip_blocks(self, count: int) -> None:
        """A scan has left out blocks: their zone maps say that no row in them is wanted."""
        self.blocks_skipped += count

    def stalled(self, cause: str, seconds: float, now: float) -> None:
        """A commit was held back for ``seconds``."""
        self.stalls += 1
        self.stall_seconds += seconds
        self.stalls_by_cause[cause] = self.stalls_by_cause.get(cause, Stalls(cause)).plus(
            seconds, now
        )

    def as_dict(self) -> dict[str, int | float]:
        """All totals by name."""
        totals = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: total for name, total in totals.items() if isinstance(total, int | float)}
