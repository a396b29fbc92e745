"""What a map tells of results that are not stored, and of errors that are."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.batch.meter import described
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from broken import BrokenStore
from gates import DEADLINE, Gate, until
from scripted import scripted


class Here(Executor):
    """Stands for one whose workers are elsewhere: nothing of this process is known to it."""

    _max_workers = 2

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(params=["threads", "tasks", "pool", "elsewhere"])
def mapped(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Maps a function over inputs; gives the results, and the last `Progress`."""
    executors = {"pool": ThreadPoolExecutor(2), "elsewhere": Here()}
    told: list[bs.Progress] = []

    def marked(spot: Spot, function: Callable[..., Any], **options: Any) -> Any:
        if request.param != "tasks":
            return spot.mark(**options)(function)

        async def called(given: Any) -> Any:
            return function(given)

        return spot.mark(**options)(called)

    async def in_tasks(results: Any) -> list[Any]:
        return [result async for result in results]

    def map_(spot: Spot, function: Any, inputs: Any, **options: Any) -> Any:
        executor = executors.get(request.param)
        results = spot.map(function, inputs, progress=told.append, executor=executor, **options)
        made = asyncio.run(in_tasks(results)) if request.param == "tasks" else list(results)
        return made, told[-1]

    map_.marked = marked  # type: ignore[attr-defined]
    yield map_
    executors["pool"].shutdown()


@pytest.fixture
def spot(make_spot: Callable[..., Spot]) -> Spot:
    """What it can't store it reports."""
    return make_spot()


def double(number: int) -> int:
    return 2 * number


def closure(number: int) -> Any:
    return lambda: number


def test_results_that_are_stored_are_not_counted(spot: Spot, mapped: Any) -> None:
    f = mapped.marked(spot, double)
    results, end = mapped(spot, f, [1, 2, 3])
    assert (results, end.runs, end.unstored) == ([2, 4, 6], 3, 0)
    results, end = mapped(spot, f, [1, 2, 3, 4])
    assert (results, end.hits, end.runs, end.unstored) == ([2, 4, 6, 8], 3, 1, 0)


@pytest.mark.parametrize("mapped", ["threads", "pool", "elsewhere"], indirect=True)
@pytest.mark.parametrize("is_marked", [True, False])
def test_what_is_stored_while_it_waits_is_a_hit(spot: Spot, mapped: Any, is_marked: bool) -> None:
    def down(number: int) -> int:
        return spot.cached_run(down, number - 1) + 1 if number else 0

    f = spot.mark(down) if is_marked else down
    results, end = mapped(spot, f, [3, 2, 1, 0], concurrency=1)
    assert (results, end.hits, end.runs) == ([3, 2, 1, 0], 3, 1)
    results, end = mapped(spot, f, [4, 3], concurrency=1)
    assert (results, end.hits, end.runs) == ([4, 3], 1, 1), "one was stored before"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("function", "options"),
    [
        (closure, {}),
        (double, {"cache_if": lambda value: value > 4}),
        (double, {"mode": "readonly"}),
    ],
    ids=["no stored form", "cache_if", "readonly"],
)
def test_results_that_are_not_stored_are_counted(
    spot: Spot, mapped: Any, function: Callable[..., Any], options: dict[str, Any]
) -> None:
    end = mapped(spot, mapped.marked(spot, function, **options), [1, 2])[1]
    assert (end.runs, end.failures, end.unstored) == (2, 0, 2)
    assert "2 not stored" in described(end, last=True)


def test_what_a_store_that_fails_does_not_take_is_counted(
    make_spot: Callable[..., Spot], mapped: Any
) -> None:
    spot = make_spot(metadata=BrokenStore("put"))
    end = mapped(spot, mapped.marked(spot, double), [1, 2])[1]
    assert (end.runs, end.unstored) == (2, 2), "it waits in memory, and may be lost yet"


def missing(number: int) -> int:
    if number % 2:
        raise LookupError(number)
    return number


@pytest.fixture
def f(spot: Spot, mapped: Any) -> Any:
    """Of its inputs, 1 and 3 have stored errors."""
    f = mapped.marked(spot, missing, cache_errors=LookupError)
    mapped(spot, f, [1, 3], errors="skip")
    return f


def failed(results: list[Any]) -> list[tuple[Any, str, bool]]:
    return [
        (each.input, str(each.error), each.stored)
        for each in results
        if isinstance(each, bs.Failed)
    ]


def test_an_error_that_is_stored_is_a_hit(spot: Spot, mapped: Any, f: Any) -> None:
    results, end = mapped(spot, f, [1, 2, 3, 5, 5], errors="return")
    assert sorted(failed(results)) == [
        (1, "1", True),
        (3, "3", True),
        (5, "5", False),
        (5, "5", True),
    ]
    assert (end.done, end.hits, end.runs, end.failures, end.unstored) == (5, 3, 1, 1, 0)


# ---- how often a map asks its store: calls that come while it is asked share the next question


def sharing() -> int:
    """How many threads of a map wait for a trip of another one."""
    frames = sys._current_frames()
    threads = [each for each in threading.enumerate() if each.name.startswith("beautyspot-map")]
    within = [frames[each.ident].f_code.co_qualname for each in threads if each.ident in frames]
    return within.count("Together.__call__")


def first(gate: Gate) -> Callable[..., None]:
    """Holds up the first question."""
    return lambda *_, **__: None if gate.count else gate.pass_through()


def test_calls_share_the_trips_to_the_store(make_spot: Callable[..., Spot]) -> None:
    begins, puts, ran = Gate(), Gate(), list[int]()
    slow = {"begin": first(begins), "put": first(puts)}
    store = scripted(MemoryMetadataStore, slow=slow, count=["find", "find_many"])
    store.blocking = True
    spot = make_spot(metadata=store)

    @spot.mark(ignore=("ran",))
    def f(number: int) -> int:
        ran.append(number)
        return double(number)

    with ThreadPoolExecutor(1) as pool:
        results = pool.submit(list, spot.map(f, range(16)))
        for gate, number in ((begins, 0), (puts, 16)):
            until(lambda: (len(ran), sharing()) == (number, 15), unless=[results])  # noqa: B023
            gate.open.set()
        assert results.result(DEADLINE) == [2 * number for number in range(16)]
    assert dict(store.script.count) == {"find_many": 2, "begin": 2, "put": 2}
    assert all(spot.peek(f, number) for number in range(16))


@pytest.mark.parametrize("operation", ["begin", "put"])
def test_a_trip_that_fails_loses_no_result(make_spot: Callable[..., Spot], operation: str) -> None:
    errors: dict[str, Any] = {operation: MetadataError("down: start it")}
    store, troubles = scripted(MemoryMetadataStore, fail=errors), list[Any]()
    store.blocking = True
    spot = make_spot(metadata=store, on_error=troubles.append)
    f = spot.mark(double)
    assert list(spot.map(f, range(40))) == [2 * number for number in range(40)]
    assert troubles
    store.script.fail.clear()
    assert spot.flush()
    assert spot.count(f, range(40)) == 0
