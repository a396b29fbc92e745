"""A cap on the calls under way in all processes, by leases of the store that two Spots share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.concurrency.waiting import Bell
from beautyspot.errors import MetadataError, RateLimitError
from beautyspot.spot import Spot
from gates import DEADLINE, until
from remote_store import RemoteStore, Server

Machines = Callable[..., Spot]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def machines(make_spot: Callable[..., Spot], server: Server) -> Machines:
    return lambda **options: make_spot(metadata=RemoteStore(server), **options)


@pytest.fixture
def pair(machines: Machines) -> tuple[Spot, Spot]:
    return machines(strict=True), machines(strict=True)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits asks as often as it can."""
    monkeypatch.setattr("beautyspot.limits.machine_places.FIRST", 0.001)
    monkeypatch.setattr("beautyspot.limits.machine_places.LONGEST", 0.001)


def taken(server: Server) -> int:
    """How many leases are held."""
    return sum(name.startswith("l/") for name in list(server.content))


def items(*_: object) -> Iterator[int]:
    """A call that is under way as long as its consumer likes."""
    yield 1
    yield 2


def held(spot: Spot, size: int = 1) -> Iterator[int]:
    """A call of `items` that has its place."""
    stream: Iterator[int] = spot.limiter(max_concurrent=size)(items)()
    assert next(stream) == 1
    return stream


def asked(spot: Spot) -> int:
    """How often a machine has asked for leases."""
    store: Any = spot.metadata
    return int(store.asked.count("begin"))


def test_one_cap_for_two_machines(pair: tuple[Spot, Spot], server: Server) -> None:
    lock, count, most = threading.Lock(), [0], [0]

    def work(x: int) -> int:
        with lock:
            count[0] += 1
            most[0] = max(most[0], count[0])
        with lock:
            count[0] -= 1
        return x

    limited = [spot.limiter(max_concurrent=2)(work) for spot in pair]
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(limited[x % 2], x) for x in range(60)]
        assert [one.result(DEADLINE) for one in done] == list(range(60))
    assert most[0] <= 2
    assert not taken(server)


def test_another_machine_holds_the_place(pair: tuple[Spot, Spot], server: Server) -> None:
    first, second = pair
    stream = held(first)
    with pytest.raises(RateLimitError, match="1 calls were under way in all processes"):
        list(second.limiter(max_concurrent=1, timeout=0)(items)())
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(lambda: list(held(second)))
        until(lambda: asked(second) > 3, unless=[later])
        assert not later.done()
        assert list(stream) == [2]
        assert later.result(DEADLINE) == [2]
    assert not taken(server)
    stats = second.stats()
    assert (stats["limiter_refusals"], stats["limiter_waits"]) == (1, 1)


def test_of_those_that_wait_in_one_process_one_asks(pair: tuple[Spot, Spot]) -> None:
    theirs = [held(pair[0], 2) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        later = [pool.submit(lambda: list(held(pair[1], 2))) for _ in range(2)]
        line = pair[1]._limiting.machine_places._lines  # type: ignore[union-attr]
        until(lambda: [len(waiting) for waiting in line.values()] == [2], unless=later)
        store: Any = pair[1].metadata
        asking: list[str] = []
        store.before = lambda name, _: asking.append(threading.current_thread().name)
        until(lambda: len(asking) > 5, unless=later)
        assert len({*asking}) == 1
        assert [list(stream) for stream in theirs] == [[2], [2]]
        assert [one.result(DEADLINE) for one in later] == [[2], [2]]


def test_tasks_have_places_too(pair: tuple[Spot, Spot], server: Server) -> None:
    count, most = [0], [0]

    async def work(x: int) -> int:
        count[0] += 1
        most[0] = max(most[0], count[0])
        await asyncio.sleep(0)
        count[0] -= 1
        return x

    limited = [spot.limiter(max_concurrent=2)(work) for spot in pair]

    async def main() -> list[int]:
        return await asyncio.gather(*(limited[x % 2](x) for x in range(30)))

    assert asyncio.run(main()) == list(range(30))
    deferred.finish()
    assert most[0] <= 2
    assert not taken(server)


@pytest.mark.parametrize("size", [1, 2])
def test_a_call_lends_its_place_to_those_that_it_makes(
    pair: tuple[Spot, Spot], server: Server, size: int
) -> None:
    """Also where other machines hold all others, and wait for it in the same way."""
    together = threading.Barrier(size)

    def deep(spot: int, n: int) -> int:
        if n == 3:
            together.wait(DEADLINE)
        return n and 1 + limited[spot](spot, n - 1)

    limited = [spot.limiter(max_concurrent=size)(deep) for spot in pair]
    with ThreadPoolExecutor(size) as pool:
        done = [pool.submit(limited[number], number, 3) for number in range(size)]
        assert [one.result(DEADLINE) for one in done] == [3] * size
    assert not taken(server)


async def work() -> int:
    return 1


@pytest.mark.parametrize("cancelled", ["as it waits", "as it asks"])
def test_a_cancelled_task_leaves_no_place(
    pair: tuple[Spot, Spot], server: Server, cancelled: str
) -> None:
    limited, of_others = (spot.limiter(max_concurrent=1)(work) for spot in pair)
    store: Any = pair[0].metadata
    inside, go_on = threading.Event(), threading.Event()

    def hold_up(name: str, _: object) -> None:
        if name == "begin":
            inside.set()
            assert go_on.wait(DEADLINE)

    async def main() -> None:
        place: Any = pair[1]._limiting.machine_places
        lease = place._ask(of_others.__beautyspot__._caps.of(None))
        if cancelled == "as it asks":
            place._drop(lease)
            store.before = hold_up
        task = asyncio.create_task(limited())
        while not (inside.is_set() if cancelled == "as it asks" else asked(pair[0]) > 3):
            await asyncio.sleep(0)
        task.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        place._drop(lease)

    asyncio.run(main())
    deferred.finish()
    until(lambda: not taken(server))
    assert asyncio.run(limited()) == 1


def test_an_interrupted_thread_leaves_no_place(
    pair: tuple[Spot, Spot], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = held(pair[1])

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Bell, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            held(pair[0])
    assert list(stream) == [2]
    assert list(held(pair[0])) == [2]
    assert not taken(server)


def test_the_end_of_a_map_stops_who_waits_for_a_place(pair: tuple[Spot, Spot]) -> None:
    def work(x: int) -> int:
        return x

    limited, of_others = (spot.limiter(max_concurrent=1)(work) for spot in pair)
    marked = pair[0].mark(name="work")(limited)
    assert marked(1) == 1
    place: Any = pair[1]._limiting.machine_places
    lease = place._ask(of_others.__beautyspot__._caps.of(None))  # type: ignore[attr-defined]
    results = pair[0].map(marked, [1, 2])
    assert next(results) == 1
    until(lambda: bool(pair[0]._limiting.machine_places._lines))  # type: ignore[union-attr]
    results.close()
    place._drop(lease)
    assert pair[0].stats()["limiter_grants"] == 1


def failing(spot: Spot, *operations: str) -> None:
    """Have the machine's questions to the server fail."""

    def fail(name: str, _: object) -> None:
        if name in operations:
            raise MetadataError("away")

    store: Any = spot.metadata
    store.before = fail


def test_while_the_store_is_away_the_cap_of_the_process_holds(
    machines: Machines, troubles: list[Any]
) -> None:
    spot = machines(on_error=troubles.append)
    failing(spot, "begin")

    def inner() -> int:
        with pytest.raises(RateLimitError, match="under way for all"):
            limited(1)
        return 2

    def work(n: int) -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(inner).result(DEADLINE) if n == 0 else n

    limited = spot.limiter(max_concurrent=1, timeout=0)(work)
    assert limited(0) == 2
    assert asyncio.run(_async_call(spot)) == 2
    assert troubles
    assert all("holds for this process alone" in trouble.advice for trouble in troubles)


async def _async_call(spot: Spot) -> int:
    async def work() -> int:
        return 2

    return await spot.limiter(max_concurrent=1)(work)()


@pytest.mark.parametrize("mode", ["readonly", "shut down"])
def test_a_spot_that_writes_nothing_caps_its_own_process(
    machines: Machines, server: Server, mode: str
) -> None:
    spot = machines(**({"mode": mode} if mode == "readonly" else {}))
    if mode == "shut down":
        _ = spot._limiting
        spot.shutdown()
    stream = held(spot)
    assert not taken(server)
    assert list(stream) == [2]


def test_a_place_that_cannot_be_given_back_costs_no_result(
    machines: Machines, troubles: list[Any]
) -> None:
    spot = machines(on_error=troubles.append)
    failing(spot, "release")
    assert list(held(spot)) == [2]
    [trouble] = troubles
    assert trouble.operation == "give back a place"
    assert "within 30 s" in trouble.advice
