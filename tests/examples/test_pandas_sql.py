"""The example of pandas prints what it says, also when it is run again on the same store."""

from __future__ import annotations

from examples import pandas_sql

EXPECTED = """14 rows
      warmest  mean
town
Oslo     14.0  13.0
Rome     24.0  23.0
town        Oslo  Rome
day
2024-05-06  13.0  23.0
2024-05-07  14.0  24.0
4 days above 20
"""


def printed(capsys):
    return "".join(line.rstrip() + "\n" for line in capsys.readouterr().out.splitlines())


def test_the_example_prints_the_weather(capsys):
    pandas_sql.main()
    assert printed(capsys) == EXPECTED


def test_the_example_runs_twice_on_one_store(tmp_path, capsys):
    path = str(tmp_path / "weather")
    pandas_sql.main(path)
    pandas_sql.main(path)
    assert printed(capsys) == EXPECTED * 2
