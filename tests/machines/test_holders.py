"""Processes that hold a lease for long, wait for one, or are interrupted, on a real server."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from child import Child
from gates import until
from servers.shared import Shared

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT of another process"),
]

PROGRAM = """
import asyncio, logging
import beautyspot as bs
logging.basicConfig(level="WARNING", format="%(message)s", stream=sys.stdout)
spot = bs.Spot("app", config=False, metadata={store!r})

@spot.mark(name="f", version="1")
def work(x):
    say("runs")
    wait()
    return [{name!r}, x]

@spot.mark(name="f", version="1")
async def work_later(x):
    say("runs")
    await asyncio.to_thread(wait)
    return [{name!r}, x]

async def many():
    return (await asyncio.gather(*[work_later(1) for _ in range(20)]))[0]

try:
    say("ready")
    print(asyncio.run(many()) if {many} else work(1), flush=True)
except KeyboardInterrupt:
    say("interrupted")
"""


@pytest.fixture
def process(
    server: Shared, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AbstractContextManager[Child]]:
    """A process that calls the function, and says so as it runs."""
    for name in [*os.environ]:
        if name.startswith("BEAUTYSPOT_TEST_"):  # of servers; a Spot would say that it knows none
            monkeypatch.delenv(name)

    def made(name: str, *, many: bool = False) -> Child:
        store = server.at(namespace=namespace, lease_time=server.shortest_lease)
        return Child(PROGRAM.format(store=store, name=name, many=many))

    return made


def test_a_holder_that_takes_many_lease_times_keeps_its_lease(
    process: Callable[..., Child], server: Shared
) -> None:
    with process("holder") as a:
        assert [a.heard(), a.heard()] == ["ready", "runs"]
        began = time.monotonic()
        with process("one") as b, process("many", many=True) as c:
            assert [b.heard(), c.heard()] == ["ready", "ready"]
            until(lambda: time.monotonic() > began + 2.5 * server.shortest_lease)
            a.go_on()
            assert [each.heard() for each in (a, b, c)] == ["['holder', 1]"] * 3


@pytest.mark.parametrize("many", [False, True])
def test_ctrl_c_gives_the_lease_back(process: Callable[..., Child], many: bool) -> None:
    with process("holder") as a:
        assert [a.heard(), a.heard()] == ["ready", "runs"]
        with process("waiting", many=many) as b:
            assert b.heard() == "ready"
            b._process.send_signal(signal.SIGINT)
            assert b.heard() == "interrupted", "who waits is interrupted at once"
        a._process.send_signal(signal.SIGINT)
        assert a.heard() == "interrupted"
        with process("next") as c:
            assert [c.heard(), c.heard()] == ["ready", "runs"]
            c.go_on()
            assert c.heard() == "['next', 1]"
