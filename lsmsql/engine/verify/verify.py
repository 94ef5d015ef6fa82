"""Verify: everything on the disk against everything else, without changing any of it.

What is looked at is what lies on the disk, also for a store that is open. A writer may be at work
beside: flush and compaction add and remove files, and the log grows. So a file that is gone, or a
log that ends in half a frame, is no finding before the manifest, or the log, has been read again
and still says so.

    level       what
    quick       manifest against directory; of each file size, footer, properties, index
    checksums   and every checksum: blocks, bloom filters, frames of logs
    full        and every row: order, key ranges, counts, zone maps, bloom filters, types; that
                readers find the newest version of each key; that indexes agree with their tables
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from lsmsql.engine.catalog import CATALOG_SCHEMA, EMPTY_CATALOG, Catalog
from lsmsql.engine.cleanup import numbered_files
from lsmsql.engine.errors import Error, StorageError
from lsmsql.engine.filesystem import FileSystem, OsFileSystem
from lsmsql.engine.following import Follower
from lsmsql.engine.manifest.manifest import (
    CURRENT,
    LoadedManifest,
    ManifestState,
    manifest_name,
    parse_manifest,
    read_manifest,
)
from lsmsql.engine.options import Options
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.opening import described_file
from lsmsql.engine.verify.agreement import check_indexes
from lsmsql.engine.verify.arrangement import misfits
from lsmsql.engine.verify.log_file import Commits, LogContent, check_log
from lsmsql.engine.verify.reading_order import hidden_version
from lsmsql.engine.verify.report import Findings, Level, Report
from lsmsql.engine.verify.table_file import check_table_file
from lsmsql.engine.view import NEWEST
from lsmsql.engine.wal.format import log_name

_TRIES = 10
"""How often the manifest is read again for files that a writer removes."""


def verify(
    path: str | os.PathLike[str], level: str = "full", *, filesystem: FileSystem | None = None
) -> Report:
    """Look for damage in the store at ``path``, which need not be one that opens.

    A writer may be at work in another process. Never writes; damage is told in the report. Raises
    UsageError for an unknown level, StorageError if there is nothing of a store.
    """
    chosen = Level.named(level)
    filesystem = filesystem or OsFileSystem()
    directory = os.path.abspath(os.fspath(path))
    _check_place(filesystem, directory)
    reader, failure = _open(filesystem, directory)
    catalog = None if reader is None else reader.catalog
    findings = verify_directory(filesystem, directory, chosen, catalog)
    if failure is not None and findings.ok:
        findings.caught(failure, CURRENT)
    if reader is not None:
        if chosen >= Level.FULL and findings.ok:
            check_indexes(reader, findings)
        reader.end()
    return findings.report(os.fsdecode(path), chosen)


def verify_directory(
    filesystem: FileSystem,
    directory: str,
    level: Level,
    catalog: Catalog | None,
    only: int | None = None,
) -> Findings:
    """Look at what lies in a directory. ``catalog`` is None if it cannot be read.

    ``only``: of the SSTables, those of this table.
    """
    findings = Findings()
    _Verification(filesystem, directory, level, catalog, only, findings).run()
    return findings


def _check_place(filesystem: FileSystem, directory: str) -> None:
    names = filesystem.list(directory) if filesystem.exists(directory) else []
    if not any(is_store_file(name) for name in names):
        raise StorageError(f"there is no store at {directory}")


def is_store_file(name: str) -> bool:
    """Whether a file of this name belongs to a store."""
    return name == CURRENT or name.endswith((".sst", ".log")) or name.startswith("MANIFEST-")


def _open(filesystem: FileSystem, directory: str) -> tuple[Follower | None, StorageError | None]:
    """The store, open for reading, or why it does not open."""
    reader = Follower(filesystem, directory, Options())
    try:
        reader.begin()
    except StorageError as error:
        return None, error
    return reader, None


def _is_gone(error: Error) -> bool:
    return isinstance(error.__cause__, FileNotFoundError)


@dataclass
class _Verification:
    """One run. ``checked`` are the names of files that have been looked at."""

    filesystem: FileSystem
    path: str
    level: Level
    catalog: Catalog | None
    only: int | None
    findings: Findings
    checked: set[str] = field(default_factory=set)
    commits: dict[int, Commits] = field(default_factory=dict)
    """What each log has."""
    growing: set[int] = field(default_factory=set)
    """Logs that were the newest when they were read: a writer may have appended to them since."""

    def run(self) -> None:
        """Look at everything."""
        gone: set[str] = set()
        loaded: LoadedManifest | None = None
        for _ in range(_TRIES):
            loaded = self._manifest()
            named = self._named(None if loaded is None else loaded.state)
            for name in gone & named.keys():
                self.findings.error(name, None, "it is missing, though the manifest names it")
            self.checked |= gone & named.keys()
            todo = named.keys() - self.checked
            if not todo:
                break
            gone = {name for name in sorted(todo) if not self._check(name, named[name])}
        self._check_order_of_logs(None if loaded is None else loaded.state)
        if loaded is not None:
            for meta, problem in misfits(loaded.state):
                self.findings.error(
                    manifest_name(loaded.number), None, f"{file_name(meta.number)}: {problem}"
                )
            if self.level >= Level.FULL:
                self._check_reading_order(loaded)
            self._tell_strays(loaded)

    # ------------------------------------------------------------------------------- manifest

    def _manifest(self) -> LoadedManifest | None:
        """The manifest; None if it is damaged."""
        failure: Error | None = None
        for _ in range(_TRIES):
            try:
                loaded = parse_manifest(read_manifest(self.filesystem, self.path))
            except StorageError as error:
                if str(error) == str(failure) and not _is_gone(error):
                    break  # it is not a writer's doing
                failure = error
            else:
                self._note_manifest(loaded)
                return loaded
        assert failure is not None
        self.findings.caught(failure, CURRENT)
        return None

    def _note_manifest(self, loaded: LoadedManifest) -> None:
        name = manifest_name(loaded.number)
        if name not in self.checked:
            self.checked.add(name)
            self.findings.count(files=2, size=loaded.end)
        if loaded.torn:
            problem = "a change that was not finished; the store is as it was before"
            self.findings.notice(name, loaded.end, problem)

    def _named(self, state: ManifestState | None) -> dict[str, FileMeta | int]:
        """The files to look at: what the manifest says of an SSTable, or the number of one of which
        it says nothing; the number of a log."""
        logs, others = numbered_files(self)
        named: dict[str, FileMeta | int] = {}
        if state is None:
            names = set(self.filesystem.list(self.path))
            named.update({file_name(n): n for n in others if file_name(n) in names})
            named.update({log_name(n): n for n in logs})
            return named
        for _, meta in state.files.values():
            if self.only is None or meta.table_id == self.only:
                named[file_name(meta.number)] = meta
        live = {n for n in logs if n >= state.log_number}
        if state.log_number:
            live.add(state.log_number)
        named.update({log_name(n): n for n in live})
        return named

    # ------------------------------------------------------------------------------- files

    @property
    def _tables(self) -> Mapping[int, TableSchema]:
        known = EMPTY_CATALOG if self.catalog is None else self.catalog
        return {CATALOG_SCHEMA.id: CATALOG_SCHEMA, **known.by_id}

    def _check(self, name: str, what: FileMeta | int) -> bool:
        """Look at one file. False if it is not there."""
        try:
            if name.endswith(".log"):
                assert isinstance(what, int)
                self._check_log(what)
            else:
                self._check_table_file(name, what)
        except StorageError as error:
            if _is_gone(error):
                return False
            self.findings.caught(error, name)
        self.checked.add(name)
        return True

    def _check_table_file(self, name: str, what: FileMeta | int) -> None:
        meta, number = (None, what) if isinstance(what, int) else (what, what.number)
        schema = None if meta is None else self._tables.get(meta.table_id)
        check_table_file(
            self.filesystem, self._place(name), number, meta, schema, self.level, self.findings
        )
        if meta is not None and schema is None and self._was_dropped(meta.table_id):
            self.findings.notice(name, None, f"it is of table {meta.table_id}, which was dropped")

    def _was_dropped(self, table_id: int) -> bool:
        return self.catalog is not None and table_id < self.catalog.next_id

    def _check_log(self, number: int) -> None:
        log = self._read_log(number)
        if log.damage() is not None:
            log = self._read_log(number)  # what was being written then is whole by now
        commits = check_log(log, self._tables, self.level, self.findings)
        if commits is not None:
            self.commits[number] = commits
        if log.newest:
            self.growing.add(number)

    def _read_log(self, number: int) -> LogContent:
        path = self._place(log_name(number))
        data = self.filesystem.read_all(path)
        logs, _ = numbered_files(self)
        return LogContent(number, path, data, newest=not logs or number >= logs[-1])

    def _check_order_of_logs(self, state: ManifestState | None) -> None:
        """Every commit that is in no file must be in a log, one after another."""
        before = reached = 0
        whole = all(commits.whole for commits in self.commits.values())
        flushed = state.last_sequence if state is not None and whole else NEWEST
        for number in sorted({*self.commits, *self.growing}):
            commits = self.commits.get(number)
            if commits is not None:
                if commits.first <= before:
                    problem = f"it begins with commit {commits.first}; the one before has {before}"
                    self.findings.error(log_name(number), None, problem)
                self._check_missing(log_name(number), commits, reached, flushed)
                before = reached = commits.last
            if number in self.growing:
                reached = max(reached, self._last_now(number))

    def _check_missing(self, name: str, commits: Commits, reached: int, flushed: int) -> None:
        """Whether the commits of a log follow ``reached``, but for those up to ``flushed``."""
        for last, following in ((reached, commits.first), *commits.jumps):
            known = max(last, flushed)
            if following > known + 1:
                problem = f"commits {known + 1} to {following - 1} are missing"
                self.findings.error(name, None, problem)

    def _last_now(self, number: int) -> int:
        """The newest commit that a log has by now; above all if it is not there any more."""
        try:
            return self._read_log(number).last_commit()
        except StorageError:
            return NEWEST

    def _check_reading_order(self, loaded: LoadedManifest) -> None:
        """Whether the newest version of each key is the one that is found."""
        damaged = {finding.file for finding in self.findings.found}
        by_table: dict[int, list[tuple[int, FileMeta]]] = {}
        for level, meta in loaded.state.files.values():
            if self.only in (None, meta.table_id):
                by_table.setdefault(meta.table_id, []).append((level, meta))
        for table_id, files in by_table.items():
            if damaged.isdisjoint(file_name(meta.number) for _, meta in files):
                self._check_table_order(table_id, files, manifest_name(loaded.number))

    def _check_table_order(
        self, table_id: int, files: list[tuple[int, FileMeta]], manifest: str
    ) -> None:
        schema = self._tables.get(table_id)
        try:
            hidden = hidden_version(self.filesystem, self.path, files)
        except StorageError as error:
            if not _is_gone(error):  # else a writer has compacted them
                self.findings.caught(error, manifest)
            return
        if hidden is not None:
            key, found, newest = hidden
            problem = f"key {key.hex()} is found as of commit {found}, though {newest} is newer"
            self.findings.error(manifest, None, problem, schema.name if schema else None)

    def _tell_strays(self, loaded: LoadedManifest) -> None:
        """Files that nothing names: what a crash left, or what is just being written."""
        live = {file_name(number) for number in loaded.state.files}
        live.add(manifest_name(loaded.number))
        for name in self.filesystem.list(self.path):
            stem, _, ending = name.partition(".")
            old = ending == "log" and stem.isdecimal() and int(stem) < loaded.state.log_number
            ours = is_store_file(name) and ending != "log" and name not in {*live, CURRENT}
            if ours and stem.isdecimal() and self._has_lost_commits(int(stem)):
                problem = "it has commits that neither manifest nor logs know, which were lost"
                self.findings.error(name, None, problem)
            elif old or ours or name == f"{CURRENT}.new":
                problem = "nothing names it; the next opening for writing removes it"
                self.findings.notice(name, None, problem)

    def _has_lost_commits(self, number: int) -> bool:
        """Whether a file that is not live has commits that nothing else has.

        So it was live once. What a crash or a writer leaves in such files is in the logs, too.
        """
        path = self._place(file_name(number))
        try:
            file = self.filesystem.open(path)
            try:
                newest = described_file(file, path, number).max_sequence
            finally:
                file.close()
            if newest <= max((commits.last for commits in self.commits.values()), default=0):
                return False
            state = parse_manifest(read_manifest(self.filesystem, self.path)).state
            return number not in state.files and newest > self._last_commit(state)
        except StorageError:  # it is no whole file, or a writer has gone on
            return False

    def _last_commit(self, state: ManifestState) -> int:
        """The newest commit that the manifest or one of the logs has. Raises StorageError."""
        logs = [n for n in numbered_files(self)[0] if n >= state.log_number]
        if state.log_number not in (0, *logs):
            raise StorageError(f"{log_name(state.log_number)} is gone")
        return max([state.last_sequence, *(self._read_log(n).last_commit() for n in logs)])

    def _place(self, name: str) -> str:
        return f"{self.path}/{name}"
