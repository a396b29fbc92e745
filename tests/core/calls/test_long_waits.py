"""Whoever waits for long is told for what and whom, and what to do; once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from beautyspot.concurrency import waiting
from beautyspot.spot import Spot
from child import Child
from gates import DEADLINE, Gate, until

GATE = Gate()


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    caplog.set_level(logging.INFO, "beautyspot")
    GATE.__init__()  # type: ignore[misc]
    yield
    GATE.open.set()


def work(x: int) -> int:
    GATE.pass_through()
    return x


async def later(x: int) -> int:
    return await asyncio.to_thread(work, x)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [record.levelno for record in caplog.records]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_follower_says_that_a_call_of_this_process_makes_it(
    spot: Spot, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    marked: Any = spot.mark(name="work")(work if kind == "sync" else later)
    call: Callable[[int], Any] = marked if kind == "sync" else lambda x: asyncio.run(marked(x))
    with ThreadPoolExecutor(3, "worker") as pool:
        first = pool.submit(call, 1)
        assert GATE.entered.wait(DEADLINE)
        others = [pool.submit(call, 1) for _ in range(2)]
        until(lambda: len(caplog.records) == 2, unless=others)
        GATE.open.set()
        assert [future.result(DEADLINE) for future in (first, *others)] == [1, 1, 1]
    assert len(said(caplog)) == 2, "each is told once"
    assert {record.levelno for record in caplog.records} == {logging.INFO}, "it may be as it should"
    text = said(caplog)[0]
    assert "work has waited" in text
    assert "gets its result" in text
    assert text.index("gets its result") < text.index("release the lock"), "what is rare comes last"
    assert spot.key(marked, 1) in text
    assert "for another call of this process" in text
    assert "wait_timeout" in text


PROCESS = """
import beautyspot as bs
spot = bs.Spot("app", directory={directory!r}, config=False, strict=True)

@spot.mark(name="work")
def work(x):
    say(__import__("os").getpid()); wait()
    return x

work(1)
"""


def test_a_call_says_which_process_makes_it(
    spot: Spot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LONG", 0.02)
    marked = spot.mark(name="work")(work)
    with Child(PROCESS.format(directory=str(spot.db_path.parent))) as child:
        assert child.heard()
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(marked, 1)
            until(lambda: logging.WARNING in levels(caplog), unless=[call])
            child.go_on()
            assert call.result(DEADLINE) == 1
        child.expect_success()
    assert "work has waited 0 s for another process, or another Spot" in said(caplog)[0]
    assert levels(caplog).count(logging.WARNING) == 1
    assert len(said(caplog)) <= 2
    assert GATE.count == 0
