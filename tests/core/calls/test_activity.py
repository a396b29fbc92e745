"""What goes on now in this process, as `Spot.activity` tells it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.spot import Spot
from gates import until


class Gate:
    """A function that runs until it is let go.

    Attributes:
        begun: set when it runs.
        opened: lets it go.
    """

    def __init__(self) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()

    def __beautyspot_key__(self) -> str:
        return "Gate"

    def __call__(self, x: object) -> object:
        self.begun.set()
        assert self.opened.wait(30)
        return x


@contextmanager
def calling(function: Callable[[Any], Any], *inputs: object) -> Iterator[list[object]]:
    """A thread for each input, which have ended when the block has."""
    results: list[object] = []
    threads = [threading.Thread(target=lambda x=x: results.append(function(x))) for x in inputs]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        for thread in threads:
            thread.join(30)


def test_nothing_goes_on(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    f = spot.mark(abs)
    f(-1), f(-1)
    now = spot.activity()
    assert now == bs.Activity(
        spot=spot.name, is_closed=False, running=(), waiting=(), unsaved=0, unsaved_bytes=0,
        queued=0, queued_bytes=0, resting=(), limits=(), grants_last_minute=0, maps=(),
    )  # fmt: skip


def test_a_call_that_runs_and_one_that_waits_for_it(make_spot: Callable[..., Spot]) -> None:
    spot, gate = make_spot(), Gate()
    f = spot.mark(name="app:f")(gate)
    with calling(f, "a secret", "a secret"):
        assert gate.begun.wait(30)
        until(lambda: bool(spot.activity().waiting))
        now = spot.activity()
        gate.opened.set()
    (running,), (waiting,) = now.running, now.waiting
    key = spot.key(f, "a secret")
    assert (running.function, running.key, running.is_storing) == ("app:f", key, False)
    assert (waiting.function, waiting.key, waiting.waits_for) == ("app:f", key, "run")
    assert running.seconds > 0
    assert waiting.seconds > 0  # either may have begun first, by the clock
    assert "a secret" not in str(now), "no arguments"
    assert (spot.activity().running, spot.activity().waiting) == ((), ())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_who_waits_for_the_rate(make_spot: Callable[..., Spot], asynchronous: bool) -> None:
    spot = make_spot(limiter={"use": "gcra", "rate": "600/min", "burst": 3})
    before = spot.bucket.consume(600)
    name = "app:f"

    @spot.mark(name=name)
    @spot.limiter
    def f() -> int:
        return 1

    async def task() -> bs.Activity:
        waiting = asyncio.ensure_future(block())
        while not spot.activity().waiting:
            await asyncio.sleep(0)
        now = spot.activity()
        waiting.cancel()
        await asyncio.wait([waiting])
        return now

    async def block() -> None:
        async with spot.limit():
            pass

    if asynchronous:
        now, name = asyncio.run(task()), "spot.limit()"  # it is cancelled while it waits
    else:
        with calling(lambda _: f(), 1):
            until(lambda: bool(spot.activity().waiting))
            now = spot.activity()
            spot.bucket.settle(before, 0)
        assert [each.function for each in now.running] == [name]
    (waiting,) = now.waiting
    assert (waiting.function, waiting.key, waiting.waits_for) == (name, "", "rate")
    assert now.limits == (bs.ActiveLimit("rate", "gcra", 10.0, 3.0, True, False),)
    assert spot.activity().waiting == ()


def test_a_map_with_progress(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot()
    f = spot.mark(name="app:f")(abs)
    told = iter(spot.map(f, range(5), progress=lambda progress: None))
    next(told)
    (under_way,) = spot.activity().maps
    assert (under_way.function, under_way.total, under_way.failures) == ("app:f", 5, 0)
    assert under_way.done >= 1
    list(told)
    assert spot.activity().maps == ()
    other = iter(spot.map(f, range(3), progress=lambda progress: None))
    next(other)
    assert len(spot.activity().maps) == 1
    del other, told
