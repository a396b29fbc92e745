"""A limiter that may block, asked by tasks: threads ask, and no thread waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from gates import Gate, until


class Remote(TokenBucket):
    """A permit in a thousand seconds; it notes who asks."""

    blocking = True
    consume = LimiterBase.consume
    wake_early = LimiterBase.wake_early

    def __init__(self, rate: float = 0.001) -> None:
        super().__init__(rate)
        self.threads: list[str] = []
        self.gate: Gate | None = None

    def _asked(self) -> None:
        self.threads.append(threading.current_thread().name)
        if self.gate is not None:
            self.gate.pass_through()

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Any:
        self._asked()
        return super().reserve(cost, max_wait=max_wait)

    def remaining(self, reservation: Reservation) -> float:
        self._asked()
        return super().remaining(reservation)

    def release(self, reservation: Reservation) -> None:
        self._asked()
        super().release(reservation)

    def pause(self, seconds: Any) -> None:
        self._asked()
        super().pause(seconds)


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture(params=["of a Spot", "alone"])
def consume(
    request: pytest.FixtureRequest, remote: Remote, make_spot: Callable[..., Spot]
) -> Callable[[], Any]:
    """What a task calls to have its permit."""
    spot = make_spot(limiter=remote, strict=True, executor=ThreadPoolExecutor(1))

    async def permit() -> None:
        async with spot.limit():
            pass

    return permit if request.param == "of a Spot" else remote.consume_async


async def _started(number: int, remote: Remote, consume: Any) -> list[asyncio.Task[Any]]:
    """Tasks that wait for their time; the first of all has its permit."""
    await consume()
    tasks = [asyncio.create_task(consume()) for _ in range(number)]
    while len(remote.threads) < number + 1:
        await asyncio.sleep(0.001)
    return tasks


def test_a_thousand_tasks_wait_in_no_thread(remote: Remote, consume: Any) -> None:
    """One thread asks for all of them, and the place of each is given back by another one."""

    async def main() -> None:
        tasks = await _started(200, remote, consume)
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(error, asyncio.CancelledError)
            for error in await asyncio.gather(*tasks, return_exceptions=True)
        )

    asyncio.run(main())
    until(lambda: remote.busy_for() <= 1000)
    assert threading.current_thread().name not in remote.threads


def test_one_that_is_cancelled_while_a_thread_asks_leaves_nothing(
    remote: Remote, consume: Any
) -> None:
    async def main() -> None:
        await consume()
        remote.gate = gate = Gate()
        task = asyncio.create_task(consume())
        while not gate.entered.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gate.count == 1
        remote.gate = None
        gate.open.set()

    asyncio.run(main())
    until(lambda: len(remote.threads) == 3)
    until(lambda: remote.busy_for() <= 1000)


def test_what_fails_while_it_waits_gives_its_place_back(
    remote: Remote, consume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(seconds: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(remote, "_sleep_async", broken)

    async def main() -> None:
        await consume()
        with pytest.raises(ZeroDivisionError):
            await consume()

    asyncio.run(main())
    deferred.finish()
    assert remote.busy_for() <= 1000


def test_a_pause_holds_up_no_loop(remote: Remote, make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter=remote, strict=True)

    async def main() -> None:
        async with spot.limit() as permit:
            permit.pause(5000)

    asyncio.run(main())
    until(lambda: remote.wait_for() > 4000)
    assert threading.current_thread().name not in remote.threads


def test_one_that_waits_in_its_own_way_does_so_in_a_thread(make_spot: Callable[..., Spot]) -> None:
    class Own(Remote):
        def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
            self._asked()
            return Reservation(0.0, cost)

    class OwnTask(Own):
        async def consume_async(
            self, cost: float = 1, *, timeout: float | None = None
        ) -> Reservation:
            return Reservation(0.0, cost)

    for kind, asked in ((Own, 1), (OwnTask, 0)):
        bucket = kind()
        spot = make_spot(limiter=bucket, strict=True)

        async def main(spot: Spot = spot) -> None:
            async with spot.limit():
                pass

        asyncio.run(main())
        assert len(bucket.threads) == asked
