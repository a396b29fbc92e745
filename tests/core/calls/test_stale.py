"""`stale=`: an expired result is given at once, while one call behind makes the new one."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.concurrency import waiting
from beautyspot.errors import CacheMissError
from beautyspot.spot import Spot
from gates import DEADLINE, Gate, State, until
from owned_clock import Clock
from rows import HeldLease

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.gate, STATE.error, STATE.clock, STATE.ran = Gate(), None, Clock(), []
    STATE.gate.open.set()


@pytest.fixture
def make(make_spot: Callable[..., Spot]) -> Iterator[Callable[..., Spot]]:
    """Makes Spots that go by the clock of the test; time passes for what is left alone, too."""

    def make(**options: Any) -> Spot:
        spot = make_spot(**{"strict": True, **options})
        spot._engine.cache.store.clock = spot._engine.behind.clock = STATE.clock
        vars(spot.metadata).update(now=STATE.clock)
        return spot

    yield make
    STATE.gate.open.set()  # their end waits for calls behind


def work(x: Any) -> list[Any]:
    """Give another result at each run."""
    STATE.ran.append(x)
    number = len(STATE.ran)
    STATE.gate.pass_through()
    if STATE.error is not None:
        raise STATE.error
    return [x, number]


async def later(x: Any) -> list[Any]:
    return await asyncio.to_thread(work, x)


OPTIONS: dict[str, Any] = {"ttl": 10, "stale": 100}


def stored(spot: Spot, function: Any = work, x: Any = 1, **options: Any) -> Any:
    """A marked function of which a call is stored."""
    marked = spot.mark(**{**OPTIONS, **options})(function)
    found: Any = marked(x)
    if asyncio.iscoroutine(found):
        found = asyncio.run(found)
    assert found == [x, len(STATE.ran)]
    return marked


def test_an_expired_result_is_given_while_one_call_behind_makes_the_new_one(
    make: Callable[..., Spot],
) -> None:
    spot = make()
    marked = stored(spot)
    STATE.gate.open.clear()
    STATE.clock.now += 109
    assert [marked(1) for _ in range(5)] == [[1, 1]] * 5
    until(lambda: len(STATE.ran) == 2)
    assert marked(1) == [1, 1], "until the new one is stored"
    STATE.gate.open.set()
    assert spot.flush()
    assert marked(1) == [1, 2]
    assert STATE.ran == [1, 1]
    stats = spot.stats()
    assert (stats["hits"], stats["misses"], stats["entries"]) == (7, 2, 1)


def test_what_is_older_than_that_is_computed(make: Callable[..., Spot]) -> None:
    spot = make()
    marked = stored(spot)
    STATE.clock.now += 110
    assert marked(1) == [1, 2]
    assert STATE.ran == [1, 1]


@pytest.mark.parametrize("options", [{}, {"stale_on_error": True}])
def test_what_it_raises_is_told_and_tried_again_after_some_seconds(
    make: Callable[..., Spot], caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    spot = make()
    marked = stored(spot, **options)
    STATE.error = OSError("down")
    STATE.clock.now += 11
    for runs, seconds in ((2, 0), (2, 9.9), (3, 0.1), (3, 9.9), (4, 0.1)):
        STATE.clock.now += seconds
        assert marked(1) == [1, 1]
        assert spot.flush()
        assert len(STATE.ran) == runs
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "work raised OSError('down') in a call behind" in caplog.text
    assert spot.stats()["failures"] == 3
    assert spot.stats()["errors"] == 0
    STATE.clock.now += 100
    with pytest.raises(OSError, match="down"):
        marked(1)
    STATE.error = None
    STATE.clock.now -= 90
    assert marked(1) == [1, 1]
    assert spot.flush()
    assert marked(1) == [1, 6]


def test_a_result_that_is_not_stored_is_not_made_again_and_again(make: Callable[..., Spot]) -> None:
    spot = make()
    marked = stored(spot, cache_if=lambda result: result[1] < 2)
    STATE.clock.now += 20
    for _ in range(3):
        assert marked(1) == [1, 1]
        assert spot.flush()
    assert STATE.ran == [1, 1]


@pytest.mark.parametrize("mode", ["readonly", "replay"])
def test_where_nothing_is_stored_nothing_runs(make: Callable[..., Spot], mode: str) -> None:
    stored(make())
    spot = make(mode=mode)
    marked = spot.mark(**OPTIONS)(work)
    STATE.clock.now += 20
    assert marked(1) == [1, 1]
    assert spot.flush()
    assert STATE.ran == [1]
    STATE.clock.now += 90
    if mode == "replay":
        with pytest.raises(CacheMissError):
            marked(1)
    else:
        assert marked(1) == [1, 2]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_an_argument_that_its_caller_changes_afterwards_gets_no_result(
    make: Callable[..., Spot], caplog: pytest.LogCaptureFixture, when: str
) -> None:
    spot = make()
    given = [1]
    marked = spot.mark(**OPTIONS)(lambda x: work(x[0]))
    assert marked(given) == [1, 1]
    STATE.clock.now += 20
    STATE.gate.open.clear()
    if when == "before":
        blocked = stored_many(spot, waiting.THREADS)
        assert marked(given) == [1, 1]
        given.append(2)
        STATE.gate.open.set()
        assert spot.flush()
        assert len(STATE.ran) == 1 + 2 * blocked
    else:
        assert marked(given) == [1, 1]
        until(lambda: len(STATE.ran) == 2)
        given[0] = 2
        STATE.gate.open.set()
        assert spot.flush()
    told = "was changed while the call was under way", "`x` changed while `<lambda>` ran"
    assert told[when == "meanwhile"] in caplog.text
    assert marked([1]) == [1, 1]
    assert spot.peek(marked, [2]) is None


def stored_many(spot: Spot, count: int) -> int:
    """Have so many calls behind stand at the gate."""
    marked = spot.mark(**OPTIONS)(work)
    STATE.gate.open.set()
    for x in range(100, 100 + count):
        marked(x)
    STATE.clock.now += 20
    STATE.gate.open.clear()
    for x in range(100, 100 + count):
        marked(x)
    until(lambda: len(STATE.ran) == 1 + 2 * count)
    return count


def test_peek_and_explain_tell_what_a_call_would_get(make: Callable[..., Spot]) -> None:
    spot = make()
    marked = stored(spot)
    STATE.clock.now += 20
    found = spot.peek(marked, 1)
    assert found is not None
    assert found.value == [1, 1]
    told = spot.explain(marked, 1)
    assert told.hit
    assert told.differs == ("expired",)
    assert "expired since, but is still given (stale=100.0)" in told.reason
    STATE.clock.now += 100
    assert spot.peek(marked, 1) is None
    assert not spot.explain(marked, 1).hit
    assert STATE.ran == [1]


@pytest.mark.parametrize("wait", [True, False])
def test_shutdown_stores_what_has_begun_and_begins_no_more(
    make: Callable[..., Spot], wait: bool
) -> None:
    spot = make()
    marked = spot.mark(**OPTIONS)(work)
    many = range(waiting.THREADS + 1)
    for x in many:
        marked(x)
    STATE.clock.now += 20
    STATE.gate.open.clear()
    for x in many:
        marked(x)
    with ThreadPoolExecutor(1) as pool:
        end = pool.submit(spot.shutdown, wait)
        until(lambda: spot._engine.closed)
        STATE.gate.open.set()
        end.result(DEADLINE)
        assert not wait or not spot._engine.running
    until(lambda: not spot._engine.running)
    other = make()
    same = other.mark(**OPTIONS)(work)
    found = [other.peek(same, x) for x in many]
    assert [one.value for one in found if one is not None] == [
        [x, found[x].value[1]]  # type: ignore[union-attr]
        for x in many
    ]
    assert len(STATE.ran) == 2 * len(many) - 1


PROGRAM = """
import asyncio, logging, sys, time
import beautyspot as bs

# Other code made what is stored. From Python 3.13 on what `-c` runs has a source, so it is told.
log = logging.getLogger("beautyspot")
log.addFilter(lambda record: "made by other code" not in record.getMessage())

spot = bs.Spot("app", directory=sys.argv[1], config=False)
spot._engine.cache.store.clock = lambda: 1020.0

async def inside(x):
    if sys.version_info >= (3, 12):  # which starts no thread any more by then
        return [x, "new"]
    return await asyncio.to_thread(lambda: [x, "new"])

@spot.mark(name="f", ttl=10, stale=100)
def f(x):
    time.sleep(0.05)  # the main thread has come to its end by then
    return asyncio.run(inside(x))

print(f(1))
"""


def test_what_has_begun_is_stored_before_the_interpreter_ends(
    make: Callable[..., Spot], tmp_path: Path
) -> None:
    spot = make()
    marked = stored(spot, name="f")
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "[1, 1]\n")
    STATE.clock.now += 21
    assert marked(1) == [1, "new"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_none_of_its_parents_calls_behind(make: Callable[..., Spot]) -> None:
    spot = make()
    marked = stored(spot)
    STATE.clock.now += 20
    STATE.gate.open.clear()
    marked(1)
    until(lambda: len(STATE.ran) == 2)
    child = os.fork()
    if not child:
        busy = bool(spot._engine.behind._pieces) or len(STATE.ran) != 2
        os._exit(1 if busy or not spot.flush(0) else 0)
    assert os.waitpid(child, 0)[1] == 0
    STATE.gate.open.set()
    assert spot.flush()
    assert marked(1) == [1, 2]


def test_what_another_process_has_stored_meanwhile_is_not_made_again(
    make: Callable[..., Spot],
) -> None:
    first, second = make(), make()
    marked, same = stored(first), second.mark(**OPTIONS)(work)
    STATE.clock.now += 20
    lease = HeldLease(first.metadata, first.key(marked, 1))
    STATE.gate.open.clear()
    first_rest = second._engine.behind
    assert same(1) == [1, 1]
    assert second.flush()
    assert len(STATE.ran) == 1
    lease.release()
    STATE.gate.open.set()
    assert first.refresh(marked, 1) == [1, 2]
    assert first_rest.claim(first.key(marked, 1)) is False, "it was not got just before"
    assert same(1) == [1, 2]


def renewed(spot: Spot) -> Any:
    """Wait for the calls behind in the running event loop."""

    async def wait() -> None:
        while spot._engine.behind._tasks:
            await asyncio.sleep(0.001)

    return asyncio.wait_for(wait(), DEADLINE)


def test_a_task_of_the_running_loop_makes_it_anew(make: Callable[..., Spot]) -> None:
    spot = make()
    marked = stored(spot, later)
    STATE.clock.now += 20

    async def main() -> None:
        STATE.gate.open.clear()
        assert [await marked(1) for _ in range(3)] == [[1, 1]] * 3
        gc.collect()  # the loop keeps no task alive
        STATE.gate.open.set()
        await renewed(spot)
        assert await marked(1) == [1, 2]

    asyncio.run(main(), debug=True)
    assert STATE.ran == [1, 1]


# ---- `previous`: what is stored for a call, also where it has expired


def test_an_expired_result_is_found_by_previous_alone(spot: Spot) -> None:
    marked = spot.mark(ttl=0)(str.upper)
    assert spot.previous(marked, "a") is None
    marked("a")
    assert spot.peek(marked, "a") is None
    found = spot.previous(marked, "a")
    assert found is not None
    assert (found.value, found.key) == ("A", spot.key(marked, "a"))


def test_a_function_renews_its_own_result(spot: Spot) -> None:
    @spot.mark(ttl=0)
    def pages(url: str) -> list[str]:
        before = spot.previous(pages, url)
        return [*(before.value if before else []), url]

    assert pages("a") == ["a"]
    assert pages("a") == ["a", "a"]
    assert spot.refresh(pages, "a") == ["a", "a", "a"]


def test_an_error_is_found_until_it_expires(spot: Spot) -> None:
    def fails(name: str) -> str:
        raise KeyError(name)

    lasting = spot.mark(cache_errors=(KeyError,), name="lasting")(fails)
    expired = spot.mark(cache_errors=(KeyError,), error_ttl=0, name="expired")(fails)
    for marked in (lasting, expired):
        with pytest.raises(KeyError):
            marked("a")
    found = spot.previous(lasting, "a")
    assert found is not None
    assert isinstance(found.error, KeyError)
    assert spot.previous(expired, "a") is None


def test_stale_bounds_it(spot: Spot) -> None:
    short = spot.mark(ttl=0, stale=0.001, name="short")(str.upper)
    long = spot.mark(ttl=0, stale="1h", name="long")(str.upper)
    with spot.using(mode="refresh"):
        assert short("a") == long("a") == "A"
    while spot.previous(short, "a") is not None:  # a thousandth of a second
        pass
    assert spot.previous(long, "a") is not None
