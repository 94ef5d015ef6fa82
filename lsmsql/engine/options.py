"""Every setting of a store and its default, in one place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from datetime import timedelta

from lsmsql.engine.errors import UsageError

MIB = 1 << 20

SYNC_MODES = ("full", "normal", "off")
CODECS = ("lz4", "zstd", "none")
STRATEGIES = ("leveled", "tiered", "adaptive")

_TIME = re.compile(r"([1-9][0-9]{0,9})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Options:
    """Settings of an open store. Sizes are in bytes. All may differ from one opening to the next.

    Raises UsageError, naming the setting, for a value that makes no sense.
    """

    sync: str = "full"
    """"full": a commit is on the disk when it returns; those of several threads share a sync.
    "normal": it is in the hands of the operating system, and on the disk after ``sync_interval``.
    "off": the operating system decides, except that commits are on the disk before another log
    begins and before files are ingested."""
    sync_interval: float = 1.0
    """Seconds between two syncs of the log in mode "normal"."""
    busy_timeout: float = 5.0
    """Seconds to wait for another process that has the store open for writing."""
    memory_budget: int = 256 * MIB
    """Bounds memtables, row cache and block cache together: blocks have what the others leave."""
    memtable_bytes: int = 0
    """A memtable of this size is flushed; 0: a quarter of the budget, at most 64 MiB."""
    block_bytes: int = 64 * 1024
    """A data block is cut at about this size before compression."""
    block_rows: int = 1024
    """A data block is cut at this number of rows."""
    bottom_block_factor: int = 2
    """Blocks of the deepest level are larger by this factor."""
    codec: str = "lz4"
    """Compression of new files: "lz4", "zstd" or "none"."""
    bottom_codec: str = "zstd"
    """Compression of new files of the deepest level."""
    bloom_bits: int = 10
    """Bits of the bloom filter per key."""
    table_bytes: int = 16 * MIB
    """Target size of an SSTable."""
    compaction: str = "leveled"
    """"leveled": few sorted runs, cheap to read. "tiered": few merges, cheap to write.
    "adaptive": now the one, now the other, by what the program does."""
    level0_files: int = 4
    """Leveled: level 0 is compacted when it has this many runs, that is flushed memtables."""
    level0_slow: int = 12
    """From this many runs in level 0 on, writers are slowed down."""
    level0_stop: int = 24
    """At this many runs in level 0, writers have all but come to a halt."""
    level1_bytes: int = 64 * MIB
    """Leveled: the most that the first level below level 0 is meant to hold."""
    level_factor: int = 10
    """Leveled: each level is this many times larger than the one above."""
    tiered_runs: int = 8
    """Tiered: with more sorted runs than this, some are merged."""
    tiered_space: int = 100
    """Tiered: when the newer runs have this many percent of the oldest, all are merged."""
    compaction_bytes: int = 256 * MIB
    """Leveled: one job takes no more of level 0 than this, if ``level0_files`` runs are less.
    Tiered: a merge of more is done in parts of a quarter of this, and other merges in between."""
    debt_slow: int = 4096 * MIB
    """From this many bytes above the targets of their levels on, writers are slowed down."""
    debt_stop: int = 16384 * MIB
    """At this many, writers have all but come to a halt."""
    background: bool = True
    """Flush and compact in threads. False: in the call that makes it necessary."""
    compaction_process: bool = True
    """Do the work of large flushes and compactions in processes beside this one, which do not slow
    down its Python code; they are started when first needed. Only with ``background``."""
    history: int | str | None = None
    """How much of the past may be asked for: the last so many commits, those of a time such as
    "90s", "15m", "1h" or "7d" (or a timedelta), or None: only what open readers look at."""

    def __post_init__(self) -> None:
        _choose("sync", self.sync, SYNC_MODES)
        _choose("codec", self.codec, CODECS)
        _choose("bottom_codec", self.bottom_codec, CODECS)
        _choose("compaction", self.compaction, STRATEGIES)
        for f in fields(self):
            value = getattr(self, f.name)
            if f.type == "int" and (type(value) is not int or value < 0):
                raise UsageError(f"option {f.name} is a number of at least 0, not {value!r}")
        for name in ("block_bytes", "block_rows", "bottom_block_factor", "table_bytes"):
            _positive(name, getattr(self, name))
        for name in ("level0_files", "level1_bytes", "memory_budget", "bloom_bits"):
            _positive(name, getattr(self, name))
        if self.level_factor < 2:
            raise UsageError(f"option level_factor is at least 2, not {self.level_factor}")
        if not self.level0_files <= self.level0_slow <= self.level0_stop:
            raise UsageError("options level0_files, level0_slow and level0_stop must not decrease")
        _positive("tiered_runs", self.tiered_runs)
        if self.debt_slow > self.debt_stop:
            raise UsageError("option debt_stop is no less than debt_slow")
        if not isinstance(self.busy_timeout, int | float) or not self.busy_timeout >= 0:
            given = repr(self.busy_timeout)
            raise UsageError(f"option busy_timeout is a time in seconds, not {given}")
        if not isinstance(self.sync_interval, int | float) or not self.sync_interval > 0:
            given = repr(self.sync_interval)
            raise UsageError(f"option sync_interval is a time in seconds, not {given}")
        object.__setattr__(self, "history", _plain_history(self.history))

    @property
    def history_commits(self) -> int | None:
        """How many commits back one may ask; None if that depends on something else."""
        return self.history if isinstance(self.history, int) else None

    @property
    def history_seconds(self) -> int | None:
        """How many seconds back one may ask; None if that depends on something else."""
        time = _TIME.fullmatch(self.history) if isinstance(self.history, str) else None
        return None if time is None else int(time[1]) * _UNITS[time[2]]

    @property
    def flush_bytes(self) -> int:
        """Size at which a memtable is flushed."""
        return self.memtable_bytes or max(1, min(64 * MIB, self.memory_budget // 4))

    @property
    def recent_bytes(self) -> int:
        """What the row cache may take of the budget."""
        return self.memory_budget // 4

    @property
    def least_cache_bytes(self) -> int:
        """What the block cache always has of the budget."""
        return self.memory_budget // 4

    def cache_bytes(self, taken: int) -> int:
        """What memtables and row cache, which take ``taken``, leave of the budget for blocks.

        There are three memtables at most: one takes writes, and up to two wait for their flush.
        """
        return max(self.memory_budget - taken, self.least_cache_bytes)


def _choose(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"option {name} is one of {', '.join(allowed)}, not {value!r}")


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"option {name} is at least 1, not {value!r}")


def _plain_history(history: object) -> int | str | None:
    """The option as it is kept, and sent to other processes: a timedelta becomes a text."""
    plain = history
    if isinstance(history, timedelta):
        plain = f"{math.ceil(history.total_seconds())}s"
    if plain is None or (type(plain) is int and plain > 0):
        return plain
    if isinstance(plain, str) and _TIME.fullmatch(plain):
        return plain
    raise UsageError(
        "option history is None, a number of commits such as 1000, or a time such as"
        f' "90s", "15m", "1h" or "7d", not {history!r}'
    )


def make_options(**settings: object) -> Options:
    """Options from keyword arguments. Raises UsageError naming an unknown one."""
    known = {f.name for f in fields(Options)}
    for name in settings:
        if name not in known:
            raise UsageError(f"unknown option {name!r}; the options are {', '.join(sorted(known))}")
    return Options(**settings)  # type: ignore[arg-type]
