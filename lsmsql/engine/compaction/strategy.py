"""The next job of a whole store, in one of the two styles of compaction."""

from __future__ import annotations

from collections.abc import Collection

from lsmsql.engine.compaction import leveled, picking, tiered
from lsmsql.engine.compaction.adaptive import LEVELED, TIERED
from lsmsql.engine.compaction.job import Job
from lsmsql.engine.manifest.version import TableVersion, Version
from lsmsql.engine.options import Options


def choose(
    version: Version, options: Options, style: str, busy: Collection[int] = ()
) -> Job | None:
    """The job of the table that is most overdue; None if none is.

    ``busy`` are the numbers of files that large merges are about to replace; they are in no job.
    Only tiered compaction knows of such.
    """
    if style == TIERED:
        scores = {n: tiered.score(table, options, busy) for n, table in version.tables.items()}
    else:
        scores = {n: leveled.score(table, options) for n, table in version.tables.items()}
    for table_id in sorted(scores, key=scores.__getitem__, reverse=True):
        if scores[table_id] < 1:
            break
        job = _choose(table_id, version.table(table_id), options, style, busy)
        if job is not None:
            return job
    return None


def _choose(
    table_id: int, table: TableVersion, options: Options, style: str, busy: Collection[int]
) -> Job | None:
    if style == TIERED:
        return tiered.choose(table_id, table, options, busy)
    return leveled.choose(table_id, table, options)


def parts_between(version: Version, options: Options) -> int:
    """How many parts of large merges are done before the next small one."""
    return max((tiered.parts_between(t, options) for t in version.tables.values()), default=1)


def first_style(options: Options) -> str:
    """The style that a store begins with."""
    return TIERED if options.compaction == TIERED else LEVELED


def level0_runs(version: Version) -> int:
    """The most runs that any table has in level 0."""
    return max((len(picking.level0_runs(table)) for table in version.tables.values()), default=0)


def debt(version: Version, options: Options, style: str) -> int:
    """Bytes that leveled compaction is behind with; tiered is never behind in bytes."""
    if style == TIERED:
        return 0
    return sum(leveled.debt(table, options) for table in version.tables.values())
