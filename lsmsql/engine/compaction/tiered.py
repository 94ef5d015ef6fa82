"""Tiered compaction ("universal" in RocksDB): few merges, so that writes are cheap.

A table may have up to ``tiered_runs`` sorted runs. Only when there are more are some merged, and
always some that follow each other in age: all of them if the newer ones have grown to
``tiered_space`` percent of the oldest, so that the waste of space has a bound; otherwise the
neighbours whose sizes are most alike. A merge writes all of its input and rids us of all its runs
but the largest, so its price is

    all bytes of the merge / bytes of the merge but for its largest run

which is near 1 for many runs of one size, 2 for two of one size, and high for a large and a small
one, the mistake to avoid.

A merge of more than ``compaction_bytes`` is done in parts (see ``parts``), while newer runs go on
being merged. Its runs count as one meanwhile, and are left alone.

The outcome goes to the deepest level above the next older run, the bottom if there is none: level
numbers tell the age of runs, nothing else. So every version of a tiered table is one that the
leveled strategy understands, and the other way round.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

from lsmsql.engine.compaction.job import Job
from lsmsql.engine.compaction.picking import BOTTOM, Run, merge_runs, sink, sorted_runs
from lsmsql.engine.manifest.version import TableVersion
from lsmsql.engine.options import Options


def score(table: TableVersion, options: Options, busy: Collection[int] = ()) -> float:
    """How urgent the next job of a table is: 1 and more is due.

    ``busy`` are files that large merges are about to replace: by one run, so they count as one.
    """
    taken = [_taken(run, busy) for run in sorted_runs(table)]
    found = len(taken) - sum(a and b for a, b in pairwise(taken))
    return found / (most_runs(options) + 1)


def choose(
    table_id: int, table: TableVersion, options: Options, busy: Collection[int] = ()
) -> Job | None:
    """The job of a table; None if it has no more runs than it may, or those cannot be merged."""
    if score(table, options, busy) < 1:
        return None
    runs = sorted_runs(table)
    window = pick(runs, options, busy)
    if window is None:
        return None
    first, end = window
    level = runs[end].level - 1 if end < len(runs) else BOTTOM
    if level < 1:
        return sink(table)  # makes room above the next run
    merge = merge_runs(table_id, table, level, tuple(run.files for run in runs[first:end]))
    in_parts = _large(runs[first:end], options) and runs[first].level > 0
    return replace(merge, in_parts=in_parts)


def parts_between(table: TableVersion, options: Options) -> int:
    """How many parts of large merges are done before the next small one.

    One, as long as they keep up. When they do not, runs pile up below level 0, and they get a
    larger share: then level 0 fills, so writers are slowed down, little by little.
    """
    return 1 + max(0, len(table.deeper) - 2 * most_runs(options)) // 2


def most_runs(options: Options) -> int:
    """Runs that a table may have: fewer than would slow writers down."""
    return max(1, min(options.tiered_runs, options.level0_slow - 1))


def pick(runs: list[Run], options: Options, busy: Collection[int] = ()) -> tuple[int, int] | None:
    """Which runs to merge: the first, and the one after the last. None: none can be."""
    sizes = [run.size for run in runs]
    taken = [_taken(run, busy) for run in runs]
    full = sum(run.level > 0 for run in runs) == BOTTOM
    window = 0, len(runs)
    if any(taken) or sum(sizes[:-1]) * 100 <= sizes[-1] * options.tiered_space:
        windows = [
            (first, end)
            for first in range(len(runs) - 1)
            for end in range(first + 2, len(runs) + 1)
            if not any(taken[first:end]) and (end == len(runs) or _has_room(runs[end], full))
        ]
        if not windows:
            return None
        window = min(windows, key=lambda window: _price(sizes[slice(*window)]))
    if _large(runs[slice(*window)], options):
        return _apart(runs, window, full)
    return window


def _apart(runs: list[Run], window: tuple[int, int], full: bool) -> tuple[int, int]:
    """The runs of a large merge without those of level 0, or those alone.

    The merge gives way to others, which take what comes to level 0 later. That is only
    right if it takes nothing from there itself: level numbers tell the age of runs.
    """
    first, end = window
    border = first + sum(run.level == 0 for run in runs[first:end])
    if end - border > 1:
        return border, end
    if border - first > 1 and border < end and _has_room(runs[border], full):
        return first, border
    return window


def _large(runs: Sequence[Run], options: Options) -> bool:
    return sum(run.size for run in runs) > options.compaction_bytes


def _taken(run: Run, busy: Collection[int]) -> bool:
    return bool(busy) and any(file.meta.number in busy for file in run.files)


def _has_room(older: Run, full: bool) -> bool:
    """Whether there is a level for what is merged above the next older run, or can be made.

    A merge leaves nothing older than itself in level 0. If all levels hold something, none of
    them can sink to make room.
    """
    return older.level > 1 or (older.level == 1 and not full)


def _price(sizes: list[int]) -> float:
    total = sum(sizes)
    return total / max(1, total - max(sizes))
