"""Items made ahead come in order, with what goes wrong in its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lsmsql.engine.ahead import ahead


@pytest.mark.parametrize("count", [0, 1, 5])
def test_the_items_are_the_same(count: int) -> None:
    with ahead(iter(range(count))) as items:
        assert list(items) == list(range(count))


def test_one_item_more_than_asked_for_is_made_in_another_thread() -> None:
    made: list[int] = []
    threads = set()
    second = threading.Event()

    def source() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            threads.add(threading.get_ident())
            if number == 1:
                second.set()
            yield number

    with ahead(source()) as items:
        assert next(items) == 0
        assert second.wait(10)
        assert made == [0, 1]
    assert threading.get_ident() not in threads


def test_an_error_comes_where_its_item_would_have() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    with ahead(source()) as items:
        assert next(items) == 1
        with pytest.raises(ZeroDivisionError):
            next(items)
