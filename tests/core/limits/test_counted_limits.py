"""What limits did, by function and hour, in the store."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
from beautyspot.errors import CostError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from beautyspot.contracts import Counts
    from beautyspot.spot import Spot


def ask(x: int) -> int:
    return x


def stored(spot: Spot) -> dict[str, tuple[int, int, int]]:
    """Grants, waits and refusals by function, as the store has them."""
    spot.flush()
    return {each.func_identifier: each[9:12] for each in spot.metadata.counts()}


def of(spot: Spot, name: str) -> Counts:
    """What the store has of a function, in one hour or two."""
    spot.flush()
    found = [each for each in spot.metadata.counts() if each.func_identifier == name]
    numbers = [sum(each) for each in zip(*[each[2:] for each in found], strict=True)]
    return bs.Counts(name, 0, *numbers)


class Delays(bs.LimiterBase):
    """Grants one after the other after its delays, and then nothing."""

    name = "delays"
    max_cost = 100.0

    def __init__(self, *delays: float) -> None:
        self._delays = iter(delays)

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> bs.Reservation | None:
        self.check_cost(cost)
        return next((bs.Reservation(delay, cost) for delay in self._delays), None)

    def release(self, reservation: bs.Reservation) -> None: ...


def test_grants_waits_and_refusals_of_a_function(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter=Delays(0.0, 0.01, 0.02))
    limited = spot.limiter(timeout=0.1)(ask)
    dear = spot.limiter(cost=lambda x: x)(functools.partial(ask))
    assert [limited(1) for _ in range(3)] == [1, 1, 1]
    with pytest.raises(RateLimitError):
        limited(1)
    with pytest.raises(CostError):
        dear(1000)
    counted = of(spot, f"{__name__}:ask")
    assert (counted.grants, counted.waits, counted.refusals) == (3, 2, 1)
    assert counted.seconds_waited == pytest.approx(spot.stats()["limiter_seconds_waited"])
    assert counted.seconds_waited >= 0.03
    assert (counted.hits, counted.runs) == (0, 0)


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "async generator"])
def test_all_kinds_of_functions(make_spot: Callable[..., Spot], kind: str) -> None:
    spot = make_spot(limiter="1000000/s")

    async def coroutine() -> int:
        return 1

    def generator() -> Iterator[int]:
        yield 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    async def read() -> list[int]:
        return [item async for item in spot.limiter(stream)()]

    if kind == "function":
        spot.limiter(ask)(1)
    elif kind == "coroutine":
        asyncio.run(spot.limiter(coroutine)())
    elif kind == "generator":
        list(spot.limiter(generator)())
    else:
        asyncio.run(read())
    ((_, numbers),) = stored(spot).items()
    assert numbers[0] == 1


def test_permits_of_a_marked_function_are_counted_under_the_name_of_its_mark(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot(limiter="1000000/s")
    beneath = spot.mark(name="app:beneath")(spot.limiter(ask))
    assert [beneath(1), beneath(1)] == [1, 1]
    above = spot.limiter(spot.mark(name="app:above")(ask))
    assert [above(1), above(1)] == [1, 1]

    def tried_again(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def wrapper(x: int) -> int:
            return function(x)

        return wrapper

    between = spot.mark(name="app:between")(tried_again(spot.limiter(ask)))
    assert between(1) == 1
    counts = stored(spot)
    assert counts == {"app:beneath": (1, 0, 0), "app:above": (2, 0, 0), "app:between": (1, 0, 0)}
    with bs.open_store(spot) as store:
        assert store.functions()[0].counts[2:4] == (1, 1), "beside the hits of the same function"


def test_a_block_is_counted_as_that(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(limiter="1000000/s")
    for _ in range(3):
        with spot.limit(cost=2):
            pass
    assert stored(spot) == {"spot.limit()": (3, 0, 0)}


def test_a_limited_function_without_a_mark_is_no_stored_function(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot(limiter="1000000/s")
    spot.limiter(ask)(1)
    spot.mark(name="app:f")(ask)(1)
    with bs.open_store(spot) as store:
        assert [each.name for each in store.functions()] == ["app:f"]
        assert [each.func_identifier for each in store.counts()] == ["app:f", f"{__name__}:ask"]
