"""Calls whose look-ups may block: many at once ask a store as on a server a few times."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryStorage
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from gates import DEADLINE, Gate
from kinds import RAN
from remote_store import RemoteStore
from rows import remove_row

T = TypeVar("T")


def double(x: Any) -> Any:
    RAN.append(x)
    if isinstance(x, int) and x < 0:
        raise LookupError(x)
    return x * 2


async def double_async(x: Any) -> Any:
    return double(x)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it; what hangs fails."""
    return asyncio.run(asyncio.wait_for(main, DEADLINE))


class Held(RemoteStore):
    """Its first look-ups wait until they are let go.

    Attributes:
        looked: the keys of each look-up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.gate.open.set()
        self.looked: list[list[str]] = []
        self.before = self.look

    def look(self, name: str, args: tuple[Any, ...]) -> None:
        if name in ("find", "find_many"):
            self.looked.append([args[0]] if name == "find" else list(args[0]))
            self.gate.pass_through()

    def close_gate(self) -> None:
        self.asked.clear()
        self.looked.clear()
        self.gate.entered.clear()
        self.gate.open.clear()

    @property
    def questions(self) -> list[str]:
        return [name for name in self.asked if name in ("find", "find_many")]


async def fill(function: Any, inputs: list[Any]) -> None:
    await asyncio.gather(*[function(x) for x in inputs], return_exceptions=True)


def marked_async(spot: Spot, **options: Any) -> Any:
    """It takes no other look-ups, to compare its code."""
    return spot.mark(version="auto", **options)(double_async)


def test_a_thousand_tasks_look_up_by_a_few_questions(make_spot: Callable[..., Spot]) -> None:
    store = Held()
    function = marked_async(make_spot(metadata=store))
    asyncio.run(fill(function, list(range(1000))))
    RAN.clear()
    store.close_gate()

    async def main() -> None:
        tasks = [asyncio.ensure_future(function(x % 1000)) for x in range(1100)]
        await asyncio.sleep(0)  # each of them asks
        store.gate.open.set()
        assert await asyncio.gather(*tasks) == [2 * (x % 1000) for x in range(1100)]

    run(main())
    assert RAN == []
    assert len(store.asked) == 1
    assert store.asked == store.questions
    assert all(len(keys) == len(set(keys)) for keys in store.looked), "equal keys once"


def test_a_question_that_fails_is_a_miss_for_each_call_in_it(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    store = Held()
    spot = make_spot(metadata=store, on_error=troubles.append)
    function = marked_async(spot)
    asyncio.run(fill(function, list(range(20))))
    RAN.clear()
    store.close_gate()

    def fail(name: str, args: tuple[Any, ...]) -> None:
        store.look(name, args)
        if name == "find_many":
            store.before = store.look
            raise MetadataError("down")

    store.before = fail

    async def main() -> None:
        tasks = [asyncio.ensure_future(function(x)) for x in range(20)]
        await asyncio.sleep(0)
        store.gate.open.set()
        assert await asyncio.gather(*tasks) == [2 * x for x in range(20)]

    run(main())
    assert {trouble.operation for trouble in troubles} == {"look up"}
    assert RAN == [], "it is found when the call takes its lease"


def test_a_task_that_is_cancelled_stops_no_other(make_spot: Callable[..., Spot]) -> None:
    store = Held()
    function = marked_async(make_spot(metadata=store))
    asyncio.run(fill(function, list(range(9))))
    store.close_gate()

    async def main() -> None:
        tasks = [asyncio.ensure_future(function(x)) for x in range(9)]
        await asyncio.to_thread(store.gate.entered.wait, DEADLINE)
        for x in (0, 4, 8):
            tasks[x].cancel()
        store.gate.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [x for x in range(9) if isinstance(found[x], asyncio.CancelledError)] == [0, 4, 8]
        assert [found[x] for x in (1, 2, 3, 5, 6, 7)] == [2, 4, 6, 10, 12, 14]

    run(main())


def test_what_comes_after_an_invalidation_is_asked_anew(make_spot: Callable[..., Spot]) -> None:
    store = Held()
    spot = make_spot(metadata=store)
    function = marked_async(spot)
    asyncio.run(function(1))
    RAN.clear()
    store.close_gate()

    async def main() -> None:
        early = asyncio.ensure_future(function(1))
        await asyncio.to_thread(store.gate.entered.wait, DEADLINE)
        remove_row(store, spot.key(function, 1))
        late = asyncio.ensure_future(function(1))
        await asyncio.sleep(0)
        store.gate.open.set()
        assert await asyncio.gather(early, late) == [2, 2]

    run(main())
    assert RAN == [1]


# --------------------------------------------------------------------- whatever a row may hold


class Shared(MemoryStorage):
    remote = True


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"save_blob": True, "version": "auto"}, ["find_many", "find_many"]),
        ({"save_blob": True}, ["find_many", "get", "find_many"]),
        ({}, ["find_many", "get", "find_many"]),
    ],
)
def test_a_row_is_read_once_and_its_blob_and_code_in_no_event_loop(
    make_spot: Callable[..., Spot], options: dict[str, Any], asked: list[str]
) -> None:
    store, here = RemoteStore(), threading.get_ident()
    shared: dict[str, Any] = {"metadata": store, "storage": Shared()}
    where: set[int] = set()
    asyncio.run(make_spot(**shared).mark(**options)(double_async)(1))
    marked = make_spot(**shared).mark(**options)(double_async)
    store.asked.clear()
    store.before = lambda _name, _args: where.add(threading.get_ident())
    for _ in range(2):
        assert asyncio.run(marked(1)) == 2
    assert store.asked == asked, "the code is compared once"
    assert here not in where
