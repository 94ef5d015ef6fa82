"""A small shop through the Python database API: ``python -m examples.dbapi [PATH]``.

To be read from top to bottom, and run cell by cell where an editor knows ``# %%``. Without a path
the store is a temporary one.
"""

from __future__ import annotations

import datetime
import sys

import lsmsql

# %% A connection
#
# A store is a directory; it is made if it is not there. ":memory:" is one that goes when the
# connection is closed.


def connect(path: str = ":memory:") -> lsmsql.Connection:
    """The shop, with its tables."""
    connection = lsmsql.connect(path)
    connection.row_factory = lsmsql.Row
    connection.executescript(
        """
        CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, name TEXT, price REAL);
        CREATE TABLE IF NOT EXISTS sales(item INTEGER, day TEXT, count INTEGER,
                                         PRIMARY KEY (item, day));
        """
    )
    return connection


# %% Rows in
#
# Values are never written into the SQL: a question mark, or a name with a colon, stands for each.
# A ``with`` block is a transaction: all of it is committed, or nothing.


def fill(connection: lsmsql.Connection) -> int:
    """Put some rows in, and return how many sales there were."""
    items = [(1, "tea", 2.5), (2, "cake", 4), (3, "salt", 0.8)]
    first = datetime.date(2024, 5, 1)
    sales = [
        {"item": item, "day": first + datetime.timedelta(day), "count": item + day}
        for item in (1, 2)
        for day in range(3)
    ]
    with connection:
        connection.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", items)
        cursor = connection.executemany(
            "INSERT OR REPLACE INTO sales VALUES (:item, :day, :count)", sales
        )
    return cursor.rowcount


# %% Rows out
#
# A cursor is an iterator of rows. With ``row_factory`` set to ``lsmsql.Row`` their values have the
# names of the columns.

SOLD = """
    SELECT name, sum(count) AS sold, round(sum(count * price), 2) AS worth
    FROM items JOIN sales ON item = id
    WHERE day >= ? GROUP BY id ORDER BY sold DESC
"""


def report(connection: lsmsql.Connection, since: datetime.date) -> list[str]:
    """A line for each item that was sold."""
    rows = connection.execute(SOLD, (since,))
    return [f"{row['name']}: {row['sold']} sold for {row['worth']}" for row in rows]


# %% Functions of your own


def slug(text: str) -> str:
    """A name for a URL."""
    return text.lower().replace(" ", "-")


def addresses(connection: lsmsql.Connection) -> list[str]:
    """The address of each item."""
    connection.create_function("slug", 1, slug, deterministic=True)
    query = "SELECT '/items/' || slug(name) || '-' || id AS address FROM items ORDER BY id"
    return [row["address"] for row in connection.execute(query)]


# %% When something is wrong
#
# Errors are those of PEP 249, and of the engine, too: a key that is there already is an
# ``lsmsql.IntegrityError`` and an ``lsmsql.ConstraintError``.


def add(connection: lsmsql.Connection, number: int, name: str) -> str:
    """Add an item, and say how that went."""
    try:
        with connection:
            connection.execute("INSERT INTO items(id, name) VALUES (?, ?)", (number, name))
    except lsmsql.IntegrityError as error:
        return f"not added: {error}"
    return "added"


# %% All of it


def main(path: str = ":memory:") -> None:
    """Run the cells one after the other."""
    connection = connect(path)
    try:
        print(fill(connection), "sales")
        for line in report(connection, since=datetime.date(2024, 5, 2)):
            print(line)
        print(*addresses(connection))
        print(add(connection, 3, "pepper"))
        print(add(connection, 4, "pepper"))
    finally:
        connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
