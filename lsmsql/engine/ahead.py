"""Getting the next piece of work ready while the last one is being done."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """``items``, of which a thread makes one more than has been asked for.

    A gain where both sides spend their time in kernels, which let go of the GIL. What ``items``
    raises comes out where the item would have. Behind the ``with`` block the thread is gone.
    """

    def following() -> Iterator[T]:
        waiting = pool.submit(next, items, _END)
        while (item := waiting.result()) is not _END:
            waiting = pool.submit(next, items, _END)
            yield item  # type: ignore[misc]

    with ThreadPoolExecutor(1, thread_name_prefix="lsmsql-ahead") as pool:
        yield following()


_END = object()
