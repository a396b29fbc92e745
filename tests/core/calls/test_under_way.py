"""Calls that are under way when their Spot ends: what they give was paid for, and is stored."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.spot import Spot
from broken import BrokenStore
from gates import DEADLINE, Gate, until

GATE = Gate()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    GATE.__init__()  # type: ignore[misc]
    CLOSED.clear()


CLOSED: list[int] = []
"""How many results a store held as it was closed."""


class ClosingStore(BrokenStore):
    """A store that tells when it is closed. A Spot closes what it made: it is given the class."""

    def close(self) -> None:
        CLOSED.append(len(list(self.all_rows())))
        super().close()


def work(x: int) -> list[int]:
    GATE.pass_through()
    return [x]


async def later(x: int) -> list[int]:
    await asyncio.to_thread(GATE.pass_through)
    return [x]


def call(spot: Spot, kind: str) -> Callable[[], Any]:
    if kind == "async":
        coroutine = spot.mark(name="work")(later)
        return lambda: asyncio.run(coroutine(1))
    marked = spot.mark(name="work")(work)
    return lambda: marked(1)


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_call_that_outlives_its_spot_is_stored(
    make_spot: Callable[..., Spot], kind: str, save: str
) -> None:
    spot = make_spot(save=save, strict=True)
    before = set(threading.enumerate())
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call(spot, kind))
        assert GATE.entered.wait(DEADLINE)
        spot.shutdown()
        GATE.open.set()
        assert future.result(DEADLINE) == [1]
    found = make_spot(strict=True).peek(call_of(make_spot), 1)
    assert found is not None
    assert found.value == [1]
    until(lambda: set(threading.enumerate()) <= before)


def call_of(make_spot: Callable[..., Spot]) -> Any:
    return make_spot().mark(name="work")(work)


def test_the_last_that_is_under_way_closes_the_store(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(metadata=ClosingStore)
    marked = spot.mark(work)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(marked, x) for x in range(2)]
        assert GATE.entered.wait(DEADLINE)
        until(lambda: GATE.count == 2, unless=futures)
        spot.shutdown()
        assert CLOSED == []
        GATE.open.set()
        assert [future.result(DEADLINE) for future in futures] == [[0], [1]]
    assert CLOSED == [2]


EXIT = """
    import atexit, itertools, os, sys, threading

    def wait_for_more():
        at_the_end.set()
        enough.wait(20)

    atexit.register(wait_for_more)  # before there is a Spot: it comes after the Spot's own end
    at_the_end, begun, enough = threading.Event(), threading.Event(), threading.Event()
    from beautyspot.spot import Spot

    spot = Spot("app", directory=sys.argv[1], config=False, save=sys.argv[2])

    @spot.mark(name="work")
    def work(x):
        return x

    def work_for_ever():
        more = 0
        for x in itertools.count():
            work(x)
            os.write(1, f"{x}\\n".encode())
            begun.set()
            more += at_the_end.is_set()
            if more > 50:
                enough.set()

    threading.Thread(target=work_for_ever, daemon=True).start()
    begun.wait(20)
"""


@pytest.mark.parametrize("save", ["sync", "background"])
def test_what_daemon_threads_are_given_is_stored_to_the_very_end(
    make_spot: Callable[..., Spot], tmp_path: Path, save: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(EXIT), str(tmp_path / "cache"), save],
        check=True, timeout=DEADLINE, capture_output=True, text=True,
    )  # fmt: skip
    given = [int(line) for line in done.stdout.splitlines()]
    assert len(given) > 50
    spot = make_spot(strict=True)
    assert [x for x in given if spot.peek(spot.mark(name="work")(work), x) is None] == []
