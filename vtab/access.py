"""Plans made ready to run, and the numbers SQLite keeps them by.

SQLite carries a plan from xBestIndex to xFilter as one integer (idxNum). Each connection has a list
of its plans, and the integer is the place in it: so a cursor parses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from lsmsql.engine.conditions import Condition, Conditions, KeyCondition, SlotCondition, Wanted
from lsmsql.engine.errors import LimitError
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import Columns, Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.recent import ABSENT
from lsmsql.engine.scan import FIRST_STEP
from lsmsql.engine.schema import KV_TABLE_ID, KV_VALUE_SLOT, TableSchema
from lsmsql.engine.slices import Range, Slice
from lsmsql.engine.values import ColumnType, Value
from lsmsql.engine.view import Found, found_columns, found_slot
from vtab.constraint import Collation, Op
from vtab.planner import ScanPlan, is_point
from vtab.ranges import KeySelection
from vtab.zones import wanted, wanted_between


class KeyColumn:
    """A column of the key that no query asked for, decoded one value at a time if need be."""

    __slots__ = ("_codec", "_keys", "_part")

    def __init__(self, codec: KeyCodec, part: int, keys: Sequence[bytes]) -> None:
        self._codec = codec
        self._part = part
        self._keys = keys

    def __getitem__(self, row: int) -> Value:
        return self._codec.decode(self._keys[row])[self._part]


Lists = Sequence[Sequence[Value] | KeyColumn]
"""For each column of the table a list of values; empty for a column that is not used."""


Known = dict[tuple[Value, ...], Lists | None]
"""Rows by the arguments they were looked up with; None where there is no row."""

MAX_KNOWN = 4096
"""How many rows a cursor remembers: a join looks the same few up again and again."""

MAX_FIRST = 512
"""The most rows that a scan with a LIMIT asks for at first."""

Pieces = tuple[Slice, ...] | Iterator[Slice]
"""Slices: a tuple if they are all there are and have been read."""


class Access:
    """A plan for a table, ready to run. ``is_point``: it looks up a whole key."""

    index: TableSchema | None = None

    def __init__(self, schema: TableSchema, plan: ScanPlan) -> None:
        self.schema = schema
        self.plan = plan
        self.codec = key_codec(schema)
        self.is_point = is_point(plan, schema)
        self.doubtful = bool(plan.doubtful)
        self._table_id = schema.id
        self._key = schema.key
        self._first = schema.key[0]
        self._masked = schema.has_real_mask
        self._added = any(column.null_slot is not None for column in schema.columns)
        self._encode = self.codec.encode
        self._has_text = ColumnType.TEXT in schema.key_affinities
        """To Python 1 and 1.0 are one, and find one row; but the texts of them are two."""
        self._is_single = len(schema.key) == 1
        self._plain_types: set[type | tuple[type, ...]] = set()
        """Types of arguments that are keys as they are, and come back as they are."""
        self.selection = KeySelection(schema, self.codec, plan)
        self._may_be_short = plan.searches and not plan.zones
        self.projection = Projection(schema, self.codec, plan.columns)
        self._slots = [
            (position, slot)
            for position in plan.columns
            if (slot := schema.columns[position].slot) is not None
        ]
        wanted = [slot for _, slot in self._slots]
        self._wants_value = schema.id == KV_TABLE_ID and wanted == [KV_VALUE_SLOT]
        self._unused_key_parts = [
            (position, part)
            for part, position in enumerate(schema.key)
            if position not in plan.columns
        ]
        self._empty: list[Sequence[Value] | KeyColumn] = [()] * (len(schema.columns) + 1)

    def finds_one(self, view: ReadView) -> bool:
        """Whether there is one row at most, which ``look_up`` finds."""
        return self.is_point

    def look_up(
        self, view: ReadView, arguments: tuple[Value, ...], known: Known | None = None
    ) -> Lists | None:
        """The row of a whole key, as ``arrange`` gives it; None if there is none.

        It is added to ``known``: rows that this plan has found in this view.
        """
        types = type(arguments[0]) if self._is_single else tuple(map(type, arguments))
        plain = types in self._plain_types
        values = arguments if plain else self._convert(arguments, types)
        row = None if values is None else self._find(view, values, plain)
        if known is not None and (plain or not self._has_text):
            if len(known) >= MAX_KNOWN:
                known.clear()
            known[arguments] = row
        return row

    def _find(self, view: ReadView, values: Sequence[Value], plain: bool) -> Lists | None:
        try:
            key = self._encode(values)
        except LimitError:
            return None
        if plain and self._wants_value:
            value = view.value(key)
            return None if value is ABSENT else [values, (value,), (key,)]  # type: ignore[list-item]
        found = view.find(self._table_id, key)
        return None if found is None else self.row(found, key, values, plain)

    def _convert(
        self, arguments: Sequence[Value], types: type | tuple[type, ...]
    ) -> Sequence[Value] | None:
        """The values of a key; None if no row can have them."""
        values = self.selection.values(arguments)
        if values is arguments and not (self._masked and has_number(arguments)):
            self._plain_types.add(types)
        return values

    def row(self, found: Found, key: bytes, values: Sequence[Value], plain: bool) -> Lists:
        """A record as ``arrange`` gives it. ``values`` are those of its key; ``plain`` tells that
        they are as the row has them."""
        if self._added or (
            self._masked and not plain
        ):  # 1 and 1.0 have one key: the record tells which it is
            columns = [[value] for value in found_columns(found, key, self.projection)]
            return self.arrange([key], columns)
        lists = self._empty.copy()
        for position, slot in self._slots:
            lists[position] = (found_slot(found, slot),)
        if self._is_single:
            lists[self._first] = values
            return lists
        for position, value in zip(self._key, values, strict=True):
            lists[position] = (value,)
        lists[-1] = (key,)
        return lists

    def has_none(self, view: ReadView, spans: Iterable[Range]) -> bool:
        """Whether there is no row with a key in the ranges."""
        read = (view.scan(self._table_id, span, self.projection, first=1) for span in spans)
        return next(chain.from_iterable(read), None) is None

    def scan(self, view: ReadView, arguments: Sequence[Any]) -> Pieces:
        """The rows of the plan, in slices that are in the order of the plan, within and without.

        There may be more of them than the limit, up to which SQLite counts.
        """
        return self.read(view, self.selection.ranges(arguments), arguments)

    def read(self, view: ReadView, spans: Sequence[Range], arguments: Sequence[Any]) -> Pieces:
        """The rows in these ranges, which are those that the arguments select, as ``scan``."""
        if not spans:
            return ()
        plan = self.plan
        where = self.conditions(arguments) if plan.zones else ()
        first, offset = FIRST_STEP, 0
        if plan.limit:
            limit = arguments[-1]
            if plan.offset:
                limit, offset = arguments[-2:]
            if limit >= 0:  # if not, it is none
                first = min(max(limit + offset, 1), MAX_FIRST)
        slices: Pieces
        if len(spans) == 1:
            slices = self._within(view, spans[0], first, where)
        else:
            order = reversed(spans) if plan.reverse else spans
            parts = (self._within(view, span, first, where) for span in order)
            slices = chain.from_iterable(parts)
        read = type(slices) is tuple
        if plan.reverse:
            slices = map(_backwards, slices)
        if offset > 0:
            slices = _skip(iter(slices), offset)
        return tuple(slices) if read else slices

    def _within(self, view: ReadView, span: Range, first: int, where: Conditions) -> Pieces:
        """The rows in a range, with ``reverse`` the last slice first; at one go if it is short."""
        piece = view.short(self._table_id, span, self.projection) if self._may_be_short else None
        if piece is not None:
            return (piece,) if piece.keys else ()
        reverse = self.plan.reverse
        return view.scan(
            self._table_id, span, self.projection, reverse=reverse, first=first, where=where
        )

    def conditions(self, arguments: Sequence[Value]) -> list[Condition]:
        """What is asked of columns that do not bound the range of keys."""
        columns, plan = self.schema.columns, self.plan
        found: list[Condition] = []
        low: dict[int, Value] = {}
        for zone, value in zip(plan.zones, arguments[plan.bounds :], strict=False):
            at, op, collation = zone.column, zone.op, zone.collation
            kind = columns[at].affinity
            of_one = wanted(kind, op, value, collation, patterned=zone.patterned)
            found.append(self._condition(at, of_one))
            if collation is Collation.NOCASE and op is Op.GE:
                low[at] = value
            elif collation is Collation.NOCASE and op is Op.LT and at in low:
                of_both = wanted_between(low[at], value)
                if of_both is not None:
                    found.append(self._condition(at, of_both))
        return found

    def _condition(self, position: int, values: Wanted) -> Condition:
        slot = self.schema.columns[position].slot
        if slot is None:
            return KeyCondition(self._key.index(position), self.codec, values)
        return SlotCondition(slot, values)

    def arrange(self, keys: Sequence[bytes], columns: Columns) -> Lists:
        """The columns of a slice by their position in the table; the keys behind the last one."""
        lists = self._empty.copy()
        for position, column in zip(self.plan.columns, columns, strict=True):
            lists[position] = column
        for position, part in self._unused_key_parts:
            lists[position] = KeyColumn(self.codec, part, keys)
        lists[-1] = keys
        return lists


def _backwards(piece: Slice) -> Slice:
    return Slice(piece.keys[::-1], [column[::-1] for column in piece.columns])


def has_number(values: Sequence[Value]) -> bool:
    """Whether any of the values is an INTEGER or a REAL."""
    return any(isinstance(value, int | float) for value in values)


def _skip(slices: Iterator[Slice], count: int) -> Iterator[Slice]:
    """All rows but the first ``count``."""
    for piece in slices:
        size = len(piece.keys)
        if count < size:
            yield piece.cut(count, size)
            break
        count -= size
    yield from slices
