"""Doing several things at the same time, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


def together(tasks: Sequence[Callable[[], T]], undo: Callable[[T], object]) -> list[T]:
    """What ``tasks`` return, each of them called in a thread of its own.

    A gain where they spend their time in kernels, which let go of the GIL, or wait. If one raises,
    ``undo`` is called for what the others have returned, and the first error is raised again. If
    the caller is interrupted, tasks go on, and are undone when they are done.
    """
    if len(tasks) == 1:
        return [tasks[0]()]

    def undo_task(future: Future[T]) -> None:
        if future.exception() is None:
            undo(future.result())

    pool = ThreadPoolExecutor(len(tasks), thread_name_prefix="lsmsql-share")
    futures = [pool.submit(task) for task in tasks]
    pool.shutdown(wait=False)
    try:
        wait(futures)
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.add_done_callback(undo_task)
        raise
