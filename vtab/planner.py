"""From the conditions of a query to the way its rows are read: pure decisions, no SQLite here.

What can be answered from the key is taken over: ``=`` and IN on its leading columns, then one range
on the next; the order of the key, in both directions; LIMIT and OFFSET, if nothing is left for
SQLite to check; and the columns used, since no others are decoded. All the rest SQLite does itself.

For an IN, SQLite runs the plan once for each value, so there is neither an order nor a limit then.
It can also hand over all values at once, but apsw fails if there are none, as when IN has a
subquery without rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import ColumnType
from vtab.constraint import ROWID, Collation, Constraint, Op
from vtab.conversions import is_doubtful
from vtab.zones import ZONE_OPS

OrderBy = Sequence[tuple[int, bool]]
"""Column and whether it is descending, for each term of an ORDER BY."""

GROUPED = (1, 2)
"""Values of ``distinct`` with which equal rows must be adjacent but need no order."""

LAST_BIT = 63
"""SQLite tells of this column and all after it in one bit whether they are used."""


@dataclass(frozen=True)
class Zone:
    """A comparison that does not bound the range of keys, but by which blocks may be skipped.

    ``patterned``: it may stem from LIKE or GLOB.
    """

    column: int
    op: Op
    collation: Collation = Collation.BINARY
    patterned: bool = False


@dataclass(frozen=True)
class ScanPlan:
    """A way to read a table.

    ``prefix`` holds EQ or IN for each leading key column that is compared so, ``low`` and ``high``
    the comparison that bounds the next key column (``low`` may be NOT_NULL), ``low_folded`` and
    ``high_folded`` whether it compares texts without regard to case: then it lets through more, and
    SQLite checks the rows.
    ``ordered``: rows come in the order asked for, which is that of the key or, with ``reverse``,
    the opposite. ``columns`` are the positions of the columns to decode. ``zones`` are comparisons
    by which blocks are skipped; SQLite checks the rows. ``doubtful`` are the numbers of arguments
    with which more may be read, which SQLite checks (see ``conversions``). The arguments of a scan
    come in this order: a value for each comparison of ``prefix``, then those of ``low``, ``high``
    and ``zones``, any that do not matter, and at the end those of ``limit`` and ``offset`` if
    present.
    """

    table: str
    prefix: tuple[Op, ...] = ()
    low: Op | None = None
    high: Op | None = None
    low_folded: bool = False
    high_folded: bool = False
    ordered: bool = False
    reverse: bool = False
    limit: bool = False
    offset: bool = False
    columns: tuple[int, ...] = ()
    zones: tuple[Zone, ...] = ()
    doubtful: tuple[int, ...] = ()

    @property
    def bounds(self) -> int:
        """How many arguments say which keys are read: the first ones."""
        return len(self.prefix) + (self.low is not None) + (self.high is not None)

    @property
    def searches(self) -> bool:
        """Whether only a part of the table is read."""
        return bool(self.prefix or self.low or self.high)


@dataclass(frozen=True)
class Planned:
    """A plan, and the number of the constraint that gives each of its arguments.

    SQLite checks again the constraints in ``checked``, and all that give no argument.
    """

    plan: ScanPlan
    arguments: tuple[int, ...]
    checked: Collection[int] = ()


def has_rowid(schema: TableSchema) -> bool:
    """Whether the table is keyed by one INTEGER, which is then its rowid."""
    return schema.key_types == (ColumnType.INTEGER,)


def is_point(plan: ScanPlan, schema: TableSchema) -> bool:
    """Whether the plan looks up whole keys."""
    return len(plan.prefix) == len(schema.key)


def make_plan(
    schema: TableSchema,
    constraints: Sequence[Constraint],
    order_by: OrderBy,
    columns_used: Collection[int],
    distinct: int = 0,
    *,
    zones: bool = True,
    relied: Collection[int] = (),
    met: Collection[int] = (),
) -> Planned:
    """The best way to read the table. ``distinct`` is SQLite's number (see GROUPED).

    Without ``zones`` no blocks are skipped by other columns. ``relied`` are the numbers of
    constraints without which this table could not be read, ``met`` of those that all its rows meet:
    they become arguments, if need be of no use, but for an IN, which would make it many plans.
    """
    search = _search(schema, constraints)
    arguments, checked = search.arguments, search.checked
    place = len(search.prefix)
    direction: bool | None = None
    window: list[int] = []
    if Op.IN not in search.ops:
        fixed = {
            column for at, column in enumerate(schema.key[:place]) if at not in search.doubtful
        }
        direction = _direction(schema, fixed, order_by, grouped=distinct in GROUPED)
        if place < len(schema.key) and (direction is not None or not order_by):
            window = _window(constraints, {*arguments, *met} - checked)
    skipping: dict[int, Zone] = {}
    if zones and place < len(schema.key):
        skipping = _zones(schema, constraints, place)
    beside = [
        i
        for i in sorted({*relied, *met} - {*arguments, *skipping})
        if constraints[i].op is not Op.IN
    ]
    plan = ScanPlan(
        table=schema.name,
        prefix=search.ops,
        low=None if search.low is None else constraints[search.low].op,
        high=None if search.high is None else constraints[search.high].op,
        low_folded=search.low in search.folded,
        high_folded=search.high in search.folded,
        ordered=bool(order_by) and direction is not None,
        reverse=bool(direction),
        limit=bool(window),
        offset=len(window) > 1,
        columns=used_columns(schema, columns_used),
        zones=tuple(skipping.values()),
        doubtful=search.doubtful,
    )
    return Planned(plan, (*arguments, *skipping, *beside, *window), checked.union(skipping, beside))


# ------------------------------------------------------------------------------- the key


@dataclass(frozen=True)
class _Search:
    """What is searched in the key: the numbers of the constraints that fix its leading columns, by
    which ``ops``, and of those that bound the next one, of which some are ``folded``.

    ``doubtful`` are places among ``arguments``.
    """

    prefix: tuple[int, ...]
    ops: tuple[Op, ...]
    low: int | None
    high: int | None
    folded: frozenset[int]
    doubtful: tuple[int, ...]

    @property
    def arguments(self) -> tuple[int, ...]:
        """The numbers of the constraints, in the order of a plan's arguments."""
        return (*self.prefix, *(i for i in (self.low, self.high) if i is not None))

    @property
    def checked(self) -> frozenset[int]:
        """Those that SQLite must check: where one is doubtful, all behind it, too."""
        if not self.doubtful:
            return self.folded
        return self.folded.union(self.arguments[min(*self.doubtful, len(self.prefix)) :])


def _search(schema: TableSchema, constraints: Sequence[Constraint]) -> _Search:
    candidates = _candidates(schema, constraints)
    prefix = _match_prefix(schema, candidates)
    ops = [
        _key_op(schema, column, constraints[i].op)
        for column, i in zip(schema.key, prefix, strict=False)
    ]
    low = high = None
    if len(prefix) < len(schema.key):
        next_column = candidates.get(schema.key[len(prefix)], {})
        low = _first(next_column, _LOW)
        high = _first(next_column, _HIGH)
    bounds = [i for i in (low, high) if i is not None]
    folded = {i for i in bounds if _is_folded(constraints[i], schema.key_types[len(prefix)])}
    doubtful = _doubtful(schema, constraints, prefix, bounds)
    return _Search(tuple(prefix), tuple(ops), low, high, frozenset(folded), doubtful)


_WITH_TEXTS = (ColumnType.TEXT, ColumnType.ANY)
"""Columns that hold texts, so that it matters how these are compared."""

_NULL_TESTS = (Op.NULL, Op.NOT_NULL)
"""What is asked of values of any kind, however they are compared."""

_Comparison = tuple[Op, bool]
"""An operator, and whether it compares texts without regard to case."""

_EQUAL = ((Op.EQ, False), (Op.IN, False), (Op.IS, False), (Op.NULL, False))
_LOW = ((Op.GT, False), (Op.GE, False), (Op.GT, True), (Op.GE, True), (Op.NOT_NULL, False))
_HIGH = ((Op.LT, False), (Op.LE, False), (Op.LT, True), (Op.LE, True))
"""What the key is searched by, what is better first."""

_Candidates = dict[int, dict[_Comparison, int]]
"""Per key column and comparison the number of the first constraint that the key can answer."""


def _candidates(schema: TableSchema, constraints: Sequence[Constraint]) -> _Candidates:
    found: _Candidates = {}
    types = dict(zip(schema.key, schema.key_types, strict=True))
    for number, constraint in enumerate(constraints):
        column = constraint.column
        if column == ROWID and has_rowid(schema):
            column = schema.key[0]
        kind = types.get(column)
        if kind is not None and _is_answerable(constraint, kind):
            op = _key_op(schema, column, constraint.op)
            if op in _NULL_TESTS and schema.columns[column].not_null:
                continue
            folded = _is_folded(constraint, kind)
            found.setdefault(column, {}).setdefault((op, folded), number)
    return found


def _key_op(schema: TableSchema, column: int, op: Op) -> Op:
    """What a comparison is with a column of the key: IS is ``=`` where there is no NULL."""
    return Op.EQ if op is Op.IS and schema.columns[column].not_null else op


def _is_answerable(constraint: Constraint, kind: ColumnType) -> bool:
    if not constraint.usable:
        return False
    if constraint.op in _NULL_TESTS:
        return True
    if constraint.collation is Collation.OTHER and kind in _WITH_TEXTS:
        return False
    # GLOB sends bounds on texts, but may find blobs and numbers as well.
    return not constraint.patterned or kind not in (ColumnType.ANY, ColumnType.BLOB)


def _is_folded(constraint: Constraint, kind: ColumnType) -> bool:
    """Whether texts of a column are compared without regard to case."""
    if constraint.op in _NULL_TESTS:
        return False
    return constraint.collation is Collation.NOCASE and kind in _WITH_TEXTS


def _doubtful(
    schema: TableSchema,
    constraints: Sequence[Constraint],
    prefix: Sequence[int],
    bounds: Sequence[int],
) -> tuple[int, ...]:
    """The places of the doubtful ones among the constraints that fix and bound the key."""
    kinds = list(zip(schema.key_types, schema.key_affinities, strict=True))
    places = [*range(len(prefix)), *[len(prefix)] * len(bounds)]
    numbers = [*prefix, *bounds]
    return tuple(
        at
        for at, (number, place) in enumerate(zip(numbers, places, strict=True))
        if is_doubtful(constraints[number], *kinds[place])
    )


def _first(candidates: dict[_Comparison, int], wanted: Iterable[_Comparison]) -> int | None:
    """The constraint with the first of these comparisons that there is one with."""
    return next((candidates[each] for each in wanted if each in candidates), None)


def _match_prefix(schema: TableSchema, candidates: _Candidates) -> list[int]:
    """The constraints that fix the leading key columns."""
    matched: list[int] = []
    for column in schema.key:
        number = _first(candidates.get(column, {}), _EQUAL)
        if number is None:
            break
        matched.append(number)
    return matched


# ------------------------------------------------------------------------------- zone maps


def _zones(schema: TableSchema, constraints: Sequence[Constraint], place: int) -> dict[int, Zone]:
    """By number, the constraints that zone maps may answer: ``place`` key columns are fixed.

    Not those on the key column at that place, which bound the range, and none with IN, which would
    have the table read once for each value.
    """
    bounding = schema.key[: place + 1]
    return {
        number: Zone(c.column, c.op, c.collation, c.patterned)
        for number, c in enumerate(constraints)
        if c.usable
        and c.op in ZONE_OPS
        and 0 <= c.column < len(schema.columns)
        and c.column not in bounding
        and schema.columns[c.column].null_slot is None  # rows may have a value they do not store
    }


# ------------------------------------------------------------------------------- order


def _direction(
    schema: TableSchema, fixed: Collection[int], order_by: OrderBy, *, grouped: bool
) -> bool | None:
    """Whether reading backwards gives the order (False: forwards); None if neither does.

    Columns in ``fixed`` have one value only. No two rows share a key: what is ordered by after all
    of its columns does not matter.
    """
    key = [
        (column, descending)
        for column, descending in zip(schema.key, schema.descending, strict=True)
        if column not in fixed
    ]
    wanted = [
        (schema.key[0] if column == ROWID and has_rowid(schema) else column, descending)
        for column, descending in order_by
    ]
    wanted = [term for term in wanted if term[0] not in fixed]
    if grouped:
        columns = {column for column, _ in wanted}
        leading = {column for column, _ in key[: len(columns)]}
        return False if leading <= columns else None
    backwards: set[bool] = set()
    for (column, descending), (key_column, key_descending) in zip(wanted, key, strict=False):
        if column != key_column:
            return None
        backwards.add(descending != key_descending)
    return None if len(backwards) > 1 else True in backwards


# ------------------------------------------------------------------------------- limit


def _window(constraints: Sequence[Constraint], consumed: Collection[int]) -> list[int]:
    """The numbers of LIMIT and OFFSET, if all that SQLite has to check is answered by the key.

    SQLite counts up to the limit itself: for us it only is how many rows are wanted. But OFFSET is
    taken over, and so only when no row that we skip can be one that SQLite would drop. A comparison
    of row values such as (a, b) > (1, 2) arrives as a >= 1 without its value, and is checked again:
    so a >= or <= whose value is not known may be one.
    """
    limit = offset = None
    exact = True
    for number, constraint in enumerate(constraints):
        if constraint.op is Op.LIMIT and constraint.usable:
            limit = number
        elif constraint.op is Op.OFFSET and constraint.usable:
            offset = number
        elif number not in consumed:
            return []
        elif _may_be_row_value(constraint):
            exact = False
    if limit is None or (offset is not None and not exact):
        return []
    return [limit] if offset is None else [limit, offset]


def _may_be_row_value(constraint: Constraint) -> bool:
    return constraint.op in (Op.GE, Op.LE) and not constraint.literal


# ------------------------------------------------------------------------------- columns


def used_columns(schema: TableSchema, used: Collection[int]) -> tuple[int, ...]:
    """The positions of the columns that SQLite says are used."""
    rest = LAST_BIT in used
    return tuple(
        column
        for column in range(len(schema.columns))
        if column in used or (rest and column >= LAST_BIT)
    )
