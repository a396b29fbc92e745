"""A coroutine whose store is away: its caller gets the value, which waits in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.results import writer
from beautyspot.spot import Spot
from gates import DEADLINE
from remote_store import RemoteStore


async def double(x: int) -> int:
    return 2 * x


def test_no_caller_waits_for_a_store_that_fails(make_spot: Callable[..., Spot]) -> None:
    def away(name: str, args: tuple[Any, ...]) -> None:
        raise MetadataError("no server")

    store = RemoteStore()
    spot = make_spot(metadata=store, on_error=lambda trouble: None)
    marked = spot.mark(double)

    async def calls() -> list[int]:
        return await asyncio.wait_for(asyncio.gather(*map(marked, range(3))), 30)

    store.before = away
    assert asyncio.run(calls()) == [0, 2, 4]
    assert spot.stats()["unsaved"] == 3
    assert not spot.flush(timeout=30), "it says at once that the store fails still"
    store.before = lambda name, args: None
    assert spot.flush(timeout=30)
    assert spot.stats()["unsaved"] == 0


def test_what_a_task_waits_for_does_not_linger(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To share a put with others; those that come during it share the next one."""
    monkeypatch.setattr(writer, "LINGER", 3600.0)
    store = RemoteStore()
    marked = make_spot(metadata=store).mark(double)

    async def calls() -> None:
        assert await marked(1) == 2
        assert await asyncio.gather(*map(marked, range(2, 100))) == [*range(4, 200, 2)]

    asyncio.run(asyncio.wait_for(calls(), DEADLINE))
    assert store.asked.count("put") < 50
