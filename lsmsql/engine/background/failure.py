"""Our errors as values, so that one process can raise what has happened in another."""

from __future__ import annotations

import msgspec

from lsmsql.engine import errors
from lsmsql.engine.errors import CorruptionError, Error


class Failure(msgspec.Struct, frozen=True):
    """An error of ours. ``errno`` and ``reason`` are those of the OSError behind it, if any."""

    kind: str
    message: str
    file: str | None = None
    offset: int | None = None
    errno: int | None = None
    reason: str | None = None


def describe(error: Error) -> Failure:
    """The value of an error."""
    failure = Failure(type(error).__name__, str(error))
    if isinstance(error, CorruptionError):
        failure = msgspec.structs.replace(
            failure, message=error.problem, file=error.file, offset=error.offset
        )
    cause = error.__cause__
    if isinstance(cause, OSError):
        failure = msgspec.structs.replace(failure, errno=cause.errno, reason=cause.strerror)
    return failure


def rebuild(failure: Failure) -> Error:
    """The error again, with its cause."""
    error: Error
    if failure.file is not None:
        error = CorruptionError(failure.file, failure.offset, failure.message)
    else:
        error = getattr(errors, failure.kind)(failure.message)
    if failure.errno is not None:
        error.__cause__ = OSError(failure.errno, failure.reason)
    return error
