"""Which files a damaged store consists of, as far as anything tells.

CURRENT and its manifest are sound       exactly those that the manifest says
another manifest is sound                the newest one that is
none is                                  all files that there are, but for those that a sound
                                         edit removes; what sound edits say of them is believed
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lsmsql.engine.cleanup import Directory, numbered_files
from lsmsql.engine.errors import CorruptionError, FormatError, StorageError
from lsmsql.engine.manifest.edit import Edit, decode_edit
from lsmsql.engine.manifest.manifest import (
    LoadedManifest,
    ManifestState,
    RawManifest,
    manifest_name,
    parse_manifest,
    read_manifest,
)
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.wal.format import EDIT, decode_frame
from lsmsql.engine.wal.salvage import salvage


@dataclass
class Inventory:
    """The SSTables and logs to save, by number. A file without facts has None.

    ``certain``: a sound manifest says so. ``missing`` are not there though they must be.
    """

    tables: dict[int, FileMeta | None] = field(default_factory=dict)
    logs: list[int] = field(default_factory=list)
    missing: list[FileMeta | int] = field(default_factory=list)
    certain: bool = True
    notes: list[str] = field(default_factory=list)


def take_inventory(directory: Directory) -> Inventory:
    """Find out which files count. Raises FormatError for a manifest of a newer format."""
    try:
        loaded = parse_manifest(read_manifest(directory.filesystem, directory.path))
        return _unless_torn(directory, loaded)
    except FormatError:
        raise
    except StorageError as error:
        failure = error
    for raw in _manifests(directory):
        try:
            loaded = parse_manifest(raw)
        except CorruptionError:
            continue
        inventory = _by_state(directory, loaded.state)
        inventory.notes.append(
            f"{failure}; {manifest_name(raw.number)} was taken, the newest sound manifest"
        )
        return inventory
    return _by_pieces(directory, failure)


def _unless_torn(directory: Directory, loaded: LoadedManifest) -> Inventory:
    """What a manifest says, unless its end is bad and files tell that there had been more of it."""
    inventory = _by_state(directory, loaded.state)
    if not loaded.torn:
        return inventory
    name, problem = manifest_name(loaded.number), "its end is damaged, or was never finished"
    pieces = _by_pieces(directory, CorruptionError(name, loaded.end, problem))
    if inventory.missing or pieces.tables.keys() != inventory.tables.keys():
        return pieces
    return inventory


def _manifests(directory: Directory) -> list[RawManifest]:
    """All that can be read, the newest first."""
    names = directory.filesystem.list(directory.path)
    numbers = [int(n[9:]) for n in names if n.startswith("MANIFEST-") and n[9:].isdecimal()]
    found: list[RawManifest] = []
    for number in sorted(numbers, reverse=True):
        path = f"{directory.path}/{manifest_name(number)}"
        try:
            found.append(RawManifest(number, path, directory.filesystem.read_all(path)))
        except StorageError:
            continue
    return found


def _present(directory: Directory) -> tuple[set[int], list[int]]:
    """The numbers of the SSTables and of the logs that are there."""
    logs, others = numbered_files(directory)
    names = set(directory.filesystem.list(directory.path))
    return {number for number in others if file_name(number) in names}, logs


def _by_state(directory: Directory, state: ManifestState) -> Inventory:
    present, logs = _present(directory)
    inventory = Inventory(logs=[number for number in logs if number >= state.log_number])
    for number, (_, meta) in state.files.items():
        if number in present:
            inventory.tables[number] = meta
        else:
            inventory.missing.append(meta)
    if state.log_number and state.log_number not in inventory.logs:
        inventory.missing.append(state.log_number)
    return inventory


def _by_pieces(directory: Directory, failure: StorageError) -> Inventory:
    present, logs = _present(directory)
    known: dict[int, FileMeta] = {}
    removed: set[int] = set()
    oldest_log = 0
    for raw in reversed(_manifests(directory)):
        for edit in _sound_edits(raw):
            removed.update(edit.removed)
            for added in edit.added:
                known[added.meta.number] = added.meta
                removed.discard(added.meta.number)
            oldest_log = max(oldest_log, edit.log_number or 0)
    inventory = Inventory(certain=False)
    inventory.tables = {number: known.get(number) for number in sorted(present - removed)}
    inventory.logs = [number for number in logs if number >= oldest_log]
    inventory.notes.append(
        f"{failure}; without a sound manifest all {len(inventory.tables)} SSTables and"
        f" {len(inventory.logs)} logs were taken that are there: what was in lost files is missing"
        " without a trace, and what a file held that should have been removed may be back"
    )
    return inventory


def _sound_edits(raw: RawManifest) -> list[Edit]:
    """The edits of a manifest that can be read."""
    found = salvage(raw.data, raw.path, raw.number)
    edits: list[Edit] = []
    for offset in found.offsets:
        try:
            records = decode_frame(raw.data, raw.path, offset).records()
            edits += [decode_edit(r.value, raw.path, offset) for r in records if r.type == EDIT]
        except CorruptionError:
            continue
    return edits
