"""The example of the ORM prints what it says, also when it is run again on the same store."""

from __future__ import annotations

from examples import sqlalchemy_orm

LENT = "Emma: 2 of 2 lent\nUlysses: 0 of 1 lent\nWalden: 1 of 1 lent\n"
EXPECTED = f"""{LENT.replace("1 of 1", "0 of 1")}tried 2 times
{LENT}books: -
loans: ix_loans_book_id
"""


def test_the_example_lends_the_last_copy_once(capsys):
    sqlalchemy_orm.main()
    assert capsys.readouterr().out == EXPECTED


def test_the_example_runs_twice_on_one_store(tmp_path, capsys):
    path = str(tmp_path / "library")
    sqlalchemy_orm.main(path)
    sqlalchemy_orm.main(path)
    again = LENT + EXPECTED.removeprefix(EXPECTED.partition("tried")[0]).replace(
        "2 times", "1 times"
    )
    assert capsys.readouterr().out == EXPECTED + again
