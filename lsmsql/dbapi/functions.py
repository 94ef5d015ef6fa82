"""Functions of the user that SQL calls: what they raise becomes an error with its cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsmsql.dbapi.errors import DataError, OperationalError

_RESULTS = (int, float, str, bytes, bytearray, memoryview, type(None))


def scalar(function: Callable[..., object]) -> Callable[..., Any]:
    """A function as SQLite is to call it."""

    def call(*arguments: object) -> object:
        try:
            return _checked(function(*arguments))
        except DataError:
            raise
        except Exception as error:
            raise OperationalError("user-defined function raised exception") from error

    return call


def collation(function: Callable[[str, str], int]) -> Callable[[str, str], int]:
    """A comparison of two texts: negative, 0 or positive."""

    def compare(a: str, b: str) -> int:
        try:
            return int(function(a, b))
        except Exception as error:
            raise OperationalError("user-defined collation raised exception") from error

    return compare


class Aggregate:
    """An aggregate or window function in use: its methods, with the names that apsw calls."""

    def __init__(self, make: Callable[[], Any]) -> None:
        try:
            self._object = make()
        except Exception as error:
            raise _failed("__init__") from error

    def step(self, *arguments: object) -> None:
        """Take a row in."""
        self._call("step", arguments)

    def inverse(self, *arguments: object) -> None:
        """Take a row out."""
        self._call("inverse", arguments)

    def value(self) -> Any:
        """The result so far."""
        return self._call("value", ())

    def final(self) -> Any:
        """The result."""
        return self._call("finalize", ())

    def _call(self, method: str, arguments: tuple[object, ...]) -> object:
        try:
            return _checked(getattr(self._object, method)(*arguments))
        except DataError:
            raise
        except Exception as error:
            raise _failed(method) from error


def _failed(method: str) -> OperationalError:
    return OperationalError(f"user-defined aggregate's '{method}' method raised error")


def _checked(value: object) -> object:
    if not isinstance(value, _RESULTS):
        raise TypeError(f"a function gives int, float, str, bytes or None, not {value!r}")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise DataError("a function has given an integer that does not fit into 64 bits")
    return value
