"""``lsmsql repair``: the report of a repair on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from lsmsql.commands.command import BAD, GOOD
from lsmsql.engine.repair.repair import repair


def run(words: Sequence[str], options: Mapping[str, str], stdout: TextIO) -> int:
    """Save the store at ``words[0]`` as ``words[1]``. Raises UsageError, StorageError."""
    report = repair(*words)
    stdout.write(f"{report}\n")
    return GOOD if report.ok else BAD
