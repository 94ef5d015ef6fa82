"""Options that make no sense are refused by name."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from lsmsql.engine.errors import UsageError
from lsmsql.engine.options import MIB, Options, make_options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sync", "always"),
        ("codec", "gzip"),
        ("bottom_codec", None),
        ("block_rows", 0),
        ("block_bytes", 1.5),
        ("memory_budget", -1),
        ("bloom_bits", True),
        ("level_factor", 1),
        ("level0_slow", 2),
        ("level0_stop", 3),
        ("compaction", "lazy"),
        ("tiered_runs", 0),
        ("debt_stop", 1),
        ("sync_interval", 0),
        ("sync_interval", float("nan")),
        ("sync_interval", "1"),
        ("history", 0),
        ("history", True),
        ("history", 1.5),
        ("history", "1 h"),
        ("history", "0s"),
        ("history", "1w"),
        ("history", "99999999999d"),
        ("history", timedelta(0)),
        ("history", timedelta(days=-1)),
        ("history", timedelta.max),
    ],
)
def test_a_bad_setting_is_named(name, value):
    with pytest.raises(UsageError, match=f"option.* {name}"):
        make_options(**{name: value})


def test_an_unknown_setting_is_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="unknown option 'blok_rows'.*block_rows"):
        make_options(blok_rows=1)


@pytest.mark.parametrize("budget", [1, 100, MIB, 64 * MIB, 1024 * MIB])
def test_memtables_and_cache_share_the_budget(budget):
    options = Options(memory_budget=budget)
    assert 1 <= options.flush_bytes <= max(1, budget // 4)
    assert options.cache_bytes(0) == budget
    assert options.cache_bytes(budget // 2) == budget - budget // 2
    assert options.cache_bytes(3 * options.flush_bytes) + 3 * options.flush_bytes <= max(3, budget)
    assert options.cache_bytes(9 * budget) == budget // 4


@pytest.mark.parametrize(
    ("history", "commits", "seconds"),
    [
        (None, None, None),
        (1000, 1000, None),
        ("90s", None, 90),
        ("15m", None, 900),
        ("1h", None, 3600),
        ("7d", None, 604_800),
        (timedelta(minutes=2, microseconds=1), None, 121),
    ],
)
def test_history_is_a_number_of_commits_or_a_time(history, commits, seconds):
    options = make_options(history=history)
    assert (options.history_commits, options.history_seconds) == (commits, seconds)
    sent = msgspec.msgpack.encode(options)
    assert msgspec.msgpack.decode(sent, type=Options) == options
