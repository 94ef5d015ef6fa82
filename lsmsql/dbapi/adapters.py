"""Python values to what SQLite stores, and back.

On the way in, a value that SQLite has no type for is adapted: by the adapter registered for its
class, by its method ``__conform__``, or, if it is a scalar of numpy, by what it is in Python. On
the way out, converters turn the bytes of a value into an object; a connection looks for them if
``detect_types`` says so.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lsmsql.dbapi.errors import ProgrammingError
from lsmsql.dbapi.statements import Statement

PARSE_DECLTYPES = 1
"""Look for a converter by the declared type of a column: "date", or the first word of it."""
PARSE_COLNAMES = 2
"""Look for one by the name of a column: 'day [date]'."""

Adapter = Callable[[Any], object]
Converter = Callable[[bytes], object]

_native: set[type] = {int, float, str, bytes, type(None)}
"""Classes whose values go to SQLite as they are."""
_adapters: dict[type, Adapter] = {}
_converters: dict[str, Converter] = {}


class PrepareProtocol:
    """What the ``__conform__`` method of a value is asked for."""


def register_adapter(kind: type, adapter: Adapter, /) -> None:
    """Bind values of the class ``kind`` as what ``adapter`` makes of them."""
    _native.discard(kind)
    _adapters[kind] = adapter


def register_converter(name: str, converter: Converter, /) -> None:
    """Have values of the type ``name``, in any case, made by ``converter`` from their bytes."""
    _converters[name.upper()] = converter


def converter_for(name: str) -> Converter | None:
    """The converter of a type."""
    return _converters.get(name.upper())


def bind(statement: Statement, parameters: object) -> Sequence[Any]:
    """The parameters of a call as a sequence of values for SQLite, one for each in the statement.

    Raises ProgrammingError if they do not fit the statement, or a value has no adapter.
    """
    if type(parameters) is not tuple and type(parameters) is not list:
        parameters = _as_sequence(statement, parameters)
    if len(parameters) != statement.size:
        raise ProgrammingError(
            "Incorrect number of bindings supplied. The current statement uses"
            f" {statement.size}, and there are {len(parameters)} supplied."
        )
    if _native.issuperset(map(type, parameters)):
        return parameters
    return [_adapt(value, number) for number, value in enumerate(parameters, 1)]


def _as_sequence(statement: Statement, parameters: object) -> Sequence[Any]:
    if isinstance(parameters, Mapping):
        return [_named(name, n, parameters) for n, name in enumerate(statement.names, 1)]
    if isinstance(parameters, Sequence) or hasattr(type(parameters), "__getitem__"):
        return tuple(parameters)  # type: ignore[arg-type]
    raise ProgrammingError("parameters are of unsupported type")


def _named(name: str | None, number: int, parameters: Mapping[str, object]) -> object:
    if name is None:
        raise ProgrammingError(
            f"Binding {number} has no name, but you supplied a dictionary (which has only names)."
        )
    try:
        return parameters[name]
    except LookupError:
        raise ProgrammingError(
            f"You did not supply a value for binding parameter :{name}."
        ) from None


def _adapt(value: object, number: int) -> object:
    kind = type(value)
    if kind in _native:
        return value
    adapter = _adapters.get(kind)
    if adapter is not None:
        value = adapter(value)
    elif hasattr(value, "__conform__"):
        conformed = value.__conform__(PrepareProtocol)
        value = value if conformed is None else conformed
    elif isinstance(value, np.generic):
        value = value.item()
        if type(value) in _adapters:
            value = _adapters[type(value)](value)
    if value is None or isinstance(value, int | float | str | bytes):
        return value
    if isinstance(value, bytearray | memoryview) or _is_buffer(value):
        return bytes(value)  # type: ignore[call-overload]
    raise ProgrammingError(
        f"Error binding parameter {number}: type '{kind.__name__}' is not supported"
    )


def _is_buffer(value: object) -> bool:
    if isinstance(value, np.generic):
        return False
    try:
        memoryview(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def _timestamp(text: bytes) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.decode())


register_adapter(datetime.date, datetime.date.isoformat)
register_adapter(datetime.datetime, lambda value: value.isoformat(" "))
register_adapter(datetime.time, datetime.time.isoformat)
register_converter("date", lambda text: datetime.date.fromisoformat(text.decode()))
register_converter("time", lambda text: datetime.time.fromisoformat(text.decode()))
register_converter("timestamp", _timestamp)
register_converter("datetime", _timestamp)
