"""Which files cannot be the levels of tables."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lsmsql.engine.manifest.manifest import ManifestState
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.verify.arrangement import misfits

SOUND = FileMeta(2, 1, 500, 9, 8, 1, b"b", b"d", 3, 7)


def problems(*files: tuple[int, FileMeta]) -> list[tuple[int, str]]:
    state = ManifestState({meta.number: (level, meta) for level, meta in files}, 1, 20, 10)
    return [(meta.number, problem) for meta, problem in misfits(state)]


def other(**changes: Any) -> FileMeta:
    return msgspec.structs.replace(SOUND, **{"number": 3, **changes})


def test_files_side_by_side_in_a_level_are_in_order():
    assert problems((1, SOUND), (1, other(smallest=b"e", largest=b"f"))) == []
    assert problems((1, SOUND), (1, other(table_id=2)), (2, other(number=4))) == []


@pytest.mark.parametrize(("smallest", "largest"), [(b"a", b"b"), (b"c", b"c"), (b"d", b"z")])
def test_files_of_a_level_that_share_a_key_are_found(smallest, largest):
    ((number, problem),) = problems((2, SOUND), (2, other(smallest=smallest, largest=largest)))
    assert number in (2, 3) and "in level 2 it overlaps file" in problem


def test_in_level_0_one_file_must_be_the_newer():
    assert problems((0, SOUND), (0, other(max_sequence=8))) == []
    assert problems((0, SOUND), (0, other())) == [
        (3, "in level 0 it is neither older nor newer than file 2")
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"smallest": b"x"}, "its smallest key is greater than its largest"),
        ({"max_sequence": 21}, "commits 3 to 21, though the newest in a file is 20"),
        ({"keys": 10}, "10 keys and 1 tombstones in 9 rows"),
        ({"tombstones": 10}, "8 keys and 10 tombstones in 9 rows"),
        ({"number": 10}, "the next number to give out is 10"),
    ],
)
def test_facts_that_cannot_be_are_found(changes, problem):
    meta = other(**changes)
    assert problems((1, meta)) == [(meta.number, problem)]
