"""Errors: the tree of PEP 249, and what others become in it."""

from __future__ import annotations

import pickle
import traceback

import apsw
import pytest

import lsmsql
from lsmsql.dbapi.errors import translate
from lsmsql.engine import errors as engine

ENGINE = [
    (kind, kind("what happened"))
    for kind in vars(engine).values()
    if isinstance(kind, type) and issubclass(kind, engine.Error)
    if kind is not engine.CorruptionError
] + [(engine.CorruptionError, engine.CorruptionError("a.sst", 7, "what happened"))]

CLASSES = {
    "IntegrityError": "CONSTRAINT MISMATCH",
    "DataError": "TOOBIG",
    "InternalError": "INTERNAL NOTFOUND",
    "OperationalError": "ERROR PERM ABORT BUSY LOCKED READONLY INTERRUPT IOERR FULL CANTOPEN"
    " PROTOCOL EMPTY SCHEMA",
    "InterfaceError": "MISUSE RANGE",
    "DatabaseError": "CORRUPT AUTH NOTADB",
}


@pytest.mark.parametrize(
    ("kind", "error"), ENGINE, ids=lambda value: getattr(value, "__name__", "")
)
def test_errors_of_the_engine_are_of_both_trees(kind, error):
    translated = translate(error)
    assert isinstance(translated, kind)
    assert isinstance(translated, lsmsql.DatabaseError)
    assert str(translated) == str(error)
    assert vars(translated) == vars(error)
    assert isinstance(translated, lsmsql.DatabaseError)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (engine.ConflictError, "OperationalError"),
        (engine.BusyError, "OperationalError"),
        (engine.ConstraintError, "IntegrityError"),
        (engine.TypeMismatchError, "IntegrityError"),
        (engine.LimitError, "DataError"),
        (engine.ReadOnlyError, "OperationalError"),
        (engine.NoSuchTableError, "OperationalError"),
        (engine.ClosedError, "ProgrammingError"),
        (engine.UsageError, "ProgrammingError"),
    ],
)
def test_errors_of_the_engine_have_their_class(kind, name):
    assert isinstance(translate(kind("x")), getattr(lsmsql, name))


@pytest.mark.parametrize(
    ("name", "code"),
    [(name, code) for name, codes in CLASSES.items() for code in codes.split()],
)
def test_result_codes_have_the_class_of_sqlite3(name, code):
    number = getattr(apsw, f"SQLITE_{code}")
    translated = translate(apsw.exception_for(number))
    assert type(translated) is getattr(lsmsql, name)
    assert isinstance(translated, lsmsql.DatabaseError | lsmsql.InterfaceError)
    assert translated.sqlite_errorcode == number
    assert translated.sqlite_errorname == f"SQLITE_{code}"


@pytest.mark.parametrize("kind", [kind for kind, _ in ENGINE if kind is not engine.CorruptionError])
def test_errors_can_be_sent_to_other_processes(kind):
    translated = translate(kind("what happened"))
    again = pickle.loads(pickle.dumps(translated))
    assert (type(again), str(again)) == (type(translated), str(translated))


def test_errors_that_are_not_ours_stay_as_they_are():
    for error in (TypeError("x"), MemoryError(), lsmsql.OperationalError("x")):
        assert translate(error) is error


def test_an_error_in_a_function_of_the_program_is_the_cause(ours):
    ours.create_function("fail", 0, lambda: int("x"))
    with pytest.raises(lsmsql.OperationalError) as caught:
        ours.execute("SELECT fail()")
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_traceback_is_printed_once_and_names_the_program(ours):
    with pytest.raises(lsmsql.IntegrityError) as caught:
        ours.execute("INSERT INTO t(id) VALUES (1), (1)")
    text = "".join(traceback.format_exception(caught.value))
    assert text.count("Traceback") == 1
    assert "test_errors.py" in text


def test_bad_text_is_an_error_of_the_tree(ours):
    with pytest.raises(lsmsql.OperationalError, match="not valid UTF-8"):
        ours.execute("SELECT CAST(x'ff' AS TEXT)").fetchone()
    with pytest.raises(lsmsql.DataError, match="surrogates"):
        ours.execute("SELECT ?", ("\ud800",))
    with pytest.raises(lsmsql.DataError):
        ours.execute("SELECT ?", (2**63,))


@pytest.mark.parametrize(
    "name",
    [
        "set_authorizer",
        "blobopen",
        "serialize",
        "deserialize",
        "enable_load_extension",
        "load_extension",
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(ours, name):
    with pytest.raises(lsmsql.NotSupportedError, match=f"{name}: "):
        getattr(ours, name)(None)


def test_what_is_for_files_of_sqlite_is_refused(ours):
    with pytest.raises(lsmsql.ProgrammingError, match=r"Store\.compact"):
        ours.execute("VACUUM")
