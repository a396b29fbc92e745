"""Whatever functions call each other, by whatever Spots and under one cap: all of them end.

Each function may call any others, itself too, to some depth. Threads and tasks begin anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from gates import DEADLINE
from hypothesis import given, settings
from hypothesis import strategies as st

NODES = 4
DEPTH = 3


@dataclass
class Program:
    """What calls what.

    Attributes:
        calls: of each function, those that it calls.
        spots: by which Spot each is marked; 2 is none.
        capped: whether each is under the cap.
        size: of the cap.
        starts: with which function each thread or task begins.
        asynchronous: whether they are coroutine functions, which call several at once.
    """

    calls: list[list[int]]
    spots: list[int]
    capped: list[bool]
    size: int
    starts: list[int]
    asynchronous: bool


def each(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=NODES, max_size=NODES)


NODE = st.integers(0, NODES - 1)
PROGRAMS = st.builds(
    Program,
    calls=each(st.lists(NODE, max_size=2)),
    spots=each(st.integers(0, 2)),
    capped=each(st.booleans()),
    size=st.integers(1, 2),
    starts=st.lists(NODE, min_size=2, max_size=4),
    asynchronous=st.booleans(),
)

FUNCTIONS: list[Any] = []
CALLS: list[list[int]] = []


def work(node: int, depth: int) -> int:
    for other in CALLS[node] if depth else ():
        assert FUNCTIONS[other](other, depth - 1) == other
    return node


async def later(node: int, depth: int) -> int:
    await asyncio.sleep(0)
    others = CALLS[node] if depth else []
    found = await asyncio.gather(*(FUNCTIONS[other](other, depth - 1) for other in others))
    assert found == others
    return node


def made(program: Program, spots: list[Spot]) -> list[Any]:
    cap = spots[0].limiter(max_concurrent=program.size)
    functions: list[Any] = []
    for node in range(NODES):
        function: Any = later if program.asynchronous else work
        if program.capped[node]:
            function = cap(function)
        if program.spots[node] < 2:
            mark = spots[program.spots[node]].mark(name=f"node {node}", ignore=("depth",))
            function = mark(function)
        functions.append(function)
    return functions


def run(program: Program) -> list[int]:
    store = MemoryMetadataStore()
    spots = [Spot(f"s{n}", metadata=store, config=False, strict=True) for n in range(2)]
    FUNCTIONS[:], CALLS[:] = made(program, spots), program.calls
    try:
        return run_async(program) if program.asynchronous else run_threads(program)
    finally:
        for spot in spots:
            spot.shutdown()


def run_async(program: Program) -> list[int]:
    async def main() -> list[int]:
        return await asyncio.gather(*(FUNCTIONS[start](start, DEPTH) for start in program.starts))

    return asyncio.run(asyncio.wait_for(main(), DEADLINE))


def run_threads(program: Program) -> list[int]:
    with ThreadPoolExecutor(len(program.starts)) as pool:
        futures = [pool.submit(FUNCTIONS[start], start, DEPTH) for start in program.starts]
        return [future.result(DEADLINE) for future in futures]


@pytest.mark.parametrize("examples", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_all_of_them_end(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(program=PROGRAMS)
    def check(program: Program) -> None:
        assert run(program) == program.starts

    ends: Callable[[], None] = check
    ends()
