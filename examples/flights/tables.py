"""The five tables, as SQL. SQLite reads the same text for the comparison.

STRICT: a key of one type takes less, and is decoded by the block.
"""

from __future__ import annotations

TABLES = {
    "airlines": """\
CREATE TABLE airlines (
  carrier TEXT PRIMARY KEY,
  name TEXT NOT NULL
) STRICT""",
    "airports": """\
CREATE TABLE airports (
  faa TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  lat REAL, lon REAL,
  alt INTEGER,
  tz INTEGER,
  dst TEXT,
  tzone TEXT
) STRICT""",
    "planes": """\
CREATE TABLE planes (
  tailnum TEXT PRIMARY KEY,
  year INTEGER,
  type TEXT, manufacturer TEXT, model TEXT,
  engines INTEGER, seats INTEGER, speed INTEGER,
  engine TEXT
) STRICT""",
    "weather": """\
CREATE TABLE weather (
  origin TEXT,
  year INTEGER, month INTEGER, day INTEGER, hour INTEGER,
  temp REAL, dewp REAL, humid REAL,
  wind_dir INTEGER, wind_speed REAL, wind_gust REAL,
  precip REAL, pressure REAL, visib REAL,
  time_hour TEXT,
  PRIMARY KEY (origin, time_hour)
) STRICT""",
    "flights": """\
CREATE TABLE flights (
  year INTEGER, month INTEGER, day INTEGER,
  dep_time INTEGER, sched_dep_time INTEGER, dep_delay INTEGER,
  arr_time INTEGER, sched_arr_time INTEGER, arr_delay INTEGER,
  carrier TEXT, flight INTEGER, tailnum TEXT,
  origin TEXT, dest TEXT,
  air_time INTEGER, distance INTEGER,
  hour INTEGER, minute INTEGER,
  time_hour TEXT,
  PRIMARY KEY (origin, time_hour, carrier, flight)
) STRICT""",
}
"""CREATE TABLE statements by table name; small tables first."""
