"""The command line."""

from __future__ import annotations

import io

import pytest

from lsmsql import __version__
from lsmsql.cli import main
from lsmsql.engine.errors import UsageError
from lsmsql.shell.arguments import MODES, USAGE, Arguments, parse
from lsmsql.shell.formats import FORMATS


def test_a_path_alone():
    assert parse(["store"]) == Arguments("store")


def test_what_follows_the_path_is_sql():
    assert parse(["store", "SELECT 1", ".tables"]).statements == ("SELECT 1", ".tables")


def test_options_may_stand_anywhere_with_one_dash_or_two():
    expected = Arguments("store", ("SELECT 1",), readonly=True, mode="csv", header=True)
    assert parse(["-readonly", "-csv", "-header", "store", "SELECT 1"]) == expected
    assert parse(["--csv", "store", "--readonly", "SELECT 1", "--header"]) == expected


def test_options_with_values():
    arguments = parse(
        ["-separator", ";", "-nullvalue", "-", "-cmd", ".timer on", "-cmd", "b", "-init", "f", "p"]
    )
    assert arguments == Arguments(
        "p", commands=(".timer on", "b"), init_files=("f",), separator=";", null="-"
    )


def test_the_last_of_two_contradicting_options_counts():
    assert parse(["-header", "-noheader", "-csv", "-json", "p"]) == Arguments(
        "p", header=False, mode="json"
    )


def test_after_two_dashes_nothing_is_an_option():
    assert parse(["--", "-path", "-sql"]) == Arguments("-path", ("-sql",))


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "PATH is missing"),
        ([""], "PATH is missing"),
        (["-csv"], "PATH is missing"),
        (["-foo", "p"], "unknown option: -foo"),
        (["p", "-init"], "option -init needs a value"),
    ],
)
def test_wrong_command_lines(argv, message):
    with pytest.raises(UsageError, match=message):
        parse(argv)
    out, err = io.StringIO(), io.StringIO()
    assert main(argv, io.StringIO(), out, err) == 2
    assert message in err.getvalue()
    assert "usage: lsmsql" in err.getvalue()
    assert out.getvalue() == ""


@pytest.mark.parametrize("option", ["-version", "--version"])
def test_version(option):
    out = io.StringIO()
    assert main([option], io.StringIO(), out, io.StringIO()) == 0
    assert out.getvalue() == f"lsmsql {__version__}\n"


def test_help_names_every_option():
    out = io.StringIO()
    assert main(["-help"], io.StringIO(), out, io.StringIO()) == 0
    assert out.getvalue().startswith(USAGE)
    for option in ("readonly", "cmd", "init", "bail", "batch", "separator", "nullvalue", *MODES):
        assert f"-{option}" in USAGE


def test_every_mode_has_its_format():
    assert list(MODES) == list(FORMATS)
