"""`took` and the seconds that are counted begin with the function, once it has its permit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.contracts import Grant
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket

NOW = [0.0]


def work(seconds: float) -> None:
    NOW[0] += seconds


class Slow(TokenBucket):
    """Grants each permit after 5 seconds, on the clock of this file."""

    name = "slow"

    def __init__(self) -> None:
        super().__init__(1)

    def consume(self, cost: Any = 1, **options: Any) -> Grant:
        del options
        work(5)
        return Grant(5.0, {"rate": cost})

    async def consume_async(self, cost: Any = 1, **options: Any) -> Grant:
        del options
        until = NOW[0] + 5
        for _ in range(5):
            await asyncio.sleep(0)
        NOW[0] = max(until, NOW[0])
        return Grant(5.0, {"rate": cost})


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    NOW[0] = 0.0
    monkeypatch.setattr("beautyspot.concurrency.queueing.perf_counter", lambda: NOW[0])


def took(spot: Spot, marked: Any) -> float | None:
    record = spot.metadata.get(spot.key(marked))
    assert record is not None
    return record.took


def test_what_comes_before_its_permit_is_no_work(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter=Slow())
    limited = spot.limiter(lambda: work(2))

    @spot.mark
    @spot.limiter
    def decorated() -> None:
        work(3)

    @spot.mark
    def nested() -> None:
        work(1)
        decorated()
        limited()

    @spot.mark
    @spot.limiter
    def items() -> Iterator[int]:
        work(2)
        yield 1
        work(2)

    nested(), nested()
    for _ in items():
        work(100)  # the consumer's
    assert [took(spot, each) for each in (decorated, items)] == [3, 4]
    assert took(spot, nested) == 1 + 5 + 3 + 5 + 2, "what it waits for once it has begun counts"
    stats = spot.stats()
    assert (stats["seconds_spent"], stats["seconds_saved"]) == (23, 16)
