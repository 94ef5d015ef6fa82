"""An index plan made ready to run: the entries of a range, and the rows that they lead to.

A plan may be older than the index it uses, or younger: SQLite keeps prepared statements, and a
transaction may have begun before the index was there. So each time it is looked whether the view
has the index. If not, the entries are made of all rows of the table, as the index would have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from lsmsql.engine.catalog import CATALOG_TABLE_ID, catalog_key
from lsmsql.engine.definitions import decode_definition
from lsmsql.engine.indexes import IndexEntries, covered_columns
from lsmsql.engine.projection import Columns, Projection
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range, Slice
from lsmsql.engine.values import ColumnType, Value
from lsmsql.engine.view import Found, found_column, found_columns, found_row
from vtab.access import MAX_KNOWN, Access, Known, Lists, Pieces, has_number
from vtab.constraint import Op
from vtab.implied import condition_of, fixed_columns, has_row
from vtab.indexplan import IndexPlan
from vtab.planner import ScanPlan

_UNTIL_SEEN = -1
"""The terms of entries are of one length, which the first of them tells."""


class RowKeys(Sequence[bytes]):
    """The keys of the rows that entries lead to, each cut off when it is asked for.

    A query that an index covers mostly asks for none, and to find where the terms end takes longer
    than all else about an entry.
    """

    __slots__ = ("_entries", "_row_key")

    def __init__(self, entries: Sequence[bytes], row_key: Callable[[bytes], bytes]) -> None:
        self._entries = entries
        self._row_key = row_key

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return RowKeys(self._entries[place], self._row_key)
        return self._row_key(self._entries[place])


class IndexAccess:
    """As ``Access``, for a table that is read by one of its indexes."""

    is_point = False

    def __init__(self, schema: TableSchema, index: TableSchema, plan: IndexPlan) -> None:
        self.schema = schema
        self.index = index
        self.plan = plan
        self._entries = Access(index, plan.plan)
        self.doubtful = self._entries.doubtful
        self.selection = self._entries.selection
        self._rows = Access(schema, ScanPlan(schema.name, columns=plan.columns))
        self._projection = Projection(schema, self._rows.codec, plan.columns)
        self._all_columns = Projection(schema, self._rows.codec, range(len(schema.columns)))
        self._index = IndexEntries(index, schema)
        self._key = catalog_key(index.id)
        terms = len(self._index.definition.terms)
        self._same_terms = len(plan.plan.prefix) >= terms
        self._is_exact = self._same_terms and plan.plan.bounds == terms
        """Whether the range of the entries is that of their terms, with nothing behind."""
        self._has_text = ColumnType.TEXT in index.key_affinities[: plan.plan.bounds]
        self._is_unique = (
            self._index.definition.unique
            and self._same_terms
            and {Op.EQ, Op.IN}.issuperset(plan.plan.prefix[:terms])
            and not plan.plan.offset
        )
        self._slots = [schema.columns[position].slot for position in plan.columns]
        self._parts = [
            schema.key.index(position)
            for position, slot in zip(plan.columns, self._slots, strict=True)
            if slot is None
        ]
        added = any(schema.columns[position].null_slot is not None for position in plan.columns)
        self._is_plain = not added and not (schema.has_real_mask and self._parts)
        definition = self._index.definition
        self._condition = condition_of(schema, definition) or ()
        self._from_entry: list[int | tuple[Value]] = []
        if plan.covering:
            covered, wanted = covered_columns(index, schema), plan.plan.columns
            fixed = fixed_columns(schema, definition)
            self._from_entry = [
                wanted.index(covered[column]) if column in covered else (fixed[column],)
                for column in plan.columns
            ]

    def conditions(self, arguments: Sequence[Value]) -> list[Any]:
        """None: an index has no zones."""
        return []

    def has_none(self, view: ReadView, spans: Iterable[Range]) -> bool:
        """Whether there is no row with an entry in the ranges."""
        return self._entries.has_none(view, spans)

    def finds_one(self, view: ReadView) -> bool:
        """Whether there is one row at most: before a UNIQUE index was there, there may be more."""
        return self._is_unique and self._is_in(view)

    def look_up(
        self, view: ReadView, arguments: tuple[Value, ...], known: Known | None = None
    ) -> Lists | None:
        """The one row with the terms given, as ``Access.look_up`` gives it, if it ``finds_one``."""
        row = self._find(view, arguments)
        if known is not None and not (self._has_text and has_number(arguments)):
            if len(known) >= MAX_KNOWN:
                known.clear()
            known[arguments] = row
        return row

    def _find(self, view: ReadView, arguments: tuple[Value, ...]) -> Lists | None:
        if self._is_exact:
            span = self.selection.range(arguments)
            if span is None:
                return None
            entries = view.short(self.index.id, span, self._entries.projection)
            if entries is not None:
                return self._row(view, entries, span) if entries.keys else None
        for piece in self.scan(view, arguments):
            return self.arrange(piece.keys, piece.columns)
        return None

    def _row(self, view: ReadView, entries: Slice, terms: Range) -> Lists:
        """The row that the one entry with these terms leads to."""
        key = entries.keys[0][len(terms.start) :]  # type: ignore[arg-type]
        if self.plan.covering:
            return self.arrange([key], self._covered(entries))
        found = view.find(self.schema.id, key)
        assert found is not None, "an entry of an index leads to a row"
        return self._rows.row(found, key, self._rows.codec.decode(key), plain=False)

    def scan(self, view: ReadView, arguments: Sequence[Any]) -> Pieces:
        """The rows of the plan, as ``Access.scan`` gives them."""
        if not self._is_in(view):
            return self._without_index(view, arguments)
        spans = self.selection.ranges(arguments)
        pieces = self._entries.read(view, spans, arguments)
        wider = self.doubtful and self.selection.is_wider(arguments)
        terms = None
        if self._same_terms and pieces and not wider:
            terms = len(spans[0].start) if self._is_exact else _UNTIL_SEEN  # type: ignore[arg-type]
        limit = self._limit(arguments)
        if type(pieces) is tuple and limit is None:
            return tuple([self._rows_of(view, piece, terms) for piece in pieces])
        return self._followed(view, pieces, limit, terms)

    def _followed(
        self, view: ReadView, pieces: Iterable[Slice], limit: int | None, terms: int | None
    ) -> Iterator[Slice]:
        """The rows that entries lead to, piece by piece: as many as SQLite will take at first."""
        for piece in pieces:
            count = len(piece.keys)
            if limit is not None and 0 < limit < count:
                yield self._rows_of(view, piece.cut(0, limit), terms)
                yield self._rows_of(view, piece.cut(limit, count), terms)
            else:
                yield self._rows_of(view, piece, terms)
            limit = None if limit is None else max(limit - count, 0)

    def _rows_of(self, view: ReadView, piece: Slice, terms: int | None) -> Slice:
        """The rows that a piece of the entries leads to."""
        if self.plan.covering:
            return Slice(RowKeys(piece.keys, self._index.row_key), self._covered(piece))
        keys = self._row_keys(piece.keys, terms)
        return Slice(keys, self._fetch(view, keys))

    def _covered(self, piece: Slice) -> Columns:
        """The columns of rows that the index has all of."""
        count = len(piece.keys)
        return [
            piece.columns[at] if isinstance(at, int) else [*at] * count for at in self._from_entry
        ]

    def _limit(self, arguments: Sequence[Any]) -> int | None:
        """How many rows SQLite will most likely take, each of which is a read by itself; None: all.

        It may take more, if it drops some by what a comparison of row values did not tell.
        """
        scan = self.plan.plan
        if not scan.limit:
            return None
        limit: int = arguments[-2] if scan.offset else arguments[-1]
        return limit if limit >= 0 else None

    def _row_keys(self, entries: Sequence[bytes], terms: int | None) -> list[bytes]:
        """The keys of the rows that entries lead to: what follows their terms, which are of so many
        bytes in all of them, unless that is None."""
        if terms == _UNTIL_SEEN:
            terms = len(self._index.prefix_of(entries[0]))
        if terms is not None:
            return [entry[terms:] for entry in entries]
        row_key = self._index.row_key
        return [row_key(entry) for entry in entries]

    def arrange(self, keys: Sequence[bytes], columns: Columns) -> Lists:
        """The columns of a slice by their position in the table; the keys behind the last one."""
        return self._rows.arrange(keys, columns)

    def _is_in(self, view: ReadView) -> bool:
        """Whether the index is there for who reads the view, who may have dropped it himself."""
        catalog = view.core.catalog
        if view.sequence >= catalog.sequence and not view.has_changed(CATALOG_TABLE_ID):
            known = catalog.by_id.get(self.index.id)
            if known is not None and known.index is not None and known.index.ready:
                return True
        found = view.find(CATALOG_TABLE_ID, self._key)
        return found is not None and self._is_ready(found)

    def _is_ready(self, found: Found) -> bool:
        """Whether a row of the catalogue says that the index had all its entries by then."""
        name, definition = found_row(found)
        then = decode_definition(self.index.id, str(name), definition)  # type: ignore[arg-type]
        return isinstance(then, TableSchema) and then.index is not None and then.index.ready

    def _fetch(self, view: ReadView, keys: Sequence[bytes]) -> Columns:
        """The columns of the rows with these keys."""
        found = view.find_all(self.schema.id, keys)
        assert None not in found, "an entry of an index leads to a row"
        if not self._is_plain:
            projection = self._projection
            rows = [found_columns(f, k, projection) for f, k in zip(found, keys, strict=True)]  # type: ignore[arg-type]
            return [list(column) for column in zip(*rows, strict=True)]
        parts = iter(self._rows.codec.decode_few(keys, self._parts) if self._parts else ())
        return [
            next(parts) if slot is None else found_column(found, slot)  # type: ignore[arg-type]
            for slot in self._slots
        ]

    def _without_index(self, view: ReadView, arguments: Sequence[Any]) -> Iterator[Slice]:
        """The rows in the order of the entries that they would have."""
        spans = self.selection.ranges(arguments)
        nothing = [None] * len(self._index.expressions)  # of which no plan asks for anything
        found: list[tuple[bytes, bytes]] = []
        for piece in view.scan(self.schema.id, Range(), self._all_columns):
            for key, values in zip(piece.keys, zip(*piece.columns, strict=True), strict=True):
                if not has_row(self._condition, values):
                    continue
                entry, _ = self._index.entry(self._index.terms(values, nothing), key, values)
                if any(_is_within(entry, span) for span in spans):
                    found.append((entry, key))
        found.sort(reverse=self.plan.plan.reverse)
        keys = [key for _, key in found]
        if self.plan.plan.offset:
            del keys[: max(arguments[-1], 0)]
        if keys:
            yield Slice(keys, self._fetch(view, keys))


def _is_within(key: bytes, span: Range) -> bool:
    return (span.start is None or span.start <= key) and (span.stop is None or key < span.stop)


AnyAccess = Access | IndexAccess
AnyPlan = ScanPlan | IndexPlan


class Accesses:
    """The plans of one connection by their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, AnyPlan], int] = {}
        self.by_number: list[AnyAccess] = []

    def number(self, schema: TableSchema, plan: AnyPlan, index: TableSchema | None = None) -> int:
        """The number of a plan for a table, by way of an index if one is given."""
        place = (schema.id, plan)
        number = self._numbers.get(place)
        if number is None or not self._is_of(number, schema, index):
            number = self._numbers[place] = len(self.by_number)
            if isinstance(plan, IndexPlan):
                assert index is not None
                self.by_number.append(IndexAccess(schema, index, plan))
            else:
                self.by_number.append(Access(schema, plan))
        return number

    def _is_of(self, number: int, schema: TableSchema, index: TableSchema | None) -> bool:
        """Whether table and index have not been altered since."""
        access = self.by_number[number]
        return access.schema == schema and (index is None or access.index == index)
