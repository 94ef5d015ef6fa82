"""Made-up versions of table 7: nothing is read or written. And the rules that any job must keep."""

from __future__ import annotations

from hypothesis import strategies as st

from lsmsql.engine.compaction.job import Job, Merge, Move
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.version import TableVersion, Version
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable
from tests.engine.compaction.simulation import unread


def file(
    number: int, keys: str, size: int = 10, sequence: int | None = None, tombstones: int = 0
) -> FileMeta:
    """File ``number`` with the key range of ``keys``, such as "ag"."""
    newest = number if sequence is None else sequence
    return FileMeta(
        number, 7, size, 5, 5, tombstones, keys[0].encode(), keys[-1].encode(), 1, newest
    )


def version(**levels: list[FileMeta]) -> Version:
    """A version of table 7: ``version(L0=[...], L1=[...])``."""
    added = tuple(
        AddedFile(int(name[1:]), meta) for name, metas in levels.items() for meta in metas
    )
    return Version().apply(Edit(added=added), unread)


def numbers(files: tuple[SSTable, ...]) -> list[int]:
    return [f.meta.number for f in files]


def check_job(table: TableVersion, job: Job) -> None:
    """The rules for any job: it is legal, whatever it is good for."""
    inputs = job.files if isinstance(job, Move) else job.inputs
    chosen = set(numbers(inputs))
    smallest = min(f.meta.smallest for f in inputs)
    largest = max(f.meta.largest for f in inputs)
    first = min(level for level, f in table.files() if f.meta.number in chosen)
    assert first < job.level
    left = [(n, f) for n, f in table.files() if f.meta.number not in chosen]
    older = [f for n, f in left if first < n <= job.level]
    if first == 0:
        newest = max(f.meta.max_sequence for f in table.levels[0].files if f.meta.number in chosen)
        older += [f for n, f in left if n == 0 and f.meta.max_sequence < newest]
    assert not any(f.meta.overlaps(smallest, largest) for f in older)
    if isinstance(job, Merge):
        deeper = [f for n, f in left if n > job.level]
        assert job.drop_tombstones == (not any(f.meta.overlaps(smallest, largest) for f in deeper))
        assert job.bottom == (not deeper)


@st.composite
def trees(draw: st.DrawFn) -> Version:
    """Any version that keeps the rules: level 0 as it comes, deeper levels without overlap."""
    number = iter(range(1, 1000))
    letters = "abcdefghijklmnop"
    levels: dict[str, list[FileMeta]] = {}
    pairs = st.tuples(st.sampled_from(letters), st.sampled_from(letters)).map(sorted).map("".join)
    levels["L0"] = [file(next(number), keys) for keys in draw(st.lists(pairs, max_size=5))]
    for level in (1, 2, 3):
        cuts = sorted(draw(st.sets(st.sampled_from(letters), max_size=8)))
        keys = ["".join(pair) for pair in zip(cuts[::2], cuts[1::2], strict=False)]
        sizes = st.integers(1, 900)
        levels[f"L{level}"] = [file(next(number), k, draw(sizes)) for k in keys]
    return version(**levels)
