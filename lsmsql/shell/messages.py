"""Errors as the shell prints them."""

from __future__ import annotations

import re

import apsw
import apsw.shell

from lsmsql.engine.errors import Error, ReadOnlyError

_CONTEXT = 35
"""Characters of the statement to show on either side of an error."""


def describe(error: BaseException, writer: str = "") -> str:
    """What went wrong, in one line as a rule. ``writer`` is as in ``Session``."""
    text = str(error).strip()
    if isinstance(error, KeyboardInterrupt | apsw.InterruptError):
        return "interrupted"
    if isinstance(error, ReadOnlyError | apsw.ReadOnlyError):
        reason = f", since process {writer} writes to it; -wait SECONDS waits for it"
        return "the store is open for reading only" + (reason if writer else "")
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, UnicodeDecodeError):
        return f"input is not valid UTF-8: {error.reason}"
    if isinstance(error, apsw.Error | Error | apsw.shell.Shell.Error | ValueError) and text:
        return text
    return f"internal error: {type(error).__name__}: {text}"


def show_place(sql: str, offset: int) -> str:
    """Two lines that point at byte ``offset`` of a statement, or nothing if it is negative."""
    if offset < 0:
        return ""
    encoded = sql.encode()
    before = _one_line(encoded[:offset].decode(errors="replace")[-_CONTEXT:]).lstrip()
    after = _one_line(encoded[offset:].decode(errors="replace")[:_CONTEXT]).rstrip()
    return f"  {before}{after}\n  {' ' * len(before)}^--- error here\n"


def _one_line(text: str) -> str:
    return re.sub(r"\s", " ", text)
