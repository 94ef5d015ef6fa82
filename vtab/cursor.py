"""A cursor: SQLite walks over the rows of a plan with it.

SQLite makes a call for every row and for every value of it, so these do as little as can be: rows
come in slices, and within a slice a row is a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import apsw

from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Slice
from lsmsql.engine.values import Value
from vtab.access import Known, Lists
from vtab.indexaccess import AnyAccess
from vtab.pin import Pin
from vtab.session import Session

_at_end = partial(bool, True)
_UNKNOWN: Any = object()


class Cursor:
    """Rows of one table, as of the moment of the last ``Filter``.

    ``Eof`` is no method: a callable that needs no frame of Python. For a scan it tells whether
    there is anything in the list ``_end``.
    """

    __slots__ = (
        "Eof",
        "_access",
        "_accesses",
        "_end",
        "_known",
        "_lists",
        "_lonely",
        "_number",
        "_pin",
        "_row",
        "_schema",
        "_session",
        "_size",
        "_slices",
    )
    Eof: Callable[[], bool]
    """Whether there is no row any more: called once after ``Filter`` and after each ``Next``."""
    _access: AnyAccess
    _end: list[bool]
    _known: Known | None
    _lists: Lists
    _lonely: bool | None
    """Whether it is known that no text is there that may be a number."""
    _number: int
    _row: int
    _size: int
    _slices: Iterator[Slice]

    def __init__(self, session: Session, schema: TableSchema) -> None:
        self._session = session
        self._schema = schema
        self._accesses = session.accesses.by_number
        self._pin: Pin | None = None

    def Filter(self, number: int, text: str, arguments: tuple[Any, ...]) -> None:  # noqa: N802
        """Begin to read with the plan of that number."""
        held = self._pin
        self._pin = pin = self._session.lease(held, self._schema)
        self._begin(pin, number, arguments, same_view=pin is held)

    def _begin(
        self, view: ReadView, number: int, arguments: tuple[Any, ...], *, same_view: bool
    ) -> None:
        """Begin to read ``view``, which may be that of the last time."""
        again = same_view and number == self._number
        if not again:
            self._number = number
            self._access = self._accesses[number]
            self._known = None
            self._lonely = None
        access = self._access
        if access.finds_one(view) and (not access.doubtful or self._is_one(view, arguments)):
            self._look_up(view, arguments, again)
        else:
            self._end = []
            self.Eof = partial(bool, self._end)
            self._slices = iter(access.scan(view, arguments))
            self._load()

    def _is_one(self, view: ReadView, arguments: tuple[Any, ...]) -> bool:
        """Whether doubtful comparisons that find one row can mean no other."""
        access = self._access
        if len(arguments) > 1 or not isinstance(arguments[0], int | float):
            return not access.selection.is_wider(arguments)
        if self._lonely is None:  # the same texts may be meant by all numbers
            self._lonely = access.has_none(view, access.selection.others(arguments))
        return self._lonely

    def _look_up(self, view: ReadView, arguments: tuple[Any, ...], again: bool) -> None:
        """Go to the one row that there may be."""
        known = self._known
        if known is None and again:  # at first not: most statements look up one row
            known = self._known = {}
        row = _UNKNOWN if known is None else known.get(arguments, _UNKNOWN)
        if row is _UNKNOWN:
            row = self._access.look_up(view, arguments, known)
        if row is None:
            self.Eof = _at_end
        else:
            self._lists = row
            self._row = 0
            self._size = 0  # there is no slice to go on to
            self.Eof = [True, False].pop

    def _load(self) -> None:
        """Go to the first row of the next slice."""
        piece = next(self._slices, None)
        self._row = 0
        if piece is None:
            self._end.append(True)
        else:
            self._size = len(piece.keys)
            self._lists = self._access.arrange(piece.keys, piece.columns)

    def Next(self) -> None:  # noqa: N802
        """Go to the next row."""
        row = self._row = self._row + 1
        if row == self._size:
            self._load()

    def Column(self, number: int) -> Value:  # noqa: N802
        """A value of the present row."""
        return self._lists[number][self._row]

    def ColumnNoChange(self, number: int) -> object:  # noqa: N802
        """A value that an UPDATE does not change: the row is found again by its key."""
        return apsw.no_change

    def Rowid(self) -> Value:  # noqa: N802
        """The key of a row, in a table keyed by one INTEGER."""
        return self._lists[self._schema.key[0]][self._row]

    def Close(self) -> None:  # noqa: N802
        """Let go of the snapshot."""
        pin, self._pin = self._pin, None
        if pin is not None:
            self._session.give_back(pin)
