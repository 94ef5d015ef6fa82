"""What of a log can be saved: the records of all sound frames, in front of damage and behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.repair.report import Loss
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.verify.log_file import LogContent
from lsmsql.engine.verify.shape import Shape
from lsmsql.engine.wal.format import LOG, decode_frame, encode_header, place_records
from lsmsql.engine.wal.runs import log_runs
from lsmsql.engine.wal.salvage import Salvage, salvage

Runs = dict[int, list[pa.RecordBatch]]
"""By table id, in the order of the commits; not in key order."""


@dataclass
class SavedLog:
    """The sound frames of a log. ``unknown`` counts records by the id of tables not known."""

    runs: Runs = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown: Counter[int] = field(default_factory=Counter)


def examine_log(log: LogContent, tables: Mapping[int, TableSchema]) -> SavedLog:
    """The records of ``tables`` in a log. Raises FormatError for a newer format."""
    found = salvage(log.data, log.path, log.number)
    saved = SavedLog(runs={table_id: [] for table_id in tables})
    _tell_gaps(log, found, saved)
    shapes = {table_id: Shape(schema) for table_id, schema in tables.items()}
    places = list(zip(found.offsets, found.ends, strict=True))
    _read_frames(log, places, shapes, saved)
    _count_unknown(log, found, tables, saved)
    return saved


def _tell_gaps(log: LogContent, found: Salvage, saved: SavedLog) -> None:
    last = found.offsets[-1] if found.offsets else 0
    torn = log.damage() is None
    for start, end in found.gaps:
        if torn and start > last:
            saved.notes.append(
                f"{log.name}, offset {start}: the last {end - start:,} bytes are no commit; it was"
                " never finished, or damaged"
            )
        else:
            problem = f"{end - start:,} bytes without a sound frame"
            saved.losses.append(Loss(log.name, start, problem, uncovers=True))


def _read_frames(
    log: LogContent,
    places: Sequence[tuple[int, int]],
    shapes: Mapping[int, Shape],
    saved: SavedLog,
) -> None:
    """Add the records of the frames at ``places``; where one is no good, halve them to find it."""
    if not places:
        return
    frames = [log.data[start:end] for start, end in places]
    clean = b"".join((encode_header(LOG, log.number), *frames))
    try:
        runs = _fitting(log_runs(clean, log.path, {t: s.types for t, s in shapes.items()}), shapes)
    except CorruptionError as error:
        if len(places) == 1:
            saved.losses.append(Loss(log.name, places[0][0], error.problem, uncovers=True))
            return
        half = len(places) // 2
        for part in (places[:half], places[half:]):
            _read_frames(log, part, shapes, saved)
        return
    for table_id, pieces in runs.items():
        saved.runs[table_id] += pieces


def _fitting(runs: Runs, shapes: Mapping[int, Shape]) -> Runs:
    """The runs themselves. Raises CorruptionError if a record does not fit its table."""
    for table_id, pieces in runs.items():
        for run in pieces:
            problem = shapes[table_id].problem(run)
            if problem is not None:
                raise CorruptionError("", None, problem)
    return runs


def _count_unknown(
    log: LogContent, found: Salvage, tables: Mapping[int, TableSchema], saved: SavedLog
) -> None:
    for offset in found.offsets:
        try:
            records = place_records(decode_frame(log.data, log.path, offset))
        except CorruptionError:
            continue
        saved.unknown.update(record[1] for record in records if record[1] not in tables)
