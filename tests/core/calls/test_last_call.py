"""`Spot.last_call`: was that a hit, and how old is it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot import LastCall
from beautyspot.spot import Spot
from numbered import every_kind, value_of, work, work_later
from owned_clock import Clock


@pytest.fixture
def clock(spot: Spot) -> Clock:
    spot._engine.cache.store.clock = clock = Clock()
    return clock


def told(spot: Spot) -> LastCall:
    last = spot.last_call()
    assert last is not None
    return last


# ------------------------------------------------------------------------------- what it says


@every_kind
@pytest.mark.parametrize("ttl", [None, "1h"])
def test_a_run_and_a_hit(spot: Spot, clock: Clock, function: Any, ttl: str | None) -> None:
    marked: Any = spot.mark(ttl=ttl)(function)
    name, key = marked.__beautyspot__.func_identifier, spot.key(marked, 1)
    seen: list[LastCall | None] = []

    def call() -> None:
        value_of(marked(1))
        seen.append(spot.last_call())

    async def call_later() -> None:
        given = marked(1)
        _ = [x async for x in given] if hasattr(given, "__aiter__") else await given
        seen.append(spot.last_call())

    is_async = function.__name__.endswith("later")
    for _ in range(2):
        asyncio.run(call_later()) if is_async else call()
        clock.now += 60
    assert seen == [
        LastCall(name, key, hit=False, reason="not stored", made_at=1000.0, age=0.0),
        LastCall(name, key, hit=True, reason=None, made_at=1000.0, age=60.0),
    ]


def test_the_last_call_was_none_of_this_spot(make_spot: Callable[..., Spot]) -> None:
    spot, other = make_spot("one"), make_spot("two")
    assert spot.last_call() is None
    spot.mark(work)(1)
    other.mark(work)(1)
    assert spot.last_call() is None, "that was another Spot's"
    assert other.last_call() is not None


@every_kind
@pytest.mark.parametrize(
    "reason", ["expired", "too old", "refreshed", "no key", "switched off", "shut down"]
)
def test_why_it_was_a_miss(make_spot: Callable[..., Spot], function: Any, reason: str) -> None:
    spot = make_spot(metadata="memory")
    spot._engine.cache.store.clock = clock = Clock()
    marked: Any = spot.mark(ttl=60 if reason == "expired" else None)(function)
    argument: Any = object() if reason == "no key" else 1
    seen: list[LastCall] = []

    def call() -> None:
        given = marked(argument)
        if hasattr(given, "__aiter__") or hasattr(given, "__await__"):
            asyncio.run(read(given))
        else:
            value_of(given)
            seen.append(told(spot))

    async def read(given: Any) -> None:
        _ = [x async for x in given] if hasattr(given, "__aiter__") else await given
        seen.append(told(spot))

    call()
    clock.now += 100
    if reason == "shut down":
        spot.shutdown()
    if reason == "switched off":
        with spot.disabled():
            call()
    elif reason in ("refreshed", "too old"):
        block = {"mode": "refresh"} if reason == "refreshed" else {"max_age": 50}
        with spot.using(**block):  # type: ignore[arg-type]
            call()
    else:
        call()
    last = seen[-1]
    has_key = reason not in ("no key", "switched off", "shut down")
    assert (last.hit, last.reason, last.age) == (False, reason, 0.0 if has_key else None)
    assert (last.key != "") == has_key


# ------------------------------------------------------------------------------ threads and tasks


@pytest.mark.parametrize("function", [work, work_later])
def test_tasks_do_not_see_each_others_calls(spot: Spot, function: Any) -> None:
    marked = spot.mark(function)

    async def call(x: int, mine: asyncio.Event, theirs: asyncio.Event) -> bool:
        for _ in range(2):  # a miss, and a hit
            given = marked(x)
            if function is work_later:
                await given
            mine.set()
            await theirs.wait()
            theirs.clear()
            assert told(spot).key == spot.key(marked, x)
        mine.set()
        return told(spot).hit

    async def main() -> None:
        if function is work_later:
            await marked(0)
        else:
            marked(0)
        one, two = asyncio.Event(), asyncio.Event()
        assert await asyncio.gather(call(1, one, two), call(2, two, one)) == [True, True]
        assert told(spot).key == spot.key(marked, 0), "what a child task calls is its own"

    asyncio.run(main())
