"""Saving in the background: nothing is lost, results share commits, look-ups see the queue."""

from __future__ import annotations

import asyncio
import multiprocessing.process
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from beautyspot.concurrency import deferred
from beautyspot.contracts.store import totals_of
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.resilience.reporting import Trouble
from beautyspot.results import writer
from beautyspot.spot import Spot
from broken import BrokenStore
from gates import DEADLINE, until
from kinds import RAN
from scripted import scripted


class SlowStore(BrokenStore):
    """Commits only when it is let, and counts its commits."""

    def __init__(self, *broken: str) -> None:
        super().__init__(*broken)
        self.entered = threading.Event()
        self.open_gate = threading.Event()
        self.batches: list[int] = []

    def put(self, rows: Any) -> set[str]:
        self.entered.set()
        assert self.open_gate.wait(DEADLINE)
        self.batches.append(len(rows))
        return super().put(rows)


def work(x: Any) -> Any:
    RAN.append(x)
    return [x]


def test_the_caller_does_not_wait_and_look_ups_see_the_queue(
    make_spot: Callable[..., Spot],
) -> None:
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    assert marked(1) == [1]
    assert store.entered.wait(DEADLINE)
    assert marked(1) == [1]
    assert RAN == [1]
    assert spot.flush(timeout=0) is spot.flush("0 ms") is spot.flush(timedelta(0)) is False
    with pytest.raises(ConfigError, match="timeout='1 month': give a number of seconds"):
        spot.flush("1 month")
    store.open_gate.set()
    assert spot.flush(timeout=DEADLINE) is True
    assert store.batches == [1]


@pytest.mark.parametrize("options", [{}, {"each": "x"}], ids=["one", "items"])
def test_what_waits_to_be_written_has_its_lease(
    make_spot: Callable[..., Spot], options: dict[str, Any]
) -> None:
    store = SlowStore()
    store.blocking = True
    spot, other = make_spot(metadata=store, save="background"), make_spot(metadata=store)
    one, two = (each.mark(**options)(work) for each in (spot, other))
    assert one([1]) == [[1]]
    assert store.entered.wait(DEADLINE)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(two, [1])
        until(lambda: bool(other.activity().waiting) or len(RAN) > 1, unless=[future])
        store.open_gate.set()
        assert future.result(DEADLINE) == [[1]]
    assert RAN == [[1]]


def test_what_waits_while_one_commits_shares_the_next(make_spot: Callable[..., Spot]) -> None:
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(0)
    assert store.entered.wait(DEADLINE)
    for x in range(1, 101):
        marked(x)
    store.open_gate.set()
    assert spot.flush(DEADLINE)
    assert store.batches == [1, 100]


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued stays so until a flush."""
    monkeypatch.setattr(writer, "LINGER", DEADLINE)


def test_results_linger_to_share_a_commit_until_a_flush(
    make_spot: Callable[..., Spot], lingering: None
) -> None:
    store = SlowStore()
    store.open_gate.set()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(0), marked(1), marked(2)
    assert not store.entered.is_set()
    assert spot.flush()
    assert store.batches == [3]


def test_a_value_changed_after_the_call_is_stored_as_it_was(make_spot: Callable[..., Spot]) -> None:
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(1).append("changed")
    store.open_gate.set()
    spot.flush()
    assert marked(1) == [1]


SHARED: list[Any] = []


class Meddling(ThreadPoolExecutor):
    """Another task changes what a coroutine has returned while that is saved."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        SHARED.append("changed")
        return super().submit(*args, **kwargs)


def test_what_a_coroutine_returns_is_stored_as_it_was(make_spot: Callable[..., Spot]) -> None:
    with Meddling(1) as executor:
        spot = make_spot(strict=True, executor=executor)

        @spot.mark(name="shared")
        async def shared(x: int) -> list[Any]:
            SHARED[:] = [x]
            return SHARED

        asyncio.run(shared(1))
        assert "changed" in SHARED
        found = spot.peek(shared, 1)
        assert found is not None
        assert found.value == [1]


def test_a_failing_batch_is_written_one_by_one(
    make_spot: Callable[..., Spot], troubles: list[Trouble], lingering: None
) -> None:
    class OneByOne(BrokenStore):
        def put(self, rows: Any) -> set[str]:
            if len(rows) > 1:
                raise MetadataError("one of them is bad")
            return super().put(rows)

    store = OneByOne()
    spot = make_spot(metadata=store, save="background", on_error=troubles.append)
    marked = spot.mark(work)
    marked(1), marked(2)
    assert spot.flush()
    assert troubles == []
    assert totals_of(store).entries == 2


def test_what_can_not_be_saved_is_said(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    spot = make_spot(metadata=BrokenStore("put"), save="background", on_error=troubles.append)
    marked = spot.mark(work)
    assert [marked(1), marked(2)] == [[1], [2]]
    assert spot.flush(DEADLINE) is False
    assert [trouble.operation for trouble in troubles] == ["save the result"] * 2
    assert spot.stats()["unsaved"] == 2
    assert len(spot._engine.flights) == 0


def stored(spot: Spot, function: Any) -> Any:
    found = spot.peek(function)
    assert found is not None
    return found.value[0]


def test_a_process_that_its_parent_may_kill_saves_at_once(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.process.current_process(), "_config", {"daemon": True})
    store = BrokenStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    stream = spot.mark(name="s")(lambda: (yield 1))
    assert marked(1) == marked(1)
    assert list(stream()) == list(stream()) == [1]
    assert spot.stats()["hits"] == 2
    assert spot.stats()["entries"] == 2


@pytest.mark.parametrize("wait", [True, False])
def test_shutdown_stores_what_is_left(make_spot: Callable[..., Spot], wait: bool) -> None:
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    for x in range(5):
        marked(x)
    if wait:
        store.open_gate.set()
    spot.shutdown(wait=wait)
    store.open_gate.set()
    deferred.finish()
    assert totals_of(store).entries == 5


def test_the_end_writes_what_failed_beside_others(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    """The store is back in the midst of the last batch."""
    failures = [MetadataError("away: wait")] * 3

    def failing(*_: object) -> None:
        if failures:
            raise failures.pop()

    store = scripted(MemoryMetadataStore, slow={"put": failing})
    spot = make_spot(metadata=store)
    marked = spot.mark(work)
    for x in range(3):
        marked(x)
    spot.shutdown()
    assert totals_of(store).entries == 3
    assert "before the end" not in caplog.text


def test_what_is_given_up_is_said_though_its_first_failure_was(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    away = [True]

    def failing(rows: Any) -> None:
        if away[0] or any(row.record.cache_key == key for row in rows):
            raise MetadataError("away: wait")

    store = scripted(MemoryMetadataStore, slow={"put": failing})
    spot = make_spot(metadata=store)
    marked = spot.mark(work)
    key = spot.key(marked, 0)
    for x in (0, 1), (2, 3):
        away[0] = True
        for each in x:
            marked(each)
        away[0] = False
        spot.flush()
    assert totals_of(store).entries == 3
    assert "could not save the result again for" in caplog.text


ENDINGS = {
    "return": "",
    "exception": "raise KeyError('mine')",
    "sys.exit": "sys.exit(3)",
    "thread": "threading.Thread(target=lambda: [work(1000 + x) for x in range(10)]).start()",
    "sigterm handler": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); "
        "os.kill(os.getpid(), signal.SIGTERM)"
    ),
    "atexit": "atexit.register(work, 5000)",
    "async": "asyncio.run(main())",
    "async cancelled": "asyncio.run(cancelled())",
    "daemon thread": "threading.Thread(target=more, daemon=True).start(); done.wait()",
    "exception in a thread": "threading.Thread(target=more_and_fail).start()",
    "executor": "pool.submit(more)",
    "fork": "child('fork')",
    "fork that fails": "child('fork', fail=True)",
}

PROGRAM = """
    import asyncio, atexit, os, signal, sys, threading
    from beautyspot.spot import Spot

    spot = Spot("app", directory=sys.argv[1], config=False, save="background")

    @spot.mark(name="work")
    def work(x):
        return x

    @spot.mark(name="later")
    async def later(x):
        return x

    async def main():
        await asyncio.gather(*(later(x) for x in range(50)))
        tasks = [asyncio.create_task(later(x)) for x in range(100, 110)]

    async def cancelled():
        async def never():
            await asyncio.gather(*(later(x) for x in range(50)))
            await asyncio.Event().wait()
        task = asyncio.create_task(never())
        while spot.stats()["misses"] < 100:
            await asyncio.sleep(0)
        task.cancel()
        await task

    done = threading.Event()

    def more():
        for x in range(1000, 1010):
            work(x)
        done.set()

    def more_and_fail():
        more()
        raise KeyError("mine")

    def child(how, fail=False):
        process = multiprocessing.get_context(how).Process(target=more_and_fail if fail else more)
        process.start()
        process.join()

    from concurrent.futures import Executor, Future, ThreadPoolExecutor
    import multiprocessing
    pool = ThreadPoolExecutor(1)

    for x in range(50):
        work(x)
    {ending}
"""


FAST = {"return", "thread", "sigterm handler", "atexit", "daemon thread", "fork"}


@pytest.mark.parametrize(
    "ending",
    [pytest.param(each, marks=() if each in FAST else pytest.mark.slow) for each in ENDINGS],
)
def test_interpreter_exit_loses_nothing(
    make_spot: Callable[..., Spot], tmp_path: Path, ending: str
) -> None:
    program = textwrap.dedent(PROGRAM).replace("{ending}", ENDINGS[ending])
    command = [sys.executable, "-c", program, str(tmp_path / "cache")]
    # A loaded machine has taken 27 s.
    subprocess.run(command, capture_output=True, timeout=4 * DEADLINE, check=False)
    if ending != "daemon thread":  # which may be within a call as the process ends
        assert list(tmp_path.glob("cache/*-wal")) == [], "the store was closed"
    stored = make_spot().stats()["entries"]
    more = {"thread": 10, "async": 50, "async cancelled": 50, "atexit": 1}
    more |= dict.fromkeys(["daemon thread", "exception in a thread", "executor"], 10)
    more |= dict.fromkeys(["fork", "fork that fails"], 10)
    assert stored >= 50 + more.get(ending, 0)


INTERRUPTED = """
    import multiprocessing, os, signal, sys, time
    from beautyspot.spot import Spot
    from beautyspot_local.sqlite.store import SqliteMetadataStore

    ends = []

    class InterruptingStore(SqliteMetadataStore):
        def put(self, rows):
            while not ends:
                time.sleep(0.01)
            time.sleep(0.1)  # the end waits for this by now
            is_first = ends.pop()
            ends.append(False)
            if is_first:
                os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2)
            return super().put(rows)

    def main():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        spots = [
            Spot(name, directory=sys.argv[1], config=False, save="background",
                 metadata=InterruptingStore)
            for name in sys.argv[3:]
        ]
        for spot in spots:
            spot.cached_run(sorted, [2, 1])
        globals().update(kept=spots)
        ends.append(True)
        if sys.argv[2] == "shutdown":
            spots[0].shutdown()

    if sys.argv[2] == "fork":
        process = multiprocessing.get_context("fork").Process(target=main)
        process.start()
        process.join()
    else:
        main()
"""


@pytest.mark.parametrize(
    ("ending", "names"), [("shutdown", ["app"]), ("exit", ["app", "other"]), ("fork", ["app"])]
)
def test_an_end_that_is_interrupted_loses_nothing(
    make_spot: Callable[..., Spot], tmp_path: Path, ending: str, names: list[str]
) -> None:
    program = textwrap.dedent(INTERRUPTED)
    command = [sys.executable, "-c", program, str(tmp_path / "cache"), ending, *names]
    subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)
    for name in names:
        assert make_spot(name).stats()["entries"] == 1


def test_a_forked_child_saves_its_own(make_spot: Callable[..., Spot], tmp_path: Path) -> None:
    program = """
        import os, sys, threading
        from beautyspot.spot import Spot

        spot = Spot("app", directory=sys.argv[1], config=False, save=sys.argv[2], strict=True)

        @spot.mark(name="work")
        def work(x):
            return x

        work(1)
        leading = threading.Event()
        end = threading.Event()

        @spot.mark(name="slow")
        def slow(x):
            leading.set()
            return end.wait(30)

        leader = threading.Thread(target=slow, args=(1,))
        leader.start()
        leading.wait(30)
        child = os.fork()
        if child == 0:
            assert len(spot._engine.flights) == 0, "its leader stayed in the parent"
            assert work(1) == 1
            assert work(2) == 2
            assert spot.flush(30), "by the saver: without a time-out the caller writes"
            assert spot.peek(work, 2)
            spot.shutdown()
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        end.set()
        leader.join()
        assert work(2) == 2 and spot.stats()["hits"] == 1
        spot.shutdown()
        sys.exit(os.waitstatus_to_exitcode(status))
    """
    for save in ("sync", "background"):
        command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / save), save]
        done = subprocess.run(
            command, capture_output=True, timeout=DEADLINE, check=False, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "Error" not in done.stderr


def test_who_has_looked_before_another_call_ended_finds_what_waits(
    make_spot: Callable[..., Spot],
) -> None:
    class Late(BrokenStore):
        """The first look-up of a thread named so answers after the other call has ended."""

        def find(self, key: str) -> Any:
            found = super().find(key)
            if threading.current_thread().name.startswith("late"):
                looked.set()
                assert ended.wait(DEADLINE)
            return found

    looked, ended = threading.Event(), threading.Event()
    spot = make_spot(metadata=Late(), save="background", strict=True)
    marked = spot.mark(work)
    with ThreadPoolExecutor(1, "late") as pool:
        late = pool.submit(marked, 1)
        assert looked.wait(DEADLINE)
        assert marked(1) == [1]
        ended.set()
        assert late.result(DEADLINE) == [1]
    assert RAN == [1]
