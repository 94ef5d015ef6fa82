"""The ORM and Core do with a store what they do with SQLite."""

from __future__ import annotations

import datetime
import decimal
import enum

import pytest
from sqlalchemy import (
    JSON,
    ForeignKey,
    Numeric,
    String,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)

from lsmsql.sqlalchemy import insert as upsert


class Base(DeclarativeBase):
    """Root of the models."""


class Kind(enum.Enum):
    FRUIT = "fruit"
    TOOL = "tool"


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[Kind] = mapped_column(default=Kind.TOOL)
    price: Mapped[decimal.Decimal | None] = mapped_column(Numeric(10, 2, asdecimal=False))
    made: Mapped[datetime.datetime] = mapped_column(server_default=func.current_timestamp())
    extra: Mapped[dict[str, object]] = mapped_column(JSON, default=dict)
    sales: Mapped[list[Sale]] = relationship(back_populates="item", cascade="all, delete-orphan")


class Sale(Base):
    __tablename__ = "sales"
    __table_args__ = (UniqueConstraint("item_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    day: Mapped[datetime.date]
    count: Mapped[int] = mapped_column(default=1)
    item: Mapped[Item] = relationship(back_populates="sales")


DAY = datetime.date(2024, 5, 1)


@pytest.fixture
def session(either):
    """A session with the tables, and two items of which one was sold."""
    Base.metadata.create_all(either)
    with Session(either) as made:
        sold = [Sale(day=DAY + datetime.timedelta(n), count=n) for n in range(3)]
        made.add(Item(name="axe", price=12.5, extra={"weight": [1, None]}, sales=sold))
        made.add(Item(name="fig", kind=Kind.FRUIT))
        made.commit()
        yield made


def names(session):
    return session.scalars(select(Item.name).order_by(Item.name)).all()


def test_objects_come_back_as_they_went_in(session):
    axe = session.scalars(select(Item).where(Item.name == "axe")).one()
    assert (axe.id, axe.kind, axe.price, axe.extra) == (1, Kind.TOOL, 12.5, {"weight": [1, None]})
    assert isinstance(axe.made, datetime.datetime)
    assert [(sale.day, sale.count) for sale in axe.sales] == [
        (DAY + datetime.timedelta(n), n) for n in range(3)
    ]
    assert axe.sales[0].item is axe


@pytest.mark.parametrize("load", [selectinload, joinedload])
def test_relationships_are_loaded_at_once(session, load):
    items = session.scalars(select(Item).options(load(Item.sales)).order_by(Item.id)).unique().all()
    assert [len(item.sales) for item in items] == [3, 0]


def test_joins_and_aggregates(session):
    total = func.coalesce(func.sum(Sale.count), 0)
    query = select(Item.name, total).outerjoin(Item.sales).group_by(Item.id).order_by(Item.name)
    assert session.execute(query).all() == [("axe", 3), ("fig", 0)]


def test_changes_are_flushed_and_orphans_deleted(session):
    axe = session.get(Item, 1)
    axe.name = "hatchet"
    del axe.sales[0]
    session.commit()
    assert names(session) == ["fig", "hatchet"]
    assert session.scalar(select(func.count(Sale.id))) == 2
    session.delete(axe)
    session.commit()
    assert session.scalar(select(func.count(Sale.id))) == 0


def test_a_refused_flush_leaves_the_session_usable(session):
    session.add(Item(name="axe"))
    with pytest.raises(IntegrityError, match=r"UNIQUE constraint failed: items\.name"):
        session.commit()
    session.rollback()
    assert names(session) == ["axe", "fig"]


def test_bulk_inserts_return_keys_in_the_order_of_their_rows(session):
    rows = [{"name": f"item {n:04}"} for n in range(2000)]
    statement = insert(Item).returning(Item.id, Item.name, sort_by_parameter_order=True)
    given = session.execute(statement, rows).all()
    assert given == [(n + 3, row["name"]) for n, row in enumerate(rows)]
    session.add_all([Item(name=f"more {n}") for n in range(100)])
    session.commit()
    assert session.scalar(select(func.count(Item.id))) == 2102


def test_updates_and_deletes_return_rows(session):
    changed = update(Sale).where(Sale.count > 0).values(count=Sale.count * 10).returning(Sale.count)
    assert sorted(session.scalars(changed)) == [10, 20]
    gone = session.execute(delete(Sale).where(Sale.count < 20).returning(Sale.id, Sale.day)).all()
    assert sorted(gone) == [(1, DAY), (2, DAY + datetime.timedelta(1))]
    assert session.execute(update(Item).values(price=1)).rowcount == 2


def test_a_bulk_update_by_key(session):
    session.execute(update(Item), [{"id": 1, "price": 5}, {"id": 2, "price": 6}])
    assert session.scalars(select(Item.price).order_by(Item.id)).all() == [5, 6]


def test_upserts(session):
    statement = upsert(Item).values([{"name": "axe", "price": 1}, {"name": "saw", "price": 2}])
    statement = statement.on_conflict_do_update(
        index_elements=[Item.name], set_={"price": statement.excluded.price + 100}
    )
    rows = session.execute(statement.returning(Item.name, Item.price)).all()
    assert sorted(rows) == [("axe", 101.0), ("saw", 2.0)]
    session.execute(upsert(Item).values(name="fig", price=7).on_conflict_do_nothing())
    assert session.scalar(select(Item.price).where(Item.name == "fig")) is None
    assert names(session) == ["axe", "fig", "saw"]


def test_an_update_from_another_table(session):
    totals = select(Sale.item_id, func.sum(Sale.count).label("n")).group_by(Sale.item_id).subquery()
    session.execute(
        update(Item)
        .where(Item.id == totals.c.item_id)
        .values(price=totals.c.n)
        .execution_options(synchronize_session=False)
    )
    assert session.scalars(select(Item.price).order_by(Item.id)).all() == [3, None]


def test_rows_are_streamed(session):
    result = session.execute(select(Sale.id).order_by(Sale.id).execution_options(yield_per=2))
    assert [[row.id for row in part] for part in result.partitions()] == [[1, 2], [3]]
