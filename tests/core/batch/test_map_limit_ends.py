"""How `spot.map` ends over a function with a limit: who waits for a permit has not begun."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Progress
from beautyspot.batch.workers import Workers
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.limits.combined import CombinedLimiter
from beautyspot_local import TokenBucket
from gates import DEADLINE, Gate, followers, until
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from beautyspot.spot import Spot

HOUR = 3600.0


@contextmanager
def closed_by_another(results: Generator[Any, None, None]) -> Iterator[threading.Thread]:
    """Close a map in a thread, which has ended at the end of the block."""
    closer = threading.Thread(target=results.close)
    closer.start()
    yield closer
    closer.join(DEADLINE)
    assert not closer.is_alive()


def wait(bucket: Any, calls: int) -> None:
    """Wait until as many calls as this have a permit or wait for one, at a limit of 1/h."""
    until(lambda: bucket.wait_for(1) > HOUR * (calls - 0.5))


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


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set once a map has stopped all its calls, and waits for those that run."""
    event, join = threading.Event(), Workers.join

    def joined(workers: Workers) -> None:
        event.set()
        join(workers)

    monkeypatch.setattr(Workers, "join", joined)
    return event


def pauses(_: TokenBucket) -> LimiterBase:
    """A limiter that can't wake anybody early, but sleeps as any program does."""

    class Plain(TokenBucket):
        def wake_early(self, reservation: Reservation, wake: Any) -> bool:
            return False

    return Plain("1/h")


@pytest.mark.parametrize(
    "limiter", [lambda bucket: bucket, pauses, lambda bucket: CombinedLimiter({"calls": bucket})]
)
def test_closing_stops_those_who_wait(
    make_spot: Callable[..., Spot], bucket: TokenBucket, limiter: Any
) -> None:
    limit = limiter(bucket)
    cost = {"calls": 1} if isinstance(limit, CombinedLimiter) else 1
    spot = make_spot(limiter=limit)
    limited = Limited(spot, 0, cost=cost)
    results = spot.map(limited.function, range(50), concurrency=4)
    assert next(results) == 0
    until(lambda: limit.wait_for(cost) > HOUR * 4.5)
    results.close()
    assert limited.ran == [0]
    assert no_thread_is_left()
    assert limit.wait_for(cost) <= HOUR, "they gave their places back"
    assert spot.stats()["limiter_grants"] == 1


def test_a_failure_stops_those_who_wait(hourly: Spot, bucket: TokenBucket) -> None:
    limited, seen = Limited(hourly, -100), list[Progress]()
    options: Any = {"concurrency": 4, "progress": seen.append}
    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(list, hourly.map(limited.function, [-100, *range(50)], **options))
        assert limited.gate.entered.wait(DEADLINE)
        limited.first = ()
        wait(bucket, 4)
        limited.gate.open.set()
        with pytest.raises(ValueError, match="-100"):
            results.result(DEADLINE)
    assert limited.ran == [-100]
    assert bucket.wait_for(1) <= HOUR
    last = seen[-1]
    assert (last.hits, last.runs, last.failures) == (0, 0, 1)
    assert (last.running, last.waiting) == (0, 0)


def test_a_failure_stops_them_while_nobody_asks_for_results(
    make_spot: Callable[..., Spot],
) -> None:
    """Else their permits would come, and be paid for, while the loop's body works."""
    bucket = TokenBucket("1/h", burst=1)
    spot = make_spot(limiter=bucket)
    limited = Limited(spot, 0, -100)
    results = spot.map(limited.function, [0, -100, *range(1, 50)], concurrency=4)
    assert next(results) == 0
    wait(bucket, 3)
    limited.gate.open.set()
    until(lambda: bucket.wait_for(1) <= HOUR)
    with pytest.raises(ValueError, match="-100"):
        next(results)
    assert limited.ran == [0, -100]


def test_too_many_failures_stop_those_who_wait(make_spot: Callable[..., Spot]) -> None:
    bucket = TokenBucket("1/h", burst=2)
    spot = make_spot(limiter=bucket)
    limited = Limited(spot, 1, -1, -2)
    inputs = [1, -1, -2, *range(2, 50)]
    results = spot.map(limited.function, inputs, errors="skip", max_errors=1, concurrency=4)
    with pytest.raises(ValueError, match="-"):
        list(results)
    assert sorted(limited.ran) == [-2, -1, 1]
    assert bucket.wait_for(1) <= HOUR


def test_what_has_begun_and_waits_for_another_limit_finishes(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, bucket, gate = TokenBucket(1, clock=Clock()), TokenBucket("1/h", burst=1), Gate()
    spot, other = make_spot(limiter=bucket), make_spot("other", limiter=inner)

    def doze(*_: object) -> bool:
        gate.pass_through()
        return False

    monkeypatch.setattr(inner, "_doze", doze)
    inner.consume()
    ask, order = other.limiter(lambda number: number + 1), Limited(spot, 0, 1)

    @spot.mark(ignore=("ask", "order"))
    @spot.limiter(cost=order.in_order)
    def outer(number: int) -> int:
        order.ran.append(number)
        return ask(number) if number else 0

    results = spot.map(outer, range(50), concurrency=4)
    assert next(results) == 0
    assert gate.entered.wait(DEADLINE)
    wait(bucket, 3)
    with closed_by_another(results) as closer:
        until(lambda: bucket.wait_for(1) <= HOUR)
        assert closer.is_alive()
        gate.open.set()
    assert spot.peek(outer, 1) is not None
    assert spot.peek(outer, 2) is None


def test_those_who_wait_for_a_place_stop_and_what_holds_it_finishes(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot()
    limited = Limited(spot, 0, 100, max_concurrent=1)
    results = spot.map(limited.function, [0, *range(100, 120)], concurrency=4)
    assert next(results) == 0
    assert limited.gate.entered.wait(DEADLINE)
    cap = limited.cap
    until(lambda: len(cap.waiters()) == 3)
    with closed_by_another(results) as closer:
        until(lambda: not cap.waiters())
        assert closer.is_alive()
        limited.gate.open.set()
    assert limited.ran == [0, 100]
    assert spot.peek(limited.function, 100) is not None
    assert cap.inside == 0


def test_who_follows_a_call_that_is_stopped_takes_it_over(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    limited = Limited(spot, 0, 100, max_concurrent=1)
    results = spot.map(limited.function, [0, 100, 5], concurrency=2)
    assert next(results) == 0
    assert limited.gate.entered.wait(DEADLINE)
    until(lambda: len(limited.cap.waiters()) == 1)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(limited.function, 5)
        until(lambda: followers(spot) == 1)
        with closed_by_another(results):
            until(lambda: followers(spot) == 0)
            limited.gate.open.set()
        assert other.result(DEADLINE) == 10
    assert limited.ran == [0, 100, 5]


def test_two_limits_of_one_function_are_both_its_own(
    make_spot: Callable[..., Spot], bucket: TokenBucket
) -> None:
    spot = make_spot(limiter=bucket)
    wide = make_spot("wide", limiter=TokenBucket("1000/h", burst=1000))
    order = Limited(spot, 0)

    @spot.mark(ignore=("order",))
    @wide.limiter(cost=order.in_order)
    @spot.limiter
    def f(number: int) -> int:
        order.ran.append(number)
        return number

    results = spot.map(f, range(50), concurrency=4)
    assert next(results) == 0
    wait(bucket, 5)
    results.close()
    assert order.ran == [0]
    assert bucket.wait_for(1) <= HOUR


def test_a_limiter_with_a_clock_of_its_own_sleeps_on_and_begins_nothing(
    make_spot: Callable[..., Spot], stopped: threading.Event
) -> None:
    gate, released = Gate(), list[Reservation]()

    class Own(LimiterBase):
        """Grants the first call at once; the others wait by its own clock."""

        name = "own"
        reserved = 0

        def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation:
            self.reserved += 1
            return Reservation(float(self.reserved > 1), cost)

        def release(self, reservation: Reservation) -> None:
            released.append(reservation)

        def _sleep(self, seconds: float) -> None:
            gate.pass_through()

    spot = make_spot(limiter=Own())
    limited = Limited(spot, 0)
    results = spot.map(limited.function, range(50), concurrency=2)
    assert next(results) == 0
    until(lambda: gate.count == 2)
    with closed_by_another(results) as closer:
        assert stopped.wait(DEADLINE)
        assert closer.is_alive()
        gate.open.set()
    assert limited.ran == [0]
    assert len(released) == 2


def test_a_limiter_that_waits_as_it_likes_begins_nothing(
    make_spot: Callable[..., Spot], stopped: threading.Event
) -> None:
    gate = Gate()

    class Alone(LimiterBase):
        """It has a `consume` of its own, which nobody can end."""

        name = "alone"
        asked = 0

        def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation:
            return Reservation(0.0, cost)

        def release(self, reservation: Reservation) -> None:
            raise NotImplementedError

        def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
            self.asked += 1
            if self.asked > 1:
                gate.pass_through()
            return self.reserve(cost)

    spot = make_spot(limiter=Alone())
    limited = Limited(spot, 0)
    results = spot.map(limited.function, range(50), concurrency=1)
    assert next(results) == 0
    assert gate.entered.wait(DEADLINE)
    with closed_by_another(results):
        assert stopped.wait(DEADLINE)
        gate.open.set()
    assert limited.ran == [0]


def test_the_threads_of_an_executor_stop_too(hourly: Spot, bucket: TokenBucket) -> None:
    limited = Limited(hourly, 0)
    with ThreadPoolExecutor(3) as executor:
        results = hourly.map(limited.function, range(50), executor=executor)
        assert next(results) == 0
        wait(bucket, 4)
        results.close()
    assert limited.ran == [0]
    assert bucket.wait_for(1) <= HOUR


def test_the_next_run_computes_what_was_stopped(make_spot: Callable[..., Spot]) -> None:
    """Its key is free: nothing of the stopped call, nor its lease, is in the way."""
    spot = make_spot(wait_timeout=0)
    limited = Limited(spot, 0, 100, max_concurrent=1)
    results = spot.map(limited.function, [0, 100, 1, 2], concurrency=4)
    assert next(results) == 0
    assert limited.gate.entered.wait(DEADLINE)
    until(lambda: len(limited.cap.waiters()) == 2)
    with closed_by_another(results):
        until(lambda: not limited.cap.waiters())
        limited.gate.open.set()
    assert len(spot._engine.flights) == 0
    assert list(make_spot().map(limited.function, [0, 100, 1, 2])) == [0, 200, 2, 4]
