"""The next few records of a range, as Python lists.

For tens of rows, ``bisect`` and short slices of the columns of blocks cost less than one call of a
kernel. So this is how ranges begin:

    source    a memtable, or files that share no key
    stretch   the keys of the next rows of one source
    window    the newest record of each key, up to the first key at which a stretch ends

Nothing is kept between windows but the range that is left: each source looks its place up again.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from lsmsql.engine.columns import DELETE, KEY, KIND, SEQUENCE
from lsmsql.engine.manifest.version import Level
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.projection import Columns, Projection
from lsmsql.engine.slices import LazyKeys, Range, Slice
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.reader import SSTable

Window = tuple[Slice, bytes | None, int]
"""Records in key order; the key up to which they are all there are, None if there are no more; the
number of rows that were gone through."""

LEAST_ROWS = 6
"""Rows that a source is asked for at least."""


class MemtableStretch:
    """Some keys of a memtable."""

    __slots__ = ("_source", "keys", "more")

    def __init__(self, source: MemtableSource, keys: list[bytes], more: bool) -> None:
        self._source = source
        self.keys = keys
        self.more = more
        """Whether the source has others behind them."""

    def payload(self, low: int, high: int, projection: Projection) -> Slice:
        """What the reader sees of rows [low, high): columns for ``Projection.assemble``."""
        source = self._source
        return of_memtable(source.memtable, source.sequence, self.keys[low:high], projection)


class MemtableSource:
    """A memtable, up to a sequence number."""

    __slots__ = ("memtable", "sequence", "weight")

    def __init__(self, memtable: Memtable, sequence: int) -> None:
        self.memtable = memtable
        self.sequence = sequence
        self.weight = len(memtable)
        """How many of the next rows are likely to come from here, in proportion to others."""

    def stretch(self, span: Range, rows: int, reverse: bool) -> MemtableStretch | None:
        """The next ``rows`` of ``span``, or fewer if there are no more; None if there is none."""
        keys: list[bytes] = []
        for run in self.memtable.slices(span.start, span.stop, reverse=reverse):
            keys = run + keys if reverse else keys + run
            if len(keys) > rows:
                return MemtableStretch(self, keys[-rows:] if reverse else keys[:rows], True)
        return MemtableStretch(self, keys, False) if keys else None

    def window(
        self, span: Range, rows: int, projection: Projection, reverse: bool
    ) -> Window | None:
        """The next window if this is the only source; None if there is none."""
        stretch = self.stretch(span, rows, reverse)
        if stretch is None:
            return None
        piece = without_dead(stretch.payload(0, len(stretch.keys), projection))
        piece.columns = projection.assemble(piece.keys, piece.columns)
        bound = stretch.keys[0 if reverse else -1] if stretch.more else None
        return piece, bound, len(stretch.keys)


class BlockStretch:
    """Rows [low, high) of a block."""

    __slots__ = ("_block", "_file", "_low", "_sequence", "keys", "more")

    def __init__(
        self, file: SSTable, block: Block, low: int, high: int, more: bool, sequence: int
    ) -> None:
        self._file = file
        self._block = block
        self._low = low
        self._sequence = sequence
        self.keys = block.some_keys(low, high)
        self.more = more
        """Whether the source has others behind them."""

    def payload(self, low: int, high: int, projection: Projection) -> Slice:
        """What the reader sees of rows [low, high): columns for ``Projection.assemble``."""
        keys, first = self.keys[low:high], self._low + low
        return of_block(self._file, self._sequence, self._block, first, keys, projection)


class FileSource:
    """Files that share no key, in key order, up to a sequence number."""

    __slots__ = ("_level", "_sequence", "weight")

    def __init__(self, level: Level, sequence: int) -> None:
        self._level = level
        self._sequence = sequence
        self.weight = level.keys
        """How many of the next rows are likely to come from here, in proportion to others."""

    def stretch(self, span: Range, rows: int, reverse: bool) -> BlockStretch | None:
        """The next ``rows`` of ``span``, or fewer if the block ends; None if there is none."""
        place = self._locate(span, rows, reverse)
        if place is None:
            return None
        file, _, block, low, high, more = place
        return BlockStretch(file, block, low, high, more, self._sequence)

    def window(
        self, span: Range, rows: int, projection: Projection, reverse: bool
    ) -> Window | None:
        """The next window if this is the only source; None if there is none."""
        place = self._locate(span, rows, reverse)
        if place is None:
            return None
        file, number, block, low, high, more = place
        if more and not projection.parts and not block.is_decoded(KEY):
            # Neither end of the range lies in this block, or its keys would have been looked at.
            low, high = 0, block.rows  # rather than decode keys just to know where to go on
        keys = LazyKeys(high - low, lambda: block.some_keys(low, high))
        piece = Slice(keys, projection.from_block(block, low, high))
        if not is_plain(file, self._sequence):
            piece = without_dead(_seen(piece, file, block, low, self._sequence))
        bound: Any = None
        if more and low == 0 and reverse:  # the index has the key: no need to decode the column
            bound = file.index.first[number]
        elif more and high == block.rows and not reverse:
            bound = file.index.last[number]
        elif more:
            bound = block.value(KEY, low if reverse else high - 1)
        return piece, bound, high - low

    def _locate(
        self, span: Range, rows: int, reverse: bool
    ) -> tuple[SSTable, int, Block, int, int, bool] | None:
        """The rows of a block that come next, and whether there are more behind them.

        They are in the first block that may hold any of ``span``, or nowhere.
        """
        start, stop = span.start, span.stop
        files = self._level.sorted_between(start, stop)
        if not files:
            return None
        file = files[-1 if reverse else 0]
        index = file.index
        front, back = index.overlapping(start, stop)
        if front == back:
            return None
        number = back - 1 if reverse else front
        block = file.block(number)
        low, high = 0, block.rows
        if start is not None and index.first[number] < start:
            low = block.lower_bound(start)
        if stop is not None and index.last[number] >= stop:
            high = block.lower_bound(stop)
        if low >= high:
            return None
        if high - low > rows:
            cut = high - rows if reverse else low + rows
            if file.meta.keys < file.meta.rows:
                cut = _between_keys(block, low, cut, high, reverse)
            if low < cut < high:
                low, high = (cut, high) if reverse else (low, cut)
                return file, number, block, low, high, True
        return file, number, block, low, high, back - front > 1 or len(files) > 1


Source = MemtableSource | FileSource
Stretch = MemtableStretch | BlockStretch


def of_memtable(
    memtable: Memtable, sequence: int, keys: Sequence[bytes], projection: Projection
) -> Slice:
    """What a reader sees of some keys of a memtable: columns for ``Projection.assemble``."""
    found, _, rows = memtable.records(keys, sequence)
    dead = [row is None for row in rows] if None in rows else None
    return Slice(found, projection.row_slots(rows) if projection.slots else [], dead)


def of_block(
    file: SSTable,
    sequence: int,
    block: Block,
    low: int,
    keys: Sequence[bytes],
    projection: Projection,
) -> Slice:
    """What a reader sees of the rows of a block from ``low`` on that have these keys: columns for
    ``Projection.assemble``."""
    columns = projection.block_slots(block, low, low + len(keys)) if projection.slots else []
    piece = Slice(keys, columns)
    return piece if is_plain(file, sequence) else _seen(piece, file, block, low, sequence)


def is_plain(file: SSTable, sequence: int) -> bool:
    """Whether a reader at ``sequence`` sees every record of a file: nothing to sort out."""
    return file.is_plain and file.max_sequence <= sequence


def _between_keys(block: Block, low: int, cut: int, high: int, reverse: bool) -> int:
    """``cut``, or the next row in scan order that does not part the versions of a key."""
    while low < cut < high and block.value(KEY, cut) == block.value(KEY, cut - 1):
        cut += -1 if reverse else 1
    return cut


def _seen(piece: Slice, file: SSTable, block: Block, low: int, sequence: int) -> Slice:
    """What a reader at ``sequence`` sees of a piece of a block, which begins at row ``low``."""
    meta = file.meta
    high = low + len(piece.keys)
    if meta.tombstones:
        kinds = block.values(KIND, low, high)
        if DELETE in kinds:
            piece.dead = [kind == DELETE for kind in kinds]
    if meta.assigned:
        return piece if meta.max_sequence <= sequence else piece.cut(0, 0)
    if meta.max_sequence > sequence or meta.keys < meta.rows:
        return _visible(piece, block.values(SEQUENCE, low, high), sequence)
    return piece


def _visible(piece: Slice, sequences: Sequence[object], sequence: int) -> Slice:
    """Of each key the newest version not newer than ``sequence``."""
    rows: list[int] = []
    last = None
    for row, key in enumerate(piece.keys):
        if key != last and sequences[row] <= sequence:  # type: ignore[operator]
            rows.append(row)
            last = key
    picked = piece.pick(rows)
    if piece.dead is not None:
        picked.dead = [piece.dead[row] for row in rows]
    return picked


def next_window(
    sources: list[Source], span: Range, wanted: int, projection: Projection, reverse: bool
) -> Window | None:
    """About ``wanted`` records, the first of ``span``; None if there is none.

    ``sources`` are newest first; those that have nothing more are taken out. Each is asked for as
    much as it is likely to contribute, a part in proportion to its weight, and some more.
    """
    if len(sources) == 1:
        return sources[0].window(span, wanted, projection, reverse)
    total = sum([source.weight for source in sources]) or 1
    stretches: list[Stretch] = []
    for source in sources.copy():
        share = LEAST_ROWS + wanted * source.weight * 5 // (4 * total)
        stretch = source.stretch(span, min(wanted, share), reverse)
        if stretch is None:
            sources.remove(source)
        else:
            stretches.append(stretch)
    if len(sources) == 1:
        return sources[0].window(span, wanted, projection, reverse)
    return _merged(sources, stretches, wanted, projection, reverse) if stretches else None


def _merged(
    sources: Sequence[Source],
    stretches: Sequence[Stretch],
    wanted: int,
    projection: Projection,
    reverse: bool,
) -> Window:
    """The window of the stretches, one of each source: up to where the first of them ends."""
    end, choose = (0, max) if reverse else (-1, min)
    ends = [stretch.keys[end] for stretch in stretches if stretch.more]
    bound = choose(ends) if ends else None
    pieces = []
    for source, stretch in zip(sources, stretches, strict=True):
        own = stretch.keys
        low = bisect_left(own, bound) if reverse and bound is not None else 0
        high = len(own) if reverse or bound is None else bisect_right(own, bound)
        source.weight = 1 + high - low
        if low < high:
            pieces.append(stretch.payload(low, high, projection))
    rows = sum([len(piece.keys) for piece in pieces])
    keys, place = newest_live(pieces)
    if len(keys) > wanted:
        keys = keys[-wanted:] if reverse else keys[:wanted]
        bound = keys[end]
    return picked(pieces, keys, place, projection), bound, rows


def newest_live(pieces: list[Slice]) -> tuple[list[bytes], dict[bytes, int]]:
    """The keys of pieces, which are newest first and are turned round, whose newest record is no
    tombstone; and where each key stands then if they are laid end to end.
    """
    pieces.reverse()  # the newest last: of the places of a key the last is what remains
    keys = list(chain.from_iterable([piece.keys for piece in pieces]))
    rows = len(keys)
    place = dict(zip(keys, range(rows), strict=True))
    keys.sort()
    if len(place) < rows:
        keys = list(dict.fromkeys(keys))
    if [piece for piece in pieces if piece.dead is not None]:
        dead = list(chain.from_iterable([p.dead or [False] * len(p.keys) for p in pieces]))
        keys = [key for key in keys if not dead[place[key]]]
    return keys, place


def picked(
    pieces: Sequence[Slice], keys: list[bytes], place: Mapping[bytes, int], projection: Projection
) -> Slice:
    """The records of ``keys``, which stand at these places if the pieces are laid end to end."""
    columns: Columns = []
    if projection.slots:
        pick = _picker(_picker(keys)(place))
        parts = zip(*[piece.columns for piece in pieces], strict=True)
        columns = [pick(list(chain.from_iterable(part))) for part in parts]
    return Slice(keys, projection.assemble(keys, columns))


def _picker(places: Sequence[Any]) -> Callable[[Any], list[Any]]:
    """A function that gives a list of what is at these places: without a loop, if they are many."""
    if len(places) < 2:
        return lambda items: [items[place] for place in places]
    pick = itemgetter(*places)
    return lambda items: list(pick(items))


def without_dead(piece: Slice) -> Slice:
    """The records of a piece that are no tombstones."""
    if piece.dead is None or True not in piece.dead:
        return piece
    return piece.pick([row for row, dead in enumerate(piece.dead) if not dead])
