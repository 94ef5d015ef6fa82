"""Backup: a store of its own in another directory, as of one commit, made while others write.

SSTables are never changed, so those of the backup are second names of the store's (hard links), or
copies on another disk. What is in memtables is written as files of level 0. There is no log.

    1. files that the backup has already, from the last time, stay; the others are linked
    2. memtables are written, with numbers far above those that the store gives out
    3. a new manifest, whose only edit is the whole state, marked as that of a backup; then CURRENT
    4. what the backup needed before, and does not any more, is removed

Until step 3 the directory holds the backup that was there before, and from then on the new one. A
first backup that is cut short leaves no CURRENT but the file UNFINISHED, by which it is known.

A backup that was opened for writing has a second edit in its manifest: it has become a store with
a life of its own, and is not overwritten.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace

from lsmsql.engine.catalog import CATALOG_SCHEMA, catalog_of
from lsmsql.engine.cleanup import remove_unnamed
from lsmsql.engine.core import Core
from lsmsql.engine.errors import BusyError, StorageError, UsageError
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.manifest.manifest import (
    CURRENT,
    LoadedManifest,
    Manifest,
    ManifestState,
    parse_manifest,
    read_manifest,
)
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.options import Options
from lsmsql.engine.output import write_files
from lsmsql.engine.ownership import LOCK
from lsmsql.engine.readview import ReadView
from lsmsql.engine.scan import memtable_runs
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.view import State

UNFINISHED = "UNFINISHED"

_APART = 1 << 32
"""Files of the backup's own have numbers that the store will not come to."""


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds and what was done for it. ``sequence`` is its newest commit.

    ``kept`` files were there from the last time, ``linked`` ones take no room of their own,
    ``copied`` ones do, as those that were ``written`` from memory. ``bytes`` is the size of all.
    """

    path: str
    sequence: int
    kept: int
    linked: int
    copied: int
    written: int
    bytes: int

    def __str__(self) -> str:
        """In a line."""
        files = self.kept + self.linked + self.copied + self.written
        return (
            f"{self.path}: commit {self.sequence:,}, {files:,} files, {self.bytes:,} bytes"
            f" ({self.kept:,} files were there, {self.linked:,} linked, {self.copied:,} copied,"
            f" {self.written:,} written from memory)"
        )


def back_up(core: Core, target: str) -> BackupReport:
    """Make the directory ``target`` a backup of the store as it is now, or bring it up to date.

    Raises UsageError if it holds anything else, also a backup that was opened for writing since or
    that is newer than the store; BusyError if somebody is at work in it; StorageError,
    CorruptionError. The backup that was there before is then still there.
    """
    filesystem = core.filesystem
    if os.path.realpath(target) == os.path.realpath(core.path):
        raise UsageError(f"{target} is the store itself; give another directory for the backup")
    _check_target(filesystem, target)
    _make_directory(filesystem, target)
    try:
        lock = filesystem.lock(f"{target}/{LOCK}", str(os.getpid()))
    except BusyError as error:
        problem = f"process {error.owner} has the backup {target} open"
        raise BusyError(problem, error.owner) from error
    try:
        with ReadView(core) as view:
            return _Backup(core, target, _check_target(filesystem, target)).make(view)
    finally:
        lock.release()


def _make_directory(filesystem: FileSystem, target: str) -> None:
    """Make it, and have its name on the disk, and those of the parents that are not there either.

    It may be there, made by a backup that was cut short.
    """
    parents = [os.path.dirname(target)]
    while not filesystem.exists(parents[-1]):
        parents.append(os.path.dirname(parents[-1]))
    filesystem.make_directory(target)
    for parent in parents:
        filesystem.sync_directory(parent)


def _check_target(filesystem: FileSystem, target: str) -> LoadedManifest | None:
    """The backup that is there; None if there is none yet. Raises UsageError for anything else."""
    if not filesystem.exists(target):
        return None
    if filesystem.exists(f"{target}/{CURRENT}"):
        loaded = parse_manifest(read_manifest(filesystem, target))
        if not loaded.state.backup:
            raise UsageError(
                f"{target} is a store that somebody has written to, and no backup of this one;"
                " give another directory"
            )
        return loaded
    names = set(filesystem.list(target)) - {LOCK}
    if names and UNFINISHED not in names:
        raise UsageError(
            f"{target} holds other files, such as {min(names)}; give a new or an empty directory"
        )
    return None


class _Backup:
    """The making of one backup."""

    def __init__(self, core: Core, target: str, before: LoadedManifest | None) -> None:
        self._core = core
        self._filesystem = core.filesystem
        self._target = target
        self._before = ManifestState() if before is None else before.state
        self._old_number = 0 if before is None else before.number
        self._counts = {"kept": 0, "linked": 0, "copied": 0}

    def make(self, view: ReadView) -> BackupReport:
        """A backup of what ``view`` sees."""
        state, sequence = view.state, view.sequence
        self._check_lineage(state, sequence)
        remove_unnamed(  # the rest of a backup that was cut short
            self._filesystem, self._target, self._old_number, self._before.files
        )
        unfinished = f"{self._target}/{UNFINISHED}"
        if not self._old_number and not self._filesystem.exists(unfinished):
            self._filesystem.create(unfinished).close()
        placed = {
            file.meta.number: (level, file.meta, file)
            for table in state.tables.values()
            for level, file in table.version.files()
        }
        for _, meta, file in placed.values():
            self._take(meta, file)
        files = {number: (level, meta) for number, (level, meta, _) in placed.items()}
        first = max(max(files, default=0) + _APART, max(self._before.files, default=0) + 1)
        written = self._write_memtables(state, sequence, first)
        files |= {meta.number: (0, meta) for meta in written}
        self._filesystem.sync_directory(self._target)
        newest = max([sequence, *(meta.max_sequence for _, meta in files.values())])
        next_file = 1 + max([self._old_number, *files, *self._before.files])
        manifest = Manifest.begin(
            self._filesystem,
            self._target,
            next_file,
            ManifestState(files, 0, newest, next_file + 1, backup=True),
        )
        manifest.close()
        remove_unnamed(self._filesystem, self._target, next_file, files)
        if self._filesystem.exists(unfinished):
            self._filesystem.remove(unfinished)
        size = sum(meta.size for _, meta in files.values())
        return BackupReport(self._target, newest, **self._counts, written=len(written), bytes=size)

    def _check_lineage(self, state: State, sequence: int) -> None:
        """Raise UsageError if what is there is not of this store, or newer than it."""
        stored = {
            file.meta.number: file.meta
            for table in state.tables.values()
            for _, file in table.version.files()
        }
        for number, (_, meta) in self._before.files.items():
            if number in stored and stored[number] != meta:
                raise UsageError(f"{self._target} is a backup of another store")
        if self._before.last_sequence > sequence:
            raise UsageError(
                f"{self._target} is a backup of commit {self._before.last_sequence}, and the store"
                f" is at {sequence}: it is of another store, or of a later time"
            )

    def _take(self, meta: FileMeta, file: SSTable) -> None:
        """Have a file of the store in the backup."""
        target = f"{self._target}/{file_name(meta.number)}"
        if meta.number in self._before.files and self._filesystem.exists(target):
            self._counts["kept"] += 1
            return
        try:
            linked = self._filesystem.link(file.path, target)
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            self._copy(file, target)  # the writer has removed it since; here it is still open
            linked = False
        self._counts["linked" if linked else "copied"] += 1

    def _copy(self, file: SSTable, target: str) -> None:
        copy = self._filesystem.create(target)
        try:
            for piece in file.pieces():
                copy.write(piece)
            copy.sync()
        finally:
            copy.close()

    def _write_memtables(self, state: State, sequence: int, first: int) -> list[FileMeta]:
        """What the memtables hold, a file of level 0 for each table, numbered from ``first``."""
        options = replace(self._core.options, background=False)
        place = _Place(self._filesystem, self._target, options, first)
        tables = catalog_of(state, sequence, self._core.path).by_id
        written: list[FileMeta] = []
        for schema in (CATALOG_SCHEMA, *tables.values()):
            memtables = state.table(schema.id).memtables
            runs = [memtable_runs(memtable, sequence, schema.slot_types) for memtable in memtables]
            merged = merge(runs, Retention())
            written += write_files(place, schema, merged, bottom=False, table_bytes=None)
        return written


class _Place:
    """Where the files are written."""

    def __init__(self, filesystem: FileSystem, path: str, options: Options, first: int) -> None:
        self.filesystem = filesystem
        self.path = path
        self.options = options
        self._numbers = itertools.count(first)

    def next_number(self) -> int:
        return next(self._numbers)

    def file_path(self, name: str) -> str:
        return f"{self.path}/{name}"
