"""Removing the files of a store that nothing needs any more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from lsmsql.engine.core import Core
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.manifest.edit import Edit
from lsmsql.engine.manifest.manifest import CURRENT, manifest_name
from lsmsql.engine.sstable.meta import file_name
from lsmsql.engine.wal.format import log_name


class Directory(Protocol):
    """The directory of a store."""

    @property
    def filesystem(self) -> FileSystem:
        """The way to the disk."""

    @property
    def path(self) -> str:
        """Where it is."""


def numbered_files(directory: Directory) -> tuple[list[int], list[int]]:
    """Numbers of the logs, and of all other numbered files, in the directory."""
    logs: list[int] = []
    others: list[int] = []
    for name in directory.filesystem.list(directory.path):
        stem, _, kind = name.partition(".")
        if kind == "log" and stem.isdecimal():
            logs.append(int(stem))
        elif kind == "sst" and stem.isdecimal():
            others.append(int(stem))
        elif name.startswith("MANIFEST-") and name[9:].isdecimal():
            others.append(int(name[9:]))
    return sorted(logs), sorted(others)


def remove_old_logs(core: Core) -> None:
    """Remove the logs whose records are all in files."""
    for number in numbered_files(core)[0]:
        if number < core.manifest_state.log_number:
            core.filesystem.remove(core.file_path(log_name(number)))


def remove_strays(core: Core) -> None:
    """Remove what a crash left behind: files that no version has, old logs, old manifests."""
    manifest = core.manifest
    assert manifest is not None
    remove_unnamed(core.filesystem, core.path, manifest.number, core.manifest_state.files)
    remove_old_logs(core)


def remove_unnamed(
    filesystem: FileSystem, path: str, manifest: int, files: Collection[int]
) -> None:
    """Remove all SSTables but ``files``, and all manifests but that one."""
    live = {manifest_name(manifest), *map(file_name, files)}
    for name in filesystem.list(path):
        stray = name.endswith(".sst") or name.startswith("MANIFEST-") or name == f"{CURRENT}.new"
        if stray and name not in live:
            filesystem.remove(f"{path}/{name}")


def drop_files_of_dropped_tables(core: Core) -> None:
    """Forget the files of tables that were dropped, once that is on the disk itself, and no reader
    may ask for their rows.

    Only one thread at a time may do this, and none may be merging files meanwhile.
    """
    if core.dropped:
        core.history.move_floor()
    kept = core.kept_schemas()
    gone = [file.meta.number for _, file in core.version.files() if file.meta.table_id not in kept]
    if gone:
        core.sync_log()
        core.install(Edit(removed=tuple(gone)))
    # What a flush is just writing is still in memtables; its file will go the next time.
    for table_id in core.dropped.keys() - kept.keys() - core.state.tables.keys():
        del core.dropped[table_id]
