"""From what is on the disk to an open store.

    manifest   which files are live, and the oldest log whose records are not all in files
    logs       replayed into memtables; the newest one, if it ends in a torn frame, is cut there
    catalogue  read from its own table

A store that is opened for reading follows what is on the disk instead, see ``following``.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from lsmsql.engine.catalog import Catalog, catalog_of, dropped_since
from lsmsql.engine.cleanup import numbered_files, remove_strays
from lsmsql.engine.core import Core
from lsmsql.engine.errors import CorruptionError, FormatError, StorageError, UsageError
from lsmsql.engine.manifest.edit import Edit
from lsmsql.engine.manifest.manifest import (
    CURRENT,
    Manifest,
    ManifestState,
    manifest_name,
    parse_manifest,
    read_manifest,
)
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.ownership import LOCK
from lsmsql.engine.replay import Replay
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.opening import described_file
from lsmsql.engine.view import NEWEST
from lsmsql.engine.wal.format import LOG, decode_frame, log_name
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.writer import LogWriter

_BEGUN = {LOCK, manifest_name(1), f"{CURRENT}.new"}
"""What is there when the making of a store was cut short."""


def is_store(core: Core) -> bool:
    """Whether the directory holds a store."""
    return core.filesystem.exists(core.file_path(CURRENT))


def check_place(core: Core) -> None:
    """Raise an error unless a new store can be made at the path; nothing is changed.

    UsageError if files of others are there, CorruptionError if those of a store are that has lost
    its CURRENT: a new store would bury what they hold.
    """
    if not core.filesystem.exists(core.path):
        parent = os.path.dirname(core.path)
        if not core.filesystem.exists(parent):
            raise StorageError(f"cannot make {core.path}: there is no directory {parent}")
        return
    for name in core.filesystem.list(core.path):
        if name.endswith((".sst", ".log")) or name.startswith("MANIFEST-"):
            if name not in _BEGUN:
                problem = f"{CURRENT} is missing, though {name} of a store is there"
                raise CorruptionError(core.file_path(CURRENT), None, problem)
        elif name not in _BEGUN:
            raise UsageError(
                f"{core.path} is not a store: it holds other files, such as {name};"
                " give a new or an empty directory"
            )


def create_store(core: Core) -> None:
    """Make an empty store in the directory, which exists and is locked; open it for writing.

    Raises as ``check_place``. The directory's own entry in its parent is on the disk afterwards.
    """
    check_place(core)
    for name in core.filesystem.list(core.path):
        if name != LOCK:  # the rest of a creation that was cut short
            core.filesystem.remove(core.file_path(name))
    core.filesystem.sync_directory(os.path.dirname(core.path))
    number = core.next_number()
    core.manifest = Manifest.begin(core.filesystem, core.path, number, ManifestState())
    _begin_log(core)
    core.manifest.record(Edit(log_number=core.log_number))
    core.manifest_state = core.manifest.state
    core.history.begin(0)


def recover(core: Core) -> None:
    """Bring back the store that the directory holds, open for writing.

    Raises CorruptionError for damage, FormatError for a newer format, StorageError.
    """
    # A killed process may have left names that are not on the disk yet.
    core.filesystem.sync_directory(core.path)
    loaded = parse_manifest(read_manifest(core.filesystem, core.path))
    logs, others = numbered_files(core)
    core.manifest_state = loaded.state
    core.reserve_numbers(max(loaded.state.next_file - 1, loaded.number))
    core.reserve_numbers(max([0, *logs, *others]))
    _check_files(core, {*logs, *others})
    check_strays(core, logs, others)
    core.manifest = Manifest.resume(core.filesystem, core.path, loaded)
    if loaded.state.backup:  # while strays prove nothing: the first edit makes a store of it
        remove_strays(core)
    core.adopt(Version().apply(loaded.state.as_edit(), core.open_table))
    core.snapshots.published = loaded.state.last_sequence
    oldest = loaded.state.log_number
    live = [number for number in logs if number >= oldest]
    _replay(core, live)
    core.history.begin(loaded.state.oldest, loaded.state.samples)
    if core.log is None:
        _replace_log(core, live)
    remove_strays(core)
    core.catalog = load_catalog(core)
    if core.history.floor is not None:
        core.dropped = dropped_since(core.state, core.history.floor, core.path)


def _check_files(core: Core, numbers: Collection[int]) -> None:
    """Raise CorruptionError unless the directory, which has ``numbers``, has all that is live.

    What looks like the torn tail of a manifest may be damage. The files that a later edit made
    superfluous are gone then, and nothing may be cut off or tidied up: it would remove the others.
    """
    state = core.manifest_state
    needed = {number: file_name(number) for number in state.files}
    if state.log_number:
        needed[state.log_number] = log_name(state.log_number)
    for number in sorted(needed.keys() - set(numbers)):
        problem = "the file is missing, though the manifest names it"
        raise CorruptionError(core.file_path(needed[number]), None, problem)


def check_strays(core: Core, logs: Sequence[int], others: Sequence[int]) -> None:
    """Raise CorruptionError if a file that is not live has commits that nothing else has.

    What a crash leaves in such files is in the logs, too, or in live files. So it was an edit that
    took effect which made this one live, and the manifest has lost it. ``logs`` and ``others`` are
    what ``numbered_files`` has found.

    In a backup such files prove nothing: they are those of a newer one that was cut short.
    """
    if core.manifest_state.backup:
        return
    strays = [number for number in others if number not in core.manifest_state.files]
    described = [meta for number in strays if (meta := _describe(core, number)) is not None]
    if not described:
        return
    known = _last_commit(core, [n for n in logs if n >= core.manifest_state.log_number])
    for meta in described:
        if meta.max_sequence > known:
            problem = (
                f"it is not live, and has commits up to {meta.max_sequence}, though the newest that"
                f" manifest and logs have is {known}: the end of the manifest is damaged"
            )
            raise CorruptionError(core.file_path(file_name(meta.number)), None, problem)


def _describe(core: Core, number: int) -> FileMeta | None:
    """What an SSTable says of itself; None if there is no whole one of that number."""
    path = core.file_path(file_name(number))
    if not core.filesystem.exists(path):
        return None
    file = core.filesystem.open(path)
    try:
        return described_file(file, path, number)
    except (CorruptionError, FormatError):
        return None
    finally:
        file.close()


def _last_commit(core: Core, logs: Sequence[int]) -> int:
    """The newest commit that the manifest or one of the logs has."""
    newest = core.manifest_state.last_sequence
    for number in logs:
        path = core.file_path(log_name(number))
        data = core.filesystem.read_all(path)
        for offsets in LogReader(data, path, newest=number == logs[-1]).offsets():
            newest = max(newest, decode_frame(data, path, offsets[-1]).sequence)
    return newest


# ------------------------------------------------------------------------------------------ logs


def _begin_log(core: Core) -> None:
    number = core.next_number()
    path = core.file_path(log_name(number))
    log = LogWriter.create(core.filesystem, path, LOG, number)
    core.adopt_log(log, number)  # whatever comes, it is the store's to close
    log.sync()
    core.filesystem.sync_directory(core.path)


def _replay(core: Core, live: Sequence[int]) -> None:
    """Make memtables of the logs' records, and go on writing to the newest log.

    Raises StorageError for a log that is not there.
    """
    state = core.manifest_state
    replay = Replay(state.last_sequence, state.oldest if core.history.wanted else None)
    replayed: list[int] = []
    for number in live:
        path = core.file_path(log_name(number))
        newest = number == live[-1]
        reader = LogReader(core.filesystem.read_all(path), path, newest=newest)
        replay.add(reader)
        if reader.header is not None:
            replayed.append(number)
        if newest and reader.header is not None:
            log = LogWriter.resume(core.filesystem, path, LOG, number, reader.end, reader.synced)
            core.adopt_log(log, number)
    core.restore(replay.memtables(), replay.sequence, tuple(replayed))


def _replace_log(core: Core, live: Sequence[int]) -> None:
    """Begin a log where a crash left none, or one without a whole header, in which nothing was.

    At every moment the logs from the one that the manifest names on are there, and all but the
    newest are whole.
    """
    if live and live[-1] != core.manifest_state.log_number:
        core.filesystem.remove(core.file_path(log_name(live[-1])))
        core.filesystem.sync_directory(core.path)  # it is not to come back beside the new one
    _begin_log(core)
    if len(live) <= 1:  # the old one goes with the other strays
        manifest = core.manifest
        assert manifest is not None
        manifest.record(Edit(log_number=core.log_number))
        core.manifest_state = manifest.state


# ------------------------------------------------------------------------------------- catalogue


def load_catalog(core: Core) -> Catalog:
    """Read the newest catalogue."""
    core.adopt(core.version)
    catalog = catalog_of(core.state, NEWEST, core.path)
    return replace(catalog, sequence=core.snapshots.published)
