"""The manifest: the log of edits that says which files are live.

    CURRENT            two lines: "lsmsql 1", which is the version of the format of the store,
                       and the name of the manifest in force
    MANIFEST-000007    a log (see ``wal.format``) of one-record frames; each record is an edit,
                       the first one the whole state when the manifest was begun

A new manifest is begun when the old one has grown long: it is written and synced first, and then
put in force by renaming a new CURRENT over the old one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from lsmsql.engine.errors import CorruptionError, FormatError, StorageError
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit, Sample, decode_edit, encode_edit
from lsmsql.engine.manifest.version import LEVELS
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.wal.format import EDIT, MANIFEST, edit_record
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.writer import LogWriter

CURRENT = "CURRENT"
VERSION = 1
"""Of the format of a store: which files there are, and what CURRENT and edits look like."""

_FIRST_LINE = re.compile(rb"lsmsql ([0-9]{1,9})\n")
ROTATE_BYTES = 1 << 20
"""A manifest of more bytes is begun anew ..."""
_WORTHWHILE = 4
"""... if that makes it smaller by this factor."""


def manifest_name(number: int) -> str:
    """The name of the manifest with that number."""
    return f"MANIFEST-{number:06d}"


@dataclass(frozen=True)
class ManifestState:
    """All edits taken together. ``files`` maps a file number to its level and facts.

    ``backup``: it is that of a backup, and nothing has been written to it since. ``floor`` and
    ``samples`` are those of the last edit that has changed the files.
    """

    files: dict[int, tuple[int, FileMeta]] = field(default_factory=dict)
    log_number: int = 0
    last_sequence: int = 0
    next_file: int = 1
    backup: bool = False
    floor: int | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def oldest(self) -> int:
        """The oldest commit that can be asked for: all versions since are in files or logs."""
        return self.last_sequence if self.floor is None else self.floor

    def apply(self, edit: Edit) -> ManifestState:
        """The state after ``edit``. Raises KeyError if it removes a file that is not live."""
        files = dict(self.files)
        for number in edit.removed:
            del files[number]
        for added in edit.added:
            files[added.meta.number] = (added.level, added.meta)
        source = edit if edit.changes_files else self
        return ManifestState(
            files,
            self.log_number if edit.log_number is None else edit.log_number,
            max(self.last_sequence, edit.last_sequence or 0),
            self.next_file if edit.next_file is None else edit.next_file,
            edit.backup,
            source.floor,
            source.samples,
        )

    def as_edit(self) -> Edit:
        """The edit that makes this state out of nothing."""
        return Edit(
            added=tuple(AddedFile(level, meta) for level, meta in self.files.values()),
            log_number=self.log_number,
            last_sequence=self.last_sequence,
            next_file=self.next_file,
            backup=self.backup,
            floor=self.floor,
            samples=self.samples,
        )


class Manifest:
    """The manifest in force, open for writing by one thread; ``state`` is always current."""

    def __init__(self, directory: str, number: int, log: LogWriter, edits: int) -> None:
        self.path = f"{directory}/{manifest_name(number)}"
        self._log = log
        self._edits = edits
        self.number = number
        self.state = ManifestState()

    @classmethod
    def begin(
        cls, filesystem: FileSystem, directory: str, number: int, state: ManifestState
    ) -> Manifest:
        """Write a new manifest that holds ``state``, and put it in force."""
        path = f"{directory}/{manifest_name(number)}"
        log = LogWriter.create(filesystem, path, MANIFEST, number)
        manifest = cls(directory, number, log, 0)
        manifest.state = replace(state, next_file=max(state.next_file, number + 1))
        try:
            manifest._append(manifest.state.as_edit())
            _point_current(filesystem, directory, number)
        except BaseException:
            manifest.close()
            raise
        return manifest

    @classmethod
    def resume(cls, filesystem: FileSystem, directory: str, loaded: LoadedManifest) -> Manifest:
        """Go on with the manifest that ``load`` has read, without a torn tail."""
        path = f"{directory}/{manifest_name(loaded.number)}"
        log = LogWriter.resume(filesystem, path, MANIFEST, loaded.number, loaded.end, loaded.synced)
        manifest = cls(directory, loaded.number, log, loaded.edits)
        manifest.state = loaded.state
        return manifest

    @property
    def size(self) -> int:
        """Bytes of the manifest file."""
        return self._log.size

    @property
    def wants_rotation(self) -> bool:
        """Whether it has grown so long that a new one should be begun."""
        if self.size <= ROTATE_BYTES:
            return False
        return self.size > _WORTHWHILE * len(encode_edit(self.state.as_edit()))

    def record(self, edit: Edit) -> None:
        """Make ``edit`` durable; only then does ``state`` tell of it."""
        state = self.state.apply(edit)
        self._append(edit)
        self.state = state

    def _append(self, edit: Edit) -> None:
        self._edits += 1
        self._log.append(self._edits, 1, edit_record(encode_edit(edit)))
        self._log.sync()

    def close(self) -> None:
        """Close the file."""
        self._log.close()


def encode_current(number: int) -> bytes:
    """The contents of CURRENT."""
    return f"lsmsql {VERSION}\n{manifest_name(number)}\n".encode()


def decode_current(data: bytes, path: str) -> int:
    """The number of the manifest that CURRENT names.

    Raises CorruptionError, and FormatError for a version that this release does not read.
    """
    first = _FIRST_LINE.match(data)
    if first is not None and int(first[1]) > VERSION:
        version = int(first[1])
        raise FormatError(f"{path}: store format {version}; this release reads up to {VERSION}")
    digits = data.rpartition(b"-")[2][:20].strip()
    number = int(digits) if digits.isdigit() else 0
    if data != encode_current(number):
        raise CorruptionError(path, 0, f"{data[:40]!r} does not name a manifest")
    return number


def _point_current(filesystem: FileSystem, directory: str, number: int) -> None:
    temporary = f"{directory}/{CURRENT}.new"
    if filesystem.exists(temporary):
        filesystem.remove(temporary)
    file = filesystem.create(temporary)
    try:
        file.write(encode_current(number))
        file.sync()
    finally:
        file.close()
    filesystem.sync_directory(directory)
    filesystem.rename(temporary, f"{directory}/{CURRENT}")
    filesystem.sync_directory(directory)


@dataclass(frozen=True)
class LoadedManifest:
    """What was read of a manifest; ``end`` and ``synced`` are those of the LogReader."""

    number: int
    state: ManifestState
    edits: int
    end: int
    synced: int
    torn: bool


@dataclass(frozen=True)
class RawManifest:
    """The bytes of a manifest."""

    number: int
    path: str
    data: bytes


def read_manifest(filesystem: FileSystem, directory: str) -> RawManifest:
    """Read the manifest in force. Raises CorruptionError, FormatError, StorageError."""
    pointer = f"{directory}/{CURRENT}"
    number = decode_current(filesystem.read_all(pointer), pointer)
    path = f"{directory}/{manifest_name(number)}"
    try:
        return RawManifest(number, path, filesystem.read_all(path))
    except StorageError as error:
        cause = error.__cause__
        if not isinstance(cause, FileNotFoundError):
            raise
        problem = f"it names {manifest_name(number)}, which is missing"
        raise CorruptionError(pointer, 0, problem) from cause


def parse_manifest(raw: RawManifest) -> LoadedManifest:
    """What a manifest says. Raises CorruptionError, FormatError."""
    number, path = raw.number, raw.path
    reader = LogReader(raw.data, path, newest=True)
    header = reader.header
    if header is not None and (header.kind != MANIFEST or header.number != number):
        problem = f"this is {header.kind.name.lower()} {header.number}, not manifest {number}"
        raise CorruptionError(path, 0, problem)
    state, edits = ManifestState(), 0
    for frame in reader.frames():
        for record in frame.records():
            if record.type != EDIT:
                raise CorruptionError(path, frame.offset, f"a record of type {record.type}")
            edit = decode_edit(record.value, path, frame.offset)
            if not all(0 <= added.level < LEVELS for added in edit.added):
                problem = f"an edit adds a file to a level that is none of the {LEVELS}"
                raise CorruptionError(path, frame.offset, problem)
            try:
                state = state.apply(edit)
            except KeyError as error:
                problem = f"an edit removes file {error}, which is not live"
                raise CorruptionError(path, frame.offset, problem) from None
        edits = frame.sequence
    if edits == 0:
        raise CorruptionError(path, 0, "a manifest without an edit")
    return LoadedManifest(number, state, edits, reader.end, reader.synced, reader.torn)
