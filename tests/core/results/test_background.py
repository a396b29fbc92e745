"""Saving in the background: nothing is lost, results share commits, look-ups see the queue."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing.process
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.concurrency import deferred, single_flight
from beautyspot.results import background
from beautyspot_local.sqlite.store import SqliteMetadataStore
from broken import Broken, BrokenStore, IdleExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beautyspot.resilience.reporting import Trouble
    from beautyspot.spot import Spot

DEADLINE = 30.0


class SlowStore(BrokenStore):
    """Commits only when it is let, and counts its commits."""

    def __init__(self, *broken: str) -> None:
        super().__init__(*broken)
        self.entered = threading.Event()
        self.open_gate = threading.Event()
        self.batches: list[int] = []

    def put_many(self, records: Any) -> None:
        self.entered.set()
        assert self.open_gate.wait(DEADLINE)
        records = list(records)
        self.batches.append(len(records))
        super().put_many(records)


RAN: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


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
    assert spot.flush(timeout=0) is False
    store.open_gate.set()
    assert spot.flush(timeout=DEADLINE) is True
    assert store.batches == [1]


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


def test_results_linger_to_share_a_commit_until_somebody_waits(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LINGER", DEADLINE)
    store = SlowStore()
    store.open_gate.set()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(0), marked(1), marked(2)
    assert not store.entered.is_set()
    assert spot.flush(DEADLINE)
    assert store.batches == [3]


def test_who_waits_in_the_only_thread_that_could_write_writes(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LINGER", DEADLINE)
    with ThreadPoolExecutor(1) as executor:
        spot = make_spot(save="background", strict=True, executor=executor)
        marked = spot.mark(work)

        def job() -> list[Any]:
            first = marked(1)
            again = spot.refresh(marked, 1)
            return [first, again, spot.flush(), spot.stats()["entries"]]

        assert executor.submit(job).result(DEADLINE) == [[1], [1], True, 1]


def test_a_full_batch_lingers_no_longer(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LINGER", 10 * DEADLINE)
    monkeypatch.setattr(background, "BATCH", 2)
    store = SlowStore()
    store.open_gate.set()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(0), marked(1)
    assert store.entered.wait(DEADLINE)
    assert spot.flush(DEADLINE)
    assert store.batches == [2]


def test_a_value_changed_after_the_call_is_stored_as_it_was(make_spot: Callable[..., Spot]) -> None:
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(1).append("changed")
    store.open_gate.set()
    spot.flush()
    assert marked(1) == [1]


def test_who_forgets_a_queued_result_keeps_others_out_meanwhile(
    make_spot: Callable[..., Spot], tmp_path: Path
) -> None:
    """Or what they run and store, as the row is removed, is removed with it."""
    others = SqliteMetadataStore(tmp_path / "app.db")
    leases: list[Any] = []

    class Watched(SqliteMetadataStore):
        def delete(self, key: str) -> bool:
            leases.append(others.try_lease(key))
            return super().delete(key)

    store = Watched(tmp_path / "app.db")
    spot = make_spot(metadata=store, save="background", strict=True, executor=IdleExecutor())
    marked = spot.mark(work)
    marked(1)
    assert spot.invalidate(marked, 1)
    assert leases == [None]
    assert others.try_lease(spot.key(marked, 1)) is not None
    assert len(spot._engine.flights) == 0
    others.close()


SHARED: list[Any] = []


class Meddling(ThreadPoolExecutor):
    """Where somebody else changes what a coroutine has returned as soon as he has a turn."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        SHARED.append("changed")
        return super().submit(*args, **kwargs)


@pytest.mark.parametrize("save", ["sync", "background"])
def test_what_a_coroutine_returns_is_stored_as_it_was(
    make_spot: Callable[..., Spot], save: str
) -> None:
    with Meddling(1) as executor:
        spot = make_spot(save=save, strict=True, executor=executor)

        @spot.mark(name="shared")
        async def shared(x: int) -> list[Any]:
            SHARED[:] = [x]
            return SHARED

        asyncio.run(shared(1))
        spot.flush()
        assert "changed" in SHARED
        found = spot.peek(shared, 1)
        assert found is not None
        assert found.value == [1]


@pytest.mark.parametrize("bound", ["QUEUE_LIMIT", "QUEUE_BYTES"])
def test_a_full_queue_makes_the_caller_save(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(background, bound, 1)
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(work)
    marked(0)
    if bound == "QUEUE_LIMIT":
        assert store.entered.wait(DEADLINE)
        marked(1)
    marked(2)
    assert store.get(spot.key(marked, 2)) is not None, "saved in place"
    store.open_gate.set()
    assert spot.flush(DEADLINE)


def test_a_failing_batch_is_written_one_by_one(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    store = BrokenStore("put_many")
    spot = make_spot(metadata=store, save="background", on_error=troubles.append)
    marked = spot.mark(work)
    marked(1), marked(2)
    assert spot.flush(DEADLINE)
    assert troubles == []
    assert store.totals().entries == 2


def test_what_can_not_be_saved_is_said(
    make_spot: Callable[..., Spot], troubles: list[Trouble]
) -> None:
    spot = make_spot(
        metadata=BrokenStore("put_many", "put"), save="background", on_error=troubles.append
    )
    marked = spot.mark(work)
    assert [marked(1), marked(2)] == [[1], [2]]
    assert spot.flush(DEADLINE) is False
    assert [trouble.operation for trouble in troubles] == ["save the result"] * 2
    assert spot.stats()["unsaved"] == 2
    assert len(spot._engine.flights) == 0


def test_blobs_go_the_same_way(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(save="background", strict=True)
    marked = spot.mark(save_blob=True)(work)
    marked(1)
    spot.flush()
    spot.refresh(marked, 1)
    spot.flush()
    blobs = [path for path in (spot.db_path.parent / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 1


def test_a_second_result_of_a_key_takes_the_place_of_the_first(
    make_spot: Callable[..., Spot],
) -> None:
    store = SlowStore()
    spot = make_spot(metadata=store, save="background", strict=True)
    marked = spot.mark(lambda: (RAN.append(1), len(RAN))[1])
    stream = spot.mark(name="s")(lambda: (yield from [len(RAN)]))
    marked()
    assert store.entered.wait(DEADLINE)
    one, two = stream(), stream()
    next(one), next(two)
    list(one), list(two)
    store.open_gate.set()
    assert spot.flush(DEADLINE)
    assert store.batches == [1, 1]


def test_an_executor_that_was_shut_down_loses_nothing(make_spot: Callable[..., Spot]) -> None:
    pool = ThreadPoolExecutor(1)
    spot = make_spot(save="background", executor=pool, strict=True)
    assert spot.executor is pool
    pool.shutdown()
    spot.mark(work)(1)
    assert spot.stats()["entries"] == 1


class GrowingStore(BrokenStore):
    """Another result comes while each batch is written."""

    def __init__(self) -> None:
        super().__init__()
        self.more: Callable[[int], Any] = lambda number: None

    def put_many(self, records: Any) -> None:
        super().put_many(records)
        if self.totals().entries < 100:
            self.more(int(self.totals().entries))


def test_who_flushes_does_not_wait_for_what_comes_later(make_spot: Callable[..., Spot]) -> None:
    store = GrowingStore()
    spot = make_spot(metadata=store, save="background", strict=True, executor=IdleExecutor())
    marked = spot.mark(work)
    store.more = marked
    marked(0)
    assert spot.flush() is True
    assert store.totals().entries == 1


def test_who_flushes_waits_for_the_newer_result_of_a_key(make_spot: Callable[..., Spot]) -> None:
    """It takes the place of the older one, which is never written."""
    spot = make_spot(save="background", strict=True, executor=IdleExecutor())
    stream = spot.mark(name="s")(lambda: (yield 1))
    one, two = stream(), stream()
    next(one), next(two)
    list(one)
    saver = spot._engine.saver
    assert saver is not None
    first = saver._last
    list(two)
    assert not saver._is_written(first)
    assert spot.flush() is True
    assert saver._is_written(first)
    assert spot.stats()["entries"] == 1


class InterruptedStore(BrokenStore):
    """The user presses Ctrl-C at the first commit."""

    interrupts = 1

    def put_many(self, records: Any) -> None:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        super().put_many(records)


def test_who_is_interrupted_while_flushing_loses_nothing(make_spot: Callable[..., Spot]) -> None:
    store = InterruptedStore()
    spot = make_spot(metadata=store, save="background", strict=True, executor=IdleExecutor())
    marked = spot.mark(work)
    for x in (1, 2):
        marked(x)
    with pytest.raises(KeyboardInterrupt):
        spot.flush()
    assert [marked(1), spot.refresh(marked, 2), marked(3)] == [[1], [2], [3]]
    assert RAN == [1, 2, 2, 3]
    assert spot.flush() is True
    assert store.totals().entries == 3
    assert len(spot._engine.flights) == 0


def test_who_is_interrupted_leaves_the_newer_result_of_a_key(
    make_spot: Callable[..., Spot],
) -> None:
    class Overtaken(InterruptedStore):
        def put_many(self, records: Any) -> None:
            if self.interrupts:
                assert list(two) == []
            super().put_many(records)

    store = Overtaken()
    spot = make_spot(metadata=store, save="background", strict=True, executor=IdleExecutor())
    stream = spot.mark(name="s")(lambda: (yield 1))
    one, two = stream(), stream()
    next(one), next(two)
    assert list(one) == []
    saver = spot._engine.saver
    assert saver is not None
    with pytest.raises(KeyboardInterrupt):
        spot.flush()
    assert len(saver) == 1
    assert spot.flush() is True
    assert saver._bytes == 0
    assert store.totals().entries == 1


def test_who_is_interrupted_where_no_executor_works_leaves_it_to_the_end(
    make_spot: Callable[..., Spot],
) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    store = InterruptedStore()
    spot = make_spot(metadata=store, save="background", strict=True, executor=pool)
    with pytest.raises(KeyboardInterrupt):
        spot.mark(work)(1)
    assert store.totals().entries == 0
    spot.shutdown()
    assert store.totals().entries == 1


def test_a_strict_spot_raises_where_it_saves(make_spot: Callable[..., Spot]) -> None:
    store = BrokenStore("put", "put_many")
    spot = make_spot(metadata=store, save="background", strict=True, executor=IdleExecutor())
    spot.mark(work)(1)
    saver = spot._engine.saver
    assert saver is not None
    with pytest.raises(Broken):
        saver._work()
    assert len(saver) == 0
    assert saver._draining is False


def test_a_result_without_a_stored_form_is_not_queued(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(save="background")
    marked = spot.mark(lambda: object())
    assert marked() is not marked()
    assert spot.stats()["unsaved"] == 0


def test_a_stream_is_stored_without_leases_too(make_spot: Callable[..., Spot]) -> None:
    class Leaseless(BrokenStore):
        leases = False

        def try_lease(self, key: str) -> Any:
            raise AssertionError("it has none")

    spot = make_spot(metadata=Leaseless(), save="background", strict=True)
    stream = spot.mark(name="s")(lambda: (yield 1))
    assert list(stream()) == list(stream()) == [1]
    spot.flush()
    assert spot.stats()["entries"] == 1


def test_a_store_that_interrupts_its_thread_is_not_tried_over_and_over(
    make_spot: Callable[..., Spot],
) -> None:
    store = InterruptedStore()
    store.interrupts = 1000
    with ThreadPoolExecutor(1) as executor:
        spot = make_spot(metadata=store, save="background", strict=True, executor=executor)
        spot.mark(work)(1)
        for _ in range(3):
            executor.submit(int).result(DEADLINE)
        assert store.interrupts == 999
        store.interrupts = 0
        assert spot.flush() is True
    assert store.totals().entries == 1


POOL = """
    import multiprocessing, sys
    from beautyspot.spot import Spot

    spot = Spot("app", directory=sys.argv[1], config=False, save="background")

    @spot.mark(name="work")
    def work(x):
        return x

    if __name__ == "__main__":
        for k in range(3):
            with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
                pool.map(work, range(k * 20, k * 20 + 20))
        print(sum(spot.peek(work, x) is None for x in range(60)))
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_that_ends_its_workers_loses_nothing(tmp_path: Path, method: str) -> None:
    """By SIGTERM, for which they have no handler: the end of its `with` block."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(POOL))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "cache"), method],
        check=True, timeout=DEADLINE, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "0\n"


def test_a_process_that_others_end_saves_at_once(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocessing.process.current_process(), "_config", {"daemon": True})
    spot = make_spot(save="background", strict=True, executor=IdleExecutor())
    marked = spot.mark(work)
    stream = spot.mark(name="s")(lambda: (yield 1))
    assert marked(1) == marked(1)
    assert list(stream()) == list(stream()) == [1]
    assert spot.stats()["hits"] == 2
    assert spot.stats()["entries"] == 2


def test_a_thread_that_never_ends_does_not_keep_the_interpreter_from_ending(tmp_path: Path) -> None:
    code = """
        import itertools, sys, threading
        from beautyspot_local.sqlite.store import SqliteMetadataStore
        from beautyspot.spot import Spot

        class Outrun(SqliteMetadataStore):
            def put_many(self, records):
                super().put_many(records)
                while engine.saver._draining and not engine.saver._queue:
                    running.wait(0.001)  # no longer where he saves in place: he waits for this

        def work_for_ever():
            for x in itertools.count():
                work(x)
                running.set()

        running = threading.Event()
        spot = Spot("app", config=False, save="background", metadata=Outrun(sys.argv[1]))
        engine = spot._engine
        work = spot.mark(name="work")(lambda x: x)
        threading.Thread(target=work_for_ever, daemon=True).start()
        running.wait(20)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "app.db")],
        check=True, timeout=DEADLINE,
    )  # fmt: skip


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
    assert store.totals().entries == 5


def test_a_dropped_spot_stores_what_is_left(tmp_path: Path) -> None:
    from beautyspot.spot import Spot

    spot = Spot("app", directory=tmp_path, config=False, save="background")
    spot.mark(work)(1)
    del spot
    deferred.finish()
    assert Spot("app", directory=tmp_path, config=False).stats()["entries"] == 1


def test_the_collector_may_come_to_who_holds_a_lock(tmp_path: Path) -> None:
    """What the end of a dropped Spot does waits for other threads, which may wait for that lock."""
    from beautyspot.spot import Spot

    spot: Any = Spot("app", directory=tmp_path, config=False, save="background")
    spot.me = spot
    spot.mark(work)(1)

    def interrupted() -> None:
        with single_flight._graph:
            gc.collect()

    del spot
    gc.disable()
    try:
        thread = threading.Thread(target=interrupted, daemon=True)
        thread.start()
        thread.join(DEADLINE)
    finally:
        gc.enable()
    assert not thread.is_alive()
    deferred.finish()
    assert Spot("app", directory=tmp_path, config=False).stats()["entries"] == 1


class CollectingStore(BrokenStore):
    """The collector of cycles comes while it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writing, self.dropped = threading.Event(), threading.Event()

    def put_many(self, records: Any) -> None:
        self.writing.set()
        assert self.dropped.wait(DEADLINE)
        gc.collect()
        super().put_many(records)


def test_a_spot_may_be_collected_by_the_thread_that_saves_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from beautyspot.calls import lifecycle
    from beautyspot.spot import Spot

    finish, finished = lifecycle.finish, threading.Event()

    def finishing(*args: Any) -> None:
        finish(*args)
        finished.set()

    monkeypatch.setattr(lifecycle, "finish", finishing)
    store = CollectingStore()
    spot: Any = Spot("app", config=False, metadata=store, save="background")
    spot.me = spot
    spot.mark(work)(1)
    assert store.writing.wait(DEADLINE)
    del spot
    store.dropped.set()
    assert finished.wait(DEADLINE)
    assert store.totals().entries == 1


def test_a_spot_may_be_shut_down_by_the_thread_that_saves_for_it(
    make_spot: Callable[..., Spot],
) -> None:
    spot = make_spot(save="background")
    spot.mark(work)(1)
    spot.executor.submit(spot.shutdown).result(DEADLINE)
    deferred.finish()
    assert make_spot("app").stats()["entries"] == 1


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
    "daemon thread": "threading.Thread(target=more, daemon=True).start(); done.wait(20)",
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


@pytest.mark.parametrize("ending", ENDINGS)
def test_interpreter_exit_loses_nothing(
    make_spot: Callable[..., Spot], tmp_path: Path, ending: str
) -> None:
    program = textwrap.dedent(PROGRAM).replace("{ending}", ENDINGS[ending])
    command = [sys.executable, "-c", program, str(tmp_path / "cache")]
    subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)
    stored = make_spot().stats()["entries"]
    more = {"thread": 10, "async": 50, "async cancelled": 50, "atexit": 1}
    more |= dict.fromkeys(["daemon thread", "exception in a thread", "executor"], 10)
    more |= dict.fromkeys(["fork", "fork that fails"], 10)
    assert stored >= 50 + more.get(ending, 0)


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
            spot.flush()
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
