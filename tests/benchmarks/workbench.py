"""The stores that the workloads of one engine use, one after the other."""

from __future__ import annotations

import itertools
import shutil
from functools import cached_property
from pathlib import Path

from tests.benchmarks.data import Data, batches
from tests.benchmarks.engines.base import SERVING, Engine, Settings
from tests.benchmarks.flights import Flights
from tests.benchmarks.measure import Stopwatch, expect


class Workbench:
    """Makes stores for ``engine`` below ``directory``, and removes them.

    ``fresh`` gives an empty one, which is gone after the workload. The *loaded* store has all rows
    and stays: the workloads that change it come last, and keep ``contents`` up to date.
    """

    def __init__(self, engine: type[Engine], data: Data, flights: Flights, directory: Path) -> None:
        self.engine = engine
        self.data = data
        self.flights = flights
        self._directory = directory
        self._numbers = itertools.count(1)
        self._temporary: list[Engine] = []
        self._loaded: Engine | None = None
        self._loaded_path: Path | None = None

    def place(self) -> Path:
        """A path that is not in use."""
        return self._directory / str(next(self._numbers))

    # ------------------------------------------------------------------------------- fresh stores

    def fresh(self, settings: Settings = SERVING) -> Engine:
        """An empty store."""
        path = self.place()
        path.mkdir()
        store = self.engine()
        store.open(path, settings)
        self._temporary.append(store)
        return store

    def clean(self) -> None:
        """Close and remove the stores of a workload that is over."""
        for store in self._temporary:
            store.close()
            shutil.rmtree(store.path)
        self._temporary.clear()

    # ------------------------------------------------------------------------------- loaded store

    @property
    def loaded_path(self) -> Path:
        """The directory of the loaded store, which is closed."""
        if self._loaded_path is None:
            store = self.fresh()
            put_all(store, self.data)
            self.settle(store)
        self.close_loaded()
        assert self._loaded_path is not None
        return self._loaded_path

    def settle(self, store: Engine) -> None:
        """Make ``store``, a fresh one that has all rows, the loaded one: reopened and compacted."""
        self._temporary.remove(store)
        if self._loaded_path is not None:
            self.close_loaded()
            shutil.rmtree(self._loaded_path)
        store.close()
        store.open(store.path)
        store.compact()
        store.close()
        self._loaded_path = store.path

    def close_loaded(self) -> None:
        """Close the loaded store, if it is open."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None

    def loaded(self) -> Engine:
        """The loaded store, open."""
        if self._loaded is None:
            path = self.loaded_path
            self._loaded = self.engine()
            self._loaded.open(path)
        return self._loaded

    @cached_property
    def contents(self) -> dict[bytes, bytes]:
        """What must be in the loaded store."""
        return dict(zip(self.data.keys, self.data.values, strict=True))

    def close(self) -> None:
        """Close all stores."""
        self.clean()
        self.close_loaded()


def put_all(store: Engine, data: Data) -> Stopwatch:
    """All rows in batches of 1,000, counted afterwards; returns the time of the putting."""
    with Stopwatch() as watch:
        for pairs in batches(data.keys, data.values):
            store.put_many(pairs)
    expect("rows put in batches", store.count(), data.rows)
    return watch
