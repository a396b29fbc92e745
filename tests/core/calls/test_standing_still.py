"""Calls that would wait for each other for ever: one of them goes on, in moments."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, State

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.calls, STATE.both, STATE.gate = [], threading.Barrier(2), Gate()


def value(x: int) -> int:
    STATE.calls.append(x)
    return x * x


async def later(x: int) -> int:
    return value(x)


def two(make_spot: Any, store: str) -> tuple[Spot, Spot]:
    """Two Spots of one name and place."""
    shared = MemoryMetadataStore() if store == "memory" else "sqlite"
    return (
        make_spot(strict=True, metadata=shared),
        make_spot(strict=True, metadata=shared, save="background"),
    )


stores = pytest.mark.parametrize("store", ["sqlite", "memory"])


@stores
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_two_spots_may_mark_one_function(make_spot: Any, store: str, kind: str) -> None:
    outer, inner = two(make_spot, store)
    if kind == "sync":
        marked: Any = outer.mark(inner.mark(value))
        assert [marked(3), marked(3)] == [9, 9]
    else:
        awaited = outer.mark(inner.mark(later))
        assert [asyncio.run(awaited(3)) for _ in range(2)] == [9, 9]
    assert STATE.calls == [3]


@stores
def test_threads_may_call_each_other_s_keys_by_several_spots(make_spot: Any, store: str) -> None:
    """Each holds the lease of a key, and then wants the other one's by another Spot."""
    spots = two(make_spot, store)

    def work(mine: str, other: str) -> str:
        if len(STATE.calls) < 2:
            STATE.calls.append(mine)
            STATE.both.wait(DEADLINE)
            return mine + STATE.other(other)
        return mine

    marked = [spot.mark(name="work", ignore=("other",))(work) for spot in spots]
    STATE.other = lambda other: marked[other == "a"](other, "")
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(marked[0], "a", "b"), pool.submit(marked[1], "b", "a")]
        assert {future.result(DEADLINE)[0] for future in futures} == {"a", "b"}
