"""DataFrames in a store and out of it: ``python -m examples.pandas_sql [PATH]``.

To be read from top to bottom, and run cell by cell where an editor knows ``# %%``. Without a path
the store is a temporary one.
"""

from __future__ import annotations

import sys

import pandas as pd
from sqlalchemy import Engine, create_engine, text

import lsmsql.sqlalchemy  # noqa: F401 (only needed where lsmsql is not installed)

# %% Rows in
#
# pandas takes an engine of SQLAlchemy. A frame becomes a table, whose columns have its types.


def measurements() -> pd.DataFrame:
    """The temperatures of two towns in a week."""
    days = pd.date_range("2024-05-01", periods=7, name="day")
    frame = pd.DataFrame({"Oslo": range(8, 15), "Rome": range(18, 25)}, index=days, dtype="float64")
    return frame.melt(ignore_index=False, var_name="town", value_name="warm").reset_index()


def store(engine: Engine) -> int:
    """Write them, in place of what was there, with an index; how many rows there are."""
    frame = measurements()
    with engine.begin() as connection:  # all of it or nothing
        frame.to_sql("weather", connection, if_exists="replace", index=False)
        connection.execute(text("CREATE INDEX by_town ON weather(town, day)"))
    return len(frame)


# %% Rows out
#
# Let SQL do what makes little of much.

WARMEST = """
    SELECT town, max(warm) AS warmest, round(avg(warm), 1) AS mean
    FROM weather WHERE day >= :since GROUP BY town ORDER BY town
"""


def warmest(engine: Engine, since: str) -> pd.DataFrame:
    """By town the greatest and the mean temperature since a day."""
    return pd.read_sql(text(WARMEST), engine, params={"since": since}, index_col="town")


def weekly(engine: Engine) -> pd.DataFrame:
    """A table as a whole, its days as days."""
    frame = pd.read_sql_table("weather", engine, parse_dates=["day"])
    return frame.pivot_table(index="day", columns="town", values="warm")


# %% In parts
#
# What does not fit into memory comes in frames of so many rows.


def days_above(engine: Engine, limit: float) -> int:
    """On how many days it was warmer than that, a few rows at a time."""
    parts = pd.read_sql("SELECT warm FROM weather", engine, chunksize=4)
    return sum(int((part["warm"] > limit).sum()) for part in parts)


# %% All of it


def main(path: str = "") -> None:
    """Run the cells one after the other."""
    engine = create_engine(f"lsmsql:///{path}")
    try:
        print(store(engine), "rows")
        print(warmest(engine, since="2024-05-05"))
        print(weekly(engine).tail(2))
        print(days_above(engine, 20), "days above 20")
    finally:
        engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:2])
