"""A backend that keeps failing is left alone, asked again by one probe, and said once an outage."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts.store import totals_of
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience import circuit_breaker
from beautyspot.resilience.circuit_breaker import Breaker
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from broken import Broken, BrokenStorage, BrokenStore
from owned_clock import Clock
from scripted import scripted


def failing(clock: Clock, seconds: float = 0.0, error: type[Exception] = Broken) -> Any:
    def work() -> None:
        clock.now += seconds
        raise error("down")

    return work


@pytest.fixture
def changes() -> list[bool]:
    return []


@pytest.fixture
def guarded(clock: Clock, changes: list[bool]) -> Breaker:
    return Breaker("the store", on_change=changes.append, clock=clock)


def fail(guarded: Breaker, work: Any, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Exception, match="down"):
            guarded.guarding(work)()


def test_the_pause_doubles_up_to_a_minute(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock), 3)
    pauses = []
    for _ in range(8):
        before = clock.now
        while guarded.rest_left():
            clock.now += 0.5
        pauses.append(clock.now - before)
        fail(guarded, failing(clock))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


QUESTIONS: dict[str, Callable[[Spot, Any], object]] = {
    "prune": lambda spot, _: spot.prune(max_size=0).entries,
    "invalidate": lambda spot, marked: spot.invalidate(marked, 1),
    "invalidate_all": lambda spot, marked: spot.invalidate_all(marked),
}


def leave_alone(spot: Spot, clock: Clock) -> None:
    """Have all of the Spot's breakers open, though its backends work."""
    for one in at(spot, clock):
        one.leave(clock.now - 2 * circuit_breaker.SLOW, Broken("down"))
        assert one.rest_left()


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_the_user_asks_for_is_tried_while_calls_leave_the_store_alone(
    make_spot: Callable[..., Spot], clock: Clock, question: str
) -> None:
    storage = BrokenStorage()
    spot = make_spot(metadata=BrokenStore(), storage=storage)
    marked = spot.mark(save_blob=True)(double)
    marked(1)
    leave_alone(spot, clock)
    assert QUESTIONS[question](spot, marked) == 1
    assert list(storage.list()) == [], "the blob as well"


def double(x: int) -> int:
    return x * 2


def at(spot: Spot, clock: Clock) -> list[Breaker]:
    """The breakers of a Spot's store and storage, by a clock of their own."""
    cache = spot._engine.cache
    breakers = [cache.store.breaker, cache.storage.breaker]
    for one in breakers:
        one._clock = clock
    return breakers


def test_a_store_that_rests_is_not_asked(
    make_spot: Callable[..., Spot], clock: Clock, troubles: list[Trouble]
) -> None:
    def slowly(*_: Any, **__: Any) -> None:
        clock.now += 2

    names = ("find", "find_many", "put", "begin")
    down, slow = dict.fromkeys(names, Broken("down")), dict.fromkeys(names, slowly)
    store = scripted(MemoryMetadataStore, fail=down, slow=slow)
    spot = make_spot(metadata=store, on_error=troubles.append)
    at(spot, clock)
    marked = spot.mark(double)
    later = spot.mark(name="later")(make_async(double))
    for x in range(5):
        assert marked(x) == x * 2
    asked, told = store.script.count.copy(), len(troubles)
    for x in range(5, 50):
        assert marked(x) == x * 2
        assert asyncio.run(later(x)) == x * 2
    assert store.script.count == asked
    assert len(troubles) == told
    stats = spot.stats()
    assert stats["resting"] == 2, "the store, and saving"
    assert stats["unsaved"] == 95
    store.script.fail.clear(), store.script.slow.clear()
    clock.now += 60
    assert marked(50) == 100
    assert spot.flush()
    assert totals_of(store).entries == 96, "what waited in memory is stored"
    assert spot.stats()["resting"] == 0
    assert [marked(x) for x in range(51)] == [x * 2 for x in range(51)]
    assert spot.stats()["hits"] == 51


def make_async(function: Any) -> Any:
    async def later(x: int) -> Any:
        return function(x)

    return later


def test_an_outage_is_said_once_whoever_meets_it(
    make_spot: Callable[..., Spot], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Down(BrokenStore):
        down = True

        def _may(self, operation: str) -> None:
            if self.down:
                raise MetadataError(f"can't {operation}: start the server")

    store = Down()
    spot = make_spot(metadata=store)
    first, second = spot.mark(name="one")(double), spot.mark(name="two")(double)
    for x in range(5):
        first(x), second(x)
    now = "Until that is mended, results are kept in memory only, as far as there is room; "
    now += "give directory=, db_path= or metadata= to choose another place"
    assert [record.message for record in caplog.records] == [
        f"app: could not open the metadata store: MetadataError: can't open: start the server. {now}"  # noqa: E501
    ]
    store.down = False
    spot._engine.reporter._clock = clock
    clock.now = time.monotonic() + 601
    assert spot.flush()
    first(9)
    store.down = True
    for x in range(10, 15):
        first(x), second(x)
    said = [re.sub(r" for .*|[(].*[)] ", "", record.message) for record in caplog.records[1:]]
    news = [
        "app: the metadata store works again",
        "app: could not look up",
        "app: could not take a lease",
        "app: could not save the result",
    ]
    assert said == news, "the next outage is news, once an operation"
    store.down = False
    spot.flush()
    first(20)
    assert spot.flush()
    store.down = True
    first(21)
    assert caplog.records[5].message.endswith("works again")
    assert len(caplog.records) == 6, "but not every second"
    store.down = False
