"""Whether the files that a manifest names can be the levels of tables. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lsmsql.engine.manifest.manifest import ManifestState
from lsmsql.engine.sstable.meta import FileMeta

Misfit = tuple[FileMeta, str]
"""A file, and what is wrong with its place."""


def misfits(state: ManifestState) -> Iterator[Misfit]:
    """What contradicts the rules of levels and of numbers."""
    places: dict[tuple[int, int], list[FileMeta]] = {}
    for level, meta in state.files.values():
        places.setdefault((meta.table_id, level), []).append(meta)
        yield from _problems(meta, state)
    for (_, level), files in places.items():
        yield from _ambiguous(files) if level == 0 else _overlapping(level, files)


def _problems(meta: FileMeta, state: ManifestState) -> Iterator[Misfit]:
    if meta.smallest > meta.largest:
        yield meta, "its smallest key is greater than its largest"
    if not meta.min_sequence <= meta.max_sequence <= state.last_sequence:
        span = f"{meta.min_sequence} to {meta.max_sequence}"
        yield meta, f"commits {span}, though the newest in a file is {state.last_sequence}"
    if not 0 < meta.keys <= meta.rows or not 0 <= meta.tombstones <= meta.rows:
        yield meta, f"{meta.keys} keys and {meta.tombstones} tombstones in {meta.rows} rows"
    if meta.number >= state.next_file:
        yield meta, f"the next number to give out is {state.next_file}"


def _overlapping(level: int, files: list[FileMeta]) -> Iterator[Misfit]:
    """Files of a level below 0 share no key."""
    ordered = sorted(files, key=lambda meta: meta.smallest)
    for before, after in pairwise(ordered):
        if after.smallest <= before.largest:
            yield after, f"in level {level} it overlaps file {before.number}"


def _ambiguous(files: list[FileMeta]) -> Iterator[Misfit]:
    """In level 0 the newest commit says which file is read first."""
    ordered = sorted(files, key=lambda meta: (meta.max_sequence, meta.number))
    for older, newer in pairwise(ordered):
        if older.max_sequence == newer.max_sequence and older.overlaps(
            newer.smallest, newer.largest
        ):
            yield newer, f"in level 0 it is neither older nor newer than file {older.number}"
