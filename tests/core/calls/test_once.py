"""One execution a key, whoever asks at the same time: threads, tasks, loops, Spots, processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gates
import pytest
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot.spot import Spot
from beautyspot_local.sqlite.store import SqliteMetadataStore
from gates import DEADLINE, Gate, State, followers, until
from scripted import scripted

STATE = State()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    STATE.gate, STATE.calls = Gate(), []


def test_threads_follow_one_leader(spot: Spot) -> None:
    @spot.mark
    def work(x: int) -> list[int]:
        STATE.gate.pass_through()
        return [x]

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work, 1) for _ in range(8)]
        until(lambda: followers(spot) == 7, unless=futures)
        STATE.gate.open.set()
        results = [future.result(DEADLINE) for future in futures]
    assert results == [[1]] * 8
    assert STATE.gate.count == 1
    assert len({id(result) for result in results}) == 8, "no two callers share a mutable object"


def test_tasks_of_several_loops_follow_one_leader(spot: Spot) -> None:
    @spot.mark
    async def work(x: int) -> list[int]:
        await asyncio.to_thread(STATE.gate.pass_through)
        return [x]

    async def several() -> list[list[int]]:
        return await asyncio.gather(*(work(1) for _ in range(3)))

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(asyncio.run, several()) for _ in range(2)]
        until(lambda: followers(spot) == 5, unless=futures)
        STATE.gate.open.set()
        results = [future.result(DEADLINE) for future in futures]
    assert results == [[[1]] * 3] * 2
    assert STATE.gate.count == 1


def test_two_spots_on_one_directory_run_once(
    make_spot: Callable[..., Spot], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()
    real = SqliteMetadataStore.begin

    def begin(store: SqliteMetadataStore, keys: Any, *args: Any, **options: Any) -> Any:
        begun = real(store, keys, *args, **options)
        if not begun.leased:
            refused.set()
        return begun

    def work(x: int) -> int:
        STATE.gate.pass_through()
        return x

    monkeypatch.setattr(SqliteMetadataStore, "begin", begin)
    first, second = (make_spot(strict=True).mark(work) for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(first, 1)
        assert STATE.gate.entered.wait(DEADLINE)
        follower = pool.submit(second, 1)
        until(lambda: refused.is_set() or STATE.gate.count == 2, unless=[leader, follower])
        STATE.gate.open.set()
        assert [leader.result(DEADLINE), follower.result(DEADLINE)] == [1, 1]
    assert STATE.gate.count == 1


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_leader_that_exits_takes_nobody_with_it(spot: Spot, error: type[BaseException]) -> None:
    @spot.mark
    def work(x: int) -> int:
        STATE.gate.pass_through()
        if STATE.gate.count == 1:
            raise error  # captured by its name: a class
        return x

    outcomes: list[Any] = []

    def call() -> None:
        try:
            outcomes.append(work(1))
        except BaseException as raised:
            outcomes.append(type(raised))

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: followers(spot) == 2)
    STATE.gate.open.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert sorted(outcomes, key=str) == sorted([error, 1, 1], key=str)
    assert STATE.gate.count == 2


def test_a_lease_that_can_not_be_released_leaves_no_flight(make_spot: Callable[..., Spot]) -> None:
    away = MetadataError("away")
    store = scripted(MemoryMetadataStore, fail={"release": away})
    spot = make_spot(metadata=store, strict=True)
    refused = spot.mark(cache_if=lambda value: False)(lambda x: x)
    with pytest.raises(MetadataError, match="away"):
        refused(1)
    assert len(spot._engine.flights) == 0
    assert not spot._engine.running


def test_a_cancelled_leader_hands_over_and_frees_its_key(spot: Spot) -> None:
    async def main() -> None:
        STATE.stuck = asyncio.Event()

        @spot.mark
        async def work(x: int) -> int:
            STATE.calls.append("ran")
            if len(STATE.calls) == 1:
                await STATE.stuck.wait()
            return x

        leader = asyncio.create_task(work(1))
        follower = asyncio.create_task(work(1))
        while followers(spot) < 1 or not STATE.calls:
            await asyncio.sleep(0)
        leader.cancel()
        assert await asyncio.wait_for(follower, DEADLINE) == 1
        with pytest.raises(asyncio.CancelledError):
            await leader

    asyncio.run(main())
    assert STATE.calls == ["ran", "ran"]
    assert len(spot._engine.flights) == 0


def test_what_a_cancelled_leader_has_handed_to_a_thread_is_waited_for(
    make_spot: Callable[..., Spot],
) -> None:
    """The result was paid for, and is on its way to the store."""
    writing, free = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        writing.set()
        assert free.wait(DEADLINE)

    store = scripted(MemoryMetadataStore, slow={"put": slow})
    spot = make_spot(metadata=store)

    @spot.mark
    async def work(x: int) -> str:
        STATE.calls.append(x)
        return "a" * 100_000  # too much to be written in the event loop

    async def main() -> str:
        leader = asyncio.create_task(work(1))
        await asyncio.to_thread(writing.wait, DEADLINE)
        leader.cancel()
        await asyncio.wait([leader])
        follower = asyncio.create_task(work(1))
        while not spot.activity().waiting and len(STATE.calls) == 1:
            await asyncio.sleep(0)
        free.set()
        return await follower

    assert asyncio.run(main()) == "a" * 100_000
    assert STATE.calls == [1]


def test_a_cancelled_follower_does_not_break_its_leader(spot: Spot) -> None:
    async def main() -> None:
        STATE.stuck = asyncio.Event()

        @spot.mark
        async def work(x: int) -> int:
            STATE.calls.append("ran")
            await STATE.stuck.wait()
            return x

        leader = asyncio.create_task(work(1))
        follower = asyncio.create_task(work(1))
        while followers(spot) < 1:
            await asyncio.sleep(0)
        follower.cancel()
        with pytest.raises(asyncio.CancelledError):
            await follower
        assert followers(spot) == 0
        STATE.stuck.set()
        assert await asyncio.wait_for(leader, DEADLINE) == 1

    asyncio.run(main())
    assert STATE.calls == ["ran"]


def test_recursion_on_one_key_is_no_deadlock(spot: Spot) -> None:
    @spot.mark
    def work(x: int) -> int:
        STATE.calls.append(x)
        return x if len(STATE.calls) > 1 else work(x)

    assert work(1) == 1
    assert STATE.calls == [1, 1]


def test_async_recursion_on_one_key_is_no_deadlock(spot: Spot) -> None:
    @spot.mark
    async def work(x: int) -> int:
        STATE.calls.append(x)
        return x if len(STATE.calls) > 1 else sum(await asyncio.gather(work(x), work(x))) // 2

    assert asyncio.run(asyncio.wait_for(work(1), DEADLINE)) == 1


def test_two_calls_that_wait_for_each_other_are_no_deadlock(spot: Spot) -> None:
    both = threading.Barrier(2)
    meet = {"a": True, "b": True}

    @spot.mark(ignore=("both", "meet"))
    def work(mine: str, other: str) -> str:
        if meet.pop(mine, None):
            both.wait(DEADLINE)
            return mine + work(other, mine)
        return mine

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(work, "a", "b"), pool.submit(work, "b", "a")]
        results = {future.result(DEADLINE)[0] for future in futures}
    assert results == {"a", "b"}


def test_a_follower_runs_itself_when_its_patience_ends(make_spot: Callable[..., Spot]) -> None:
    spot = make_spot(strict=True, wait_timeout=0)

    @spot.mark
    def work(x: int) -> int:
        if STATE.gate.count == 0:
            STATE.gate.pass_through()
        return x

    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(work, 1)
        assert STATE.gate.entered.wait(DEADLINE)
        assert work(1) == 1
        STATE.gate.open.set()
        assert leader.result(DEADLINE) == 1


PROGRAM = """
    import sys, threading
    from pathlib import Path
    import beautyspot.spot
    from gates import until

    spot = beautyspot.spot.Spot("app", directory=sys.argv[1], config=False, strict=True)
    told = Path(sys.argv[2])
    store = type(spot.metadata)
    real = store.begin
    waiting, keys = set(), {}

    def say(line):
        with told.open("a") as log:
            log.write(f"{line}\\n")

    def begin(metadata, asked, *args, **options):
        begun = real(metadata, asked, *args, **options)
        for key in {*asked} - {*begun.leased, *begun.found, *waiting}:
            waiting.add(key)
            say(f"waits for {keys[key]}")
        return begun

    store.begin = begin  # before the Spot binds it

    def others_came():
        lines = told.read_text().splitlines()
        return lines.count("waits for 0") == int(sys.argv[3]) or lines.count("0") > 1

    @spot.mark(name="work")
    def work(x):
        say(x)
        if x == 0:
            until(others_came)  # they wait, or run it as well
        return x * x

    keys.update({spot.key(work, x): x for x in range(5)})
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=lambda: [work(x) for x in range(5)]) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert [work(x) for x in range(5)] == [x * x for x in range(5)]
    spot.shutdown()
"""


def start(cache: Path, log: Path, others: int) -> subprocess.Popen[str]:
    """A process that computes on a word; what it does first waits until the others ask for it."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(cache), str(log), str(others)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(gates.__file__).parent)},
    )


@pytest.mark.slow
def test_eight_processes_by_eight_threads_execute_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    processes = [start(tmp_path / "cache", log, 7) for _ in range(8)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=DEADLINE * 2)
        assert process.returncode == 0
    ran = [line for line in log.read_text().splitlines() if not line.startswith("waits")]
    assert sorted(ran) == ["0", "1", "2", "3", "4"]


def test_another_process_waits_for_its_result(spot: Spot, tmp_path: Path) -> None:
    @spot.mark(name="work")
    def work(x: int) -> int:
        STATE.gate.pass_through()
        return x * x

    log = tmp_path / "log"
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(work, 3)
        assert STATE.gate.entered.wait(DEADLINE)
        with start(spot.db_path.parent, log, 0) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("\n")
            process.stdin.flush()
            until(lambda: log.exists() and "3" in log.read_text())  # it waits, or runs it as well
            STATE.gate.open.set()
            process.communicate(timeout=DEADLINE)
        assert leader.result(DEADLINE) == 9
    said = log.read_text().splitlines()
    assert "waits for 3" in said
    assert "3" not in said
    assert process.returncode == 0
