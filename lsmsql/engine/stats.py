"""What a store holds and has done, as one value."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from lsmsql.engine.core import Core
from lsmsql.engine.counters import Counters, Stalls


@dataclass(frozen=True)
class LevelStats:
    """One level of a table. ``rows`` counts records, tombstones and old versions among them."""

    level: int
    files: int
    bytes: int
    rows: int


@dataclass(frozen=True)
class TableStats:
    """One table: its levels that hold files, and what waits in memory."""

    name: str
    levels: tuple[LevelStats, ...]
    memtable_rows: int
    memtable_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes in files."""
        return sum(level.bytes for level in self.levels)

    @property
    def files(self) -> int:
        """Number of files."""
        return sum(level.files for level in self.levels)


@dataclass(frozen=True)
class Stats:
    """Sizes in bytes. ``counters`` are totals since the store was opened."""

    tables: tuple[TableStats, ...]
    sequence: int
    log_bytes: int
    cache_bytes: int
    cached_blocks: int
    memory_budget: int
    waiting_flushes: int
    counters: dict[str, int | float]
    compaction_style: str = ""
    """The style of compaction at the moment, "leveled" or "tiered"; none if open for reading."""
    oldest_sequence: int = 0
    """The oldest commit that may be asked for, if ``history`` is kept; else the newest."""
    stalls: tuple[Stalls, ...] = ()
    """Why writers were held back, by cause; none if they never were."""

    def __getitem__(self, counter: str) -> int | float:
        """A counter by name, such as "blocks_read"."""
        return self.counters[counter]

    @property
    def write_amplification(self) -> float:
        """Bytes written by flush and compaction for each byte flushed or ingested; 0: nothing."""
        new = self.counters["flushed_bytes"] + self.counters["ingested_bytes"]
        return (new + self.counters["compaction_written_bytes"]) / new if new else 0.0

    def table(self, name: str) -> TableStats:
        """The figures of one table. Raises KeyError."""
        for table in self.tables:
            if table.name.lower() == name.lower():
                return table
        raise KeyError(name)

    def as_dict(self) -> dict[str, object]:
        """All of it as plain dicts and lists."""
        return asdict(self)


def collect_stats(core: Core) -> Stats:
    """The figures of an open store at this moment."""
    core.count_commits()
    tables = []
    for schema in sorted(core.catalog.by_id.values(), key=lambda s: s.name.lower()):
        state = core.state.table(schema.id)
        levels = []
        for number, level in enumerate(state.version.levels):
            if level.files:
                rows = sum(file.meta.rows for file in level.files)
                levels.append(LevelStats(number, len(level.files), level.size, rows))
        tables.append(
            TableStats(
                schema.name,
                tuple(levels),
                sum(map(len, state.memtables)),
                sum(memtable.nbytes for memtable in state.memtables),
            )
        )
    counters: Counters = core.counters
    return Stats(
        tables=tuple(tables),
        sequence=core.snapshots.published,
        log_bytes=0 if core.log is None else core.log.size,
        cache_bytes=core.cache.nbytes,
        cached_blocks=len(core.cache),
        memory_budget=core.options.memory_budget,
        waiting_flushes=len(core.immutable),
        counters=counters.as_dict(),
        compaction_style=counters.compaction_style,
        oldest_sequence=core.history.oldest,
        stalls=tuple(stalls for _, stalls in sorted(counters.stalls_by_cause.items())),
    )
