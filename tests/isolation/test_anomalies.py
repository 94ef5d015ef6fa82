"""No anomaly of the literature is possible, through Python, SQL, or both at once.

Names and scripts follow Adya's thesis (1999), as Martin Kleppmann's Hermitage spells them out, for
the read-only anomaly Fekete, O'Neil and O'Neil (2004), for the receipts Ports and Grittner (2012).
Each script tells what every transaction sees at every step and whether it may commit. The table
begins with 1: 10 and 2: 20.

The same scripts without validation, under plain snapshot isolation, show that it is validation
that keeps off those anomalies that snapshots alone let through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from tests.isolation.looks import MANY_LOOKS, ROW_LOOKS, ManyLook, RowLook, by_key
from tests.isolation.sessions import (
    KINDS,
    Content,
    Rows,
    Step,
    World,
    change,
    put,
    raise_all,
    remove_value,
)

# --------------------------------------------------------------------------- scripts about a row


def dirty_write(world: World, look: RowLook) -> None:
    """G0, with rows that are written unread: both may, and one after the other."""
    a, b = world.begin(), world.begin()
    a.put(1, 11)
    b.put(1, 12)
    a.put(2, 21)
    a.commits()
    c = world.begin()
    c.sees(look(world.table, 1), {1: 11, 2: 21})
    b.put(2, 22)
    b.commits()
    c.sees(look(world.table, 2), {1: 11, 2: 21})
    c.commits()
    assert world.rows() == {1: 12, 2: 22}


def dirty_update(world: World, look: RowLook) -> None:
    """G0, with UPDATE, which reads a row before it writes it."""
    a, b = world.begin(), world.begin()
    a.do(change(world.table, 1, 11))
    b.do(change(world.table, 1, 12))
    a.do(change(world.table, 2, 21))
    a.commits()
    assert world.rows() == {1: 11, 2: 21}
    b.do(change(world.table, 2, 22))
    b.sees(look(world.table, 2), {1: 12, 2: 22})
    b.conflicts()
    assert world.rows() == {1: 12, 2: 22}


def aborted_read(world: World, look: RowLook) -> None:
    """G1a."""
    one = look(world.table, 1)
    a, b = world.begin(), world.begin()
    a.put(1, 101)
    b.sees(one, {1: 10, 2: 20})
    a.rollback()
    b.sees(one, {1: 10, 2: 20})
    b.put(2, 22)
    b.commits()
    assert world.rows() == {1: 10, 2: 22}


def intermediate_read(world: World, look: RowLook) -> None:
    """G1b."""
    one = look(world.table, 1)
    a, b = world.begin(), world.begin()
    a.put(1, 101)
    b.sees(one, {1: 10, 2: 20})
    a.put(1, 11)
    a.commits()
    b.sees(one, {1: 10, 2: 20})
    b.commits()
    late = world.begin()
    late.sees(one, {1: 11, 2: 20})
    late.commits()
    assert world.rows() == {1: 11, 2: 20}


def circular_information_flow(world: World, look: RowLook) -> None:
    """G1c."""
    a, b = world.begin(), world.begin()
    a.put(1, 11)
    b.put(2, 22)
    a.sees(look(world.table, 2), {1: 11, 2: 20})
    b.sees(look(world.table, 1), {1: 10, 2: 22})
    a.commits()
    b.conflicts()
    assert world.rows() == {1: 11, 2: 22}


def observed_transaction_vanishes(world: World, look: RowLook) -> None:
    """OTV."""
    one, two = look(world.table, 1), look(world.table, 2)
    a, b = world.begin(), world.begin()
    a.put(1, 11)
    a.put(2, 19)
    b.put(1, 12)
    a.commits()
    c = world.begin()
    c.sees(one, {1: 11, 2: 19})
    b.put(2, 18)
    c.sees(two, {1: 11, 2: 19})
    b.commits()
    c.sees(two, {1: 11, 2: 19})
    c.sees(one, {1: 11, 2: 19})
    c.commits()
    assert world.rows() == {1: 12, 2: 18}


def lost_update(world: World, look: RowLook) -> None:
    """P4."""
    one = look(world.table, 1)
    a, b = world.begin(), world.begin()
    a.sees(one, {1: 10, 2: 20})
    b.sees(one, {1: 10, 2: 20})
    a.put(1, 11)
    b.put(1, 12)
    a.commits()
    b.conflicts()
    assert world.rows() == {1: 12, 2: 20}


def read_skew(world: World, look: RowLook) -> None:
    """G-single: one that only reads sees its snapshot, and commits."""
    one, two = look(world.table, 1), look(world.table, 2)
    a, b = world.begin(), world.begin()
    a.sees(one, {1: 10, 2: 20})
    b.sees(one, {1: 10, 2: 20})
    b.sees(two, {1: 10, 2: 20})
    b.put(1, 12)
    b.put(2, 18)
    b.commits()
    a.sees(two, {1: 10, 2: 20})
    a.commits()
    assert world.rows() == {1: 12, 2: 18}


def read_skew_of_a_writer(world: World, look: RowLook) -> None:
    """G-single, with a write that depends on what was read."""
    a, b = world.begin(), world.begin()
    a.sees(look(world.table, 1), {1: 10, 2: 20})
    b.put(1, 12)
    b.put(2, 18)
    b.commits()
    a.do(remove_value(world.table, 20))
    a.sees(look(world.table, 2), {1: 10})
    a.conflicts()
    assert world.rows() == ({1: 12, 2: 18} if world.validated else {1: 12})


def write_skew(world: World, look: RowLook) -> None:
    """G2-item."""
    one, two = look(world.table, 1), look(world.table, 2)
    a, b = world.begin(), world.begin()
    for session in (a, b):
        session.sees(one, {1: 10, 2: 20})
        session.sees(two, {1: 10, 2: 20})
    a.put(1, 11)
    b.put(2, 21)
    a.sees(one, {1: 11, 2: 20})
    b.sees(one, {1: 10, 2: 21})
    a.commits()
    b.conflicts()
    assert world.rows() == {1: 11, 2: 21}


def read_only_anomaly(world: World, look: RowLook) -> None:
    """Two that write would be serializable, were it not for a third that reads in between.

    1 is a checking and 2 a savings account. ``b`` draws 30 and pays a fee, for to it 30 is all
    there is; ``a`` pays in 50; ``c`` sees that this has been done, and the 30 still there.
    """
    one, two = look(world.table, 1), look(world.table, 2)
    b = world.begin()
    b.sees(one, {1: 10, 2: 20})
    b.sees(two, {1: 10, 2: 20})
    a = world.begin()
    a.sees(two, {1: 10, 2: 20})
    a.put(2, 70)
    a.commits()
    c = world.begin()
    c.sees(one, {1: 10, 2: 70})
    c.sees(two, {1: 10, 2: 70})
    c.commits()
    b.put(1, -21)
    b.conflicts()
    assert world.rows() == {1: -21, 2: 70}


# --------------------------------------------------------------------- scripts about a predicate


def predicate_many_preceders(world: World, look: ManyLook) -> None:
    """PMP."""
    many = look(world.table)
    a, b = world.begin(), world.begin()
    a.sees(many, {1: 10, 2: 20})
    b.put(3, 30)
    b.sees(many, {1: 10, 2: 20, 3: 30})
    a.sees(many, {1: 10, 2: 20})
    b.commits()
    a.sees(many, {1: 10, 2: 20})
    a.commits()
    assert world.rows() == {1: 10, 2: 20, 3: 30}


def predicate_many_preceders_of_a_writer(world: World, look: ManyLook) -> None:
    """PMP, where what is written depends on a predicate."""
    many = look(world.table)
    a, b = world.begin(), world.begin()
    a.do(raise_all(world.table, 10))
    b.sees(many, {1: 10, 2: 20})
    b.do(remove_value(world.table, 20))
    b.sees(many, {1: 10})
    a.sees(many, {1: 20, 2: 30})
    a.commits()
    b.conflicts()
    assert world.rows() == ({2: 30} if world.validated else {1: 20})


def anti_dependency(world: World, look: ManyLook) -> None:
    """G2: each puts in what the other has found to be missing."""
    many = look(world.table)
    a, b = world.begin(), world.begin()
    a.sees(many, {1: 10, 2: 20})
    b.sees(many, {1: 10, 2: 20})
    a.put(3, 30)
    b.put(4, 42)
    a.sees(many, {1: 10, 2: 20, 3: 30})
    b.sees(many, {1: 10, 2: 20, 4: 42})
    a.commits()
    b.conflicts()
    assert world.rows() == {1: 10, 2: 20, 3: 30, 4: 42}


def anti_dependency_of_two_edges(world: World, look: ManyLook) -> None:
    """G2 with one that reads in the middle, after Fekete."""
    many = look(world.table)
    a = world.begin()
    a.sees(many, {1: 10, 2: 20})
    b = world.begin()
    b.put(3, 30)
    b.commits()
    c = world.begin()
    c.sees(many, {1: 10, 2: 20, 3: 30})
    c.sees(by_key(world.table, 1), {1: 10, 2: 20, 3: 30})
    c.commits()
    a.put(1, 0)
    a.conflicts()
    assert world.rows() == {1: 0, 2: 20, 3: 30}


# ------------------------------------------------------------------------------- receipts script


def batch() -> Step:
    def do(tables: Any) -> Rows:
        return [(tables.table("control").get(0)["batch"],)]

    return Step("SELECT batch FROM control WHERE key = 0", do)


def report(number: int) -> Step:
    def do(tables: Any) -> Rows:
        receipts = [row for row in tables.table("receipts").range() if row["batch"] == number]
        return [(sum(row["amount"] for row in receipts), len(receipts))]

    return Step(f"SELECT total(amount), count(*) FROM receipts WHERE batch = {number}", do)


def receipts(world: World) -> None:
    """A day's batch is closed and reported, and must get no receipt afterwards."""
    customer = world.begin()
    assert customer.do(batch()) == [(7,)]
    closing = world.begin()
    assert closing.do(batch()) == [(7,)]
    closing.do(put("control", 0, 8))
    closing.commits()
    reporting = world.begin()
    assert reporting.do(batch()) == [(8,)]
    assert reporting.do(report(7)) == [(100, 1)]
    reporting.commits()
    customer.do(put("receipts", 2, 7, 25))
    assert customer.do(report(7)) == [(125, 2)]
    customer.conflicts()


ROW_SCRIPTS = (
    dirty_write,
    dirty_update,
    aborted_read,
    intermediate_read,
    circular_information_flow,
    observed_transaction_vanishes,
    lost_update,
    read_skew,
    read_skew_of_a_writer,
    write_skew,
    read_only_anomaly,
)
MANY_SCRIPTS = (
    predicate_many_preceders,
    predicate_many_preceders_of_a_writer,
    anti_dependency,
    anti_dependency_of_two_edges,
)
LET_THROUGH_BY_SNAPSHOTS = (
    circular_information_flow,
    lost_update,
    read_skew_of_a_writer,
    write_skew,
    read_only_anomaly,
    anti_dependency,
    anti_dependency_of_two_edges,
)
CONTENT: Content = {
    "kv": {1: (10,), 2: (20,)},
    "own": {1: (10,), 2: (20,)},
    "control": {0: (7,)},
    "receipts": {1: (7, 100)},
}

# ----------------------------------------------------------------------------------------- tests

PLACES = {
    "memtables": ((), ()),
    "flushed": (("flush",), ()),
    "compacted": (("compact",), ()),
    "flushed all along": ((), ("flush",)),
    "compacted all along": ((), ("compact",)),
}
"""Where the rows are: what is done with the store before the script, and after each step of it."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lsmsql.Store]:
    path: Path = tmp_path_factory.mktemp("isolation")
    with lsmsql.open(path / "store", sync="off", background=False, block_rows=4) as opened:
        yield opened


@pytest.fixture
def make(store: lsmsql.Store) -> Iterator[Callable[..., World]]:
    """Make the world of a test: where the rows are, the kinds of sessions, and the table."""
    made: list[World] = []

    def make(place: str = "memtables", kinds: str = "python", table: str = "kv") -> World:
        before, along = PLACES[place]
        world = World(store, KINDS[kinds], table, lambda: [getattr(store, v)() for v in along])
        world.fill(CONTENT)
        for verb in before:
            getattr(store, verb)()
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()
    assert store.core.snapshots.active() == ()


def unchecked(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same world with nothing validated."""
    monkeypatch.setattr("lsmsql.engine.database.first_conflict", lambda *_: None)
    world.validated = False
    return world


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("look", ROW_LOOKS)
@pytest.mark.parametrize("script", ROW_SCRIPTS)
def test_what_is_read_is_a_row(make, script, look, kinds) -> None:
    for table in ("kv", "own") if look == "key" else ("own",):
        world = make(kinds=kinds, table=table)
        script(world, ROW_LOOKS[look])
        assert world.serial_orders()


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("look", MANY_LOOKS)
@pytest.mark.parametrize("script", MANY_SCRIPTS)
def test_what_is_read_is_a_predicate(make, script, look, kinds) -> None:
    world = make(kinds=kinds, table="own")
    script(world, MANY_LOOKS[look])
    assert world.serial_orders()


@pytest.mark.parametrize("place", [place for place in PLACES if place != "memtables"])
@pytest.mark.parametrize("script", [*ROW_SCRIPTS, *MANY_SCRIPTS])
def test_wherever_the_rows_are(make, script, place) -> None:
    looks: Any = ROW_LOOKS if script in ROW_SCRIPTS else MANY_LOOKS
    turn = (*ROW_SCRIPTS, *MANY_SCRIPTS).index(script) + list(PLACES).index(place)
    world = make(place, list(KINDS)[turn % len(KINDS)], "own" if turn % 3 else "kv")
    script(world, list(looks.values())[turn % len(looks)])
    assert world.serial_orders()


@pytest.mark.parametrize(
    ("place", "kinds"),
    [*product(["memtables"], KINDS), *zip([*PLACES][1:], KINDS, strict=True)],
)
def test_receipts(make, place, kinds) -> None:
    world = make(place, kinds)
    receipts(world)
    assert world.serial_orders()
    assert world.content()["receipts"] == {1: (7, 100), 2: (7, 25)}


@pytest.mark.parametrize("kinds", ["python", "sql"])
@pytest.mark.parametrize("script", [*LET_THROUGH_BY_SNAPSHOTS, receipts])
def test_without_validation_it_happens(make, script, kinds, monkeypatch) -> None:
    looks: Any = ROW_LOOKS if script in ROW_SCRIPTS else MANY_LOOKS
    for look in [()] if script is receipts else [(look,) for look in looks.values()]:
        world = unchecked(make(kinds=kinds, table="own"), monkeypatch)
        script(world, *look)
        assert world.serial_orders() == []


@pytest.mark.parametrize(
    "script", [s for s in (*ROW_SCRIPTS, *MANY_SCRIPTS) if s not in LET_THROUGH_BY_SNAPSHOTS]
)
def test_without_validation_snapshots_keep_off_the_others(make, script, monkeypatch) -> None:
    looks: Any = ROW_LOOKS if script in ROW_SCRIPTS else MANY_LOOKS
    for kinds in KINDS:
        world = unchecked(make(kinds=kinds), monkeypatch)
        script(world, next(iter(looks.values())))
        assert world.serial_orders()
