"""A reader's view: the whole store as of one commit, with a transaction's own changes on top.

A view is registered with the snapshots while it is open, so that nothing it may look at is thrown
away. It must be closed; iterators that outlive it raise ClosedError.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from types import TracebackType

from lsmsql.engine.conditions import Conditions
from lsmsql.engine.core import Core
from lsmsql.engine.errors import ClosedError
from lsmsql.engine.projection import Columns, Projection
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.recent import ABSENT, Absent
from lsmsql.engine.scan import FIRST_STEP, estimate_rows, scan
from lsmsql.engine.schema import KV_TABLE_ID, KV_VALUE_SLOT
from lsmsql.engine.short import read_short
from lsmsql.engine.slices import Range, Slice
from lsmsql.engine.values import Value
from lsmsql.engine.view import (
    NO_STATE,
    NOTHING,
    Found,
    State,
    find,
    found_slot,
    read_value,
)
from lsmsql.engine.writeset import WriteSet


class ReadView:
    """Reads as of one commit: the newest, or commit ``at`` of the past. ``writes`` are uncommitted
    changes, seen up to their present step; what is read is added to ``reads``.

    Raises UsageError for a commit that is no longer kept, or is none yet.
    """

    def __init__(
        self,
        core: Core,
        writes: WriteSet | None = None,
        reads: ReadSet | None = None,
        at: int | None = None,
    ) -> None:
        core.check_open()
        self._core = core
        self._reader = reader = core.snapshots.reader()
        self.sequence, self._state = core.pin(reader) if at is None else core.pin_at(reader, at)
        self._writes = writes
        self._step = 0 if writes is None else writes.step
        self._reads = reads
        self.within: ReadView | None = None
        """Another view, which must be open too."""
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self._open

    @property
    def core(self) -> Core:
        """The store that it reads."""
        return self._core

    @property
    def state(self) -> State:
        """What it reads."""
        return self._state

    def renew(self) -> None:
        """Look where the store keeps its rows now; which rows are seen stays the same.

        For a view that is open for long: it lets go of memtables and files that have been replaced.
        """
        self._state = self._core.renewed(self._state)

    def share(self) -> None:
        """Let others open a view of the same commit by its number."""
        self._core.history.share(self._reader)

    def branch(self, writes: WriteSet | None) -> ReadView:
        """A view of the same commit with the present step of ``writes``.

        It must be closed by itself.
        """
        return self._branch(copy.copy(self), writes)

    def _branch(self, view: ReadView, writes: WriteSet | None) -> ReadView:
        view._reader = self._core.snapshots.reader()
        self._core.snapshots.hold(view._reader, self.sequence)
        view._writes = writes
        view._step = 0 if writes is None else writes.step
        if not self._open or self._core.alert:  # or else nothing has been thrown away so far
            view._open = True
            try:
                self.check()
            except BaseException:
                view.close()
                raise
        return view

    def has_changed(self, table_id: int) -> bool:
        """Whether uncommitted changes of a table may be seen."""
        return self._writes is not None and self._writes.memtable(table_id) is not None

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of ``key``; None if there is none."""
        if not self._open or self._core.alert:
            self.check()
        if self._writes is not None:
            memtable = self._writes.memtable(table_id)
            version = None if memtable is None else memtable.get(key, self._step)
            if version is not None:
                return None if version.row is None else (None, 0, version.row)
        if self._reads is not None:
            self._reads.add_key(table_id, key)
        sequence = self.sequence
        return find(self._state.tables.get(table_id, NOTHING), key, sequence, sequence)

    def find_all(self, table_id: int, keys: Sequence[bytes]) -> list[Found | None]:
        """``find`` of each of the keys."""
        if self.has_changed(table_id):
            return [self.find(table_id, key) for key in keys]
        if not self._open or self._core.alert:
            self.check()
        if self._reads is not None:
            self._reads.add_keys(table_id, keys)
        table, sequence = self._state.tables.get(table_id, NOTHING), self.sequence
        return [find(table, key, sequence, sequence) for key in keys]

    def has_any(self, table_id: int, keys: Collection[bytes]) -> bool:
        """Whether any of the keys has a record; one of uncommitted changes does not count."""
        if not self._open or self._core.alert:
            self.check()
        if self._reads is not None:
            self._reads.add_keys(table_id, keys)
        table, sequence = self._state.tables.get(table_id), self.sequence
        return table is not None and any(
            find(table, key, sequence, sequence) is not None for key in keys
        )

    def value(self, key: bytes) -> Value | Absent:
        """The value in ``kv`` of an encoded key, or ABSENT: ``find`` by way of the row cache.

        The cache has the newest values of the present files. So it serves those views that have
        these, and see all that is in them.
        """
        core = self._core
        if not self._open or core.alert:
            self.check()
        sequence = self.sequence
        table = self._state.tables.get(KV_TABLE_ID, NOTHING)
        files = table.version
        recent = core.recent
        if recent.version is not files or files.newest > sequence or self._writes is not None:
            found = self.find(KV_TABLE_ID, key)
            return ABSENT if found is None else found_slot(found, KV_VALUE_SLOT)
        if self._reads is not None:
            self._reads.add_key(KV_TABLE_ID, key)
        for memtable in table.memtables:
            version = memtable.get(key, sequence)
            if version is not None:
                return ABSENT if version.row is None else version.row[KV_VALUE_SLOT]
        value: Value | Absent = recent.values.get(key, ABSENT)
        if value is not ABSENT:
            core.counters.recent_hits += 1
            return value
        return read_value(recent, key, sequence)

    def short(self, table_id: int, span: Range, projection: Projection) -> Slice | None:
        """All records with keys in ``span`` if they are few; None if not: then ``scan`` them."""
        start, stop = span.start, span.stop
        if start is None or stop is None:
            return None
        if not self._open or self._core.alert or self.within is not None:
            self.check()
        overlay = None if self._writes is None else self._writes.memtable(table_id)
        table = self._state.tables.get(table_id, NOTHING)
        changes = None if overlay is None else (overlay, self._step)
        piece = read_short(table, self.sequence, start, stop, projection, changes)
        if piece is not None:
            self._core.counters.scans += 1
            if self._reads is not None:
                self._reads.add_range(table_id, span)
        return piece

    def keys_between(self, table_id: int, span: Range, projection: Projection) -> Sequence[bytes]:
        """The keys of records in ``span``; mostly there are none."""
        piece = self.short(table_id, span, projection)
        if piece is not None:
            return piece.keys
        return [key for piece in self.scan(table_id, span, projection) for key in piece.keys]

    def scan(
        self,
        table_id: int,
        span: Range,
        projection: Projection,
        *,
        reverse: bool = False,
        first: int = FIRST_STEP,
        where: Conditions = (),
    ) -> Iterator[Slice]:
        """The records with keys in ``span``, as ``scan`` gives them; others than those that meet
        ``where`` may be left out.
        """
        self.check()
        self._core.counters.scans += 1
        overlay = None if self._writes is None else self._writes.memtable(table_id)
        table = self._state.table(table_id)
        slices = scan(
            table,
            self.sequence,
            span,
            projection,
            reverse=reverse,
            overlay=None if overlay is None else (overlay, self._step),
            first=first,
            where=where,
            note=None if self._reads is None else partial(self._reads.add_range, table_id),
            skipped=self._core.counters.skip_blocks,
        )
        for piece in slices:
            yield piece
            self.check()

    def estimate(self, table_id: int, span: Range) -> int:
        """About how many records have keys in ``span``."""
        table = self._state.table(table_id)
        return estimate_rows(table, span)

    def check(self) -> None:
        """Raise ClosedError if it is of no more use."""
        if not self._open or (self.within is not None and not self.within._open):
            raise ClosedError("the view that this iterator reads has been closed")
        self._core.check_open()

    def close(self) -> None:
        """Let go of the snapshot, and of all files and memtables. Closing twice is harmless."""
        if self._open:
            self._open = False
            self._core.snapshots.release(self._reader)
            self._state = NO_STATE
            self._writes = self._reads = None
            self._step = 0

    def __del__(self) -> None:
        if getattr(self, "_open", False):  # a range that nobody began to read
            self.close()

    def __enter__(self) -> ReadView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LongView(ReadView):
    """A view that may be open for long: it holds no memtables and files.

    Of each read it must be seen afterwards whether it ``is_open``, if another thread may close it.
    """

    @property
    def _state(self) -> State:
        return self._core.renewed(self._kept)

    @_state.setter
    def _state(self, state: State) -> None:
        self._kept = self._core.kept(state)

    def branch(self, writes: WriteSet | None) -> ReadView:
        """A view of the same commit that holds what it reads."""
        view = ReadView.__new__(ReadView)
        view.__dict__.update(self.__dict__, _state=self._state)
        view.within = self
        return self._branch(view, writes)


def read_at_once(
    core: Core, table_id: int, span: Range, projection: Projection, limit: int, *, reverse: bool
) -> Columns | None:
    """The first ``limit`` records of ``span`` as columns, in scan order; no view is opened.

    Nothing is registered meanwhile. So None if there was a commit: records that a reader of the one
    before could see may have been thrown away.
    """
    core.check_open()
    core.counters.scans += 1
    sequence, state = core.now()
    parts: list[Columns] = []
    if limit:
        left = limit
        table = state.tables.get(table_id, NOTHING)
        for piece in scan(table, sequence, span, projection, reverse=reverse, first=limit):
            columns = piece.columns
            if reverse:
                columns = [column[::-1] for column in columns]
            parts.append(columns)
            left -= len(piece.keys)
            if left <= 0:
                break
    if core.snapshots.published != sequence:
        return None
    if len(parts) == 1 and left == 0:
        return parts[0]
    whole = zip(*parts, strict=True) if parts else [[]] * len(projection.columns)
    return [list(islice(chain.from_iterable(column), limit)) for column in whole]
