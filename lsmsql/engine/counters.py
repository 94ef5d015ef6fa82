"""Counts of what the engine did since the store was opened; what ``Store.stats()`` reports.

Plain integers that any thread adds to. An addition that races with another may be lost: these are
for people and tests to look at, and nothing is decided by them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields


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
    cache_hits: int = 0
    columns_decoded: int = 0
    bloom_checks: int = 0
    bloom_negatives: int = 0
    flushes: int = 0
    flushed_bytes: int = 0
    ingested_bytes: int = 0
    compactions: int = 0
    files_moved: int = 0
    compacted_rows: int = 0
    compaction_read_bytes: int = 0
    compaction_written_bytes: int = 0
    stalls: int = 0
    stall_seconds: float = 0.0
    decoded_positions: Counter[int] = field(default_factory=Counter, repr=False)
    """Decoded columns by their position in the block: 0 key, 1 sequence, 2 kind, 3 + slot."""

    def as_dict(self) -> dict[str, int | float]:
        """All totals by name."""
        names = [f.name for f in fields(self) if f.name != "decoded_positions"]
        return {name: getattr(self, name) for name in names}
