"""Uncommitted changes: steps, going back, and what of them is committed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.writeset import WriteSet

CHANGES = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.sampled_from([b"a", b"b", b"c"]),
        st.none() | st.tuples(st.integers(0, 9)),
    ),
    max_size=20,
)


@given(CHANGES, st.data())
def test_going_back_to_a_step_leaves_what_was_there_then(
    changes: list[tuple[int, bytes, tuple[int] | None]], data: st.DataObject
) -> None:
    writes = WriteSet()
    history: list[dict[tuple[int, bytes], tuple[int] | None]] = [{}]
    for table_id, key, row in changes:
        writes.put(table_id, key, row)
        history.append({**history[-1], (table_id, key): row})
        if data.draw(st.booleans()):
            step = data.draw(st.integers(0, writes.step))
            writes.rollback(step)
            del history[step + 1 :]
        assert writes.step == len(history) - 1
        committed = {
            (number, key): row
            for number, records in writes.changes().items()
            for key, row in records.items()
        }
        assert committed == history[-1]


def test_a_reader_sees_the_changes_up_to_its_step() -> None:
    writes = WriteSet()
    writes.put(1, b"k", (1,))
    writes.put(1, b"k", None)
    memtable = writes.memtable(1)
    assert memtable is not None and writes.memtable(2) is None
    first, second = memtable.get(b"k", 1), memtable.get(b"k", 2)
    assert memtable.get(b"k", 0) is None
    assert first is not None and first[1] == (1,)
    assert second is not None and second[1] is None


def test_changes_come_in_key_order_and_their_size_is_known() -> None:
    writes = WriteSet()
    for key in (b"c", b"a", b"b"):
        writes.put(1, key, (0,))
    assert list(writes.changes()[1]) == [b"a", b"b", b"c"]
    assert writes.nbytes > 3
