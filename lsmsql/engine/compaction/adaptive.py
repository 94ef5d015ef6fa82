"""Adaptive compaction: leveled or tiered, by what the program has been doing.

A leveled table is cheap to read and dear to write, a tiered one the other way round. Which of the
two costs less depends on how many reads there are for each record written:

    reads per record    below TIERED_BELOW    between          above LEVELED_ABOVE
    style               tiered                as it was        leveled

Between the limits nothing changes, so a load near one of them does not make the table swing to and
fro. A change costs nothing at once, for each strategy understands the tables that the other leaves;
its next jobs bring them into its own shape.
"""

from __future__ import annotations

from dataclasses import dataclass

LEVELED = "leveled"
TIERED = "tiered"
ADAPTIVE = "adaptive"

TIERED_BELOW = 0.1
LEVELED_ABOVE = 0.4
"""An estimate: leveled, a record is written about 5 more times at some 0.4 µs; tiered, a read
looks into about 4 more runs at some 1.4 µs. So the two are even near a third."""

SCAN_WEIGHT = 10
"""A range has to look into every run, where a point read is mostly stopped by a bloom filter."""

ENOUGH = 5_000
"""Reads and records that must have been seen before anything is decided."""


@dataclass(frozen=True)
class Observations:
    """What happened in some span of time. ``blocks_read`` are those that the cache did not have."""

    gets: int = 0
    scans: int = 0
    blocks_read: int = 0
    records_written: int = 0

    def since(self, earlier: Observations) -> Observations:
        """What happened between two totals."""
        return Observations(
            self.gets - earlier.gets,
            self.scans - earlier.scans,
            self.blocks_read - earlier.blocks_read,
            self.records_written - earlier.records_written,
        )

    @property
    def reads(self) -> int:
        """Point reads, and what ranges and missing blocks make of others that cost as much."""
        return self.gets + SCAN_WEIGHT * self.scans + self.blocks_read

    @property
    def enough(self) -> bool:
        """Whether there is enough to decide by."""
        return self.reads + self.records_written >= ENOUGH


def next_style(style: str, seen: Observations) -> str:
    """The style to go on with, after ``seen`` has happened in the present one."""
    if not seen.enough:
        return style
    reads_per_record = seen.reads / max(1, seen.records_written)
    if reads_per_record > LEVELED_ABOVE:
        return LEVELED
    if reads_per_record < TIERED_BELOW:
        return TIERED
    return style
