"""Pruning: what is asked for goes, and nothing else; and when results were last used."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beautyspot import ConfigError
from beautyspot.results.pruning import Pruned
from beautyspot.results.validity import has_expired
from broken import BrokenStore
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import put_rows

DAY = 86400.0
NOTHING = Pruned(0, 0, 0, 0, 0)


class Clock:
    """A wall clock that a test owns."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aged(make_spot: Any, clock: Clock) -> Any:
    """Makes strict Spots on the clock."""

    def make(**options: Any) -> Any:
        spot = make_spot(strict=True, **options)
        spot._engine.cache.store.clock = clock
        return spot

    return make


def blobs(spot: Any) -> list[str]:
    root = Path(spot.storage.base_dir)
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def keys(spot: Any) -> set[str]:
    return {record.cache_key for record in spot.metadata.all_rows()}


def text(x: int) -> str:
    return f"{x}" * 100


# ------------------------------------------------------------------------------------- prune


def test_nothing_is_removed_unless_asked(aged: Any, clock: Clock) -> None:
    spot = aged()
    marked = spot.mark(text)
    for x in range(20):
        marked(x)
    clock.now += 100 * 365 * DAY
    assert spot.prune() == NOTHING
    assert len(keys(spot)) == 20
    assert spot.peek(marked, 3).value == text(3)


def test_the_expired_go_with_their_blobs(aged: Any, clock: Clock) -> None:
    spot = aged()
    short = spot.mark(ttl=60, save_blob=True)(text)
    long = spot.mark(ttl="2h", save_blob=True, name="long")(text)
    ever = spot.mark(name="ever")(text)
    for function in (short, long, ever):
        function(1)
    clock.now += 3600
    assert spot.prune(expired=False) == NOTHING
    pruned = spot.prune()
    assert pruned == NOTHING._replace(expired=1, size=pruned.size)
    assert pruned.size > 100
    assert pruned.entries == 1
    assert spot.peek(short, 1) is None
    assert spot.peek(long, 1).value == spot.peek(ever, 1).value == text(1)
    assert len(blobs(spot)) == 1


def test_the_old_go(aged: Any, clock: Clock) -> None:
    spot = aged()
    marked = spot.mark(text)
    marked(1)
    clock.now += 10 * DAY
    marked(2)
    marked(1)  # a use makes nothing younger
    assert spot.prune(older_than="30d") == NOTHING
    assert spot.prune(older_than=timedelta(days=9)).old == 1
    assert keys(spot) == {spot.key(marked, 2)}


def test_the_unused_go(aged: Any, clock: Clock) -> None:
    spot = aged()
    marked = spot.mark(text)
    for x in (1, 2, 3):
        marked(x)
    clock.now += 10 * DAY
    marked(1)
    spot.flush()  # the store knows of 1
    clock.now += 5 * DAY
    marked(2)  # this process knows of 2
    assert spot.prune(unused_for="20d") == NOTHING
    assert spot.prune(unused_for="6d").unused == 1
    assert keys(spot) == {spot.key(marked, 1), spot.key(marked, 2)}
    clock.now += 5 * DAY
    assert spot.prune(unused_for="6d").unused == 1, "what 1 was found is 10 days ago by now"


def test_the_least_recently_used_go_first(aged: Any, clock: Clock) -> None:
    spot = aged()
    marked = spot.mark(text)
    for x in range(10):
        marked(x)
        clock.now += DAY
    marked(0)
    each = int(spot.stats()["bytes"] / 10)
    pruned = spot.prune(max_size=4 * each + 1)
    assert pruned == NOTHING._replace(evicted=6, size=6 * each)
    assert keys(spot) == {spot.key(marked, x) for x in (0, 7, 8, 9)}
    assert spot.prune(max_size=4 * each) == NOTHING
    assert spot.prune(max_size="0 B").entries == 4
    assert keys(spot) == set()


def test_so_many_stay_the_least_recently_used_go_first(aged: Any, clock: Clock) -> None:
    spot = aged()
    marked = spot.mark(text)
    for x in range(10):
        marked(x)
        clock.now += DAY
    marked(0)
    each = int(spot.stats()["bytes"] / 10)
    assert spot.prune(max_entries=10) == NOTHING
    assert spot.prune(max_entries=4) == NOTHING._replace(evicted=6, size=6 * each)
    assert keys(spot) == {spot.key(marked, x) for x in (0, 7, 8, 9)}
    assert spot.prune(max_entries=3, max_size=2 * each).evicted == 2, "the tighter of the two"
    assert spot.prune(max_entries=0).evicted == 2
    assert keys(spot) == set()


@pytest.mark.parametrize("most", [-1, 1.0, "10", True])
def test_a_wrong_number_says_what_is_expected(aged: Any, most: Any) -> None:
    with pytest.raises(ConfigError, match="max_entries=.*: give a whole number, 0 or more"):
        aged().prune(max_entries=most)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_size": "1 parsec"}, {"max_size": -1}, {"max_size": 1.5}, {"max_size": "-1"},
        {"max_size": "nan"}, {"older_than": "soon"}, {"older_than": -1}, {"unused_for": b"1"},
        {"unused_for": float("nan")},
    ],
)  # fmt: skip
def test_a_wrong_limit_says_what_is_expected(aged: Any, limits: Any) -> None:
    with pytest.raises(
        ConfigError, match=rf"{next(iter(limits))}=.*: give a number of (bytes|seconds), .*units: "
    ):
        aged().prune(**limits)


def test_a_store_that_fails_says_so(make_spot: Any) -> None:
    store = BrokenStore()
    spot = make_spot(metadata=store)
    spot.mark(text)(1)
    store.broken = {"delete"}
    with pytest.raises(Exception, match="delete"):
        spot.prune(max_size=0)


def test_only_this_store_s_blobs_are_removed(aged: Any) -> None:
    """A hostile row, or one of a store that was merged into this one, names any blob it likes."""
    spot = aged()
    marked = spot.mark(save_blob=True)(text)
    marked(1)
    foreign = spot.storage.save("0123456789abcdef/aa/other.bin", b"precious")
    (row,) = spot.metadata.all_rows()
    ours = row.result_value
    put_rows(spot.metadata, row._replace(result_value=foreign))
    assert spot.prune(max_size=0).evicted == 1
    assert spot.storage.load(foreign) == b"precious"
    assert spot.storage.load(ours)


# ----------------------------------------------------------- while others read and write


def test_prune_while_others_read_and_write(make_spot: Any) -> None:
    """Every caller gets its own result, whatever is removed at that moment."""
    spot = make_spot(strict=True)
    marked = spot.mark(save_blob=True)(text)
    stop = threading.Event()

    def clean() -> int:
        removed = 0
        while not stop.is_set():
            removed += spot.prune(max_size=2000).entries
            removed += spot.collect().blobs
        return removed

    with ThreadPoolExecutor(5) as pool:
        cleaner = pool.submit(clean)
        calls = pool.map(lambda n: (n % 40, marked(n % 40)), range(400))
        assert all(value == text(x) for x, value in calls)
        stop.set()
        assert cleaner.result() > 0
    assert spot.stats()["errors"] == 0
    spot.prune(max_size=0)
    assert blobs(spot) == []


# ----------------------------------------------------------------------------- last use


def used(spot: Any) -> list[float | None]:
    return [record.used_at for record in spot.metadata.all_rows()]


def test_a_hit_writes_nothing_and_a_flush_does(aged: Any, clock: Clock) -> None:
    spot = aged()
    marked = spot.mark(text)
    for _ in range(3):
        marked(1)
    assert used(spot) == [None]
    spot.flush()
    assert used(spot) == [pytest.approx(clock.now, abs=5)]
    assert spot._engine.counting.seen == {}


# ------------------------------------------------------------------- a wall clock that jumps


@settings(deadline=None)
@given(
    made=st.floats(-1e10, 1e10), ttl=st.floats(1e-3, 1e9), jump=st.floats(-1e10, 1e10),
    later=st.floats(0, 1e10),
)  # fmt: skip
def test_no_jump_makes_a_result_live_longer_than_twice(
    made: float, ttl: float, jump: float, later: float
) -> None:
    """`jump`: how the clock is put, once, right after; `later`: how much time really passes."""
    now = made + jump + later
    if later > 2.000001 * ttl + 0.001:
        fresh = not has_expired(now, made, made + ttl)
        assert not fresh or jump < -ttl * 0.999, "only what was put back by more than its lifetime"
        assert fresh is False or has_expired(made + jump, made, made + ttl), "and had ended before"
    if abs(jump + later) < 0.999 * ttl - 0.001:
        assert not has_expired(now, made, made + ttl)
        assert not has_expired(now, made, None, ttl)
