"""What the dump programs share: values as text, tables, and errors as one line.

Tables are drawn with rich, an extra dependency (``cli``); JSON needs nothing.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lsmsql.engine.errors import Error, UsageError

if TYPE_CHECKING:
    from rich.console import Console

MAX_CELL = 200
"""Characters of a cell; what is longer is cut, with its length. JSON is never cut."""


def run(program: str, work: Callable[[], int]) -> int:
    """The exit status of ``work``; an error of ours becomes a line on stderr and status 1."""
    try:
        status = work()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Error as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    return status


def load_console() -> Console:
    """Where tables are printed. Raises UsageError if rich is not installed."""
    try:
        from rich.console import Console
    except ImportError:
        raise UsageError(
            "tables are drawn with rich: pip install 'lsmsql[cli]' (--json does without it)"
        ) from None
    return Console(highlight=False)


def print_facts(console: Console, facts: Mapping[str, object]) -> None:
    """A column of names and a column of values."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(_cell(name), _cell(value))
    console.print(table)


def print_table(
    console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """A table with a heading; integers to the right. Cells are folded, never dropped."""
    from rich.box import SIMPLE
    from rich.table import Table

    rows = list(rows)
    table = Table(title=title, title_justify="left", box=SIMPLE)
    for i, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[i], int) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    console.print(table)


def _cell(value: object) -> Any:
    """Text as it is: rich would take square brackets in a plain string for markup."""
    from rich.text import Text

    text = f"{value:,}" if isinstance(value, int) else str(value)
    if len(text) > MAX_CELL:
        text = f"{text[:MAX_CELL]}… ({len(text):,} characters)"
    return Text(text)


def bytes_text(data: bytes) -> str:
    """``data`` itself if it is printable text, else in hex."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return text if text.isprintable() else data.hex()


def unpack_value(data: bytes) -> Any:
    """What the msgpack in ``data`` stands for, in types that JSON has; bytes that are none as hex.

    Bytes become ``{"hex": "..."}``, an infinite number its name.
    """
    try:
        return _json_ready(msgspec.msgpack.decode(data))
    except (msgspec.MsgspecError, ValueError, RecursionError, TypeError):
        return {"hex": data.hex()}


def value_text(data: bytes) -> str:
    """``unpack_value`` as JSON on one line, fit for a terminal."""
    if not data:
        return ""
    value = unpack_value(data)
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def _json_ready(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"hex": bytes(value).hex()}
    if isinstance(value, list | tuple):
        return [_json_ready(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_ready(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
