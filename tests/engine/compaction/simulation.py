"""A store without disk: files are sets of key numbers, each job is carried out on numpy arrays.

What the strategies choose, and what it costs, in a fraction of a second: thousands of flushes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.compaction.job import Job, Move
from lsmsql.engine.compaction.strategy import choose
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.version import TableVersion, Version
from lsmsql.engine.options import Options
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable

TABLE = 7
ROW_BYTES = 100

Records = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Distinct keys in order, and the sequence number of each."""


def unread(meta: FileMeta) -> SSTable:
    """A file that is never opened."""
    return SSTable(OsFileSystem(), "unread", meta, BlockCache(1), Counters())


@dataclass
class Simulation:
    """One table and what was done to it. Sizes in bytes."""

    options: Options
    style: str = "leveled"
    version: Version = field(default_factory=Version)
    records: dict[int, Records] = field(default_factory=dict)
    newest: dict[int, int] = field(default_factory=dict)
    sequence: int = 0
    number: int = 0
    flushed: int = 0
    merged: int = 0
    largest_job: int = 0
    most_runs: int = 0

    @property
    def table(self) -> TableVersion:
        return self.version.table(TABLE)

    @property
    def write_amplification(self) -> float:
        return (self.flushed + self.merged) / self.flushed

    @property
    def space_amplification(self) -> float:
        return sum(f.meta.size for _, f in self.version.files()) / (ROW_BYTES * len(self.newest))

    def runs_probed(self) -> int:
        """Files that a read of an absent key in the middle of all looks into."""
        return len(self.table.levels[0].files) + sum(bool(n.files) for n in self.table.levels[1:])

    def flush(self, keys: npt.NDArray[np.int64]) -> None:
        """A memtable of ``keys``, written one after the other, becomes a file of level 0."""
        sequences = np.arange(self.sequence + 1, self.sequence + 1 + len(keys))
        self.sequence += len(keys)
        self.newest.update(zip(keys.tolist(), sequences.tolist(), strict=True))
        metas = self._write(newest_of([(keys, sequences)]), None)
        self.flushed += sum(meta.size for meta in metas)
        self._install(Edit(added=tuple(AddedFile(0, meta) for meta in metas)))

    def settle(self) -> int:
        """Do all jobs that are due; how many there were."""
        jobs = 0
        while (job := choose(self.version, self.options, self.style)) is not None:
            self.run(job)
            jobs += 1
            assert jobs < 1000, "the strategy finds no end"
        self.most_runs = max(self.most_runs, self.runs_probed())
        return jobs

    def run(self, job: Job) -> None:
        """Carry out a job and check every rule of versions."""
        if isinstance(job, Move):
            removed = tuple(file.meta.number for file in job.files)
            added = tuple(AddedFile(job.level, file.meta) for file in job.files)
        else:
            inputs = [file.meta for file in job.inputs]
            removed = tuple(meta.number for meta in inputs)
            self.largest_job = max(self.largest_job, sum(meta.size for meta in inputs))
            records = newest_of([self.records[number] for number in removed])
            metas = self._write(records, self.options.table_bytes)
            self.merged += sum(meta.size for meta in metas)
            added = tuple(AddedFile(job.level, meta) for meta in metas)
        self._install(Edit(added=added, removed=removed))
        for _ in removed if not isinstance(job, Move) else ():
            self.records.pop(_, None)
        self.check_levels()

    def _install(self, edit: Edit) -> None:
        self.version = self.version.apply(edit, unread)

    def _write(self, records: Records, table_bytes: int | None) -> list[FileMeta]:
        keys, sequences = records
        step = len(keys) if table_bytes is None else max(1, table_bytes // ROW_BYTES)
        metas = []
        for start in range(0, len(keys), step):
            part = (keys[start : start + step], sequences[start : start + step])
            self.number += 1
            self.records[self.number] = part
            metas.append(meta_of(self.number, part))
        return metas

    def check_levels(self) -> None:
        """Below level 0 the files of a level are in key order and share no key."""
        for level in self.table.levels[1:]:
            for before, after in zip(level.files, level.files[1:], strict=False):
                assert before.meta.largest < after.meta.smallest

    def check_reads(self) -> None:
        """The first place that knows a key, from the newest on, has its newest record."""
        found: dict[int, int] = {}
        for _, file in self.version.files():
            keys, sequences = self.records[file.meta.number]
            for key, sequence in zip(keys.tolist(), sequences.tolist(), strict=True):
                found.setdefault(key, sequence)
        assert found == self.newest


def newest_of(sources: list[Records]) -> Records:
    """The newest record of each key."""
    keys = np.concatenate([source[0] for source in sources])
    sequences = np.concatenate([source[1] for source in sources])
    order = np.lexsort((-sequences, keys))
    keys, sequences = keys[order], sequences[order]
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    return keys[first], sequences[first]


def meta_of(number: int, records: Records) -> FileMeta:
    keys, sequences = records
    rows = len(keys)
    first, last = (int(keys[at]).to_bytes(8, "big") for at in (0, -1))
    least, most = int(sequences.min()), int(sequences.max())
    return FileMeta(number, TABLE, rows * ROW_BYTES, rows, rows, 0, first, last, least, most)
