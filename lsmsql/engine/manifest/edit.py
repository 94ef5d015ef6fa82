"""A change to the set of live files, as the manifest records it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.sstable.meta import FileMeta


class AddedFile(msgspec.Struct, frozen=True):
    """A file that joins a level."""

    level: int
    meta: FileMeta


class Sample(NamedTuple):
    """At the unix time ``at``, in seconds, commit ``sequence`` was the newest."""

    at: int
    sequence: int


class Edit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One atomic change. What is None stays as it was.

    ``removed`` are file numbers. A file that moves is in both lists. ``log_number`` is the oldest
    log whose records are not all in files. ``last_sequence`` is the newest commit that the added
    files hold: edits may come in another order than commits (a flush after an ingest), so the
    greatest counts. ``backup`` is in the only edit of a backup's manifest.

    ``floor`` and ``samples`` are those of ``History``: from ``floor`` on every commit can be asked
    for. Without a history there are none of them in an edit: if it changes the files, versions may
    have been thrown away up to the newest commit that they hold.
    """

    added: tuple[AddedFile, ...] = ()
    removed: tuple[int, ...] = ()
    log_number: int | None = None
    last_sequence: int | None = None
    next_file: int | None = None
    backup: bool = False
    floor: int | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def changes_files(self) -> bool:
        """Whether what the files hold is other than before."""
        return bool(self.added or self.removed or self.last_sequence)


def difference(
    before: Mapping[int, tuple[int, FileMeta]], after: Mapping[int, tuple[int, FileMeta]]
) -> Edit:
    """The edit that makes the live files ``after`` of those ``before``: number, level and facts."""
    return Edit(
        added=tuple(AddedFile(*placed) for n, placed in after.items() if before.get(n) != placed),
        removed=tuple(n for n, placed in before.items() if after.get(n) != placed),
    )


def encode_edit(edit: Edit) -> bytes:
    """An edit as the manifest stores it: msgpack."""
    return msgspec.msgpack.encode(edit)


def decode_edit(data: bytes, path: str, offset: int) -> Edit:
    """The edit behind stored bytes. Raises CorruptionError if malformed."""
    try:
        return msgspec.msgpack.decode(data, type=Edit)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CorruptionError(path, offset, f"manifest edit: {error}") from None
