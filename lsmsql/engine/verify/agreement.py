"""Whether an index agrees with its table: an entry for each row, and none besides.

First the two are only counted and hashed, in whatever order they come, which takes no memory. What
differs is looked for if the sums do.

What is in an index on an expression, or in a partial one, only SQL can tell. Without that, it is
seen whether each entry leads to a row, and whether each row has one if the index is not partial.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from lsmsql.engine.catalog import catalog_of
from lsmsql.engine.core import Core
from lsmsql.engine.errors import StorageError
from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import Value
from lsmsql.engine.verify.report import Findings

TermsOf = Callable[[Sequence[Value]], Terms | None]
"""The terms of a row in an index; None if a partial index does not have it."""

_Thing = tuple[bytes, int | None]
"""An entry with its real mask."""


def check_indexes(core: Core, findings: Findings, only: int | None = None) -> None:
    """Look at all indexes, or those of one table, as of the newest commit."""
    with ReadView(core) as view:
        try:
            catalog = catalog_of(view.state, view.sequence, core.path)
            for table_id, indexes in catalog.indexes.items():
                for index in indexes if only in (None, table_id) else ():
                    name, table = f"index {index.name}", catalog.by_id.get(table_id)
                    if table is None:
                        findings.error(name, None, f"there is no table {table_id}")
                        continue
                    for problem in disagreements(view, table, index):
                        findings.error(name, None, problem, table.name)
        except StorageError as error:
            findings.caught(error, core.path)


def disagreements(
    view: ReadView, table: TableSchema, index: TableSchema, terms: TermsOf | None = None
) -> Iterator[str]:
    """What is wrong with an index, one row or entry after another.

    ``terms`` is needed for the whole truth about an index that ``needs_sql``. Raises StorageError.
    """
    entries = IndexEntries(index, table)
    if terms is None and entries.needs_sql:
        yield from _unknown_terms(view, table, entries)
        return
    terms = terms or entries.terms
    if _summed(_expected(view, table, entries, terms)) == _summed(_present(view, index)):
        return
    expected = set(_expected(view, table, entries, terms))
    present = set(_present(view, index))
    codec = key_codec(table)
    for entry, _ in sorted(expected - present):
        yield f"row {_shown(codec, entries.row_key(entry))} is missing"
    for entry, _ in sorted(present - expected):
        yield f"entry {_shown(key_codec(index), entry)} is not that of a row"


def _summed(things: Iterable[object]) -> tuple[int, int]:
    """How many there are, and the sum of their hashes."""
    count = total = 0
    for count, thing in enumerate(things, 1):  # noqa: B007 (the last count is what is wanted)
        total += hash(thing)
    return count, total


def _expected(
    view: ReadView, table: TableSchema, entries: IndexEntries, terms: TermsOf
) -> Iterator[_Thing]:
    """The entries that the rows should have."""
    for piece in view.scan(table.id, Range(), RowCodec(table).everything):
        for key, *values in zip(piece.keys, *piece.columns, strict=True):
            there = terms(values)
            if there is not None:
                entry, payload = entries.entry(there, key, values)
                yield entry, payload[0] if payload else None  # type: ignore[misc]


def _present(view: ReadView, index: TableSchema) -> Iterator[_Thing]:
    """The entries that there are."""
    rows = RowCodec(index)
    masked = index.has_real_mask
    for piece in view.scan(index.id, Range(), rows.everything):
        for key, *values in zip(piece.keys, *piece.columns, strict=True):
            yield key, rows.keys.real_mask(values) if masked else None


def _unknown_terms(view: ReadView, table: TableSchema, entries: IndexEntries) -> Iterator[str]:
    codec = key_codec(table)
    rows = {entries.row_key(entry) for entry, _ in _present(view, entries.schema)}
    for piece in view.scan(table.id, Range(), RowCodec(table).key_only):
        for key in piece.keys:
            if key not in rows and entries.definition.where is None:
                yield f"row {_shown(codec, key)} is missing"
            rows.discard(key)
    for key in sorted(rows):
        yield f"an entry leads to row {_shown(codec, key)}, which is not there"


def _shown(codec: KeyCodec, key: bytes) -> str:
    """A key for a message."""
    return ", ".join(map(reprlib.repr, codec.decode(key)))
