"""A cap on the calls under way in all processes, as a limiter keeps it for two Spots."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.concurrency.waiting import Bell
from beautyspot.errors import RateLimitError
from gates import DEADLINE, Gate, until
from places import Placing, Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot


class Blocking(Placing):
    """On a network: threads ask it."""

    blocking = True

    def __init__(self, taken: list[Slot]) -> None:
        super().__init__(taken)
        self.threads: set[str] = set()

    def try_slot(self, name: str, size: int) -> Slot | None:
        self.threads.add(threading.current_thread().name)
        return super().try_slot(name, size)


@pytest.fixture
def taken() -> list[Slot]:
    return []


@pytest.fixture(params=[Placing, Blocking])
def kind(request: pytest.FixtureRequest) -> type[Placing]:
    made: type[Placing] = request.param
    return made


@pytest.fixture
def machines(
    make_spot: Callable[..., Spot], kind: type[Placing], taken: list[Slot]
) -> Callable[..., Spot]:
    return lambda **options: make_spot(limiter=kind(taken), **options)


@pytest.fixture
def pair(machines: Callable[..., Spot]) -> tuple[Spot, Spot]:
    return machines(strict=True), machines(strict=True)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits asks as often as it can."""
    monkeypatch.setattr("beautyspot.limits.machine_places.FIRST", 0.001)
    monkeypatch.setattr("beautyspot.limits.machine_places.LONGEST", 0.001)


def test_one_cap_for_two_machines(pair: tuple[Spot, Spot], taken: list[Slot]) -> None:
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
    assert not taken


def test_another_machine_holds_the_place(pair: tuple[Spot, Spot], taken: list[Slot]) -> None:
    gate = Gate()

    def work() -> None:
        gate.pass_through()

    first, second = (spot.limiter(max_concurrent=1, timeout=0)(work) for spot in pair)
    waits = pair[1].limiter(max_concurrent=1)(work)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(first)
        assert gate.entered.wait(DEADLINE)
        with pytest.raises(RateLimitError, match="1 calls were under way in all processes"):
            second()
        later = pool.submit(waits)
        until(lambda: pair[1].bucket.asked > 3, unless=[later])  # type: ignore[attr-defined]
        assert gate.count == 1
        gate.open.set()
        running.result(DEADLINE)
        later.result(DEADLINE)
    assert gate.count == 2
    assert not taken
    stats = pair[1].stats()
    assert (stats["limiter_refusals"], stats["limiter_waits"]) == (1, 1)


def test_tasks_have_places_too(pair: tuple[Spot, Spot], taken: list[Slot]) -> None:
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
    assert not taken


@pytest.mark.parametrize("size", [1, 2])
def test_a_call_lends_its_place_to_those_that_it_makes(
    pair: tuple[Spot, Spot], taken: list[Slot], size: int
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
    assert not taken


def test_a_generator_holds_its_place_until_it_ends(
    pair: tuple[Spot, Spot], taken: list[Slot]
) -> None:
    @pair[0].limiter(max_concurrent=1)
    def items() -> Iterator[int]:
        yield 1
        yield 2

    stream = items()
    assert next(stream) == 1
    assert len(taken) == 1
    assert list(stream) == [2]
    assert not taken


def test_what_a_call_raises_gives_its_place_back(
    pair: tuple[Spot, Spot], taken: list[Slot]
) -> None:
    def work() -> None:
        raise ZeroDivisionError

    limited = pair[0].limiter(max_concurrent=1, timeout=0)(work)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            limited()
    assert not taken


def test_a_cancelled_task_leaves_no_place(pair: tuple[Spot, Spot], taken: list[Slot]) -> None:
    async def work() -> None:
        pass

    limited = pair[0].limiter(max_concurrent=1)(work)
    bucket: Any = pair[0].bucket
    other = Slot(taken, f"{__name__}:test_a_cancelled_task_leaves_no_place.<locals>.work\n0")
    taken.append(other)

    async def main() -> None:
        task = asyncio.create_task(limited())
        while bucket.asked < 3:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    other.release()
    deferred.finish()
    until(lambda: not taken)
    asyncio.run(limited())


def test_an_interrupted_thread_leaves_no_place(
    pair: tuple[Spot, Spot], taken: list[Slot], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> int:
        return 1

    limited = pair[0].limiter(max_concurrent=1)(work)
    other = Slot(taken, f"{__name__}:test_an_interrupted_thread_leaves_no_place.<locals>.work\n0")
    taken.append(other)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Bell, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            limited()
    other.release()
    assert limited() == 1
    assert not taken


def test_the_end_of_a_map_stops_who_waits_for_a_place(
    pair: tuple[Spot, Spot], taken: list[Slot]
) -> None:
    def work(x: int) -> int:
        return x

    limited = pair[0].limiter(max_concurrent=1)(work)
    marked = pair[0].mark(name="work")(limited)
    assert marked(1) == 1
    other = Slot(taken, limited.__beautyspot__._caps.name)  # type: ignore[attr-defined]
    taken.append(other)
    results = pair[0].map(marked, [1, 2])
    assert next(results) == 1
    places: Any = pair[0]._limiting.machine_places
    until(lambda: bool(places._waiting))
    results.close()
    assert taken == [other]
    assert pair[0].stats()["limiter_grants"] == 1


def test_while_the_limiter_is_away_the_cap_of_the_process_holds(
    machines: Callable[..., Spot], troubles: list[Any]
) -> None:
    spot = machines(on_error=troubles.append)
    bucket: Any = spot.bucket
    vars(bucket)["broken"] = vars(getattr(bucket, "real", bucket))["broken"] = True

    def work(n: int) -> int:
        return n

    limited = spot.limiter(max_concurrent=1)(work)
    assert limited(1) == 1
    assert asyncio.run(_async_call(spot)) == 2
    assert all("holds for this process alone" in trouble.advice for trouble in troubles)
    assert troubles


async def _async_call(spot: Spot) -> int:
    async def work() -> int:
        return 2

    return await spot.limiter(max_concurrent=1)(work)()


def test_a_place_that_cannot_be_given_back_costs_no_result(
    machines: Callable[..., Spot], troubles: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = machines(on_error=troubles.append)

    def broken(slot: Slot) -> None:
        raise OSError("away")

    monkeypatch.setattr(Slot, "release", broken)

    def work() -> int:
        return 1

    assert spot.limiter(max_concurrent=1)(work)() == 1
    assert [trouble.operation for trouble in troubles] == ["give back a place"]
