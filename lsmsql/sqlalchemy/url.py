"""``lsmsql:///path?mode=r&sync=normal`` to the arguments of ``lsmsql.connect``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Final

from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.util import asbool

from lsmsql.engine.options import Options

MEMORY: Final = ":memory:"

_FORMS = (
    "lsmsql:///relative/path, lsmsql:////absolute/path, or lsmsql:// for a temporary store,"
    " and then ?argument=value"
)

_ARGUMENTS: Final[dict[str, Callable[[str], Any]]] = {
    "mode": str,
    "timeout": float,
    "detect_types": int,
    "isolation_level": str,
    "check_same_thread": asbool,
    "cached_statements": int,
    "foreign_keys": str,
    "untrusted": asbool,
    "max_seconds": float,
    "max_rows": int,
    "max_memory": int,
}
_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "int": int,
    "float": float,
    "bool": asbool,
    "str": str,
}
_OPTIONS: Final = {
    option.name: _READERS.get(str(option.type), str)
    for option in fields(Options)
    if option.name != "busy_timeout"  # which is called timeout
}


def store_options() -> Set[str]:
    """The arguments that are about the store, not the connection."""
    return _OPTIONS.keys()


def connect_arguments(url: URL) -> tuple[str, dict[str, Any]]:
    """The path of the store, and the other arguments of ``lsmsql.connect``.

    Raises ArgumentError for a URL of another form, unknown arguments and wrong values.
    """
    if url.username or url.password or url.host or url.port:
        raise ArgumentError(f"{url.render_as_string()}: a store is a directory; write {_FORMS}")
    return url.database or MEMORY, _read_query(url.query)


def _read_query(query: Mapping[str, tuple[str, ...] | str]) -> dict[str, Any]:
    readers = _ARGUMENTS | _OPTIONS
    found: dict[str, Any] = {}
    for name, value in query.items():
        if name not in readers:
            near = get_close_matches(name, readers, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ArgumentError(f"lsmsql.connect has no argument {name}{hint}")
        if not isinstance(value, str):
            raise ArgumentError(f"{name} is given {len(value)} times")
        try:
            found[name] = readers[name](value)
        except ValueError:
            raise ArgumentError(f"{name}={value}: this is no {_kind(readers[name])}") from None
    return found


def _kind(reader: Callable[[str], Any]) -> str:
    return {int: "whole number", float: "number"}.get(reader, "truth value")  # type: ignore[call-overload,no-any-return]
