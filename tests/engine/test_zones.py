"""Scans with conditions: they lose no row that meets them, whatever the versions and where they
are, and read no block without need."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lsmsql.engine.conditions import Condition, Interval, Intervals, SlotCondition, Wanted
from lsmsql.engine.errors import ConflictError
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.scan import estimate_rows, estimate_scan
from lsmsql.engine.slices import Range
from lsmsql.engine.store import Store, open_store
from lsmsql.engine.table import Table

KEYS = 400
SETTINGS = {"sync": "off", "background": False, "block_rows": 8, "bottom_block_factor": 1}
Rows = dict[int, object]


def of(
    numbers: Intervals = (), texts: Intervals = (), blobs: Intervals = (), nulls: bool = False
) -> Condition:
    return SlotCondition(0, Wanted(numbers, texts, blobs, nulls))


def between(low: object, high: object) -> Condition:
    return of(numbers=(Interval(low, high),))  # type: ignore[arg-type]


CONDITIONS: list[tuple[Condition, Callable[[object], bool]]] = [
    (between(3, 4), lambda v: isinstance(v, int | float) and 3 <= v <= 4),
    (between(90, None), lambda v: isinstance(v, int | float) and v >= 90),
    (of(nulls=True), lambda v: v is None),
    (of(texts=(Interval("b", None, above=True),)), lambda v: type(v) is str and v > "b"),
    (of(blobs=(Interval(),)), lambda v: type(v) is bytes),
    (
        of(numbers=(Interval(high=2, below=True), Interval(97)), nulls=True),
        lambda v: v is None or (isinstance(v, int | float) and (v < 2 or v >= 97)),
    ),
]


def found(view: ReadView, table: Table, where: list[Condition], reverse: bool, span: Range) -> Rows:
    schema = table.schema
    projection = Projection(schema, key_codec(schema), (0, 1))
    rows: list[tuple[int, object]] = []
    for piece in view.scan(schema.id, span, projection, reverse=reverse, where=where):
        given = list(zip(*piece.columns, strict=True))
        rows += given[::-1] if reverse else given
    keys = [key for key, _ in rows]
    assert keys == sorted(set(keys), reverse=reverse)
    return dict(rows)


def assert_complete(view: ReadView, table: Table, rows: Rows, draw: random.Random) -> None:
    """What is found is what is there; nothing that meets the condition is missing."""
    codec = key_codec(table.schema)
    low, high = sorted(draw.choices(range(-5, KEYS + 5), k=2))
    whole = draw.random() < 0.5
    span = Range() if whole else Range(codec.encode((low,)), codec.encode((high,)))
    for condition, met in CONDITIONS:
        got = found(view, table, [condition], draw.random() < 0.5, span)
        assert got.items() <= rows.items()
        wanted = {k for k, v in rows.items() if met(v) and (whole or low <= k < high)}
        assert wanted <= got.keys()


def a_value(draw: random.Random, key: int) -> object:
    """Like its key, mostly; of any type at times."""
    kinds = [key / 4, key // 4, key // 4, None, draw.choice("abc"), b"x", 3]
    return draw.choices(kinds, weights=[9, 9, 9, 2, 1, 1, 1])[0]


@pytest.mark.parametrize("seed", range(4))
def test_no_row_is_lost_and_no_old_version_comes_to_light(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr("lsmsql.engine.scan.SHORT_SCAN", draw.choice([0, 20, 2048]))
    monkeypatch.setattr("lsmsql.engine.zones.FIRST_BLOCKS", draw.choice([1, 3, 64]))
    monkeypatch.setattr("lsmsql.engine.zones._APART", draw.choice([1, 2, 32]))
    with open_store(str(tmp_path / "s"), **SETTINGS) as store:  # type: ignore[arg-type]
        table = store.create_table("t", {"k": "INTEGER", "v": "ANY"}, "k")
        rows: Rows = {}
        older: list[tuple[ReadView, Rows]] = []
        for _ in range(40):
            step = draw.choices("wwwdbifcst", weights=[4, 4, 4, 4, 6, 2, 5, 2, 2, 4])[0]
            _step(step, draw, store, table, rows, older)
            with ReadView(store.core) as view:
                assert_complete(view, table, rows, draw)
        for view, then in older:
            assert_complete(view, table, then, draw)
            view.close()


def _step(
    step: str,
    draw: random.Random,
    store: Store,
    table: Table,
    rows: Rows,
    older: list[tuple[ReadView, Rows]],
) -> None:
    key = draw.randrange(KEYS)
    some = {k: a_value(draw, k) for k in range(key, min(key + draw.randrange(1, 60), KEYS))}
    if step == "w":
        table.put((key, some[key]))
        rows[key] = some[key]
    elif step == "d":
        for k in some:
            table.delete(k)
            rows.pop(k, None)
    elif step == "b":
        table.update(list(some.items()))
        rows.update(some)
    elif step == "i":
        table.ingest(list(some.items()))
        rows.update(some)
    elif step == "f":
        store.flush()
    elif step == "c":
        store.compact()
    elif step == "s":
        older.append((ReadView(store.core), dict(rows)))
    else:
        with store.transaction() as own:
            own.table("t").update(list(some.items()))
            own.table("t").delete(key)
            mine = rows | some
            mine.pop(key)
            with own.view() as view:
                assert_complete(view, table, mine, draw)
            own.rollback()


@pytest.fixture
def blocks(tmp_path: Path) -> Iterator[tuple[Store, Table]]:
    """A compacted table of 50 blocks whose values rise with the keys."""
    with open_store(str(tmp_path / "s"), **SETTINGS) as store:  # type: ignore[arg-type]
        table = store.create_table("t", {"k": "INTEGER", "v": "ANY"}, "k")
        table.ingest([(k, k) for k in range(KEYS)])
        store.compact()
        yield store, table


def read(store: Store, table: Table, where: list[Condition], reverse: bool = False) -> Rows:
    with ReadView(store.core) as view:
        return found(view, table, where, reverse, Range())


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("where", "least", "most"),
    [
        ([between(100, 110)], 2, 2),
        ([between(100, None), between(None, 110)], 2, 2),
        ([between(None, 3)], 1, 1),
        ([between(KEYS, None)], 0, 0),
        ([of(nulls=True)], 0, 0),
        ([of(numbers=(Interval(high=2), Interval(KEYS - 2)))], 2, 2),
        ([between(None, None)], 50, 50),
    ],
)
def test_blocks_in_which_nothing_is_wanted_are_not_read(
    blocks: tuple[Store, Table], where: list[Condition], least: int, most: int, reverse: bool
) -> None:
    store, table = blocks
    before = store.stats()
    read(store, table, where, reverse)
    after = store.stats()
    count = after["blocks_read"] - before["blocks_read"]
    assert least <= count <= most
    assert after["blocks_skipped"] - before["blocks_skipped"] == 50 - count


def test_rows_in_memory_cost_only_the_blocks_around_them(blocks: tuple[Store, Table]) -> None:
    store, table = blocks
    table.put((303, 5))
    table.put((200, "no number"))
    del table[4]
    before = store.stats()["blocks_skipped"]
    assert {k: v for k, v in read(store, table, [between(3, 6)]).items() if v in (3, 4, 5, 6)} == {
        3: 3, 5: 5, 6: 6, 303: 5,
    }  # fmt: skip
    assert store.stats()["blocks_skipped"] - before == 48


def test_what_is_left_out_has_been_read_as_well(blocks: tuple[Store, Table]) -> None:
    store, table = blocks
    own = store.transaction()
    with own.view() as view:
        assert set(found(view, table, [between(100, 110)], False, Range())) >= {100, 110}
    own.table("t").put((1000, "a change"))
    table.put((300, 105))
    with pytest.raises(ConflictError):
        own.commit()


def test_who_stops_early_has_not_read_what_is_behind(blocks: tuple[Store, Table]) -> None:
    store, table = blocks
    own = store.transaction()
    schema = table.schema
    with own.view() as view:
        projection = Projection(schema, key_codec(schema), (0,))
        piece = next(view.scan(schema.id, Range(), projection, where=[between(100, None)], first=1))
        assert piece.keys
    own.table("t").put((1000, "a change"))
    table.put((399, 0))
    own.commit()
    assert 1000 in table


def test_an_estimate_reads_no_row(blocks: tuple[Store, Table]) -> None:
    store, table = blocks
    for key in range(0, KEYS, 40):
        table.put((key, 7))
    before = store.stats()["blocks_read"]
    state = store.core.state.table(table.schema.id)
    found = estimate_scan(state, Range(), [between(100, 110)])
    assert (found.blocks, found.of) == (2, 50)
    assert found.rows == 2 * 8 + 10
    assert store.stats()["blocks_read"] == before


def test_of_blocks_that_are_in_a_range_in_part_at_most_half_is_taken(
    blocks: tuple[Store, Table],
) -> None:
    store, table = blocks
    state, codec = store.core.state.table(table.schema.id), key_codec(table.schema)
    in_one = Range(codec.encode([9]), codec.encode([11]))
    over_three = Range(codec.encode([1]), codec.encode([23]))
    for guess, expected in ((None, (4, 16)), (2.4, (2, 8)), (11, (4, 11)), (100, (4, 16))):
        found = (estimate_rows(state, in_one, guess), estimate_rows(state, over_three, guess))
        assert found == expected
    assert estimate_rows(state, Range(), 3) == KEYS
