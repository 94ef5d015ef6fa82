"""The check of one log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from lsmsql.engine.errors import CorruptionError, Error
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.verify.report import Findings, Level
from lsmsql.engine.verify.shape import Shape
from lsmsql.engine.wal.format import LOG, decode_frame, decode_header, log_name
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.runs import log_runs
from lsmsql.engine.wal.salvage import Salvage, salvage


@dataclass(frozen=True)
class LogContent:
    """A log as it was read. ``newest``: it may still be written to."""

    number: int
    path: str
    data: bytes
    newest: bool

    @property
    def name(self) -> str:
        """Its name in the directory of the store."""
        return log_name(self.number)

    def damage(self) -> CorruptionError | None:
        """The first thing in it that stops a reader. Raises FormatError."""
        try:
            reader = LogReader(self.data, self.path, newest=self.newest)
            for _ in reader.offsets():
                pass
        except CorruptionError as error:
            return error
        return None

    def last_commit(self) -> int:
        """Its newest sequence number, 0 if there is none. Raises CorruptionError, FormatError."""
        last = 0
        for offsets in LogReader(self.data, self.path, newest=self.newest).offsets():
            last = decode_frame(self.data, self.path, offsets[-1]).sequence
        return last


@dataclass(frozen=True)
class Commits:
    """The sequence numbers in a log.

    ``jumps``: those behind which the next one does not follow, and that one. What is between them
    was given to an ingest, or is missing. ``whole``: no bytes are known to be damaged.
    """

    first: int
    last: int
    jumps: tuple[tuple[int, int], ...]
    whole: bool


def check_log(
    log: LogContent, tables: Mapping[int, TableSchema], level: Level, findings: Findings
) -> Commits | None:
    """Look at a log; the commits in it, None if it has no frame.

    ``tables``: those that are known, by id. Records of others are of tables that were dropped.
    """
    findings.count(files=1, size=len(log.data))
    try:
        if level < Level.CHECKSUMS:
            _check_header(log, findings)
            return None
        return _check_frames(log, tables, level, findings)
    except Error as error:
        findings.caught(error, log.name)
        return None


def _check_header(log: LogContent, findings: Findings) -> None:
    reader = LogReader(log.data, log.path, newest=log.newest)
    if reader.header is None:
        findings.notice(log.name, 0, "it was begun and never written to")
        return
    header = decode_header(log.data, log.path)
    if header.kind is not LOG or header.number != log.number:
        findings.error(log.name, 0, f"this is {header.kind.name.lower()} {header.number}")


def _check_frames(
    log: LogContent, tables: Mapping[int, TableSchema], level: Level, findings: Findings
) -> Commits | None:
    damage = log.damage()
    if damage is None:
        _check_header(log, findings)
    found = salvage(log.data, log.path, log.number)
    _tell_gaps(log, found, damage, findings)
    if not found.offsets:
        return None
    frames = [decode_frame(log.data, log.path, offset) for offset in found.offsets]
    for before, frame in pairwise(frames):
        if frame.sequence <= before.sequence:
            findings.error(log.name, frame.offset, f"commit {frame.sequence} is out of order")
    if level >= Level.FULL:
        _check_rows(log, found, tables, findings)
    numbers = [frame.sequence for frame in frames]
    jumps = tuple((a, b) for a, b in pairwise(numbers) if b > a + 1)
    return Commits(numbers[0], numbers[-1], jumps, not found.gaps)


def _tell_gaps(
    log: LogContent, found: Salvage, damage: CorruptionError | None, findings: Findings
) -> None:
    if damage is not None and not found.gaps:
        findings.caught(damage, log.name)
    if damage is not None and found.header is not None:
        findings.caught(found.header, log.name)
    if damage is None and found.gaps:
        first = found.gaps[0][0]
        problem = f"{unread(found)}; nothing proves that it had been on the disk"
        findings.notice(log.name, first, problem)
        return
    for start, end in found.gaps:
        findings.error(log.name, start, f"{end - start:,} bytes without a sound frame")


def unread(found: Salvage) -> str:
    """What stands behind the first bad byte of a log whose end is taken for torn."""
    first, _ = found.gaps[0]
    size = max(found.gaps[-1][1], found.ends[-1] if found.ends else 0) - first
    behind = sum(offset > first for offset in found.offsets)
    commits = f", among them {behind:,} sound commits" if behind else ""
    return f"the last {size:,} bytes are not read, as those of unfinished commits{commits}"


def _check_rows(
    log: LogContent, found: Salvage, tables: Mapping[int, TableSchema], findings: Findings
) -> None:
    """The records of all sound frames: whether there is a row in each, one that fits its table."""
    clean = found.clean(log.data, LOG, log.number)
    types = {table_id: schema.slot_types for table_id, schema in tables.items()}
    try:
        runs = log_runs(clean, log.path, types)
    except CorruptionError as error:
        offset = _offset_of(found, error.offset)
        findings.error(log.name, offset, error.problem)
        return
    for table_id, pieces in runs.items():
        shape = Shape(tables[table_id])
        for run in pieces:
            findings.count(rows=run.num_rows)
            problem = shape.problem(run)
            if problem is not None:
                findings.error(log.name, None, problem, tables[table_id].name)


def _offset_of(found: Salvage, place: int | None) -> int | None:
    """Where in the file a place of the file without its damage is."""
    if place is None:
        return None
    at = 0
    shift = 0
    for start, end in found.gaps:
        if place + shift < start:
            break
        shift += end - start
        at = start
    return max(at, place + shift)
