"""The block cache keeps to its capacity and lets go of what is not used."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.cache import BlockCache


class FakeBlock:
    """Counts bytes and tells the cache of more, as a block does."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.in_use = True
        self.grown: Callable[[], None] | None = None

    def grow(self, size: int) -> None:
        self.nbytes += size
        if self.grown is not None:
            self.grown()


class Cache(BlockCache[FakeBlock]):
    """A cache with a shelf of eight places for each of three files."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.shelves: list[list[FakeBlock | None]] = [[None] * 8 for _ in range(3)]

    def keep(self, place: tuple[int, int], block: FakeBlock) -> None:
        self.put(place, block, self.shelves[place[0]])

    def look(self, place: tuple[int, int]) -> FakeBlock | None:
        """What a reader finds; it marks a block that it uses."""
        block = self.shelves[place[0]][place[1]]
        if block is not None:
            block.in_use = True
        return block


def test_a_block_is_found_where_it_was_put():
    cache = Cache(100)
    block = FakeBlock(10)
    cache.keep((1, 0), block)
    assert cache.look((1, 0)) is block
    assert cache.look((1, 7)) is None
    assert (len(cache), cache.nbytes) == (1, 10)


def test_the_first_block_at_a_place_stays():
    cache = Cache(100)
    first = FakeBlock(10)
    cache.keep((1, 0), first)
    cache.keep((1, 0), FakeBlock(50))
    assert cache.look((1, 0)) is first
    assert cache.nbytes == 10


def test_a_block_that_grows_pushes_others_out():
    cache = Cache(100)
    blocks = [FakeBlock(30) for _ in range(3)]
    for i, block in enumerate(blocks):
        cache.keep((1, i), block)
    blocks[2].in_use = True
    blocks[0].in_use = blocks[1].in_use = False
    blocks[2].grow(40)
    assert cache.look((1, 2)) is blocks[2]
    assert cache.look((1, 0)) is None
    assert cache.nbytes == 100


def test_a_block_that_was_dropped_is_not_charged_when_it_grows():
    cache = Cache(100)
    block = FakeBlock(10)
    cache.keep((1, 0), block)
    cache.forget(1)
    block.grow(1000)
    assert (len(cache), cache.nbytes) == (0, 0)


def test_a_block_in_use_has_a_second_chance():
    cache = Cache(30)
    blocks = [FakeBlock(10) for _ in range(4)]
    for i, block in enumerate(blocks[:3]):
        cache.keep((1, i), block)
        block.in_use = False
    cache.look((1, 0))
    cache.keep((1, 3), blocks[3])
    assert [i for i in range(4) if cache.look((1, i)) is not None] == [0, 2, 3]


def test_a_block_larger_than_the_cache_does_not_stay():
    cache = Cache(30)
    cache.keep((1, 0), FakeBlock(31))
    assert (len(cache), cache.nbytes) == (0, 0)


def test_a_smaller_capacity_lets_go_of_what_is_not_in_use():
    cache = Cache(100)
    blocks = [FakeBlock(30) for _ in range(3)]
    for i, block in enumerate(blocks):
        cache.keep((1, i), block)
        block.in_use = i == 1
    cache.resize(50)
    assert [cache.look((1, i)) for i in range(3)] == [None, blocks[1], None]
    cache.resize(100)
    assert cache.nbytes == 30


def test_the_blocks_of_a_file_are_forgotten():
    cache = Cache(100)
    for place in [(1, 0), (1, 5), (2, 0)]:
        cache.keep(place, FakeBlock(10))
    cache.forget(1)
    assert cache.look((1, 5)) is None
    assert cache.look((2, 0)) is not None
    assert cache.nbytes == 10


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "get", "grow", "forget"]), st.integers(0, 7), st.integers(0, 60)
        )
    )
)
def test_capacity_holds_and_the_sum_is_true(steps):
    cache = Cache(100)
    blocks: dict[int, FakeBlock] = {}
    for step, place, size in steps:
        if step == "put":
            blocks.setdefault(place, FakeBlock(size))
            cache.keep((place % 3, place), blocks[place])
        elif step == "grow" and place in blocks:
            blocks[place].grow(size)
        elif step == "forget":
            cache.forget(place % 3)
        elif step == "get":
            cache.look((place % 3, place))
        assert cache.nbytes <= 100
        held = [b for p in range(8) if (b := cache.look((p % 3, p))) is not None]
        assert len(cache) == len(held)
        assert cache.nbytes == sum(block.nbytes for block in held)
