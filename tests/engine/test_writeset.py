"""Uncommitted changes: steps, going back, and what of them is committed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.memtable.memtable import Version
from lsmsql.engine.writeset import WriteSet

Change = tuple[int, bytes, tuple[int] | None]
Content = dict[tuple[int, bytes], tuple[int] | None]

PLACES = [(table_id, key) for table_id in (1, 2) for key in (b"a", b"b", b"c")]
CHANGES = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.sampled_from([b"a", b"b", b"c"]),
        st.none() | st.tuples(st.integers(0, 9)),
    ),
    max_size=20,
)


def newest(writes: WriteSet) -> Content:
    found = {place: writes.get(*place) for place in PLACES}
    return {place: change[0] for place, change in found.items() if change is not None}  # type: ignore[misc]


def as_of(writes: WriteSet, step: int) -> Content:
    content: Content = {}
    for table_id, key in PLACES:
        memtable = writes.memtable(table_id)
        version = None if memtable is None else memtable.get(key, step)
        if version is not None:
            content[table_id, key] = version.row  # type: ignore[assignment]
    return content


@given(CHANGES, st.data())
def test_every_step_can_be_read_and_gone_back_to(
    changes: list[Change], data: st.DataObject
) -> None:
    writes = WriteSet()
    steps: list[Content] = [{}]
    present: Content = {}
    for table_id, key, row in changes:
        writes.put(table_id, key, row)
        present = {**present, (table_id, key): row}
        assert newest(writes) == present
        if data.draw(st.booleans()):
            steps.append(present)
            assert writes.step == len(steps) - 1
        if data.draw(st.booleans()):
            step = data.draw(st.integers(0, len(steps) - 1))
            writes.rollback(step)
            del steps[step + 1 :]
            present = steps[step]
        assert newest(writes) == present
        for number, content in enumerate(steps):
            assert as_of(writes, number) == content
    committed = {
        (number, key): row
        for number, records in writes.changes().items()
        for key, row in records.items()
    }
    assert committed == present
    for number in {table_id for table_id, _ in present} | {99}:
        expected = {key: row for (table_id, key), row in present.items() if table_id == number}
        assert writes.changes_of(number) == expected


def test_a_reader_sees_the_changes_up_to_its_step() -> None:
    writes = WriteSet()
    writes.put(1, b"k", (1,))
    first = writes.step
    writes.put(1, b"k", None)
    second = writes.step
    memtable = writes.memtable(1)
    assert memtable is not None and writes.memtable(2) is None
    assert memtable.get(b"k", 0) is None
    assert memtable.get(b"k", first) == Version(1, (1,), None)
    assert memtable.get(b"k", second) == Version(2, None, Version(1, (1,), None))


def test_the_step_is_the_same_until_something_changes() -> None:
    writes = WriteSet()
    assert (writes.step, writes.step) == (0, 0)
    writes.put(1, b"a", (1,))
    writes.put(1, b"b", (2,))
    assert (writes.step, writes.step) == (1, 1)


def test_what_nobody_looked_at_is_handed_over_as_it_is() -> None:
    writes = WriteSet()
    for key in (b"c", b"a", b"b", b"c"):
        writes.put(1, key, (0,))
    assert list(writes.changes()[1]) == [b"c", b"a", b"b"]
    assert writes.memtable(1) is None


@given(
    CHANGES,
    st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), st.tuples(st.integers(0, 9)), min_size=1),
)
def test_many_rows_are_put_as_one_by_one(changes: list[Change], rows: dict[bytes, tuple[int]]):
    one, many = WriteSet(), WriteSet()
    for number, (table_id, key, row) in enumerate(changes):
        for writes in (one, many):
            writes.put(table_id, key, row)
            if number % 3 == 0:
                assert writes.step
    changed = {key for table_id, key, _ in changes if table_id == 1}
    assert many.may_have(1, rows) == bool(changed & rows.keys())
    many.put_all(1, rows)
    for key, row in rows.items():
        one.put(1, key, row)
    assert newest(many) == newest(one)
    assert many.changes() == one.changes()
