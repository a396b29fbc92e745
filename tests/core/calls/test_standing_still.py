"""Calls that would wait for each other for ever: one of them goes on, in moments."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.memory import MemoryMetadataStore
from beautyspot_testing.shared import Child
from gates import DEADLINE, Gate, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot


class State:
    """What the functions share with their test; global, since what is captured counts as input."""

    calls: list[Any]
    other: Callable[[str], Any]
    both: threading.Barrier
    gate: Gate


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


PROCESS = """
import threading
import beautyspot as bs
spot = bs.Spot("app", directory={directory!r}, config=False, strict=True)
begun = []

def once():
    if not begun:
        begun.append(True)
        say("entered"); wait()

{code}
wait()
spot.shutdown()
"""

PATHS = """
@spot.mark(name="f", ignore=("path",))
def f(x, path):
    once()
    return x + f(path[0], path[1:]) if path else x

say(f({mine!r}, {path!r}))
"""


def process(spot: Spot, code: str) -> Child:
    return Child(PROCESS.format(directory=str(spot.db_path.parent), code=code))


def run_together(*children: Child) -> list[str]:
    """What they say, each of which holds the lease of a key before it wants another."""
    for child in children:
        child.go_on()
    said = [child.heard() for child in children]
    for child in children:
        child.go_on()
        child.expect_success()
    return said


@pytest.mark.parametrize(
    "paths", [("ab", "ba"), pytest.param(("abc", "bca", "cab"), marks=pytest.mark.slow)]
)
def test_processes_may_call_each_other_s_keys(spot: Spot, paths: tuple[str, ...]) -> None:
    children = [process(spot, PATHS.format(mine=path[0], path=path[1:])) for path in paths]
    for child in children:
        assert child.heard() == "entered"
    said = run_together(*children)
    assert [text[0] for text in said] == [path[0] for path in paths]
    assert list(spot.db_path.with_name("app.db.waits").iterdir()) == []


ONE = """
@spot.mark(name="h")
def h():
    return f("b")

@spot.mark(name="f")
def f(x):
    once()
    return "one " + ("" if len(begun) > 1 else begun.append(True) or h())

say(f("b"))
"""
OTHER = """
@spot.mark(name="h")
def h():
    once()
    return "other " + f("b")

@spot.mark(name="f")
def f(x):
    return "ran"

waiting = threading.Thread(target=f, args=("b",))
waiting.start()
say(h())
waiting.join()
"""


def test_a_circle_may_go_by_a_call_that_follows(spot: Spot) -> None:
    """One has `f` and wants `h`; the other has `h`, which follows its thread that wants `f`."""
    one = process(spot, ONE)
    assert one.heard() == "entered"
    other = process(spot, OTHER)
    assert other.heard() == "entered"
    assert [text.split()[0] for text in run_together(one, other)] == ["one", "other"]


def test_waits_of_a_process_that_was_killed_are_forgotten(spot: Spot) -> None:
    with process(spot, PATHS.format(mine="a", path="b")) as child, ThreadPoolExecutor(1) as pool:
        assert child.heard() == "entered"

        def g(x: str, path: str) -> str:
            STATE.gate.pass_through()
            return x

        marked = spot.mark(name="f", ignore=("path",))(g)
        mine = pool.submit(marked, "b", "")
        assert STATE.gate.entered.wait(DEADLINE)
        child.go_on()  # it waits for b now, and holds a
        folder = spot.db_path.with_name("app.db.waits")
        until(lambda: folder.is_dir() and any(folder.iterdir()), unless=[mine])
        child.kill()
        assert spot.metadata.share_waits({}) == {}
        assert list(folder.iterdir()) == []
        STATE.gate.open.set()
        assert mine.result(DEADLINE) == "b"
