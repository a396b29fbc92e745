"""Coroutine functions for tests of `spot.map`, whose calls wait until they are let through."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

from beautyspot.spot import Spot

HOUR = 3600.0


class Calls:
    """A coroutine function's body, whose calls wait until they are let through.

    Attributes:
        begun, ended: the arguments, in the order of these events.
        most: of how many ran at once.
    """

    def __init__(self, *, open_: bool = True) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.most = self.now = 0
        self.doors: dict[Any, asyncio.Event] = {}
        self.open = open_
        self.fails: Callable[[Any], bool] = lambda x: isinstance(x, int) and x < 0

    async def __call__(self, x: Any) -> Any:
        self.begun.append(x)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if not self.open:
                await self.door(x).wait()
            await asyncio.sleep(0)
        finally:
            self.now -= 1
        self.ended.append(x)
        if self.fails(x):
            raise ZeroDivisionError(x)
        return [x]

    def door(self, x: Any) -> asyncio.Event:
        """What the call with this argument waits for."""
        return self.doors.setdefault(x, asyncio.Event())

    def let(self, *args: Any) -> None:
        """Let calls through."""
        for each in args:
            self.door(each).set()

    def let_all(self) -> None:
        """Let these through, and later ones."""
        self.open = True
        self.let(*self.doors)


def marked(spot: Spot, calls: Calls, **options: Any) -> Any:
    @spot.mark(name="f", ignore=("calls",), **options)
    async def f(x: Any) -> Any:
        return await calls(x)

    return f


async def till(condition: Callable[[], object]) -> None:
    """Let other tasks run until something is so."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def run(main: Any) -> Any:
    """Run a coroutine; nothing is left behind, and nothing complains."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        try:
            return await main
        finally:
            for _ in range(20):
                await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left

    try:
        return asyncio.run(watched())
    finally:
        gc.collect()
        assert complaints == []


async def numbers(read: list[int], most: int) -> AsyncIterator[int]:
    for n in range(most):
        read.append(n)
        await asyncio.sleep(0)
        yield n


def over() -> Callable[[], Any]:
    """Has the time of the first call that waits for it be over, when called; no other time is."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    at = loop.call_at

    def hold(when: float, *work: Any, **options: Any) -> asyncio.TimerHandle:
        timer = at(when, *work, **options)
        if HOUR - 5 < when - loop.time() <= HOUR:
            timers.append(timer)
        return timer

    def fire() -> None:
        timer = timers.pop(0)
        assert not timer.cancelled()
        timer._run()

    loop.call_at = hold  # type: ignore[method-assign]
    return fire
