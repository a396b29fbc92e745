"""Results of tasks that are to be stored at one time share a commit."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from gates import DEADLINE, Gate, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


@pytest.fixture(autouse=True)
def _nothing_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that a store takes at once needs no commit that is shared."""
    monkeypatch.setattr("beautyspot.results.shared_commits.SMALL", -1)


async def double(x: int) -> int:
    return 2 * x


class Commits:
    """Counts the rows of each commit; the first one waits for a gate, if there is one."""

    def __init__(self, spot: Spot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.gate: Gate | None = None
        self.error: BaseException | None = None
        store: Any = spot._engine.cache.metadata
        self._write = store._put_many_valid
        monkeypatch.setattr(store, "_put_many_valid", self.put)

    def put(self, rows: list[Any]) -> Any:
        self.sizes.append(len(rows))
        if self.gate is not None and len(self.sizes) == 1:
            self.gate.pass_through()
        error, self.error = self.error, None
        if error is not None:
            raise error
        return self._write(rows)


async def reached(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, DEADLINE)


def test_while_one_is_written_the_others_come_together(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot()
    f, commits = spot.mark(double), Commits(spot, monkeypatch)
    commits.gate = Gate()

    async def main() -> None:
        first = asyncio.ensure_future(f(0))
        await reached(commits.gate)  # type: ignore[arg-type]
        others = [asyncio.ensure_future(f(n)) for n in range(1, 6)]
        await asyncio.sleep(0)
        while len(spot._engine.commits._table) < 5:  # type: ignore[union-attr]
            await asyncio.sleep(0)
        assert not any(task.done() for task in (first, *others))  # none before it is stored
        commits.gate.open.set()  # type: ignore[union-attr]
        assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10]
        assert all(spot.peek(f, n) for n in range(6))

    asyncio.run(main())
    assert commits.sizes == [1, 5]
    assert len(spot._engine.flights) == 0
    assert not spot._engine.running


def test_what_is_written_is_stored_though_its_caller_is_cancelled(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot()
    f, commits = spot.mark(double), Commits(spot, monkeypatch)
    commits.gate = Gate()

    async def main() -> None:
        tasks = [asyncio.ensure_future(f(n)) for n in range(3)]
        await reached(commits.gate)  # type: ignore[arg-type]
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in done)
        assert len(spot._engine.flights) == 3  # no other call begins before they are stored
        commits.gate.open.set()  # type: ignore[union-attr]

    asyncio.run(main())  # and its loop is closed
    until(lambda: not spot._engine.running)
    assert all(spot.peek(f, n) for n in range(3))
    assert len(spot._engine.flights) == 0


class Dropping(ThreadPoolExecutor):
    """Takes work and drops it."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:  # type: ignore[override]
        dropped: Future[Any] = Future()
        dropped.cancel()
        dropped.set_running_or_notify_cancel()
        return dropped


def test_a_strict_spot_raises_at_the_call_that_it_is_about(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    spot = make_spot(strict=True)
    f, commits = spot.mark(double), Commits(spot, monkeypatch)

    def fail(*_: object) -> bool:
        raise MetadataError("away")

    monkeypatch.setattr(spot._engine.cache.placement.invalidations, "put", fail)
    with pytest.raises(MetadataError, match="away"):
        asyncio.run(f(1))
    assert commits.sizes == []
