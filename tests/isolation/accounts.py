"""The accounts of a bank. Whatever is transferred, the sum of all of them stays, and so does
that of the accounts in a purse: this is for readers of a single range.

    kv       account:0 ...    and purse:0 ...
    account  0 ...

An account that has nothing left is closed: its row is deleted. A transfer to one that is not there
opens it.
"""

from __future__ import annotations

from typing import Any

import lsmsql

ACCOUNTS = 8
"""Of each of the three sorts."""
START = 100
TOTAL = 2 * ACCOUNTS * START
PURSE = ACCOUNTS * START
Account = tuple[str, str | int]
"""Table and key."""

OUTSIDE: list[Account] = [
    *(("kv", f"account:{n}") for n in range(ACCOUNTS)),
    *(("account", n) for n in range(ACCOUNTS)),
]
INSIDE: list[Account] = [("kv", f"purse:{n}") for n in range(ACCOUNTS)]


def create(store: lsmsql.Store) -> None:
    """Make the accounts."""
    store.create_table("account", {"key": "INTEGER", "value": "INTEGER"}, "key")
    with store.batch() as batch:
        for table, key in (*OUTSIDE, *INSIDE):
            write(batch, (table, key), START)


def read(place: Any, account: Account) -> int:
    """What is in an account."""
    table, key = account
    if table == "kv":
        return int(place.get(key, 0))
    row = place.table(table).get(key)
    return 0 if row is None else int(row["value"])


def write(place: Any, account: Account, amount: int) -> None:
    """Set what is in an account; with nothing in it, it is no more."""
    table, key = account
    rows = place if table == "kv" else place.table(table)
    if not amount:
        rows.delete(key)
    elif table == "kv":
        place[key] = amount
    else:
        rows.put([key, amount])


def total(place: Any) -> int:
    """The sum of all accounts but those of the purse, by way of a store or what is read like it."""
    one = sum(value for _, value in place.prefix("account:"))
    return int(one + sum(row["value"] for row in place.table("account").range(reverse=True)))


def purse(place: Any) -> int:
    """The sum of the accounts of the purse: one look at one range."""
    return sum(int(value) for _, value in place.range("purse:", "purse:~"))
