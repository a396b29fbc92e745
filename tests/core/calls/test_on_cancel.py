"""`on_cancel="finish"`: an execution goes on, and is stored, though its caller was cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.spot import Spot
from gates import DEADLINE, State, followers

STATE = State()


NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.ran, STATE.error, STATE.names = [], None, []


async def work(x: Any) -> list[Any]:
    STATE.ran.append(x)
    STATE.names.append(NAME.get())
    STATE.begun.set()
    await STATE.gate.wait()
    if STATE.error is not None:
        raise STATE.error
    return [x]


def run(main: Callable[[], Any]) -> Any:
    """Run it in a loop with fresh gates; it hangs for no longer than a test may."""

    async def within() -> Any:
        STATE.begun, STATE.gate = asyncio.Event(), asyncio.Event()
        return await asyncio.wait_for(main(), DEADLINE)

    return asyncio.run(within(), debug=True)


async def cancelled(call: Any) -> None:
    """Cancel a call once its function has begun; the caller goes on at once."""
    task = asyncio.ensure_future(call)
    await STATE.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def finished(spot: Spot) -> None:
    STATE.gate.set()
    while spot._engine.behind._tasks:
        await asyncio.sleep(0.001)


@pytest.fixture
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Neither asyncio nor we have anything to say, and nothing is left for the collector."""
    yield
    gc.collect()
    assert not caplog.records


@pytest.mark.usefixtures("_quiet")
def test_an_execution_goes_on_and_is_stored(spot: Spot) -> None:
    marked = spot.mark(on_cancel="finish")(work)

    async def main() -> None:
        await cancelled(marked(1))
        gc.collect()  # the loop keeps no task alive
        await finished(spot)
        assert await marked(1) == [1]

    run(main)
    assert STATE.ran == [1]
    assert spot.stats()["misses"] == 1


@pytest.mark.usefixtures("_quiet")
def test_a_timeout_and_a_group_cancel_the_caller_alone(spot: Spot) -> None:
    marked = spot.mark(on_cancel="finish")(work)

    async def fail() -> None:
        await STATE.begun.wait()
        raise LookupError

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(marked(2))
            group.create_task(fail())

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await marked(1)
        STATE.begun.clear()
        with pytest.raises(ExceptionGroup):
            await together()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(marked(1), 0)
        await finished(spot)
        assert [await marked(1), await marked(2)] == [[1], [2]]

    run(main)
    assert STATE.ran == [1, 2]


@pytest.mark.usefixtures("_quiet")
def test_those_who_follow_get_what_the_cancelled_caller_began(spot: Spot) -> None:
    marked = spot.mark(on_cancel="finish")(work)

    async def main() -> None:
        first = asyncio.create_task(marked(1))
        await STATE.begun.wait()
        second, third = asyncio.create_task(marked(1)), asyncio.create_task(marked(1))
        while followers(spot) < 2:
            await asyncio.sleep(0)
        first.cancel()
        second.cancel()  # one that follows has begun nothing
        with pytest.raises(asyncio.CancelledError):
            await second
        STATE.gate.set()
        assert await third == [1]
        await finished(spot)

    run(main)
    assert STATE.ran == [1]


def test_an_error_that_no_caller_gets_is_told_by_us_alone(
    spot: Spot, caplog: pytest.LogCaptureFixture
) -> None:
    marked = spot.mark(on_cancel="finish")(work)
    STATE.error = OSError("down")

    async def main() -> None:
        for x in (1, 2):
            STATE.begun.clear()
            await cancelled(marked(x))
        await finished(spot)

    run(main)
    gc.collect()
    said = [(record.levelname, "work raised OSError('down') after" in record.message)
            for record in caplog.records if "Executing" not in record.message]  # fmt: skip
    assert said == [("WARNING", True)], "asyncio says at most that a step of its loop was slow"


def test_an_argument_that_the_cancelled_caller_changes_gets_no_result(
    spot: Spot, caplog: pytest.LogCaptureFixture
) -> None:
    marked = spot.mark(on_cancel="finish")(work)
    given = [1]

    async def main() -> None:
        await cancelled(marked(given))
        given.append(2)
        await finished(spot)

    run(main)
    assert spot.peek(marked, [1]) is None
    assert spot.peek(marked, [1, 2]) is None
    assert "`x` changed while `work` ran" in caplog.text


def test_shutdown_leaves_the_store_open_for_it(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True)
    marked = spot.mark(on_cancel="finish")(work)

    async def main() -> None:
        await cancelled(marked(1))
        spot.shutdown()
        await finished(spot)

    run(main)
    other = make_spot()
    assert other.peek(other.mark(work), 1) is not None
