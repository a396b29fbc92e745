"""Calls that were pending when their event loop was closed: nobody waits for them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.concurrency import waiting
from beautyspot.spot import Spot
from beautyspot_local import TokenBucket
from gates import DEADLINE, followers, until
from remote_store import RemoteStore, Server
from rows import is_leased

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

RAN: list[int] = []
LEFT: list[asyncio.Task[Any]] = []
"""Tasks that a program still refers to, as the traceback of what it caught does."""


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    RAN.clear()
    yield
    LEFT.clear()
    gc.collect()  # what says that a pending task was destroyed, is not the next test's


async def work(x: int) -> list[int]:
    RAN.append(x)
    if len(RAN) == 1:
        await asyncio.get_running_loop().create_future()  # for ever
    return [x]


async def stream(x: int) -> AsyncIterator[int]:
    RAN.append(x)
    yield x
    yield x


async def pending(call: Callable[[], Any]) -> asyncio.Task[Any]:
    """A call that has begun, in a task that something refers to."""
    begun = len(RAN)
    task = asyncio.ensure_future(call())
    LEFT.append(task)
    while len(RAN) == begun:
        await asyncio.sleep(0.001)
    return task


def close_during(call: Callable[[], Any], until_then: Callable[[], Any] = bool) -> None:
    """A `gather` of which another part fails, in a loop that is closed after it."""

    async def fail() -> None:
        await pending(call)
        await asyncio.to_thread(until_then)
        raise OSError("down")

    async def gathered() -> None:
        await asyncio.gather(fail())

    loop = asyncio.new_event_loop()
    with pytest.raises(OSError, match="down"):
        loop.run_until_complete(gathered())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def again(call: Callable[[], Any]) -> Any:
    """The call in another event loop."""

    async def main() -> Any:
        return await asyncio.wait_for(call(), DEADLINE)

    return asyncio.run(main())


@pytest.mark.parametrize("options", [{}, {"save": "background"}, {"metadata": RemoteStore}])
def test_the_next_equal_call_leads(make_spot: Callable[..., Spot], options: dict[str, Any]) -> None:
    options = {name: made() if callable(made) else made for name, made in options.items()}
    spot = make_spot(strict=True, **options)
    marked = spot.mark(work)
    close_during(lambda: marked(1))
    assert again(lambda: marked(1)) == [1]
    assert RAN == [1, 1]
    until(lambda: not spot._engine.running and not len(spot._engine.flights))
    assert spot.flush(DEADLINE)
    assert again(lambda: marked(1)) == [1]
    assert RAN == [1, 1]


def test_who_follows_already_leads(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.001)
    spot = make_spot()
    marked = spot.mark(work)
    with ThreadPoolExecutor(1) as pool:
        followed: list[Any] = []

        def follow() -> None:
            followed.append(pool.submit(again, lambda: marked(1)))
            until(lambda: followers(spot) == 1)

        close_during(lambda: marked(1), follow)
        assert followed[0].result(DEADLINE) == [1]
    assert RAN == [1, 1]


@pytest.mark.parametrize("far", [False, True])
def test_another_spot_gets_the_lease(make_spot: Callable[..., Spot], far: bool) -> None:
    server = Server()

    def spot() -> Spot:
        return make_spot(strict=True, **({"metadata": RemoteStore(server)} if far else {}))

    first, second = spot().mark(work), spot().mark(work)
    close_during(lambda: first(1))
    assert again(lambda: second(1)) == [1]
    assert RAN == [1, 1]


@pytest.mark.parametrize("kind", ["coroutine", "stream"])
def test_a_place_is_free(make_spot: Callable[..., Spot], kind: str) -> None:
    spot = make_spot(limiter=TokenBucket(1e9), strict=True)
    limit = spot.limiter(max_concurrent=1)
    limited_work, limited_stream = limit(work), limit(stream)

    async def first_item() -> None:
        async for _ in limited_stream(1):
            await asyncio.get_running_loop().create_future()

    close_during(first_item if kind == "stream" else lambda: limited_work(1))
    assert again(lambda: limited_work(2)) == [2]


def test_the_thread_that_renews_leases_gives_one_back_to_other_machines(
    make_spot: Callable[..., Spot],
) -> None:
    server = Server()
    spot, other = (make_spot(metadata=RemoteStore(server, lease_time=0.03)) for _ in range(2))
    marked = spot.mark(work)
    close_during(lambda: marked(1))
    key = spot.key(marked, 1)
    until(lambda: not is_leased(other.metadata, key))
