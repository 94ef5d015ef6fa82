"""A small library with SQLAlchemy's ORM: ``python -m examples.sqlalchemy_orm [PATH]``.

To be read from top to bottom, and run cell by cell where an editor knows ``# %%``. Without a path
the store is a temporary one.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable

from sqlalchemy import Engine, ForeignKey, String, create_engine, func, inspect, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import lsmsql
from lsmsql.sqlalchemy import insert

# %% Models
#
# Nothing in them is about lsmsql. Foreign keys are declared, and lead relationships; as in SQLite
# by default, they are not enforced.


class Base(DeclarativeBase):
    """Root of the models."""


class Book(Base):
    """A book, and who has had it."""

    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    copies: Mapped[int] = mapped_column(default=1)
    loans: Mapped[list[Loan]] = relationship(back_populates="book", cascade="all, delete-orphan")


class Loan(Base):
    """A book goes to a reader."""

    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), index=True)
    reader: Mapped[str]
    day: Mapped[datetime.date]
    book: Mapped[Book] = relationship(back_populates="loans")


# %% An engine
#
# The path of a store follows three slashes, or four if it is absolute; "lsmsql://" alone is a
# temporary store. What ``lsmsql.connect`` takes may follow a question mark: "?sync=normal".


def open_library(path: str = "") -> Engine:
    """The library, with its tables and indexes."""
    engine = create_engine(f"lsmsql:///{path}")
    Base.metadata.create_all(engine)
    return engine


# %% Objects in


def fill(engine: Engine) -> None:
    """Add books that are not there yet, and lend two of them."""
    titles = {"Emma": 2, "Ulysses": 1, "Walden": 1}
    books = [{"title": title, "copies": copies} for title, copies in titles.items()]
    with Session(engine) as session, session.begin():
        session.execute(insert(Book).on_conflict_do_nothing(), books)
        if session.scalar(select(func.count(Loan.id))) == 0:
            emma = session.scalars(select(Book).where(Book.title == "Emma")).one()
            first = datetime.date(2024, 5, 1)
            emma.loans += [Loan(reader="Ada", day=first), Loan(reader="Bo", day=first)]


# %% Objects out


def report(engine: Engine) -> list[str]:
    """A line for each book."""
    lent = func.count(Loan.id)
    query = select(Book, lent).outerjoin(Book.loans).group_by(Book.id).order_by(Book.title)
    with Session(engine) as session:
        rows = session.execute(query).all()
        return [f"{book.title}: {count} of {book.copies} lent" for book, count in rows]


# %% Conflicts
#
# Transactions are serializable and take no locks. If two get in each other's way, the second to
# commit is refused with an OperationalError whose origin is a ConflictError. Do it again, then.


def again(engine: Engine, work: Callable[[Session], None], tries: int = 5) -> int:
    """Do ``work`` in a transaction until it is not in anybody's way; how often it was tried."""
    for number in range(1, tries + 1):
        try:
            with Session(engine) as session, session.begin():
                work(session)
            return number
        except OperationalError as error:
            if number == tries or not isinstance(error.orig, lsmsql.ConflictError):
                raise
    raise ValueError("tries is at least 1")


def lend(session: Session, title: str, reader: str) -> None:
    """Lend a book of which a copy is left."""
    book = session.scalars(select(Book).where(Book.title == title)).one()
    if len(book.loans) < book.copies:
        book.loans.append(Loan(reader=reader, day=datetime.date(2024, 5, 2)))


def two_readers_at_once(engine: Engine) -> int:
    """Two want the last copy of a book; how often the second had to try."""

    def second(session: Session) -> None:
        lend(session, "Walden", "Cy")
        if not waiting:
            return
        with Session(engine) as other, other.begin():
            lend(other, "Walden", waiting.pop())

    waiting = ["Di"]
    return again(engine, second)


# %% Reflection


def shape(engine: Engine) -> list[str]:
    """The tables that there are, and their indexes."""
    inspector = inspect(engine)
    return [
        f"{table}: {', '.join(str(index['name']) for index in inspector.get_indexes(table)) or '-'}"
        for table in inspector.get_table_names()
    ]


# %% All of it


def main(path: str = "") -> None:
    """Run the cells one after the other."""
    engine = open_library(path)
    try:
        fill(engine)
        print(*report(engine), sep="\n")
        print("tried", two_readers_at_once(engine), "times")
        print(*report(engine), sep="\n")
        print(*shape(engine), sep="\n")
    finally:
        engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:2])
