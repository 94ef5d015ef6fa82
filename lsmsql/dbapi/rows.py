"""Rows: ``Row``, as in sqlite3, and what happens to the values of a row before it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from lsmsql.dbapi.adapters import (
    PARSE_COLNAMES,
    PARSE_DECLTYPES,
    Converter,
    converter_for,
)
from lsmsql.dbapi.statements import Description, named_type

Decoder = Callable[[tuple[Any, ...]], tuple[Any, ...]]
TextFactory = Callable[[bytes], object]


class Described(Protocol):
    """What a row needs of its cursor."""

    @property
    def description(self) -> tuple[Description, ...] | None: ...


class Row:
    """A row whose values have the names of their columns, too, in any case.

    ``connection.row_factory = lsmsql.Row`` gives these in place of tuples.
    """

    __slots__ = ("_description", "_values")

    def __init__(self, cursor: Described, values: tuple[Any, ...]) -> None:
        self._description = cursor.description or ()
        self._values = values

    def keys(self) -> list[str]:
        """The names of the columns."""
        return [column[0] for column in self._description]

    def __getitem__(self, index: object) -> Any:
        if isinstance(index, str):
            return self._values[self._position(index)]
        if isinstance(index, int | slice):
            return self._values[index]
        raise IndexError("Index must be int or string")

    def _position(self, name: str) -> int:
        folded = name.lower()
        for position, column in enumerate(self._description):
            if column[0].lower() == folded:
                return position
        raise IndexError(f"No item with that key: {name!r}; the row has {', '.join(self.keys())}")

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return self._description == other._description and self._values == other._values

    def __hash__(self) -> int:
        return hash((self._description, self._values))

    def __repr__(self) -> str:
        pairs = zip(self.keys(), self._values, strict=False)
        return f"<lsmsql.Row {', '.join(f'{name}={value!r}' for name, value in pairs)}>"


Sequence.register(Row)


def decoder(
    description: Sequence[Description], detect_types: int, text_factory: TextFactory
) -> Decoder | None:
    """What turns the values of a row into those that are given; None if they stay as they are."""
    converters = [_find_converter(column, detect_types) for column in description]
    if text_factory is str and not any(converters):
        return None

    def decode(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            _decode(value, converter, text_factory)
            for value, converter in zip(row, converters, strict=True)
        )

    return decode


def _find_converter(column: Description, detect_types: int) -> Converter | None:
    name, declared = column[:2]
    found: Converter | None = None
    if detect_types & PARSE_COLNAMES:
        kind = named_type(name)
        found = None if kind is None else converter_for(kind)
    if found is None and detect_types & PARSE_DECLTYPES and declared:
        found = converter_for(declared.partition("(")[0].partition(" ")[0])
    return found


def _decode(value: object, converter: Converter | None, text_factory: TextFactory) -> object:
    if converter is not None and value is not None:
        return converter(value if isinstance(value, bytes) else str(value).encode())
    if isinstance(value, str) and text_factory is not str:
        return text_factory(value.encode())
    return value
