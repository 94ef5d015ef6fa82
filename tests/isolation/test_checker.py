"""The checker finds each of Adya's anomalies in a history that has it, and none in others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.isolation.anomalies import check, find_anomaly, strongly_connected
from tests.isolation.graph import Edge, Kind, WrongReadError
from tests.isolation.history import ANY_TIME, History, Item, Look, Number, Transaction

X, Y, Z = ("t", 0), ("t", 1), ("t", 2)


def transaction(
    number: Number | None = None,
    reads: Mapping[Item, int | None] | None = None,
    writes: Mapping[Item, int | None] | None = None,
    *,
    looks: tuple[Look, ...] = (),
    moments: tuple[int, int] = (0, 100),
    **others: object,
) -> Transaction:
    """One that has read some items by key; by default all are concurrent."""
    by_key = [
        Look(table, key, key, {} if value is None else {key: value})
        for (table, key), value in (reads or {}).items()
    ]
    began, ended = moments
    made = Transaction("T", began=began, ended=ended, number=number, writes=dict(writes or {}))
    made.looks = [*by_key, *looks]
    for name, value in others.items():
        setattr(made, name, value)
    return made


def named(*transactions: Transaction) -> History:
    for number, each in enumerate(transactions):
        each.name = f"T{number}"
    return list(transactions)


SETUP = {X: 1, Y: 2}

ANOMALIES: dict[str, tuple[str, History]] = {
    "information flows in a circle": (
        "G1c",
        [
            transaction(1, {Y: 20}, {X: 10}),
            transaction(2, {X: 10}, {Y: 20}),
        ],
    ),
    "a later version is seen by one who was replaced": (
        "G1c",
        [transaction(1, {Y: 20}, {X: 10}), transaction(2, {}, {X: 11, Y: 20})],
    ),
    "read skew": (
        "G-single",
        [
            transaction(1, {}, SETUP),
            transaction(2, {}, {X: 10, Y: 20}),
            transaction(None, {X: 1, Y: 20}),
        ],
    ),
    "read skew of absence": (
        "G-single",
        [transaction(1, {}, {X: 10, Y: 20}), transaction(None, {X: None, Y: 20})],
    ),
    "a lost update": (
        "G-single",
        [
            transaction(1, {}, SETUP),
            transaction(2, {X: 1}, {X: 10}),
            transaction(3, {X: 1}, {X: 11}),
        ],
    ),
    "an insertion that is lost": (
        "G-single",
        [transaction(1, {X: None}, {X: 10}), transaction(2, {X: None}, {X: 11})],
    ),
    "write skew": (
        "G2-item",
        [
            transaction(1, {}, SETUP),
            transaction(2, {X: 1, Y: 2}, {X: 10}),
            transaction(3, {X: 1, Y: 2}, {Y: 20}),
        ],
    ),
    "write skew by insertion": (
        "G2-item",
        [transaction(1, {Y: None}, {X: 10}), transaction(2, {X: None}, {Y: 20})],
    ),
    "the read-only anomaly": (
        "G2-item",
        [
            transaction(1, {}, SETUP),
            transaction(2, {Y: 2}, {Y: 20}),
            transaction(None, {X: 1, Y: 20}),
            transaction(3, {X: 1, Y: 2}, {X: 10}),
        ],
    ),
    "phantoms": (
        "G2",
        [
            transaction(1, {}, {X: 10}, looks=(Look("t", 0, 2, {}),)),
            transaction(2, {}, {Y: 20}, looks=(Look("t", 0, 2, {}),)),
        ],
    ),
    "phantoms that are counted": (
        "G2",
        [
            transaction(1, {}, {X: 10}, looks=(Look("t", 0, 2, 0),), snapshot=(0, 0)),
            transaction(2, {}, {Y: 20}, looks=(Look("t", 0, 2, 0),), snapshot=(0, 0)),
        ],
    ),
    "a deletion that a range has missed": (
        "G2",
        [
            transaction(1, {}, SETUP),
            transaction(2, {}, {X: None}, looks=(Look("t", 0, 2, {0: 1, 1: 2}),)),
            transaction(3, {}, {Y: None}, looks=(Look("t", 0, 2, {0: 1, 1: 2}),)),
        ],
    ),
    "a stale read": (
        "G-single-realtime",
        [
            transaction(1, {}, {X: 10}, moments=(0, 1)),
            transaction(None, {X: None}, moments=(2, 3)),
        ],
    ),
}


@pytest.mark.parametrize("name", ANOMALIES)
def test_anomalies_are_found_and_named(name):
    wanted, history = ANOMALIES[name]
    found = find_anomaly(named(*history))
    assert found is not None
    assert found.name == wanted
    for edge, following in zip(found.edges, (*found.edges[1:], found.edges[0]), strict=True):
        assert edge.target == following.source


def test_writes_in_two_orders_are_dirty_writes():
    """Versions are in the order of commits: so such a cycle cannot be but in the engine's own."""
    ww = Edge(0, 1, Kind.WW, ""), Edge(1, 0, Kind.WW, "")
    assert strongly_connected({0: {1: ww[0]}, 1: {0: ww[1]}}) == [{0, 1}]


def test_the_story_of_a_cycle_is_readable():
    history = named(transaction(1, {Y: None}, {X: 10}), transaction(2, {X: None}, {Y: 20}))
    with pytest.raises(AssertionError) as caught:
        check(history)
    assert str(caught.value).splitlines() == [
        "G2-item, a cycle of 2 transactions:",
        "  T0 (commit 1) -rw-> T1 (commit 2): t/1: absence is seen, not 20",
        "  T1 (commit 2) -rw-> T0 (commit 1): t/0: absence is seen, not 10",
    ]


def test_the_worst_of_several_anomalies_is_shown():
    skew = [
        transaction(4, {Y: None, Z: None}, {}),
        transaction(5, {Y: None}, {Z: 30}),
        transaction(6, {Z: None}, {Y: 20}),
    ]
    lost = [transaction(1, {X: None}, {X: 10}), transaction(2, {X: None}, {X: 11})]
    found = find_anomaly(named(*skew, *lost))
    assert found is not None
    assert found.name == "G-single"
    assert {edge.source for edge in found.edges} == {3, 4}


# ------------------------------------------------------------------------------------ wrong reads


def test_what_a_rolled_back_transaction_wrote_is_not_to_be_seen():
    history = named(transaction(None, {}, {X: 10}), transaction(None, {X: 10}))
    with pytest.raises(WrongReadError, match=r"G1a: T1 saw t/0 = 10, which T0 wrote, and was"):
        find_anomaly(history)


def test_what_was_taken_back_by_a_savepoint_is_not_to_be_seen():
    history = named(transaction(1, {}, {X: 10}, taken_back={9}), transaction(None, {X: 9}))
    with pytest.raises(WrongReadError, match=r"G1a: T1 saw t/0 = 9, which T0 .* has taken back"):
        find_anomaly(history)


def test_intermediate_values_are_not_to_be_seen():
    history = named(transaction(1, {}, {X: 10}, replaced={9}), transaction(None, {X: 9}))
    with pytest.raises(WrongReadError, match=r"G1b: T1 saw t/0 = 9, which T0 .* has replaced"):
        find_anomaly(history)


def test_values_from_nowhere_are_not_to_be_seen():
    with pytest.raises(WrongReadError, match=r"T0 saw t/0 = 5, which nobody has written"):
        find_anomaly(named(transaction(None, {X: 5})))


def test_counts_are_those_of_a_commit_at_which_the_snapshot_was_taken():
    writers = transaction(1, {}, SETUP), transaction(2, {}, {Z: 3}), transaction(3, {}, {X: None})
    for low, high, counts in ((0, 0, {0}), (1, 1, {2}), (0, 2, {0, 2, 3}), (2, 3, {3, 2})):
        for count in range(4):
            look = Look("t", 0, 2, count)
            reader = transaction(None, {}, looks=(look,), snapshot=(low, high))
            if count in counts:
                assert find_anomaly(named(*writers, reader)) is None
            else:
                with pytest.raises(WrongReadError, match=f"T3 counted {count} keys from 0 to 2"):
                    find_anomaly(named(*writers, reader))


# ---------------------------------------------------------------------------------------- no cycle

SERIALIZABLE: dict[str, History] = {
    "nothing": [],
    "one": [transaction(1, {X: None}, {X: 10})],
    "its own write is seen": [transaction(1, {X: 10}, {X: 10})],
    "one after the other": [
        transaction(1, {X: None}, {X: 10}),
        transaction(2, {X: 10}, {X: 11}),
        transaction(None, {X: 11}),
    ],
    "blind writes": [
        transaction(1, {}, {X: 10, Y: 20}),
        transaction(2, {}, {X: 11, Y: 21}),
    ],
    "an old snapshot": [
        transaction(1, {}, SETUP),
        transaction(2, {}, {X: 10, Y: 20}),
        transaction(None, {X: 1, Y: 2}),
    ],
    "a snapshot from before a deletion, and one from after it": [
        transaction(1, {}, {X: 1}),
        transaction(2, {}, {X: None}),
        transaction(3, {}, {X: 3}),
        transaction(None, {X: None, Y: None}, snapshot=(0, 0)),
        transaction(None, {X: None, Y: None}, snapshot=(2, 2)),
    ],
    "keys outside of a range": [
        transaction(1, {}, {X: 10}, looks=(Look("t", 0, 0, {}),)),
        transaction(2, {}, {Y: 20}, looks=(Look("t", 1, 2, {}),)),
    ],
    "another table": [
        transaction(1, {}, {("t", 0): 10}, looks=(Look("u", 0, 2, {}),)),
        transaction(2, {}, {("u", 0): 20}, looks=(Look("u", 0, 2, {}),)),
    ],
    "keys that the transaction itself has changed": [
        transaction(1, {}, {X: 10}, looks=(Look("t", 0, 1, {}, frozenset({1})),)),
        transaction(2, {X: None}, {Y: 20}, looks=()),
    ],
}


@pytest.mark.parametrize("name", SERIALIZABLE)
def test_serializable_histories_have_no_anomaly(name):
    check(named(*SERIALIZABLE[name]))


def test_a_stale_read_is_serializable_if_real_time_does_not_count():
    _, history = ANOMALIES["a stale read"]
    check(history, real_time=False)


def test_absence_is_ascribed_to_the_deletion_of_its_time():
    """The reader has seen the absence of before 1, and the 20 of after 3: that cannot be."""
    writers = [
        transaction(1, {}, {X: 1}),
        transaction(2, {}, {X: None}),
        transaction(3, {}, {X: 3, Y: 20}),
        transaction(4, {}, {X: None}),
    ]
    for snapshot in ((0, 0), (2, 2), (3, 3)):
        reader = transaction(None, {X: None, Y: 20}, snapshot=snapshot)
        found = find_anomaly(named(*writers, reader))
        assert found is not None and found.name == "G-single"
    for later in ((4, 4), (3, 4), ANY_TIME):
        check(named(*writers, transaction(None, {X: None, Y: 20}, snapshot=later)))


def test_what_is_no_history_is_refused():
    with pytest.raises(ValueError, match=r"written twice to t/0"):
        find_anomaly(named(transaction(1, {}, {X: 1}), transaction(2, {}, {X: 1})))
    with pytest.raises(ValueError, match=r"two commits have one number"):
        find_anomaly(named(transaction(1, {}, {X: 1}), transaction(1, {}, {Y: 1})))


def test_thousands_of_transactions_are_no_trouble():
    """A chain of updates of few keys, and at its end the first cycle."""
    history = [
        transaction(n + 1, {("t", n % 7): n - 6 if n > 6 else None}, {("t", n % 7): n + 1})
        for n in range(5000)
    ]
    history += [
        transaction(5001, {("u", 0): None}, {("u", 1): 1}),
        transaction(5002, {("u", 1): None}, {("u", 0): 1}),
    ]
    found = find_anomaly(named(*history))
    assert found is not None
    assert {edge.source for edge in found.edges} == {5000, 5001}
