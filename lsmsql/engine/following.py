"""A store that is open for reading follows the process that writes to it, without being reopened.

    LOCK        its count says that logs were begun or files have changed: then all is read anew
    newest log  is looked at before every read: what was appended goes into the memtables
    manifest    which files are live, and from which log on the memtables are to be made

A reader announces nothing, and takes no lock that a writer would notice. What it has open stays
readable when the writer removes it. A file that is gone when the reader comes to open it means that
the manifest has changed since it was read, which is then read again: the writer removes nothing
before the manifest says so.

The end of the newest log may be in the midst of being written. What is there and is no sound frame
is not looked at any further: it is read again the next time.

What is not needed any more is closed when the last thread lets go of it.

Thread rules. ``_catching_up`` is held by the one thread that takes over what is new, as the
writer's lock is in ``Core``, and by those that register a snapshot.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from functools import partial

from lsmsql.engine.catalog import CATALOG_TABLE_ID
from lsmsql.engine.cleanup import numbered_files
from lsmsql.engine.core import Core
from lsmsql.engine.errors import StorageError
from lsmsql.engine.filesystem import FileSystem, Watch
from lsmsql.engine.live import Immutable
from lsmsql.engine.manifest.edit import difference
from lsmsql.engine.manifest.manifest import (
    CURRENT,
    LoadedManifest,
    ManifestState,
    parse_manifest,
    read_manifest,
)
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.options import Options
from lsmsql.engine.ownership import LOCK
from lsmsql.engine.recovery import check_strays, load_catalog
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.tail import Tail
from lsmsql.engine.view import State
from lsmsql.engine.wal.changes import Changes


class Follower(Core):
    """The state of a store that another process may be writing to."""

    def __init__(self, filesystem: FileSystem, path: str, options: Options) -> None:
        super().__init__(filesystem, path, options)
        self._catching_up = threading.Lock()
        self._watch: Watch | None = None
        self._seen = -1
        self._tails: list[Tail] = []
        self._catalog_changed = True

    def begin(self) -> None:
        """Read the store. Raises StorageError, CorruptionError, FormatError."""
        if not self.filesystem.exists(self.file_path(CURRENT)):
            raise StorageError(f"there is no store at {self.path}")
        try:
            self._catch_up()
            self._check_strays()
        except BaseException:
            self.end()
            raise
        self.alert = True

    def _check_strays(self) -> None:
        """Raise CorruptionError for files that prove that the manifest has lost its end.

        A writer may have gone on between a look at the manifest and one at the directory.
        """
        while True:
            state = self.manifest_state
            try:
                check_strays(self, *numbered_files(self))
                return
            except StorageError:
                self._catch_up()
                if self.manifest_state is state:
                    raise

    # ------------------------------------------------------------------------------- readers

    def check_open(self) -> None:
        """Raise ClosedError after ``close``; take over what is new.

        Raises StorageError, CorruptionError if that cannot be read.
        """
        super().check_open()
        tail = self._tails[-1] if self._tails else None
        if self._announced() != self._seen or (tail is not None and tail.has_more()):
            with self._catching_up:
                super().check_open()
                self._catch_up()

    def pin(self, reader: int) -> tuple[int, State]:
        with self._catching_up:
            return super().pin(reader)

    def pin_at(self, reader: int, sequence: object) -> tuple[int, State]:
        with self._catching_up:
            return super().pin_at(reader, sequence)

    def now(self) -> tuple[int, State]:
        with self._catching_up:
            return super().now()

    def kept(self, state: State) -> State:
        """All: the process that writes knows nothing of readers in others."""
        return state

    def renewed(self, kept: State) -> State:
        """What was kept."""
        return kept

    def end(self) -> None:
        with self._catching_up:
            super().end()
            for file in (*(tail.file for tail in self._tails), self._watch):
                if file is not None:
                    with contextlib.suppress(StorageError):  # it was only read
                        file.close()

    def orphan(self) -> None:
        self._catching_up = threading.Lock()
        super().orphan()

    # ------------------------------------------------------------------------------- catching up

    def _announced(self) -> int:
        """What the writer's lock says; 0 where there has never been a writer."""
        if self._watch is None:
            path = self.file_path(LOCK)
            if not self.filesystem.exists(path):
                return 0
            with contextlib.suppress(StorageError):
                self._watch = self.filesystem.watch(path)
        return 0 if self._watch is None else self._watch.seen()

    def _catch_up(self) -> None:
        """Take over what is new. The caller holds ``_catching_up``.

        An ingest is announced, and not in the log: so a log that was read may go on after one, and
        nothing is published before it is sure that nothing was announced meanwhile.
        """
        while True:
            announced = self._announced()
            if announced != self._seen:
                self._reload()
                self._seen = announced
            elif self._tails:
                self._tails[-1].read_on(self._apply)
            if self._announced() == announced:
                break
        self._publish()

    def _reload(self) -> None:
        """Take over the manifest and the logs.

        What is wrong with them may be that the manifest has gone on since it was read.
        """
        before: tuple[bytes, bytes] | None = None
        while True:
            pointer, data = self.filesystem.read_all(self.file_path(CURRENT)), b""
            try:
                raw = read_manifest(self.filesystem, self.path)
                data = raw.data
                self._take_over(parse_manifest(raw))
                return
            except StorageError:
                if before == (pointer, data):
                    raise
                before = (pointer, data)

    def _take_over(self, loaded: LoadedManifest) -> None:
        state = loaded.state
        with contextlib.ExitStack() as opened:
            tails = self._read_logs(state, opened)
            edit = difference(self.manifest_state.files, state.files)
            version = self.version.apply(edit, partial(self._hold_table, opened))
            opened.pop_all()
        self._catalog_changed |= any(a.meta.table_id == CATALOG_TABLE_ID for a in edit.added)
        full = tuple(
            Immutable(tail.memtables, (tail.number,), after.number, tail.sequence)
            for tail, after in itertools.pairwise(tails)
        )
        with self._state_lock:
            self._tails, self.manifest_state, self.version = tails, state, version
            self.history.follow(state.oldest)
            self.immutable = full
            self.active = tails[-1].memtables if tails else {}
            self.memtable_bytes = sum(memtable.nbytes for memtable in self.active.values())
            self._rebuild()
        self.share_memory()

    def _read_logs(self, state: ManifestState, opened: contextlib.ExitStack) -> list[Tail]:
        """The logs that are needed, read to their ends; all but the newest are complete."""
        oldest, before = state.log_number, state.last_sequence
        floor = state.oldest if self.history.wanted else None
        numbers = [n for n in numbered_files(self)[0] if n >= oldest]
        if oldest and oldest not in numbers:  # which the error then says
            numbers.insert(0, oldest)
        known = {tail.number: tail for tail in self._tails}
        tails: list[Tail] = []
        for number in numbers:
            newest = number == numbers[-1]
            tail = known.get(number)
            if tail is not None:
                tail.read_on(self._apply, complete=not newest)
            else:
                tail = Tail.begin(
                    self.filesystem, self.path, number, before, newest=newest, floor=floor
                )
                if tail is None:  # it is only just being created: a change that will be announced
                    continue
                opened.callback(tail.file.close)
                self._catalog_changed |= CATALOG_TABLE_ID in tail.memtables
            before = max(before, tail.sequence)
            tails.append(tail)
        return tails

    def _hold_table(self, opened: contextlib.ExitStack, meta: FileMeta) -> SSTable:
        table = self.open_table(meta)
        table.hold()
        opened.callback(table.close)
        return table

    def _apply(self, memtables: dict[int, Memtable], sequence: int, changes: Changes) -> None:
        """A commit that was appended to a log: into its memtables, where nobody sees it yet."""
        oldest = self.snapshots.oldest()
        for table_id, records in changes.items():
            memtable = memtables.get(table_id)
            if memtable is None:
                memtable = memtables[table_id] = Memtable()
                with self._state_lock:
                    self._rebuild()
            size = sum(map(len, records))
            memtable.put_all(records, sequence, size, oldest)
        self._catalog_changed |= CATALOG_TABLE_ID in changes

    def _publish(self) -> None:
        sequences = (tail.sequence for tail in self._tails)
        sequence = max([self.manifest_state.last_sequence, *sequences])
        self.sequence = self.snapshots.published = sequence
        if self._catalog_changed:
            self.catalog = load_catalog(self)
            self._catalog_changed = False
