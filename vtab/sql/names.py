"""Names as SQL takes them."""

from __future__ import annotations

import re

import apsw

_KEYWORDS = frozenset(apsw.keywords)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def identifier(name: str) -> str:
    """A name as SQL takes it, in quotes if it needs them."""
    if _PLAIN_NAME.fullmatch(name) and name.upper() not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'
