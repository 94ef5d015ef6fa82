"""lsmsql backup."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import lsmsql
from lsmsql.cli import main


def run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(["backup", *argv], io.StringIO(), out, err), out.getvalue(), err.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def test_a_store_is_backed_up_while_somebody_writes_to_it(path, tmp_path):
    target = str(tmp_path / "backup")
    with lsmsql.open(path, background=False) as store:
        store.update((i, i) for i in range(30))
        store.flush()
        store["last"] = 1
        status, out, err = run(path, target)
        assert (status, err) == (0, "")
        assert out.startswith(f"{target}: commit 2, 2 files, ")
        assert out.endswith("(0 files were there, 1 linked, 0 copied, 1 written from memory)\n")
        store["more"] = 1
        assert "(1 files were there, 0 linked" in run(path, target)[1]
    with lsmsql.open(target, "r") as backup:
        assert len(backup) == 32


def test_what_cannot_be_done(path, tmp_path):
    status, out, err = run(path, str(tmp_path / "backup"))
    assert (status, out, err) == (2, "", f"lsmsql backup: there is no store at {path}\n")
    lsmsql.open(path).close()
    status, out, err = run(path, path)
    assert (status, out) == (2, "")
    assert "is the store itself" in err
    assert "usage: lsmsql backup PATH TARGET\n" in err
    assert run(path)[0] == 2
