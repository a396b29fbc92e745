"""What is there at once is granted, however short the time-out and however long it took to ask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from beautyspot.errors import RateLimitError
from beautyspot_local import TokenBucket
from gates import DEADLINE, until
from owned_clock import Clock


def test_a_timeout_of_0_takes_what_is_there(clock: Clock) -> None:
    bucket = TokenBucket(1, clock=clock)
    assert [bucket.try_consume(1), bucket.try_consume(1)] == [True, False]
    clock.now += 1
    bucket.consume(1, timeout=0)
    with pytest.raises(RateLimitError, match="it would take 1 s now"):
        bucket.consume(1, timeout=0)


def test_rounding_is_no_wait() -> None:
    """Ten times a tenth is not quite 1, and times since 1970 have few digits behind the point."""
    bucket = TokenBucket(1, 1, burst=1, clock=Clock(1.7e9 + 0.1))
    assert sum(bucket.try_consume(0.1) for _ in range(13)) == 11


class Far(TokenBucket):
    """Is asked by a thread where an event loop runs."""

    blocking = True


def test_a_task_with_a_timeout_of_0_gets_the_answer_of_the_thread_that_asks(clock: Clock) -> None:
    bucket = Far(1, clock=clock)
    asyncio.run(bucket.consume_async(timeout=0))
    with pytest.raises(RateLimitError, match="it would take 1 s now"):
        asyncio.run(bucket.consume_async(timeout=0))


class Peeping(TokenBucket):
    """Lets another thread in between joining the line and asking for those in it."""

    peep: Callable[[], object] = staticmethod(bool)

    @property
    def blocking(self) -> bool:  # type: ignore[override]
        self.peep()
        return False


def test_one_that_is_granted_by_another_thread_before_it_has_asked(clock: Clock) -> None:
    bucket = Peeping(1000, 100_000, clock=clock)
    first = bucket.consume(50_000)
    waiting = threading.Thread(target=bucket.consume, daemon=True)
    waiting.start()
    until(lambda: bool(bucket.lines))

    def give_back() -> None:
        bucket.settle(first, 0)
        until(lambda: not bucket.lines)

    bucket.peep = give_back
    assert bucket.consume().costs == {"rate": 1}
    waiting.join(DEADLINE)
    assert not waiting.is_alive()
