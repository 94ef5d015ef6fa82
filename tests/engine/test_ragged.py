"""Binary arrays seen through numpy and put together again."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.ragged import (
    binary_from_matrix,
    binary_from_ranges,
    binary_scalar,
    from_numpy,
    offsets_and_bytes,
    to_numpy,
    unaligned,
)


@given(st.lists(st.binary(max_size=5), max_size=6), st.integers(0, 3))
def test_offsets_and_bytes_show_the_rows_of_a_slice(values: list[bytes], skipped: int) -> None:
    offsets, data = offsets_and_bytes(pa.array(values, pa.binary()).slice(skipped))
    content = data.tobytes()
    assert [content[a:b] for a, b in pairwise(offsets)] == values[skipped:]


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=12).map(sorted))
def test_ranges_become_values(data: bytes, edges: list[int]) -> None:
    edges = [min(edge, len(data)) for edge in edges[: len(edges) // 2 * 2]]
    starts, ends = np.array(edges[0::2], np.int64), np.array(edges[1::2], np.int64)
    array = binary_from_ranges(np.frombuffer(data, np.uint8), starts, ends)
    array.validate(full=True)
    assert array.to_pylist() == [data[a:b] for a, b in zip(starts, ends, strict=True)]


def test_matrix_rows_become_values() -> None:
    matrix = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert binary_from_matrix(matrix).to_pylist() == [row.tobytes() for row in matrix]
    cut = binary_from_matrix(matrix, np.array([4, 0, 2]))
    assert cut.to_pylist() == [b"\x00\x01\x02\x03", b"", b"\x08\x09"]


@given(st.binary(max_size=20))
def test_integers_begin_at_every_byte(data: bytes) -> None:
    words = unaligned(np.frombuffer(data, np.uint8), ">u8")
    expected = [int.from_bytes(data[i : i + 8], "big") for i in range(len(data) - 7)]
    assert words.tolist() == expected


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint64, np.int32, np.bool_])
@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 100])
def test_numpy_arrays_become_arrow_arrays_of_the_same_values(dtype: type, rows: int) -> None:
    values: np.ndarray[tuple[int], np.dtype[Any]] = (np.arange(rows) % 3).astype(dtype)
    nulls = np.arange(rows) % 2 == 1
    plain, masked = from_numpy(values), from_numpy(values, nulls)
    plain.validate(full=True)
    masked.validate(full=True)
    assert plain.to_pylist() == values.tolist()
    wanted = [None if null else v for v, null in zip(values.tolist(), nulls.tolist(), strict=True)]
    assert masked.to_pylist() == wanted and masked.null_count == int(nulls.sum())


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string()])
def test_scalars_of_bytes(kind: pa.DataType) -> None:
    for content in (b"", b"x" * 300):
        assert binary_scalar(content, kind).as_py() in (content, content.decode())
        assert binary_scalar(content, kind).type == kind


@given(st.data())
def test_arrays_and_slices_of_them_are_seen_through_numpy(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["int64", "float64", "bool", "int32"]))
    values = data.draw(
        st.lists(st.booleans() if kind == "bool" else st.integers(0, 9), max_size=40)
    )
    array = from_numpy(np.array(values, kind))
    first = data.draw(st.integers(0, len(values)))
    rows = data.draw(st.integers(0, len(values) - first))
    seen = to_numpy(array.slice(first, rows))
    assert seen.dtype == kind and seen.tolist() == values[first : first + rows]


def test_flush_compaction_ingest_and_ranges_do_not_import_pandas(tmp_path: Path) -> None:
    """It takes longer than all of them."""
    program = (
        "import sys, lsmsql\n"
        "with lsmsql.open(sys.argv[1], background=False) as store:\n"
        "    columns = {'a': 'INTEGER', 'b': 'REAL', 'c': 'TEXT'}\n"
        "    table = store.create_table('t', columns, ['a', 'b'])\n"
        "    for i in range(300):\n"
        "        store[i] = str(i)\n"
        "        table.put([i, i / 2, None])\n"
        "        store.flush() if i % 100 == 50 else None\n"
        "    store.compact()\n"
        "    store.ingest({i: i for i in range(1000)})\n"
        "    assert len(list(store.items())) == 1000\n"
        "print('pandas' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "store")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
