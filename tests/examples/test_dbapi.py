"""The example of the DB-API prints what it says, also when it is run again on the same store."""

from __future__ import annotations

from examples import dbapi

EXPECTED = """6 sales
cake: 7 sold for 28.0
tea: 5 sold for 12.5
/items/tea-1 /items/cake-2 /items/salt-3
not added: UNIQUE constraint failed: items.id
added
"""


def test_the_example_prints_what_was_sold(capsys):
    dbapi.main()
    assert capsys.readouterr().out == EXPECTED


def test_the_example_runs_twice_on_one_store(tmp_path, capsys):
    path = str(tmp_path / "shop")
    dbapi.main(path)
    dbapi.main(path)
    first, again = EXPECTED, EXPECTED.replace("-3\n", "-3 /items/pepper-4\n")
    again = again.replace("\nadded", "\nnot added: UNIQUE constraint failed: items.id")
    assert capsys.readouterr().out == first + again
