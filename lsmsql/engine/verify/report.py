"""What a check of a store has found."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field, replace

from lsmsql.engine.errors import CorruptionError, Error, UsageError

MOST_FINDINGS = 1_000
"""No more findings are kept; the others are counted."""


class Level(enum.IntEnum):
    """How much is looked at."""

    QUICK = 1
    CHECKSUMS = 2
    FULL = 3

    @classmethod
    def named(cls, name: str) -> Level:
        """The level "quick", "checksums" or "full". Raises UsageError."""
        for level in cls:
            if level.name.lower() == name:
                return level
        raise UsageError(f"level is one of quick, checksums, full, not {name!r}")


class Severity(enum.StrEnum):
    """Whether something is wrong, or merely worth to be known."""

    ERROR = "error"
    NOTICE = "notice"


@dataclass(frozen=True)
class Finding:
    """Something in a file that is not as it must be, or that nobody needs.

    ``file`` is its name in the directory of the store, ``offset`` the byte at which it begins
    (``None``: the file as a whole), ``table`` the name of the table it is about, if it is known.
    In place of a file stands "index NAME" where an index does not agree with its table.
    """

    severity: Severity
    file: str
    offset: int | None
    problem: str
    table: str | None = None

    def __str__(self) -> str:
        place = self.file if self.offset is None else f"{self.file}, offset {self.offset}"
        whose = "" if self.table is None else f" (table {self.table})"
        return f"{self.severity}: {place}{whose}: {self.problem}"


@dataclass(frozen=True)
class Counts:
    """How much was looked at; ``size`` is in bytes."""

    files: int = 0
    blocks: int = 0
    rows: int = 0
    size: int = 0


@dataclass(frozen=True)
class Report:
    """The outcome of a check. ``unlisted`` errors came after the first MOST_FINDINGS findings."""

    path: str
    level: str
    findings: tuple[Finding, ...]
    counts: Counts
    unlisted: int = 0

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What is wrong."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def notices(self) -> tuple[Finding, ...]:
        """What does no harm."""
        return tuple(f for f in self.findings if f.severity is Severity.NOTICE)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors

    def __str__(self) -> str:
        c = self.counts
        seen = f"{c.files:,} files, {c.blocks:,} blocks, {c.rows:,} rows, {c.size:,} bytes"
        wrong = len(self.errors) + self.unlisted
        verdict = "ok" if self.ok else f"{wrong:,} error{'s' * (wrong != 1)}"
        lines = [f"{self.path}: {verdict} ({self.level}: {seen})", *map(str, self.findings)]
        if self.unlisted:
            lines.append(f"and {self.unlisted:,} more")
        return "\n".join(lines)


@dataclass
class Findings:
    """Gathers what is found while a store is looked at. What is found twice counts once."""

    counts: Counts = Counts()
    found: dict[Finding, None] = field(default_factory=dict)
    unlisted: int = 0

    def error(self, file: str, offset: int | None, problem: str, table: str | None = None) -> None:
        """Something is wrong."""
        self._add(Finding(Severity.ERROR, file, offset, problem, table))

    def notice(self, file: str, offset: int | None, problem: str, table: str | None = None) -> None:
        """Something is worth to be known."""
        self._add(Finding(Severity.NOTICE, file, offset, problem, table))

    def caught(self, error: Error, file: str, table: str | None = None) -> None:
        """An error that the reader of ``file`` raised."""
        if isinstance(error, CorruptionError):
            self.error(os.path.basename(error.file), error.offset, error.problem, table)
        else:
            self.error(file, None, str(error), table)

    def _add(self, finding: Finding) -> None:
        if len(self.found) < MOST_FINDINGS:
            self.found[finding] = None
        elif finding.severity is Severity.ERROR and finding not in self.found:
            self.unlisted += 1

    def count(self, *, files: int = 0, blocks: int = 0, rows: int = 0, size: int = 0) -> None:
        """So much more has been looked at."""
        c = self.counts
        self.counts = replace(
            c,
            files=c.files + files,
            blocks=c.blocks + blocks,
            rows=c.rows + rows,
            size=c.size + size,
        )

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong so far."""
        return all(finding.severity is not Severity.ERROR for finding in self.found)

    def report(self, path: str, level: Level) -> Report:
        """All of it, as a value."""
        name = level.name.lower()
        return Report(path, name, tuple(self.found), self.counts, self.unlisted)
