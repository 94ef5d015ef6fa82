"""``lsmsql backup``: another directory becomes a store as this one is, while others write to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from lsmsql.commands.command import GOOD
from lsmsql.engine.store import open_store


def run(words: Sequence[str], options: Mapping[str, str], stdout: TextIO) -> int:
    """Back the store at ``words[0]`` up to ``words[1]``. Raises UsageError, StorageError."""
    path, target = words
    with open_store(path, "r") as store:
        stdout.write(f"{store.backup(target)}\n")
    return GOOD
