"""A worker: the process that carries out jobs for a store, one after the other.

    python -m lsmsql.engine.background.worker

It takes jobs from its standard input and answers on its standard output (see ``wire``). It knows
nothing of manifests or locks. When its input ends, the store is closed or its process is dead: it
ends at once, whatever it is at.

An error of ours is an answer. Any other ends the worker: the store then does the job itself, and
raises it where it can be seen.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from queue import SimpleQueue
from typing import IO, Any

import msgspec
import pyarrow as pa

from lsmsql.engine.background import wire
from lsmsql.engine.background.failure import describe
from lsmsql.engine.background.job import Flush, Rewrite
from lsmsql.engine.errors import Error
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.sstable.writer import CREATOR

Frames = SimpleQueue[tuple[bytes, bytes]]

_SWITCH_SECONDS = 0.0002


class _WithoutPandas:
    """Hides pandas, which pyarrow otherwise imports for the first list it converts.

    That takes 0.2 s and 40 MB, and a worker has no data frames.
    """

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        """Raises ModuleNotFoundError for pandas; anything else is for others to find."""
        if name == "pandas":
            raise ModuleNotFoundError("a worker does without pandas", name=name)


_decode_job = msgspec.msgpack.Decoder(Flush | Rewrite).decode


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything else might print must not get among the answers
    # Rows by the thousand set the collector off again and again, and there is nothing to collect.
    gc.disable()
    gc.freeze()  # what is collected after each job is what it has left
    sys.meta_path.insert(0, _WithoutPandas)
    # The thread that listens must not wait for its turn after every piece of what it reads.
    sys.setswitchinterval(_SWITCH_SECONDS)
    frames: Frames = SimpleQueue()
    try:
        threading.Thread(target=_listen, args=(sys.stdin.buffer, frames), daemon=True).start()
        wire.send(answers, wire.HELLO, CREATOR.encode())
        while True:
            wire.send(answers, *_serve(frames))
            gc.collect()
            pa.default_memory_pool().release_unused()
    finally:
        os._exit(1)  # not sys.exit: the thread that waits for input holds a lock on it


def _listen(stream: IO[bytes], frames: Frames) -> None:
    try:
        while True:
            frames.put(wire.receive(stream))
    finally:
        os._exit(0)


def _serve(frames: Frames) -> tuple[bytes, bytes]:
    """Take one job and carry it out; kind and body of the answer."""
    kind, body = frames.get()
    assert kind == wire.JOB
    try:
        outcome = _decode_job(body).execute(OsFileSystem())
    except Error as error:
        return wire.FAILURE, wire.encode(describe(error))
    return wire.OUTCOME, wire.encode(outcome)


if __name__ == "__main__":
    main()
