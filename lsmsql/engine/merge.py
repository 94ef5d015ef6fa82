"""The one merge: sorted runs of several sources in, one sorted sequence of runs out.

A *source* is an iterator of runs (see ``columns``) in key order, of which the first has the newest
records. The merge looks at one run of each source at a time. All keys up to the smallest of their
last keys are complete: no source can still bring one. These *windows* are cut off the runs, laid
end to end, put in order (stably: among equal keys the newer source stays in front), thinned out by
``select`` and handed on. A window that stems from one source alone needs no sorting.

Invariant: the versions of one key within a source never straddle two runs. The sources keep it (no
block, and no file of a level, parts them), and so do the windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lsmsql.engine.columns import (
    DELETE,
    KEY,
    KIND,
    SEQUENCE,
    concat_runs,
    key_position,
    starts_of_keys,
)
from lsmsql.engine.order import sort_order
from lsmsql.engine.ragged import Mask, from_numpy, to_numpy

MAX_WINDOW_BYTES = 1 << 30
"""Arrow's offsets have 32 bits: a window of more bytes is cut down to one key."""


@dataclass(frozen=True)
class Retention:
    """Which versions a merge lets through.

    For a reader: ``at`` is its sequence number; only the newest version not above it remains, and
    nothing of a deleted key. For a rewrite, ``at`` is None: of each key remain the versions that a
    reader at one of ``snapshots`` (ascending) or at any later number sees. ``floor``, which is one
    of them, stands for all numbers from there on: every version above it remains, too.
    ``drop_tombstones``: no older level holds these keys, so a deletion that every reader sees needs
    no record.

    ``forget_sequences_up_to``: records not newer than that lose their sequence number, which
    becomes 0 and then takes no room. Only for the deepest level, where nothing older lies below,
    and only up to the oldest number that any reader is at.
    """

    at: int | None = None
    snapshots: tuple[int, ...] = ()
    floor: int | None = None
    drop_tombstones: bool = False
    forget_sequences_up_to: int = 0


def merge(
    sources: Sequence[Iterator[pa.RecordBatch]],
    keep: Retention,
    *,
    reverse: bool = False,
    by_sequence: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Merge ``sources``, newest first, into non-empty runs with what ``keep`` lets through.

    With ``reverse`` the sources give their runs from the last to the first, and so does the merge;
    within a run, keys ascend all the same. With ``by_sequence`` the order of the sources means
    nothing: among equal keys the greatest sequence number is the newest.
    """
    heads = [_Head(source, reverse) for source in sources]
    heads = [head for head in heads if head.run is not None]
    choose = max if reverse else min
    while heads:
        fits = sum(head.nbytes for head in heads) <= MAX_WINDOW_BYTES
        # If not, values are so large that they fit a window for a single key only.
        bound = choose(head.bound if fits else head.front for head in heads)
        pieces = [piece for head in heads if (piece := head.take(bound)) is not None]
        heads = [head for head in heads if head.run is not None]
        if not (fits or by_sequence):
            pieces = _thinned(pieces, keep)
            if not pieces:
                continue
        window = _in_key_order(pieces)
        if by_sequence:
            window = newest_first(window)
        window = select(window, keep)
        if window.num_rows:
            yield window


class _Head:
    """The run at the front of a source, from key ``front`` to key ``bound`` in scan order."""

    __slots__ = ("_reverse", "_source", "bound", "nbytes", "run")

    def __init__(self, source: Iterator[pa.RecordBatch], reverse: bool) -> None:
        self._source = source
        self._reverse = reverse
        self._advance()

    def _advance(self) -> None:
        self.run: pa.RecordBatch | None = next(self._source, None)
        if self.run is not None:
            self.bound: bytes = self.run.column(KEY)[0 if self._reverse else -1].as_py()
            self.nbytes: int = self.run.nbytes

    @property
    def front(self) -> bytes:
        """The key that comes first."""
        assert self.run is not None
        key: bytes = self.run.column(KEY)[-1 if self._reverse else 0].as_py()
        return key

    def take(self, bound: bytes) -> pa.RecordBatch | None:
        """Cut off the rows with keys up to ``bound``; None if there are none."""
        run = self.run
        assert run is not None
        if self.bound == bound:
            self._advance()
            return run
        cut = key_position(run, bound, after=not self._reverse)
        if self._reverse:
            taken, self.run = run.slice(cut), run.slice(0, cut)
        else:
            taken, self.run = run.slice(0, cut), run.slice(cut)
        self.nbytes = self.run.nbytes
        return taken if taken.num_rows else None


def _in_key_order(pieces: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """One run of the pieces, each in key order; the earlier piece first among equal keys."""
    window = concat_runs(pieces)
    order = sort_order(window.column(KEY)) if len(pieces) > 1 else None
    return window if order is None else window.take(from_numpy(order))


def newest_first(run: pa.RecordBatch) -> pa.RecordBatch:
    """A run in key order, brought to the order of sequence numbers among equal keys."""
    first = starts_of_keys(run.column(KEY))
    if first is None:
        return run
    sequences = to_numpy(run.column(SEQUENCE))
    return run.take(from_numpy(np.lexsort((-sequences, np.cumsum(first)))))


def select(run: pa.RecordBatch, keep: Retention) -> pa.RecordBatch:
    """The records of ``run`` that ``keep`` lets through."""
    if keep.at is not None:
        run = not_newer(run, keep.at)
        if run.num_rows == 0:
            return run
    mask = _newest(run, keep)
    if keep.at is not None or keep.drop_tombstones:
        kinds = to_numpy(run.column(KIND))
        deleted = kinds == DELETE
        if deleted.any():
            if keep.at is None and keep.snapshots:
                # A reader at the oldest snapshot or above must see the deletion, unless all do.
                deleted &= to_numpy(run.column(SEQUENCE)) <= keep.snapshots[0]
            mask = ~deleted if mask is None else mask & ~deleted
    if mask is not None:
        run = run.filter(from_numpy(mask))
    if keep.forget_sequences_up_to:
        run = _forget_sequences(run, keep.forget_sequences_up_to)
    return run


def _thinned(pieces: Sequence[pa.RecordBatch], keep: Retention) -> list[pa.RecordBatch]:
    """Pieces that hold one key, newest first, without what ``keep`` does not let through.

    All of its versions may be too much for one run.
    """
    if keep.at is not None:
        pieces = [piece for p in pieces if (piece := not_newer(p, keep.at)).num_rows]
    if len(pieces) < 2:
        return list(pieces)
    mask = _newest(concat_runs([piece.select([KEY, SEQUENCE, KIND]) for piece in pieces]), keep)
    thinned, first = [], 0
    for piece in pieces:
        own = mask[first : first + piece.num_rows] if mask is not None else None
        first += piece.num_rows
        if own is None or own.any():
            thinned.append(piece if own is None else piece.filter(from_numpy(own)))
    return thinned


def not_newer(run: pa.RecordBatch, sequence: int) -> pa.RecordBatch:
    """The records of ``run`` that are not newer than ``sequence``."""
    sequences = to_numpy(run.column(SEQUENCE))
    if int(sequences.max()) <= sequence:
        return run
    return run.filter(from_numpy(sequences <= sequence))


def _forget_sequences(run: pa.RecordBatch, last: int) -> pa.RecordBatch:
    """``run`` with 0 in the place of sequence numbers up to ``last``."""
    sequences = to_numpy(run.column(SEQUENCE))
    kept = from_numpy(np.where(sequences <= last, 0, sequences))
    return run.set_column(SEQUENCE, "sequence", kept)


def _newest(run: pa.RecordBatch, keep: Retention) -> Mask | None:
    """Marks the newest record of each key for each reader; None if that is every record."""
    newest = starts_of_keys(run.column(KEY))
    if newest is not None and keep.at is None and keep.snapshots:
        sequences = to_numpy(run.column(SEQUENCE))
        # Two versions of a key are alike when the same snapshots lie below both.
        epoch = np.searchsorted(np.asarray(keep.snapshots, np.int64), sequences, side="left")
        newest[1:] |= epoch[1:] != epoch[:-1]
        if keep.floor is not None:
            # Within a commit the last record of a key counts: the first one here.
            newest[1:] |= (sequences[1:] > keep.floor) & (sequences[1:] != sequences[:-1])
    return newest
