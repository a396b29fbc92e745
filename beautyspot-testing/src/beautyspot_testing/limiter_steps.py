"""Small steps that the tests of rate limiters are made of."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import LimiterBase, Reservation


def reserve(limiter: LimiterBase, cost: float) -> Reservation:
    """Reserve, without a limit to the wait."""
    reservation = limiter.reserve(cost)
    assert reservation is not None, "without max_wait every possible cost is reserved"
    return reservation


def delay(reservation: Reservation | None) -> float:
    """The delay of a reservation that must be there."""
    assert reservation is not None, "refused, though it could be granted in time"
    return reservation.delay


def delays(limiter: LimiterBase, costs: Iterable[float]) -> list[float]:
    """Reserve each cost in turn; how long each has to wait."""
    return [reserve(limiter, cost).delay for cost in costs]


def consume_async(limiter: LimiterBase) -> Callable[..., Reservation]:
    """`consume_async` as an ordinary function, in an event loop of its own."""

    def consume(cost: float, timeout: float | None = None) -> Reservation:
        return asyncio.run(limiter.consume_async(cost, timeout=timeout))

    return consume


async def cancel_waiters(limiter: LimiterBase, number: int) -> None:
    """Let so many tasks wait, and cancel them."""
    tasks = [asyncio.create_task(limiter.consume_async(1)) for _ in range(number)]
    await asyncio.sleep(0)  # each task now runs up to its wait
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results


def in_threads(number: int, work: Callable[[], object]) -> None:
    """Do `work` in so many threads at the same moment; what one raises is raised here."""
    barrier = threading.Barrier(number)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            work()
        except BaseException as failure:  # handed to the test below
            failures.append(failure)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread hangs"
    if failures:
        raise failures[0]


def check_times(times: list[float], start: float, rate: float, number: int) -> None:
    """The n-th grant (from 0) can't be earlier than n / rate after the start."""
    assert len(times) == number
    due = [start + place / rate for place in range(number)]
    early = [
        when for when, earliest in zip(sorted(times), due, strict=True) if when < earliest - 1e-6
    ]
    assert not early, f"granted before their time: {early}"
