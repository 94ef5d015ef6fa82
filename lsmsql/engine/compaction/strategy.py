"""The next job of a whole store, in one of the two styles of compaction."""

from __future__ import annotations

from lsmsql.engine.compaction import leveled, picking, tiered
from lsmsql.engine.compaction.adaptive import LEVELED, TIERED
from lsmsql.engine.compaction.job import Job
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.options import Options

_SCORES = {LEVELED: leveled.score, TIERED: tiered.score}
_CHOICES = {LEVELED: leveled.choose, TIERED: tiered.choose}


def choose(version: Version, options: Options, style: str) -> Job | None:
    """The job of the table that is most overdue; None if none is."""
    score = _SCORES[style]
    scores = {table_id: score(table, options) for table_id, table in version.tables.items()}
    due = [table_id for table_id, score in scores.items() if score >= 1]
    if not due:
        return None
    most = max(due, key=scores.__getitem__)
    return _CHOICES[style](most, version.table(most), options)


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
