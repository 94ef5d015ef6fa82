"""What the store's process and its workers say to each other, through two pipes.

    frame = length of the body (8 bytes, little-endian) | kind (1 byte) | body

    to the worker       "J" a Job
    from the worker     "H" the release it is of, once; then for each job "O" an Outcome
                        or "F" a Failure

Bodies are msgpack. The end of a pipe says that the other process is gone.
"""

from __future__ import annotations

import struct
from typing import IO

import msgspec

JOB = b"J"
HELLO, OUTCOME, FAILURE = b"H", b"O", b"F"

_HEAD = struct.Struct("<Qc")

encode = msgspec.msgpack.Encoder().encode


def send(stream: IO[bytes], kind: bytes, body: bytes = b"") -> None:
    """Write one frame. Raises OSError when the other side is gone."""
    stream.write(_HEAD.pack(len(body), kind))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[bytes, bytes]:
    """Kind and body of the next frame. Raises EOFError when the other side is gone."""
    length, kind = _HEAD.unpack(_exactly(stream, _HEAD.size))
    return kind, _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the pipe has ended")
    return data
