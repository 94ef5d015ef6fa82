"""The keys that a plan reads: the values of its comparisons, as encoded keys and ranges of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsmsql.engine.affinity import APPLY_AFFINITY
from lsmsql.engine.collation import Fold, fold_of
from lsmsql.engine.collation import folded as as_folded
from lsmsql.engine.keys import KeyCodec, successor
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import ColumnType, Value
from vtab.bounds import Extent, bound, equal
from vtab.constraint import Op
from vtab.conversions import converted, is_plain_text, united
from vtab.folding import folds, highest, lowest, spellings
from vtab.planner import ScanPlan

EVERYTHING = Range()

_LOW = (Op.GT, Op.GE)
_BEFORE = (Op.GE, Op.LT)
"""Ascending, these divide keys before those with the value itself."""

_AS_THEY_ARE: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.INTEGER: (int,),
    ColumnType.REAL: (),  # -0.0 is 0.0 in keys
    ColumnType.TEXT: (str,),
    ColumnType.BLOB: (bytes,),
    ColumnType.ANY: (int, float, str, bytes),
}
"""What a column of the key is compared with as it is."""

_UNCHANGED: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.INTEGER: (int, float, bytes),
    ColumnType.REAL: (int, float, bytes),
    ColumnType.TEXT: (str, bytes),
    ColumnType.ANY: (int, float, str, bytes),
}
"""The same for a column of any type, by its affinity."""


class KeySelection:
    """Which keys a plan reads, given its arguments."""

    def __init__(self, schema: TableSchema, codec: KeyCodec, plan: ScanPlan) -> None:
        self._encode_bound = codec.encode_bound
        self._folds = _folds(schema)
        self._doubtful = frozenset(plan.doubtful)
        self._null_places = [i for i, op in enumerate(plan.prefix) if op in (Op.IS, Op.NULL)]
        self._is_whole = len(plan.prefix) == len(schema.key)
        self._place = place = len(plan.prefix)
        self._all_descending = schema.descending
        self._affinities = schema.key_affinities
        kinds = list(zip(schema.key_types, schema.key_affinities, strict=True))
        self._prefix = [(kind, affinity, _own(kind, affinity)) for kind, affinity in kinds[:place]]
        bounds = [(plan.low, plan.low_folded), (plan.high, plan.high_folded)]
        self._ops = [(op, folded) for op, folded in bounds if op is not None]
        self._both_folded = plan.low_folded and plan.high_folded
        if self._ops:
            self._bounded, self._affinity = kinds[place]
            self._own = _own(*kinds[place])
            self._descending = schema.descending[place]
            self._has_nulls = not schema.columns[schema.key[place]].not_null

    def values(self, arguments: Sequence[Value]) -> Sequence[Value] | None:
        """The values of the columns compared by ``=``; None if no row can have them.

        The arguments themselves, if these are always taken as they are.
        """
        for (_, _, own), value in zip(self._prefix, arguments, strict=True):
            if type(value) not in own:
                break
        else:
            return arguments
        values = [
            value if type(value) in own else equal(kind, value, affinity)
            for (kind, affinity, own), value in zip(self._prefix, arguments, strict=True)
        ]
        if None not in values:
            return values
        nulls = [i for i in self._null_places if arguments[i] is None]
        return None if values.count(None) > len(nulls) else values

    def range(self, arguments: Sequence[Value]) -> Range | None:
        """The range of keys with the arguments given; None if no row can meet the comparisons.

        Arguments behind those of the key do not matter.
        """
        if not arguments:
            return EVERYTHING
        if self._folds:
            arguments = self._as_kept(arguments)
        prefix: Sequence[Value] = ()
        start = stop = None
        if self._place:
            values = self.values(arguments[: self._place])
            if values is None:
                return None
            prefix = values
            start = self._encode_bound(prefix)
            stop = start + b"\0" if self._is_whole else successor(start)
        if not self._ops:
            return Range(start, stop)
        if self._has_nulls:
            nulls = self._encode_bound((*prefix, None))
            start, stop = (start, nulls) if self._descending else (successor(nulls), stop)
        for (op, folded), argument in zip(self._ops, arguments[self._place :], strict=False):
            if op is Op.NOT_NULL:
                continue
            value = argument
            if type(argument) not in self._own:
                limit = bound(self._bounded, op, argument, self._affinity)
                if limit is Extent.NOTHING:
                    return None
                if limit is Extent.EVERYTHING:
                    continue
                op, value = limit
            if folded and isinstance(value, str):
                if not folds(value):
                    continue
                op, value = (Op.GE, lowest(value)) if op in _LOW else (Op.LE, highest(value))
            cut = self._cut((*prefix, value), op)
            if (op in _LOW) is self._descending:
                stop = cut
            elif cut is None:
                return None
            else:
                start = cut
        return Range(start, stop)

    def ranges(self, arguments: Sequence[Value]) -> list[Range]:
        """The same as ranges, ascending, that leave out some keys between different spellings, and
        have those that a doubtful comparison may mean as well."""
        if self._doubtful and self.is_wider(arguments):
            return united([*self._ranges(arguments), *self.others(arguments)])
        return self._ranges(arguments)

    def _ranges(self, arguments: Sequence[Value]) -> list[Range]:
        whole = self.range(arguments)
        if whole is None:
            return []
        if not self._both_folded:
            return [whole]
        place = self._place
        low, high = arguments[place : place + 2]
        if not (isinstance(low, str) and isinstance(high, str) and folds(low) and folds(high)):
            return [whole]
        prefix = self.values(arguments[:place]) or ()
        cuts = [
            (self._cut((*prefix, bottom), Op.GE), self._cut((*prefix, top), Op.LE))
            for bottom, top in spellings(low, high)
        ]
        if self._descending:
            cuts = [(stop, start) for start, stop in reversed(cuts)]
        found = [Range(start, stop) for start, stop in cuts if start is not None]
        return [part for one in found if not (part := whole.common(one)).empty]

    def is_wider(self, arguments: Sequence[Value]) -> bool:
        """Whether more may be meant than ``range`` gives."""
        if all(is_plain_text(arguments[place]) for place in self._doubtful):
            return False
        return next(self.others(arguments), None) is not None

    def others(self, arguments: Sequence[Value]) -> Iterator[Range]:
        """The keys with values that meet a doubtful comparison only if SQLite converts them."""
        before: list[Value] = []
        for place, (kind, affinity, own) in enumerate(self._prefix):
            value = arguments[place]
            if place in self._doubtful:
                for low, high in converted(kind, affinity, Op.EQ, value):
                    yield self._between(before, low, high)
            if type(value) not in own:
                value = equal(kind, value, affinity)
            if value is None and place not in self._null_places:
                return
            before.append(self._kept(place, value) if self._folds else value)
        for place, (op, _) in enumerate(self._ops, self._place):
            if place in self._doubtful:
                for low, high in converted(self._bounded, self._affinity, op, arguments[place]):
                    yield self._between(before, low, high)

    def _between(self, before: Sequence[Value], low: Value, high: Value) -> Range:
        """The keys that begin with ``before``, and then a value from ``low`` to ``high``."""
        first = self._encode_bound(before) if before else None
        start, stop = first, None if first is None else successor(first)
        lowest = self._cut((*before, low), Op.GE)
        highest = None if high is None else self._cut((*before, high), Op.LE)
        if self._all_descending[len(before)]:
            return Range(start if highest is None else highest, lowest)
        return Range(lowest, stop if highest is None else highest)

    def _as_kept(self, arguments: Sequence[Value]) -> list[Value]:
        """The arguments with texts in the form that an index keeps them in."""
        places = [*range(self._place), *[self._place] * len(self._ops)]
        return [
            *(self._kept(place, value) for place, value in zip(places, arguments, strict=False)),
            *arguments[len(places) :],
        ]

    def _kept(self, place: int, value: Value) -> Value:
        if self._affinities[place] is ColumnType.TEXT:
            value = APPLY_AFFINITY[ColumnType.TEXT](value)
        return as_folded(self._folds[place], value)

    def _cut(self, values: Sequence[Value], op: Op) -> bytes | None:
        """Where keys are divided into those that meet ``op`` and those that do not.

        That is before or behind all keys that begin with ``values``, the last of which is compared.
        None is behind all keys.
        """
        at = self._encode_bound(values)
        if (op in _BEFORE) is not self._all_descending[len(values) - 1]:
            return at
        return at + b"\0" if len(values) == len(self._all_descending) else successor(at)


def _own(kind: ColumnType, affinity: ColumnType) -> tuple[type, ...]:
    """The types of values that a column of the key is compared with as they are."""
    return _UNCHANGED[affinity] if kind is ColumnType.ANY else _AS_THEY_ARE[kind]


def _folds(schema: TableSchema) -> list[Fold | None]:
    """What an index does to the texts of each part of its key; nothing if it does none to any."""
    if schema.index is None:
        return []
    folds = [fold_of(term.collation) for term in schema.index.terms]
    return [*folds, *[None] * len(schema.key)] if any(folds) else []
