"""Tasks run at the same time: all of them count, or none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from lsmsql.engine import together as together_module
from lsmsql.engine.together import together


def no_undo(result: object) -> None:
    raise AssertionError(f"{result} was fine")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_the_order_of_the_tasks(count: int) -> None:
    assert together([partial(int, n) for n in range(count)], no_undo) == list(range(count))


def test_tasks_run_at_the_same_time() -> None:
    both = threading.Barrier(2)
    threads = together([lambda: (both.wait(60), threading.get_ident())[1]] * 2, no_undo)
    assert len(set(threads)) == 2


def test_the_first_error_is_raised_once_the_others_are_done_and_undone() -> None:
    undone: list[int] = []
    failed = threading.Event()

    def fail() -> int:
        failed.set()
        raise ZeroDivisionError

    def succeed(result: int) -> int:
        assert failed.wait(60)
        return result

    tasks: list[Callable[[], int]] = [
        partial(succeed, 1),
        fail,
        partial(succeed, 3),
        partial(int, "x"),
    ]
    with pytest.raises(ZeroDivisionError):
        together(tasks, undone.append)
    assert undone == [1, 3]


def test_what_an_interrupted_caller_does_not_wait_for_is_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going_on, done = threading.Event(), threading.Event()

    def task() -> int:
        assert going_on.wait(60)
        return 5

    def interrupt(futures: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(together_module, "wait", interrupt)
    undone: list[int] = []

    def undo(result: int) -> None:
        undone.append(result)
        if len(undone) == 2:
            done.set()

    with pytest.raises(KeyboardInterrupt):
        together([task, task], undo)
    assert undone == []
    going_on.set()
    assert done.wait(60) and undone == [5, 5]
