"""Plans made ready to run, and the numbers SQLite keeps them by.

SQLite carries a plan from xBestIndex to xFilter as one integer (idxNum). Each connection has a list
of its plans, and the integer is the place in it: so a cursor parses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import Columns, Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.scan import Range, Slice
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from lsmsql.engine.view import found_columns, found_slot
from vtab.planner import ScanPlan, is_point
from vtab.ranges import KeySelection


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


Known = dict[bytes, Lists | None]
"""Rows by their keys; None where there is no row."""

MAX_KNOWN = 4096
"""How many rows a cursor remembers: a join looks the same few up again and again."""


class Access:
    """A plan for a table, ready to run. ``is_point``: it looks up a whole key."""

    def __init__(self, schema: TableSchema, plan: ScanPlan) -> None:
        self.schema = schema
        self.plan = plan
        self.codec = key_codec(schema)
        self.is_point = is_point(plan, schema)
        self.selection = KeySelection(schema, self.codec, plan)
        self._projection = Projection(schema, self.codec, plan.columns)
        self._slots = [
            (position, slot)
            for position in plan.columns
            if (slot := schema.columns[position].slot) is not None
        ]
        self._unused_key_parts = [
            (position, part)
            for part, position in enumerate(schema.key)
            if position not in plan.columns
        ]
        self._empty: list[Sequence[Value] | KeyColumn] = [()] * (len(schema.columns) + 1)

    def look_up(self, view: ReadView, arguments: Sequence[Value], known: Known) -> Lists | None:
        """The row of a whole key, as ``arrange`` gives it; None if there is none.

        ``known`` are the rows that this plan has found in this view; the row is added to them.
        """
        values = self.selection.values(arguments)
        key = None if values is None else self.selection.key(values)
        if values is None or key is None:
            return None
        try:
            return known[key]
        except KeyError:
            if len(known) >= MAX_KNOWN:
                known.clear()
            row = known[key] = self._read_row(view, key, values)
            return row

    def _read_row(self, view: ReadView, key: bytes, values: Sequence[Value]) -> Lists | None:
        found = view.find(self.schema.id, key)
        if found is None:
            return None
        if self.schema.has_real_mask:
            columns = [[value] for value in found_columns(found, key, self._projection)]
            return self.arrange([key], columns)
        lists = self._empty.copy()
        for position, slot in self._slots:
            lists[position] = (found_slot(found, slot),)
        for position, value in zip(self.schema.key, values, strict=True):
            lists[position] = (value,)
        lists[-1] = (key,)
        return lists

    def scan(self, view: ReadView, arguments: Sequence[Value]) -> Iterator[Slice]:
        """The rows of the plan, in slices that are in the order of the plan, within and without."""
        slices = self._read(view, self.selection.range(arguments))
        if not self.plan.limit:
            return slices
        limit, offset = arguments[-2:] if self.plan.offset else (arguments[-1], 0)
        return _window(slices, limit, offset)  # type: ignore[arg-type]

    def _read(self, view: ReadView, span: Range | None) -> Iterator[Slice]:
        if span is None:
            return
        table_id, projection, reverse = self.schema.id, self._projection, self.plan.reverse
        for piece in view.scan(table_id, span, projection, reverse=reverse):
            if reverse:
                yield Slice(piece.keys[::-1], [column[::-1] for column in piece.columns])
            else:
                yield piece

    def arrange(self, keys: Sequence[bytes], columns: Columns) -> Lists:
        """The columns of a slice by their position in the table; the keys behind the last one."""
        lists = self._empty.copy()
        for position, column in zip(self.plan.columns, columns, strict=True):
            lists[position] = column
        for position, part in self._unused_key_parts:
            lists[position] = KeyColumn(self.codec, part, keys)
        lists[-1] = keys
        return lists


def _window(slices: Iterator[Slice], limit: int, offset: int) -> Iterator[Slice]:
    """Skip ``offset`` rows, then give ``limit``; negative: skip none, or give all."""
    skip = max(offset, 0)
    left = limit if limit >= 0 else float("inf")
    while left and (piece := next(slices, None)) is not None:
        size = len(piece.keys)
        if skip >= size:
            skip -= size
            continue
        piece = piece.cut(skip, int(min(size, skip + left)))
        skip = 0
        left -= len(piece.keys)
        yield piece


class Accesses:
    """The plans of one connection by their numbers."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, ScanPlan], int] = {}
        self._accesses: list[Access] = []

    def number(self, schema: TableSchema, plan: ScanPlan) -> int:
        """The number of a plan for a table."""
        place = (schema.id, plan)
        number = self._numbers.get(place)
        if number is None:
            number = self._numbers[place] = len(self._accesses)
            self._accesses.append(Access(schema, plan))
        return number

    def __getitem__(self, number: int) -> Access:
        return self._accesses[number]
