"""Definitions as the catalogue keeps them: they come back, and nothing malformed does."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.catalog import (
    CATALOG_TABLE_ID,
    EMPTY_CATALOG,
    Catalog,
    catalog_key,
    catalog_row,
    read_catalog,
)
from lsmsql.engine.column import Column, Generated
from lsmsql.engine.definitions import View, decode_definition, encode_definition
from lsmsql.engine.indexes import fits, index_schema
from lsmsql.engine.keys import key_parts
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import Check, IndexDefinition, IndexTerm, TableSchema, make_schema
from lsmsql.engine.values import ColumnType

texts = st.text(max_size=4)
columns = st.builds(
    Column,
    st.just(""),
    st.sampled_from(ColumnType),
    st.booleans(),
    declared=st.none() | texts,
    collation=st.sampled_from(["BINARY", "NOCASE", "RTRIM"]),
    default=st.none() | texts,
    generated=st.none() | st.builds(Generated, texts, st.booleans()),
    absent=st.none() | st.integers(-(2**63), 2**63 - 1) | texts | st.binary(max_size=3),
)


@st.composite
def tables(draw: st.DrawFn) -> TableSchema:
    drawn = draw(st.lists(columns, min_size=1, max_size=5))
    named = [replace(column, name=f"c{number}") for number, column in enumerate(drawn)]
    key = draw(st.permutations(named))[: draw(st.integers(1, len(named)))]
    schema = make_schema(
        "t",
        named,
        [column.name for column in key],
        descending=[column.name for column in key if draw(st.booleans())],
        sql=draw(st.none() | texts),
        table_id=7,
        strict=draw(st.booleans()),
        checks=draw(st.lists(st.builds(Check, texts, st.none() | texts), max_size=2)),
    )
    return replace(schema, autoincrement=draw(st.booleans()))


@st.composite
def indexes(draw: st.DrawFn) -> tuple[TableSchema, TableSchema]:
    table = draw(tables())
    positions = st.integers(0, len(table.columns) - 1)
    collations = st.sampled_from(["BINARY", "NOCASE", "RTRIM"])
    column = st.builds(IndexTerm, positions, st.none(), collations, st.booleans())
    computed = st.builds(IndexTerm, st.none(), texts, collations, st.booleans())
    terms = tuple(draw(st.lists(column | computed, min_size=1, max_size=3)))
    origin = draw(st.sampled_from(["c", "u", "pk"]))
    definition = IndexDefinition(
        table.id, terms, draw(st.booleans()), draw(st.none() | texts), origin, draw(st.booleans())
    )
    return table, replace(index_schema(table, "i", definition, draw(st.none() | texts)), id=8)


@given(tables() | indexes().map(lambda pair: pair[1]) | st.builds(View, st.just(7), texts, texts))
def test_what_is_stored_comes_back(thing: TableSchema | View) -> None:
    assert decode_definition(thing.id, thing.name, encode_definition(thing)) == thing


@given(indexes())
def test_an_index_fits_its_own_table_only(pair: tuple[TableSchema, TableSchema]) -> None:
    table, index = pair
    assert fits(index, table)
    assert not fits(index, None) and not fits(index, index)
    first = table.columns[table.key[0]]
    other = ColumnType.BLOB if first.type is not ColumnType.BLOB else ColumnType.INTEGER
    changed = [replace(c, type=other) if c is first else c for c in table.columns]
    assert not fits(index, replace(table, columns=tuple(changed)))


def damaged(value: Any, chance: random.Random) -> Any:
    """A value with something in it replaced, left out or doubled."""
    if isinstance(value, dict | list) and value and chance.random() < 0.9:
        copy = value.copy()
        place = chance.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
        match chance.randrange(5):
            case 0:
                del copy[place]
            case 1 if isinstance(copy, list):
                copy.append(copy[place])
            case _:
                copy[place] = damaged(copy[place], chance)
        return copy
    return chance.choice(
        [None, True, -1, 0, 1, 2, 3, 2**40, 1.5, "", "x", "TEXT", "c1", [], [0], {}]
    )


@given(indexes(), st.integers(0, 2**32))
def test_what_is_malformed_is_told_or_of_use(
    pair: tuple[TableSchema, TableSchema], seed: int
) -> None:
    """Whatever is accepted can be worked with: codecs are made, and rows go there and back."""
    chance = random.Random(seed)
    rows = []
    for thing in pair:
        name, definition = catalog_row(thing)
        assert isinstance(definition, bytes)
        if chance.random() < 0.7:
            broken = damaged(msgspec.msgpack.decode(definition), chance)
            definition = msgspec.msgpack.encode(broken)
        elif chance.random() < 0.3:
            definition = definition[: chance.randrange(len(definition))]
        rows.append((catalog_key(thing.id), (name, definition)))
    catalog = None
    with contextlib.suppress(lsmsql.CorruptionError):
        catalog = read_catalog(rows, "store")
    for schema in () if catalog is None else catalog.by_id.values():
        codec = RowCodec(schema)
        assert len(schema.slot_types) == schema.slots
        assert codec.everything.slots == sorted(set(codec.everything.slots))
        assert len(key_parts(schema)) == len(schema.key)


@pytest.mark.parametrize("change", ["no table", "another table", "another column"])
def test_a_store_whose_index_is_of_nothing_does_not_open(tmp_path: Any, change: str) -> None:
    with lsmsql.open(tmp_path / "store", background=False) as store:
        table = store.create_table("t", {"a": "INTEGER", "b": "TEXT"}, "a").schema
        other = store.create_table("u", {"x": "TEXT"}, "x").schema
        index = index_schema(table, "i", IndexDefinition(0, (IndexTerm(1),)))
        of = {"no table": 99, "another table": other.id, "another column": table.id}[change]
        terms = (IndexTerm(0),) if change == "another column" else (IndexTerm(1),)
        broken = replace(index, id=50, index=IndexDefinition(of, terms))
        store.commit_changes({CATALOG_TABLE_ID: {catalog_key(50): catalog_row(broken)}})
    with pytest.raises(lsmsql.CorruptionError, match="index i is of no such table"):
        lsmsql.open(tmp_path / "store")
    report = lsmsql.verify(tmp_path / "store")
    assert [error.problem for error in report.errors] == [
        "the catalogue is malformed: index i is of no such table"
    ]
    saved = lsmsql.repair(tmp_path / "store", tmp_path / "saved")
    assert saved.notes == ("index i was dropped: its table is lost, or has other columns",)
    with lsmsql.open(tmp_path / "saved") as store:
        assert [schema.name for schema in store.tables()] == ["kv", "t", "u"]


def test_names_are_taken_by_tables_indexes_and_views_alike() -> None:
    table = make_schema("t", {"a": "INTEGER"}, "a")
    catalog, _ = EMPTY_CATALOG.create(table)
    catalog, _ = catalog.create_view("v", "CREATE VIEW v AS SELECT 1")
    index = index_schema(catalog.get("t"), "i", IndexDefinition(0, (IndexTerm(0),)))
    catalog, _ = catalog.create(index)
    for name, kind in (("T", "table"), ("V", "view"), ("I", "index")):
        for make in (_table, _view):
            with pytest.raises(lsmsql.SchemaError, match=f"{kind} {name.lower()} already exists"):
                make(catalog, name)
    for name in ("lsm_x", "SQLITE_x"):
        for make in (_table, _view):
            with pytest.raises(lsmsql.SchemaError, match="are reserved"):
                make(catalog, name)


def _table(catalog: Catalog, name: str) -> None:
    catalog.create(make_schema(name, {"a": "INTEGER"}, "a"))


def _view(catalog: Catalog, name: str) -> None:
    catalog.create_view(name, f"CREATE VIEW {name} AS SELECT 1")


def test_a_table_goes_with_its_indexes_and_leaves_its_views() -> None:
    catalog, _ = EMPTY_CATALOG.create(make_schema("t", {"a": "INTEGER"}, "a"))
    catalog, _ = catalog.create_view("v", "CREATE VIEW v AS SELECT * FROM t")
    table = catalog.get("t")
    catalog, _ = catalog.create(index_schema(table, "i", IndexDefinition(0, (IndexTerm(0),))))
    dropped, records = catalog.drop(table.id)
    assert dropped.named("t") is None and dropped.named("i") is None
    assert dropped.named("v") is not None and not dropped.indexes
    after = catalog.changed(records, "store")
    assert (after.by_id, after.views) == (dropped.by_id, dropped.views)
    assert after.next_id == catalog.next_id  # so that no number is given out twice
