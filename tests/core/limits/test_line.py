"""Who waits for a limiter: in the order of coming, over threads and tasks, by the real clock."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase
from beautyspot.errors import NotSupportedError, RateLimitError
from beautyspot_local import TokenBucket
from gates import DEADLINE, until
from owned_clock import Clock


class Far(TokenBucket):
    """A limiter as on a network: asked in no event loop; `gate` holds up each question."""

    name = "far"
    blocking = True

    def __init__(self, rate: float, max_cost: float = 1000) -> None:
        super().__init__(rate, max_cost)
        self.trips = 0
        self.gate: threading.Semaphore | None = None
        self.fails = False

    consume = LimiterBase.consume

    def take(self, asked: Any, key: str = "") -> Any:
        self.trips += 1
        if self.gate is not None:
            assert self.gate.acquire(timeout=DEADLINE)
        if self.fails:
            raise OSError("no server")
        return super().take(asked, key)


@pytest.fixture(params=[TokenBucket, Far])
def make(request: pytest.FixtureRequest) -> Any:
    return lambda rate: request.param(rate, 1000)


def waiting(limiter: LimiterBase, number: int) -> None:
    """Return when so many wait, or where it is 0, when nobody does."""
    deadline = time.monotonic() + DEADLINE
    while True:
        found = len(limiter.lines)
        if found >= number > 0 or found == number:
            return
        assert time.monotonic() < deadline, "nobody waits"
        threading.Event().wait(0.001)


def in_turn(limiter: LimiterBase, work: list[Callable[[], object]]) -> list[threading.Thread]:
    """Threads, each of which begins to wait when the one before it does."""
    threads = []
    for number, one in enumerate(work, 1):
        thread = threading.Thread(target=one)
        thread.start()
        waiting(limiter, number)
        threads.append(thread)
    return threads


def test_threads_and_tasks_are_served_in_the_order_of_coming(make: Any) -> None:
    """Each gives back what it got, and with that lets the next one go."""
    limiter, served = make(1), list[int]()
    before = limiter.consume(900)

    def serve(number: int) -> None:
        grant = limiter.consume(900) if number % 2 else asyncio.run(limiter.consume_async(900))
        served.append(number)
        limiter.settle(grant, 0)

    threads = in_turn(limiter, [partial(serve, number) for number in range(6)])
    limiter.settle(before, 0)
    for each in threads:
        each.join(DEADLINE)
    assert served == [0, 1, 2, 3, 4, 5]


def test_no_one_goes_before_its_time(make: Any) -> None:
    limiter, times = make(200), list[float]()
    began = time.monotonic()

    def work() -> None:
        for _ in range(4):
            limiter.consume(1)
            times.append(time.monotonic() - began)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(times) == 32
    early = [t for n, t in enumerate(sorted(times)) if t < n / 200 - 0.001]
    assert not early


def test_what_can_not_be_in_time_is_refused_at_once(make: Any) -> None:
    limiter = make(1)
    limiter.consume(100)
    for ask in (limiter.consume, lambda *a, **o: asyncio.run(limiter.consume_async(*a, **o))):
        with pytest.raises(RateLimitError, match="it would take") as caught:
            ask(1, timeout=60)
        assert caught.value.retry_after == pytest.approx(100, abs=1)
    assert limiter.try_consume(1) is False
    assert not limiter.lines, "nobody waits"


def test_those_ahead_count_for_whether_it_is_in_time(make: Any) -> None:
    limiter = make(10)
    limiter.consume(4)
    thread, *_ = in_turn(limiter, [lambda: limiter.consume(5)])
    with pytest.raises(RateLimitError):
        limiter.consume(1, timeout=0.6)
    assert limiter.consume(1, timeout=DEADLINE).delay > 0.3
    thread.join(DEADLINE)


def test_a_free_permit_goes_without_a_wait(make: Any) -> None:
    limiter = make(1)
    assert limiter.consume(1, timeout=0).delay == 0
    limiter = make(1)
    assert asyncio.run(limiter.consume_async(1, timeout=0)).costs == {"rate": 1}


def test_what_is_there_is_granted_however_long_the_answer_took(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """A time-out bounds the wait for a permit; a server far away would grant none at 0."""

    class Slow(Far):
        def take(self, asked: Any, key: str = "") -> Any:
            clock.now += 1
            return super().take(asked, key)

    monkeypatch.setattr("beautyspot.contracts.line.monotonic", clock)
    limiter = Slow(0.01)
    limiter.consume(timeout=0)
    asyncio.run(limiter.consume_async(timeout=0, key="a"))
    assert limiter.try_consume() is False


def test_what_is_given_back_goes_to_those_who_wait(make: Any) -> None:
    limiter = make(1)
    grant = limiter.consume(900)
    [thread] = in_turn(limiter, [lambda: limiter.consume(1)])
    limiter.settle(grant, 0)
    thread.join(DEADLINE)
    assert not thread.is_alive()


def test_who_is_cancelled_costs_nothing(make: Any) -> None:
    limiter = make(1)
    before = limiter.consume(900)

    async def main() -> None:
        tasks = [asyncio.create_task(limiter.consume_async(500)) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.to_thread(waiting, limiter, 5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    limiter.settle(before, 0)
    assert limiter.consume(1, timeout=DEADLINE).delay < 5


def test_what_a_cancelled_task_gives_back_holds_up_no_loop() -> None:
    limiter, gave_back = Far(25), list[threading.Thread]()
    given = threading.Event()

    def give_back(*_: object) -> None:
        gave_back.append(threading.current_thread())
        given.set()

    limiter.give_back = give_back  # type: ignore[method-assign]
    limiter.consume(1)

    async def main() -> None:
        task = asyncio.create_task(limiter.consume_async(1))
        await asyncio.sleep(0)
        waiting(limiter, 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert given.wait(DEADLINE)
    assert threading.main_thread() not in gave_back


def test_who_waited_in_a_loop_that_is_closed_holds_up_nobody(make: Any) -> None:
    limiter = make(1)
    before = limiter.consume(900)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # a task was destroyed but it is pending
    tasks = [loop.create_task(limiter.consume_async(500)) for _ in range(3)]
    loop.run_until_complete(asyncio.sleep(0))
    waiting(limiter, 3)
    loop.close()
    [thread] = in_turn(limiter, [lambda: limiter.consume(1)])
    limiter.settle(before, 0)
    thread.join(DEADLINE)
    assert not thread.is_alive()
    del tasks


def test_who_is_interrupted_leaves_the_line() -> None:
    limiter = TokenBucket(1, 1000)
    limiter.consume(900)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            limiter.consume(1)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert not limiter.lines


def test_one_trip_asks_for_all_who_wait() -> None:
    limiter = Far(1e6)
    limiter.gate = threading.Semaphore(0)
    done = list[int]()

    def work() -> None:
        limiter.consume(1)
        done.append(1)

    threads = in_turn(limiter, [work] * 20)
    limiter.gate.release(3)
    for thread in threads:
        thread.join(DEADLINE)
    assert len(done) == 20
    assert limiter.trips <= 3


def test_of_many_keys_each_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first is due again before the last was looked at."""

    class Waits(TokenBucket):
        name = "waits"
        asked = 0

        def take(self, asked: Any, key: str = "") -> Any:
            self.asked += key == "last"
            return super().take(asked, key) if self.asked > 1 else ([], 0.1)

    ticks = itertools.count()
    monkeypatch.setattr("beautyspot.contracts.line.monotonic", lambda: next(ticks) / 10)
    limiter = Waits(1)
    [first] = in_turn(limiter, [lambda: limiter.consume(1, key="first")])
    last = threading.Thread(target=lambda: limiter.consume(1, key="last"), daemon=True)
    last.start()
    for thread in (last, first):
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_a_failure_reaches_all_who_wait() -> None:
    limiter = Far(1)
    limiter.gate, limiter.fails = threading.Semaphore(0), True
    errors = list[Exception]()

    def work() -> None:
        try:
            limiter.consume(1)
        except OSError as error:
            errors.append(error)

    threads = in_turn(limiter, [work] * 4)
    limiter.gate.release(8)
    for thread in threads:
        thread.join(DEADLINE)
    assert len(errors) == 4


def test_a_long_wait_is_said(make: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="beautyspot")
    limiter = make(1)
    for number, cost in enumerate((30, 900, 900), 1):
        grant = limiter.consume(cost)
        [thread] = in_turn(limiter, [lambda: limiter.consume(0.01)])
        until(lambda number=number: len(caplog.records) >= number)
        limiter.settle(grant, 0)
        thread.join(DEADLINE)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]
    assert "settle= give" in caplog.text


def test_outside_of_asyncio_there_is_no_waiting() -> None:
    limiter = TokenBucket(1)
    limiter.consume(1)
    waits = limiter.consume_async(1)
    with pytest.raises(NotSupportedError, match="asyncio"):
        contextvars.Context().run(waits.send, None)
    assert not limiter.lines


def test_a_crowd_is_served_in_order_and_knows_its_time() -> None:
    limiter, served = Far(1e6), list[int]()
    limiter.gate = threading.Semaphore(1)
    limiter.consume(1)

    async def task(number: int, timeout: float | None = None) -> None:
        await limiter.consume_async(1, timeout=timeout)
        served.append(number)

    async def main() -> None:
        tasks = [asyncio.create_task(task(number)) for number in range(1000)]
        await asyncio.sleep(0)
        assert limiter.gate is not None
        limiter.gate.release(10_000)
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert served == sorted(served)
    assert len(served) == 1000
    slow = Far(1)
    before = slow.consume(900)
    crowd = [threading.Thread(target=slow.consume, args=(0.001,), daemon=True) for _ in range(2)]
    for thread in crowd:
        thread.start()
    waiting(slow, 2)

    async def late() -> None:
        crowd = [asyncio.create_task(slow.consume_async(1)) for _ in range(400)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimitError, match="it would take"):
            await slow.consume_async(1, timeout=1200)
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)

    asyncio.run(late())
    slow.settle(before, 0)
    for thread in crowd:
        thread.join(DEADLINE)
