"""Calls by a store on a network: how often it is asked, in which thread, and who waits for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, until
from kinds import KINDS, RAN
from remote_store import RemoteStore, Server
from rows import HeldLease

SERVERS: list[Server] = []


@pytest.fixture
def server() -> Server:
    RAN.clear()
    SERVERS[:] = [Server()]
    return SERVERS[0]


@pytest.fixture
def store(server: Server) -> RemoteStore:
    return RemoteStore(server)


@pytest.fixture
def far(make_spot: Callable[..., Spot], store: RemoteStore) -> Iterator[Spot]:
    """A Spot whose store is on a network."""
    spot = make_spot(metadata=store, strict=True)
    store.asked.clear()
    yield spot
    until(lambda: not leased(store.server))  # nothing is left leased, whatever a test does


def leased(server: Server) -> list[str]:
    """The keys that anybody holds."""
    with server.lock:
        return [name for name in server.content if name.startswith("l/")]


def waiting(spot: Spot) -> int:
    """How many calls of a Spot wait for others."""
    return len(spot.activity().waiting)


async def come(condition: Callable[[], bool], *unless: asyncio.Task[Any]) -> None:
    """Wait for a state; raises what one of the tasks has raised."""
    async with asyncio.timeout(DEADLINE):
        while not condition():
            for task in unless:
                if task.done():
                    task.result()
            await asyncio.sleep(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_miss_asks_three_times_and_a_hit_once(far: Spot, store: RemoteStore, kind: str) -> None:
    function, call = KINDS[kind]
    marked = far.mark(version="auto")(function)
    first = call(marked, 1)
    find = "find_many" if kind.startswith("async") else "find"  # those of a loop's tasks together
    assert store.asked == [find, "begin", "put"]
    store.asked.clear()
    assert call(marked, 1) == first
    assert store.asked == [find]
    assert RAN == [1]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_list_asks_three_times_for_all_its_items(
    far: Spot, store: RemoteStore, asynchronous: bool
) -> None:
    if asynchronous:

        @far.mark(each="xs", version="auto")
        async def doubled(xs: list[int]) -> list[int]:
            return [x * 2 for x in xs]

        def call(xs: list[int]) -> Any:
            return asyncio.run(doubled(xs))
    else:

        @far.mark(each="xs", version="auto")
        def doubled(xs: list[int]) -> list[int]:
            return [x * 2 for x in xs]

        call = doubled
    assert call([1, 2, 3]) == [2, 4, 6]
    assert store.asked == ["find_many", "begin", "put"]
    store.asked.clear()
    assert call([1, 2, 3]) == [2, 4, 6]
    assert store.asked == ["find_many"]


def test_an_expired_result_is_made_anew_in_three(
    far: Spot, store: RemoteStore, server: Server
) -> None:
    marked = far.mark(ttl=10, version="auto")(KINDS["sync"][0])
    marked(1)
    server.clock.now += 11
    marked(2)  # which tells the time
    store.asked.clear()
    marked(1)
    assert store.asked == ["find", "begin", "put"]
    assert RAN == [1, 2, 1]


async def plain(x: int) -> int:
    return x


async def failing(x: Any) -> Any:
    raise ValueError(x)


async def listed(xs: list[int]) -> list[int]:
    return xs


async def streamed(x: int) -> AsyncIterator[int]:
    yield x


def test_no_event_loop_waits_for_the_store(far: Spot, store: RemoteStore) -> None:
    threads: set[int] = set()
    store.before = lambda _name, _args: threads.add(threading.get_ident())

    async def main() -> None:
        for x in (1, 1):
            assert await far.mark(plain)(x) == x
            assert await far.mark(name="unkept", cache_if=lambda _: False)(plain)(x) == x
            assert await far.mark(each="xs")(listed)([1, 2]) == [1, 2]
            assert [y async for y in far.mark(streamed)(x)] == [x]

    asyncio.run(main())
    assert threads
    assert threading.get_ident() not in threads


def test_a_lease_is_given_back_before_the_caller_has_its_error(
    far: Spot, store: RemoteStore
) -> None:
    threads: set[int] = set()
    store.before = lambda _name, _args: threads.add(threading.get_ident())

    async def main() -> None:
        for call in (far.mark(failing), far.mark(name="items", each="x")(failing)):
            for _ in "12":
                with pytest.raises(ValueError):
                    await call([1])
                assert not leased(store.server)

    asyncio.run(main())
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("each", [False, True])
def test_a_store_that_gives_no_lease(
    make_spot: Callable[..., Spot], store: RemoteStore, kind: str, each: bool, troubles: list[Any]
) -> None:
    spot = make_spot(metadata=store, on_error=troubles.append)

    def fail(name: str, args: Any) -> None:
        if name.startswith("begin"):
            raise MetadataError("no room for leases: mend it")

    store.before = fail

    async def later(x: Any) -> Any:
        return x

    marked = spot.mark(each="x" if each else None)(later if kind == "async" else lambda x: x)
    call = (lambda x: asyncio.run(marked(x))) if kind == "async" else marked
    assert call([1, 2]) == [1, 2]
    assert {trouble.operation for trouble in troubles} == {"take a lease"}
    store.asked.clear()
    assert call([1, 2]) == [1, 2]
    assert not any(name.startswith(("begin", "put")) for name in store.asked), "it was stored"


GATES = [Gate()]


def gated(x: Any) -> Any:
    GATES[0].pass_through()
    return [x]


class Machines:
    """Spots of several machines, which share a server, and one function of each."""

    def __init__(self, make_spot: Callable[..., Spot], server: Server) -> None:
        self.stores = [RemoteStore(server) for _ in "123"]
        self.spots = [make_spot(metadata=store) for store in self.stores]
        self.gate = GATES[0] = Gate()

    def of(self, number: int, function: Any, **options: Any) -> Any:
        return self.spots[number].mark(name="f", **options)(function)

    def wait(self, number: int, unless: Any = None) -> None:
        spot = self.spots[number]
        until(lambda: waiting(spot) == 1, unless=[] if unless is None else [unless])


@pytest.fixture
def machines(make_spot: Callable[..., Spot], server: Server) -> Machines:
    return Machines(make_spot, server)


def never(x: Any) -> Any:
    raise AssertionError("another machine runs it")


async def never_later(x: Any) -> Any:
    raise AssertionError("another machine runs it")


def test_others_wait_for_the_one_that_runs_it(machines: Machines) -> None:
    first, second = machines.of(0, gated), machines.of(1, never)
    third = machines.of(2, never_later)

    async def many() -> list[Any]:
        tasks = [asyncio.create_task(third(1)) for _ in range(20)]
        await come(lambda: waiting(machines.spots[2]) > 0, *tasks)
        machines.wait(1)
        machines.gate.open.set()
        return await asyncio.gather(*tasks)

    with ThreadPoolExecutor(2) as pool:
        mine = pool.submit(first, 1)
        assert machines.gate.entered.wait(DEADLINE)
        theirs = pool.submit(second, 1)
        assert asyncio.run(many()) == [[1]] * 20
        assert mine.result(DEADLINE) == theirs.result(DEADLINE) == [1]
    assert machines.gate.count == 1
    for spot in machines.spots:
        until(lambda spot=spot: not waiting(spot))


def test_a_holder_that_died_costs_a_lease_time(machines: Machines, server: Server) -> None:
    first = machines.of(0, gated)
    with ThreadPoolExecutor(2) as pool:
        mine = pool.submit(first, 1)
        assert machines.gate.entered.wait(DEADLINE)
        theirs = pool.submit(machines.of(1, lambda x: ["second", x]), 1)
        machines.wait(1, theirs)
        server.clock.now += machines.stores[0].lease_time  # nothing renewed it
        assert theirs.result(DEADLINE) == ["second", 1]
        machines.gate.open.set()
        assert mine.result(DEADLINE) == [1], "its caller gets its own"
    assert machines.of(2, never)(1) == ["second", 1], "what began later stays"


def test_a_result_is_stored_though_its_lease_was_lost(machines: Machines, server: Server) -> None:
    first = machines.of(0, gated)
    with ThreadPoolExecutor(1) as pool:
        mine = pool.submit(first, 1)
        assert machines.gate.entered.wait(DEADLINE)
        server.flush()
        machines.gate.open.set()
        assert mine.result(DEADLINE) == [1]
    assert machines.of(1, never)(1) == [1]


def fresh(x: Any) -> Any:
    return "fresh", len(leased(SERVERS[0]))


def test_a_refreshing_call_waits_and_runs_itself(machines: Machines) -> None:
    with ThreadPoolExecutor(2) as pool:
        mine = pool.submit(machines.of(0, gated), 1)
        assert machines.gate.entered.wait(DEADLINE)
        theirs = pool.submit(machines.of(1, fresh, mode="refresh"), 1)
        machines.wait(1, theirs)
        machines.gate.open.set()
        assert mine.result(DEADLINE) == [1]
        assert theirs.result(DEADLINE) == ("fresh", 1), "under the lease"


def test_wait_timeout_ends_a_wait(make_spot: Callable[..., Spot], server: Server) -> None:
    store = RemoteStore(server)
    spot = make_spot(metadata=store, wait_timeout=0.02)
    marked = spot.mark(name="f")(lambda x: x)
    key = spot.explain(marked, 1).key
    held = HeldLease(RemoteStore(server), key)
    assert marked(1) == 1
    assert asyncio.run(spot.mark(name="f")(asyncio.sleep)(0, 5)) == 5
    assert leased(server), "it is still the other's"
    held.release()
    assert not waiting(spot)


@pytest.mark.parametrize("options", [{}, {"each": "x"}])
def test_a_lease_that_comes_after_its_caller_was_cancelled_is_released(
    far: Spot, store: RemoteStore, options: dict[str, Any]
) -> None:
    gate = Gate()
    store.before = lambda name, _: gate.pass_through() if name == "begin" else None

    @far.mark(**options)
    async def same(x: Any) -> Any:
        return x

    async def main() -> None:
        task = asyncio.ensure_future(same([1, 2]))
        await come(gate.entered.is_set, task)
        task.cancel()
        await asyncio.wait([task])
        gate.open.set()

    asyncio.run(main())
    until(lambda: "release" in store.asked)
