"""lsmsql repair."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import lsmsql
from lsmsql.cli import main


def run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(["repair", *argv], io.StringIO(), out, err), out.getvalue(), err.getvalue()


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = str(tmp_path / "source")
    with lsmsql.open(path, sync="off", background=False, block_rows=10) as store:
        store.update((i, i) for i in range(30))
        store.flush()
    return path


def test_a_sound_store(source, tmp_path):
    target = str(tmp_path / "target")
    assert run(source, target) == (
        0,
        f"{source}: saved in {target}, nothing lost\nsaved: 30 rows of table kv\n",
        "",
    )
    with lsmsql.open(target, "r") as store:
        assert len(store) == 30


def test_a_damaged_store(source, tmp_path):
    file = next(Path(source).glob("*.sst"))
    data = file.read_bytes()
    file.write_bytes(b"?" + data[1:])
    status, out, err = run(source, str(tmp_path / "target"))
    assert (status, err) == (1, "")
    first, saved, lost = out.splitlines()
    assert first.endswith("target, 1 loss")
    assert saved == "saved: 20 rows of table kv"
    assert lost.startswith(f"lost: 10 records of table kv, keys 0 to 9 ({file.name}, offset 0: ")


def test_a_target_that_will_not_do(source):
    status, out, err = run(source, source)
    assert (status, out) == (2, "")
    assert err.startswith("lsmsql repair: ") and "usage: lsmsql repair SOURCE TARGET\n" in err
