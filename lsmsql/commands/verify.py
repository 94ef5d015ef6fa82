"""``lsmsql verify``: the report of a check on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from lsmsql.commands.command import BAD, GOOD
from lsmsql.engine.verify.verify import verify


def run(words: Sequence[str], options: Mapping[str, str], stdout: TextIO) -> int:
    """Check the store at ``words[0]``. Raises UsageError, StorageError."""
    report = verify(words[0], options.get("level", "full"))
    stdout.write(f"{report}\n")
    return GOOD if report.ok else BAD
