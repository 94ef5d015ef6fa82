"""How many rows have the same leading columns of a key: what SQLite learns by ANALYZE.

It is guessed from samples: the first records of a few blocks, or all of a small table. Of these
stretches of keys it is counted how many differ in their first columns. Where they do not differ in
any stretch, the first keys of all blocks tell how long the stretches must be.

Samples cost a few blocks read. So they are taken of indexes, and of tables by ANALYZE; otherwise
the first keys of all blocks, which are in memory, tell what they can. The figures are kept until
there are half as many rows more, or fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lsmsql.engine.core import Core
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range

_SAMPLES = 8
_ANALYZED = 64
_KEYS_PER_SAMPLE = 128
_GROWTH = 1.5

RowsPer = tuple[float, ...]
"""How many rows have the same first column, the same first two, and so on, on average."""


class Statistics:
    """The figures of the tables and indexes of one store, as far as somebody has asked."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[int, tuple[int, RowsPer]] = {}
        self._guessed: dict[int, tuple[int, RowsPer]] = {}

    def rows_per(self, schema: TableSchema, rows: int) -> RowsPer:
        """The figures of a table or index that has so many ``rows`` now."""
        known = _of_such(self._known.get(schema.id), rows)
        if known is not None:
            return known
        if schema.index is None:
            return self.rows_per_at_hand(schema, rows)
        return self._measure(schema, rows, _SAMPLES)

    def rows_per_at_hand(self, schema: TableSchema, rows: int) -> RowsPer:
        """The same, mostly without a look at any block.

        Of an index with many rows in few blocks the first keys tell next to nothing.
        """
        for figures in (self._known, self._guessed):
            known = _of_such(figures.get(schema.id), rows)
            if known is not None:
                return known
        many = schema.index is not None and rows > _KEYS_PER_SAMPLE
        if many and len(_firsts(self._core, schema)) <= _SAMPLES:
            return self._measure(schema, rows, _SAMPLES)
        found = guess(self._core, schema, rows)
        self._guessed[schema.id] = (rows, found)
        return found

    def analyze(self, schema: TableSchema, rows: int) -> None:
        """Look again, and more closely."""
        self._measure(schema, rows, _ANALYZED)

    def _measure(self, schema: TableSchema, rows: int, samples: int) -> RowsPer:
        found = measure(self._core, schema, rows, samples)
        self._known[schema.id] = (rows, found)
        return found


def _of_such(known: tuple[int, RowsPer] | None, rows: int) -> RowsPer | None:
    """The figures, if they are of about so many rows."""
    if known is not None and known[0] <= rows * _GROWTH and rows <= known[0] * _GROWTH:
        return known[1]
    return None


def guess(core: Core, schema: TableSchema, rows: int) -> RowsPer:
    """The figures of a table of ``rows``, without a look at any block.

    Where the first keys of blocks do not tell, k columns of n are taken to leave
    rows ** (1 - k/n).
    """
    firsts = _firsts(core, schema)
    parts = len(schema.key)
    counts = _distinct(key_codec(schema), firsts, parts) if len(firsts) > 1 else [1] * parts
    found: list[float] = []
    for part, count in enumerate(counts, 1):
        per = max(rows, 1) ** (1 - part / parts)
        found.append(max(per, rows / count) if count < len(firsts) / 2 else per)
    return tuple(found)


def _firsts(core: Core, schema: TableSchema) -> list[bytes]:
    """The first keys of all blocks, in order."""
    files = core.state.table(schema.id).version.files()
    return sorted(first for _, file in files for first in file.index.first)


def measure(core: Core, schema: TableSchema, rows: int, samples: int) -> RowsPer:
    """The figures of a table of ``rows``, from so many samples."""
    codec = key_codec(schema)
    parts = len(schema.key)
    firsts = _firsts(core, schema)
    counts = [0] * parts
    total = 0
    with ReadView(core) as view:
        for keys in _stretches(view, schema, codec, firsts, samples):
            total += len(keys)
            for part, distinct in enumerate(_distinct(codec, keys, parts)):
                counts[part] += distinct
    if not total:
        return (1.0,) * parts
    stretches = max(1, min(samples, len(firsts)))
    boundaries = _distinct(codec, firsts, parts) if len(firsts) > 1 else [0] * parts
    found: list[float] = []
    for part in range(parts):
        per = total / counts[part]
        if counts[part] <= stretches and boundaries[part]:
            per = rows / boundaries[part]
        found.append(max(1.0, min(per, float(rows))))
    return tuple(found)


def _stretches(
    view: ReadView, schema: TableSchema, codec: KeyCodec, firsts: Sequence[bytes], samples: int
) -> Iterator[Sequence[bytes]]:
    """Some keys each from several places of the table, spread evenly."""
    keys_only = Projection(schema, codec, ())
    step = max(1, len(firsts) // samples)
    places: Iterable[bytes | None] = firsts[::step][:samples] or [None]
    for start in places:
        slices = view.scan(schema.id, Range(start, None), keys_only, first=_KEYS_PER_SAMPLE)
        piece = next(slices, None)
        if piece is not None:
            yield piece.keys[:_KEYS_PER_SAMPLE]


def _distinct(codec: KeyCodec, keys: Sequence[bytes], parts: int) -> list[int]:
    """How many different values the first column has, the first two columns have, and so on."""
    found = [len({key[: codec.end_of(key, part)] for key in keys}) for part in range(1, parts)]
    return [*found, len(keys)]
