"""A short range at one go, as that of the few entries of an index that have the same terms.

Each source is asked once for all that it has of the range. Mostly it is one of them that has
anything; if several have, their records are put in order as those of a window are.
"""

from __future__ import annotations

from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.projection import Projection
from lsmsql.engine.slices import Slice
from lsmsql.engine.view import TableState
from lsmsql.engine.window import newest_live, of_block, of_memtable, picked, without_dead

MOST_ROWS = 64
"""Rows that a source has at most of a short range."""


def read_short(
    table: TableState,
    sequence: int,
    start: bytes,
    stop: bytes,
    projection: Projection,
    overlay: tuple[Memtable, int] | None = None,
) -> Slice | None:
    """The newest records not newer than ``sequence`` with keys in [start, stop), without the
    deleted: all there are, be it none. None if the range is not short, or lies in several blocks.

    ``overlay`` lies on top of the memtables, as in ``scan``.
    """
    pieces: list[Slice] = []
    if overlay is not None and not _add(pieces, *overlay, start, stop, projection):
        return None
    for memtable in table.memtables:
        if len(memtable) and not _add(pieces, memtable, sequence, start, stop, projection):
            return None
    for level in table.version.sorted_runs:
        files = level.sorted_between(start, stop)
        if files:
            rows = files[0].rows_between(start, stop) if len(files) == 1 else None
            if rows is None or rows[2] - rows[1] > MOST_ROWS:
                return None
            block, low, high = rows
            if block is not None:
                keys = block.some_keys(low, high)
                pieces.append(of_block(files[0], sequence, block, low, keys, projection))
    if len(pieces) > 1:
        return picked(pieces, *newest_live(pieces), projection)
    if not pieces:
        return Slice([], [[] for _ in projection.columns] if projection.columns else [])
    piece = pieces[0] if pieces[0].dead is None else without_dead(pieces[0])
    if projection.columns:
        piece.columns = projection.assemble(piece.keys, piece.columns)
    return piece


def _add(
    pieces: list[Slice],
    memtable: Memtable,
    sequence: int,
    start: bytes,
    stop: bytes,
    projection: Projection,
) -> bool:
    """Add what a memtable has of the range; False if that is too much."""
    keys = memtable.first(start, stop, MOST_ROWS + 1)
    if keys:
        pieces.append(of_memtable(memtable, sequence, keys, projection))
    return len(keys) <= MOST_ROWS
