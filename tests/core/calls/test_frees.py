"""What a call held is free when it ends, and not only when the collector comes: it may be large."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from beautyspot.spot import Spot


class Large:
    """What a user's function holds."""


HELD: list[weakref.ref[Large]] = []


@pytest.fixture(autouse=True)
def _collector_is_off() -> Iterator[None]:
    HELD.clear()
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Observer:
    def observe(self, event: object) -> None: ...

    @contextmanager
    def execution(self, execution: object) -> Iterator[None]:
        yield


def hold() -> Large:
    made = Large()
    HELD.append(weakref.ref(made))
    return made


def fail(*, fails: bool) -> int:
    held = hold()
    if fails:
        raise ValueError(held)
    return 1


async def fail_later(*, fails: bool) -> int:
    await asyncio.sleep(0)
    return fail(fails=fails)


def items(*, fails: bool) -> Iterator[int]:
    held = hold()
    yield 1
    yield fail(fails=fails)
    del held


async def items_later(*, fails: bool) -> AsyncIterator[int]:
    held = hold()
    yield 1
    await asyncio.sleep(0)
    yield fail(fails=fails)
    del held


async def every(stream: AsyncIterator[int]) -> None:
    async for _ in stream:
        pass


async def first(stream: AsyncIterator[int]) -> None:
    async for _ in stream:
        break
    del stream
    for _ in range(10):  # its event loop closes it
        await asyncio.sleep(0)


def run(made: Awaitable[None]) -> None:
    async def main() -> None:
        with suppress(ValueError):  # in the loop: an error that leaves it is in a cycle of asyncio
            await made

    asyncio.run(main())


USES: dict[str, tuple[Any, Any]] = {
    "function": (fail, lambda f, **given: f(**given)),
    "coroutine": (fail_later, lambda f, **given: run(f(**given))),
    "generator": (items, lambda f, **given: list(f(**given))),
    "two": (items, lambda f, **given: list(zip(f(**given), f(**given), strict=True))),
    "broken off": (items, lambda f, **given: next(f(**given))),
    "async generator": (items_later, lambda f, **given: run(every(f(**given)))),
    "broken off, async": (items_later, lambda f, **given: run(first(f(**given)))),
}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("options", [{}, {"observers": [Observer()]}], ids=["", "observed"])
def test_what_a_call_held_is_free_at_its_end(
    make_spot: Callable[..., Spot], options: dict[str, Any], use: str, fails: bool
) -> None:
    function, call = USES[use]
    marked = make_spot(strict=True, **options).mark(function)
    for _ in range(2):
        with suppress(ValueError):
            call(marked, fails=fails)
    assert HELD
    assert [ref for ref in HELD if ref() is not None] == []


# ------------------------------------------------------------------- what goes on after its call

MIB = 2**20


class Left:
    """A coroutine that leaves a task running, with one of several callers at the same time."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        self.end = asyncio.Event()

    async def __call__(self) -> bytes:
        self.tasks.append(asyncio.ensure_future(self.end.wait()))
        await asyncio.sleep(0)
        return bytes(8 * MIB)


@pytest.mark.parametrize("callers", [1, 3])
@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_task_that_a_call_left_running_keeps_none_of_its_bytes(
    make_spot: Callable[..., Spot], save: str, callers: int
) -> None:
    spot = make_spot(save=save, blob_threshold=64 * MIB)

    async def main() -> int:
        left = Left()

        async def leaves(number: int) -> bytes:
            return await left()

        marked = spot.mark(ignore=("left",))(leaves)
        await asyncio.gather(*[marked(-1) for _ in range(callers)])
        assert spot.flush()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(4):
            await asyncio.gather(*[marked(number) for _ in range(callers)])
        assert spot.flush()
        kept = tracemalloc.get_traced_memory()[0] - before
        assert len(left.tasks) == 5
        left.end.set()
        return kept

    tracemalloc.start()
    try:
        assert asyncio.run(main()) < 4 * MIB
    finally:
        tracemalloc.stop()
