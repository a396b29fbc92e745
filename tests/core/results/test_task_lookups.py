"""Look-ups of tasks that are made at once share a question to the store."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.results.task_lookups import TaskLookups
from gates import DEADLINE, until
from held_store import PLACES, HeldStore
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run it; what hangs fails."""
    asyncio.run(asyncio.wait_for(main, DEADLINE))


class ByHand(ThreadPoolExecutor):
    """Runs its work when it is told to, in the thread that tells it."""

    def __init__(self) -> None:
        super().__init__(1)
        self.queued: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[[], Any]) -> Future[Any]:  # type: ignore[override]
        future: Future[Any] = Future()
        self.queued.append((future, work))
        return future

    def run_one(self) -> None:
        if self.queued:
            future, work = self.queued.pop(0)
            future.set_result(work())

    def run_all(self) -> None:
        while self.queued:
            self.run_one()

    def drop_one(self) -> None:
        self.queued.pop(0)[0].cancel()


class Tasks:
    """Tasks that look up in an executor that runs by hand."""

    def __init__(self) -> None:
        self.store = HeldStore()
        self.runs = ByHand()
        self.lookups = TaskLookups(self.store.find, self.store.find_many)

    async def wait(self, *keys: str) -> list[asyncio.Task[int | None]]:
        tasks = [asyncio.ensure_future(self.find(key)) for key in keys]
        await asyncio.sleep(0)
        return tasks

    async def find(self, key: str) -> int | None:
        return await self.lookups.find(key, lambda: self.runs)

    async def end(self) -> None:
        self.runs.run_all()
        await asyncio.sleep(0)


def test_tasks_that_come_at_once_share_a_question() -> None:
    tasks = Tasks()

    async def main() -> None:
        first = await tasks.wait(*map(str, range(1000)), "3", "none")
        assert len(tasks.runs.queued) == PLACES
        tasks.runs.run_one()
        late = await tasks.wait("1500")
        await tasks.end()
        found = [*range(1000), 3, None, 1500]
        assert await asyncio.gather(*first, *late) == found

    run(main())
    assert len(tasks.store.asked[0]) == 1000
    assert tasks.store.asked[1:] == [["1500", "3", "none"]]


def test_a_lone_task_asks_for_itself() -> None:
    store = HeldStore()
    lookups = TaskLookups(store.find, store.find_many)
    with ThreadPoolExecutor(1) as runs:
        for key, found in {"3": 3, "none": None}.items():
            assert asyncio.run(lookups.find(key, lambda: runs)) == found
    assert store.asked == [["3"], ["none"]]


def test_a_task_that_is_cancelled_asks_nothing_and_stops_no_other() -> None:
    tasks = Tasks()

    async def main() -> None:
        one, other = await tasks.wait("1", "2")
        one.cancel()
        await asyncio.sleep(0)
        await tasks.end()
        assert await other == 2
        assert one.cancelled()

    run(main())
    assert tasks.store.asked == [["2"]]


def test_a_question_that_fails_fails_for_the_tasks_in_it_alone() -> None:
    tasks = Tasks()

    def fail(keys: list[str]) -> None:
        if "1" in keys:
            raise MetadataError("down")

    async def main() -> None:
        tasks.store.before = fail
        first = await tasks.wait("1", "2")
        tasks.runs.run_one()
        late = await tasks.wait("3")
        await tasks.end()
        for each in first:
            with pytest.raises(MetadataError, match="down"):
                await each
        assert await late[0] == 3

    run(main())


def test_a_thread_that_ends_while_it_asks_leaves_no_task_waiting() -> None:
    store = HeldStore()

    def stop(keys: list[str]) -> None:
        store.before = lambda _keys: None
        raise SystemExit

    store.before = stop
    lookups = TaskLookups(store.find, store.find_many)

    async def main(runs: ThreadPoolExecutor) -> None:
        with pytest.raises(MetadataError, match="broken off"):
            await lookups.find("1", lambda: runs)
        assert await lookups.find("1", lambda: runs) == 1

    with ThreadPoolExecutor(1) as runs:
        run(main(runs))


class Refusing(ThreadPoolExecutor):
    """Takes no work, or takes it and says that it does not."""

    takes = False
    error: type[BaseException] = RuntimeError

    def submit(self, *work: Any) -> Future[Any]:  # type: ignore[override]
        if self.takes:
            super().submit(*work)
        raise self.error("no")


@pytest.mark.parametrize("takes", [True, False])
def test_an_executor_that_refuses_stops_no_task(takes: bool) -> None:
    tasks = Tasks()

    async def main(runs: Refusing) -> None:
        found = await asyncio.gather(*[tasks.lookups.find(key, lambda: runs) for key in "1232"])
        assert found == [1, 2, 3, 2]

    with Refusing(1) as runs:
        runs.takes = takes
        run(main(runs))


def test_an_interrupt_while_work_is_handed_over_stops_no_other_task() -> None:
    tasks = Tasks()

    async def main(runs: Refusing) -> None:
        runs.error = KeyboardInterrupt
        for _ in range(2 * PLACES):
            with pytest.raises(KeyboardInterrupt):
                await tasks.lookups.find("1", lambda: runs)
        (other,) = await tasks.wait("2")
        await tasks.end()
        assert await other == 2

    with Refusing(1) as runs:
        run(main(runs))


def test_work_that_the_executor_drops_is_done_elsewhere() -> None:
    tasks = Tasks()

    async def main() -> None:
        found = await tasks.wait("1", "2", "3")
        tasks.runs.drop_one()
        tasks.runs.drop_one()
        assert await asyncio.gather(*found) == [1, 2, 3]

    run(main())


def test_an_executor_that_is_shut_down_meanwhile_stops_no_task() -> None:
    store = HeldStore(held=True)
    lookups = TaskLookups(store.find, store.find_many)
    runs = ThreadPoolExecutor(PLACES)

    async def main() -> None:
        tasks = []
        for n in range(PLACES):
            tasks.append(asyncio.ensure_future(lookups.find(str(n), lambda: runs)))
            await asyncio.to_thread(until, lambda n=n: len(store.asked) > n)
        tasks += [asyncio.ensure_future(lookups.find(key, lambda: runs)) for key in "78"]
        await asyncio.sleep(0)
        runs.shutdown(wait=False)
        store.let_all()
        assert await asyncio.gather(*tasks) == [*range(PLACES), 7, 8]

    run(main())
    assert sum(map(len, store.asked)) == PLACES + 2


def test_the_next_question_queues_behind_other_work_of_the_executor() -> None:
    tasks = Tasks()
    order: list[str] = []
    tasks.store.before = lambda _keys: order.append("question")

    async def main() -> None:
        first = await tasks.wait("1")
        tasks.runs.submit(lambda: order.append("save"))
        first += await tasks.wait("2", "3")
        tasks.runs.run_one()
        first += await tasks.wait("4")
        await tasks.end()
        await asyncio.gather(*first)

    run(main())
    assert order == ["question", "save", "question"]


def test_tasks_of_two_loops_share_questions_and_none_waits_for_a_loop_that_is_closed() -> None:
    store = HeldStore(held=True)
    lookups = TaskLookups(store.find, store.find_many)
    runs = ThreadPoolExecutor(PLACES)
    found: list[Any] = []

    async def ask(keys: list[str]) -> None:
        found.append(await asyncio.gather(*[lookups.find(key, lambda: runs) for key in keys]))

    async def leave(key: str) -> None:
        asyncio.ensure_future(lookups.find(key, lambda: runs))  # noqa: RUF006 - it is left on purpose
        await asyncio.sleep(0)

    for n in range(PLACES):
        asyncio.run(leave(str(n)))
        until(lambda n=n: len(store.asked) > n)  # type: ignore[misc]
    asyncio.run(leave("9"))
    loops = [
        threading.Thread(target=asyncio.run, args=(ask([str(n), "50", str(n + 20)]),))
        for n in range(4)
    ]
    for number, each in enumerate(loops):
        each.start()
        until(lambda number=number: len(lookups._waiting) == 3 * number + 4)  # type: ignore[misc]
    store.let_one()
    for each in loops:
        each.join(DEADLINE)
    store.let_all()
    runs.shutdown()
    assert sorted(found) == [[n, 50, n + 20] for n in range(4)]
    assert [len(keys) for keys in store.asked_later] == [9]


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "run", "write", "cancel", "fail"]), st.integers(0, 2)),
    max_size=30,
)


class Random(Tasks):
    """Does what it is told, and checks what comes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.store.rows = dict.fromkeys("012", 0)
        self.asked: list[tuple[asyncio.Task[int | None], str, int]] = []

    async def ask(self, number: int) -> None:
        (task,) = await self.wait(str(number))
        self.asked.append((task, str(number), self.store.rows[str(number)]))

    async def run(self, number: int) -> None:
        self.runs.run_one()
        await asyncio.sleep(0)

    async def write(self, number: int) -> None:
        self.store.rows[str(number)] += 1

    async def cancel(self, number: int) -> None:
        for task, *_ in self.asked[-number:]:
            task.cancel()

    async def fail(self, number: int) -> None:
        def fail(_: object) -> None:
            self.store.before = lambda _: None
            raise MetadataError("down")

        self.store.before = fail

    async def follow(self, steps: list[tuple[str, int]]) -> None:
        for name, number in steps:
            await getattr(self, name)(number)
        await self.end()
        done, waiting = await asyncio.wait([task for task, *_ in self.asked], timeout=DEADLINE)
        assert not waiting
        assert not self.lookups._waiting
        for task, key, before in self.asked:
            if not task.cancelled() and task.exception() is None:
                assert before <= (task.result() or 0) <= self.store.rows[key]


@settings(deadline=None)
@given(STEPS)
def test_no_task_finds_what_was_replaced_before_it_asked(steps: list[tuple[str, int]]) -> None:
    asyncio.run(Random().follow([("ask", 0), *steps]))
