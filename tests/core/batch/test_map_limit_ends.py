"""How `spot.map` ends over a function with a limit: who waits for a permit has not begun."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from beautyspot import Progress
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from gates import DEADLINE, Gate, until

HOUR = 3600.0


@contextmanager
def closed_by_another(results: Generator[Any, None, None]) -> Iterator[threading.Thread]:
    """Close a map in a thread, which has ended at the end of the block."""
    closer = threading.Thread(target=results.close)
    closer.start()
    yield closer
    closer.join(DEADLINE)
    assert not closer.is_alive()


def waiting(spot: Spot, what: str = "max_concurrent") -> int:
    """How many calls wait for a place, or for a permit."""
    return sum(each.waits_for == what for each in spot.activity().waiting)


def no_thread_is_left() -> bool:
    return not [each for each in threading.enumerate() if each.name.startswith("beautyspot-map")]


class Limited:
    """A limited function: it doubles numbers. From 100 on they wait at a gate; negative ones fail.

    Args:
        spot: of the limit.
        first: these calls ask for their permits first, in this order.
        options: of the limit.
    """

    def __init__(self, spot: Spot, *first: int, cost: Any = 1, **options: Any) -> None:
        self.gate, self.ran, self.first, self.cost = Gate(), list[int](), first, cost
        limit = spot.limiter(cost=self.in_order, **options)

        @spot.mark(name="double", ignore=("self",))
        @limit
        def double(number: int) -> int:
            self.ran.append(number)
            if abs(number) >= 100:
                self.gate.pass_through()
            if number < 0:
                raise ValueError(number)
            return 2 * number

        self.function = double

    def in_order(self, number: int) -> Any:
        """The cost of a call, which is asked for just before its permit."""
        before = {*itertools.takewhile(lambda other: other != number, self.first)}
        until(lambda: before <= set(self.ran))
        return self.cost

    @property
    def cap(self) -> Any:
        """That of the function, while a call holds it."""
        caps = self.function.__wrapped__.__beautyspot__._caps
        return caps.of(None)


@pytest.fixture
def bucket() -> TokenBucket:
    return TokenBucket("1/h")


@pytest.fixture
def hourly(make_spot: Callable[..., Spot], bucket: TokenBucket) -> Spot:
    return make_spot(limiter=bucket)


def test_closing_stops_those_who_wait(hourly: Spot, bucket: TokenBucket) -> None:
    limited = Limited(hourly, 0)
    results = hourly.map(limited.function, range(50), concurrency=4)
    assert next(results) == 0
    until(lambda: waiting(hourly, "rate") == 4)
    results.close()
    assert limited.ran == [0]
    until(no_thread_is_left)
    assert bucket.tat - time.monotonic() <= HOUR, "they took nothing"
    assert hourly.stats()["limiter_grants"] == 1


def test_a_failure_stops_those_who_wait(hourly: Spot, bucket: TokenBucket) -> None:
    limited, seen = Limited(hourly, -100), list[Progress]()
    options: Any = {"concurrency": 4, "progress": seen.append}
    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(list, hourly.map(limited.function, [-100, *range(50)], **options))
        assert limited.gate.entered.wait(DEADLINE)
        limited.first = ()
        until(lambda: waiting(hourly, "rate") == 3)
        limited.gate.open.set()
        with pytest.raises(ValueError, match="-100"):
            results.result(DEADLINE)
    assert limited.ran == [-100]
    assert bucket.tat - time.monotonic() <= HOUR
    last = seen[-1]
    assert (last.hits, last.runs, last.failures) == (0, 0, 1)
    assert (last.running, last.waiting) == (0, 0)


def test_those_who_wait_for_a_place_stop_and_what_holds_it_finishes(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot()
    limited = Limited(spot, 0, 100, max_concurrent=1)
    results = spot.map(limited.function, [0, *range(100, 120)], concurrency=4)
    assert next(results) == 0
    assert limited.gate.entered.wait(DEADLINE)
    until(lambda: waiting(spot) == 3)
    with closed_by_another(results) as closer:
        until(lambda: not waiting(spot))
        assert closer.is_alive()
        limited.gate.open.set()
    assert limited.ran == [0, 100]
    assert spot.peek(limited.function, 100) is not None
    assert not limited.cap.seats


def test_the_next_run_computes_what_was_stopped(make_spot: Callable[..., Spot]) -> None:
    """Its key is free: nothing of the stopped call, nor its lease, is in the way."""
    spot = make_spot(wait_timeout=0)
    limited = Limited(spot, 0, 100, max_concurrent=1)
    results = spot.map(limited.function, [0, 100, 1, 2], concurrency=4)
    assert next(results) == 0
    assert limited.gate.entered.wait(DEADLINE)
    until(lambda: waiting(spot) == 2)
    with closed_by_another(results):
        until(lambda: not waiting(spot))
        limited.gate.open.set()
    assert len(spot._engine.flights) == 0
    assert list(make_spot().map(limited.function, [0, 100, 1, 2])) == [0, 200, 2, 4]
