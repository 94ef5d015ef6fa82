"""Recording a workload, and checking the states that a power cut may leave of it.

A store lives more than once. A recording is of one life: the first one, on an empty disk; one that
begins with the recovery of what a power cut has left; or one on the disk of a process that was
killed, where what the dead had not synced is in the cache and may yet be lost.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest import mock

import xxhash

import lsmsql
from lsmsql.engine.manifest import manifest
from lsmsql.engine.manifest.manifest import CURRENT, manifest_name
from lsmsql.engine.sstable import writer
from lsmsql.engine.sstable.meta import file_name
from lsmsql.engine.wal.format import log_name
from tests.crash.disk import Operation, SimulatedDisk
from tests.crash.history import Contents, History, LossError, read_contents
from tests.crash.session import STORE, Session
from tests.crash.states import State, power_cuts
from tests.crash.workloads import TINY, Workload, aftermath

_NOW = "2026-01-01T00:00:00Z"
_EXTENTS = (0, 4096, 16384)
_WHOLE_CHECKS = 16
"""One state of so many is also written to, closed and opened again."""


@dataclass(frozen=True)
class Recording:
    """What was done to a disk that held ``files``, and what it meant.

    Cuts before ``start`` belong to an earlier life.
    """

    files: Mapping[str, bytes]
    operations: list[Operation]
    history: History
    start: int = 0


@dataclass(frozen=True)
class Case:
    """A workload in a sync mode, by seed."""

    workload: Workload
    mode: str
    seed: int

    def random(self, purpose: str = "") -> Random:
        """A source of numbers, always the same one."""
        return Random(f"{self.workload.name} {self.mode} {self.seed} {purpose}")

    @property
    def options(self) -> dict[str, Any]:
        """Those of the store."""
        return {**TINY, **self.workload.options, "sync": self.mode}

    def life(self, name: str) -> Recording:
        """The life "first", "cut:K" (that begins with state K of it), "kill:N" or "fail:N".

        A life after "kill:N" begins on the disk of a process that was killed at its operation N,
        one after "fail:N" on that of a process whose sync N has failed.
        """
        kind, _, number = name.partition(":")
        if kind == "kill":
            return self._after_kill(int(number))
        if kind == "fail":
            return self._after_failed_sync(int(number))
        first = self._first_life()
        if kind == "first":
            return first
        (state,) = self.cuts(first, {int(number)})
        return self._after_cut(first, state)

    def cuts(self, recording: Recording, wanted: Container[int]) -> Iterator[State]:
        """The states of a recording with ``wanted`` numbers."""
        return power_cuts(
            recording.files,
            recording.operations,
            f"{self.workload.name} {self.mode} {self.seed}",
            recording.start,
            wanted,
        )

    def _first_life(self) -> Recording:
        disk, history = SimulatedDisk(extent=self._extent), History()
        with self._alike():
            self.workload.run(_session(disk, history, self), self.random("steps"))
        return Recording({}, disk.operations, history)

    def _after_cut(self, before: Recording, state: State) -> Recording:
        disk = SimulatedDisk(state.files, self._extent)
        must, most = before.history.bounds(state.cut)
        history = History(before.history.contents[: most + 1], [0] * (most + 1), [(0, must)])
        with self._alike():
            _aftermath(disk, history, self)
        return Recording(state.files, disk.operations, history)

    def _after_kill(self, position: int) -> Recording:
        disk, history = SimulatedDisk(extent=self._extent), History()
        disk.killed_at = position
        with self._alike():
            try:
                self.workload.run(_session(disk, history, self), self.random("steps"))
            except lsmsql.Error:
                if not disk.dead:
                    raise
            survivor = disk.survivor()
            start = survivor.position
            _aftermath(survivor, history, self)
        return Recording({}, survivor.operations, history, start)

    def _after_failed_sync(self, number: int) -> Recording:
        disk, history = SimulatedDisk(extent=self._extent), History()
        disk.failing_sync = number
        with self._alike():
            with suppress(lsmsql.Error):
                self.workload.run(_session(disk, history, self), self.random("steps"))
            survivor = disk.survivor()
            start = survivor.position
            _aftermath(survivor, history, self)
        return Recording({}, survivor.operations, history, start)

    @property
    def _extent(self) -> int:
        return self.random("extent").choice(_EXTENTS)

    @contextmanager
    def _alike(self) -> Iterator[None]:
        """What is done here is the same each time: it may not hang on chance."""
        numbers = itertools.count(1)

        def token(nbytes: int) -> str:
            return f"{next(numbers):0{2 * nbytes}x}"

        rotate_bytes = self.workload.rotate_bytes
        with (
            mock.patch.object(secrets, "token_hex", token),  # in the names of part files
            mock.patch.object(writer, "_now", return_value=_NOW),  # in SSTables
            mock.patch.object(manifest, "ROTATE_BYTES", rotate_bytes),
        ):
            yield


def _session(disk: SimulatedDisk, history: History, case: Case) -> Session:
    return Session(disk, history, case.options, lambda: disk.position)


def _aftermath(disk: SimulatedDisk, history: History, case: Case) -> None:
    aftermath(_session(disk, history, case), case.random("aftermath"))


# ------------------------------------------------------------------------------------------ checks


@dataclass
class Checker:
    """Checks states of one case; ``seen`` are the distinct ones, and how each was recovered."""

    options: Mapping[str, Any]
    seen: dict[int, Contents] = field(default_factory=dict)

    def check(self, history: History, state: State) -> None:
        """Recover a state and judge it. Raises LossError, or what the engine raises."""
        digest = digest_of(state)
        found = self.seen.get(digest)
        if found is not None:  # the bytes are known, but another history may ask for more
            history.judge(found, state.cut)
            return
        disk = SimulatedDisk(state.files)
        store = self._open(disk)
        found = read_contents(store)
        count = history.judge(found, state.cut)
        check_files(store, disk)
        if digest % _WHOLE_CHECKS == 0:
            self._check_reader(state, found)
            self._check_writes(store, disk, found)
        else:
            store.close()
        self.seen[digest] = history.contents[count]

    def _open(self, disk: SimulatedDisk, mode: str = "rw") -> lsmsql.Store:
        return lsmsql.open(STORE, mode, filesystem=disk, **{**self.options, "sync": "full"})

    def _check_reader(self, state: State, found: Contents) -> None:
        """A reader sees the same, and changes nothing."""
        disk = SimulatedDisk(state.files)
        if not disk.exists(f"{STORE}/{CURRENT}"):
            return  # to a reader this is no store yet
        with self._open(disk, "r") as store:
            if read_contents(store) != found:
                raise LossError("a reader sees something else than a writer recovers")
        if disk.operations:
            raise LossError(f"a reader has changed the disk: {disk.operations[0]}")

    def _check_writes(self, store: lsmsql.Store, disk: SimulatedDisk, found: Contents) -> None:
        """The store takes new writes, and they are there after it was closed and opened again."""
        store["after"] = "a power cut"
        if store["after"] != "a power cut":
            raise LossError("a new write is not read back")
        store.flush()
        store["later"] = 1
        store.close()
        wanted = {**found, "kv": {**found["kv"], "after": "a power cut", "later": 1}}
        with self._open(disk) as again:
            if read_contents(again) != wanted:
                raise LossError("the store does not hold what was written after its recovery")
            check_files(again, disk)


def check_files(store: lsmsql.Store, disk: SimulatedDisk) -> None:
    """The directory holds what manifest and logs name, and nothing else. Raises LossError."""
    there, named = set(disk.list(STORE)), named_files(store)
    if there != named:
        raise LossError(f"strays {sorted(there - named)}, missing {sorted(named - there)}")


def named_files(store: lsmsql.Store) -> set[str]:
    """The names of all files that a store needs."""
    core = store.core
    assert core.manifest is not None
    named = {CURRENT, manifest_name(core.manifest.number)}
    named.update(map(file_name, core.manifest_state.files))
    named.update(map(log_name, (*core.logs, core.log_number)))
    return named


def digest_of(state: State) -> int:
    """A number that tells the contents of directories apart."""
    hasher = xxhash.xxh3_128()
    for path in sorted(state.files):
        content = state.files[path]
        hasher.update(f"{path}\0{len(content)}\0".encode())
        hasher.update(content)
    return hasher.intdigest()
