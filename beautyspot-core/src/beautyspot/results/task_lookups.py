"""Look-ups that are made at once go to the store together: those of tasks, of any event loop.

A thread of the Spot's executor asks for all that wait, so that a thousand tasks take one thread. A
lone task is asked for at once; see `gathering.py`.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from beautyspot.concurrency import locks
from beautyspot.errors import MetadataError
from beautyspot.results.gathering import AT_ONCE, LARGEST, Gathering

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from beautyspot.results.gathering import Answer

    Asking = tuple[str, asyncio.Future[Answer["T"]]]

T = TypeVar("T")


class TaskLookups(Gathering[T, "Asking[T]"]):
    """The look-ups of tasks."""

    def reset_after_fork(self) -> None:
        """See the base class."""
        super().reset_after_fork()
        self._jobs: list[Future[None]] = []  # those that an interrupt kept out do no harm

    async def find(self, key: str, executor: Callable[[], Executor]) -> T | None:
        """What is stored under a key, asked after this call began, in the executor.

        Raises:
            Exception: what was raised for the key, or for the batch that it was in.
        """
        import asyncio

        future: asyncio.Future[Answer[T]] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if len(self._jobs) < AT_ONCE or any(job.done() for job in self._jobs):
            self._submit(executor())
        answer = await future
        try:
            if isinstance(answer, Exception):
                raise answer
            return answer.get(key)
        finally:
            del answer  # an error in it refers to this frame: a cycle for the collector

    def _submit(self, executor: Executor) -> None:
        """Have the executor ask the next batch; where it takes none, ask here.

        The batches that follow queue behind the executor's other work, which might starve else.
        """
        try:
            with locks.reentrant():  # `submit` holds locks that other threads may wait for
                job = executor.submit(self._answer_next)
        except Exception:
            self._answer_all()
            return
        job.add_done_callback(partial(self._go_on, executor))
        self._jobs = [*[each for each in self._jobs if not each.done()], job]

    def _go_on(self, executor: Executor, job: Future[None]) -> None:
        """After a batch, see to the tasks that came meanwhile."""
        if job.cancelled():  # dropped by an executor that takes no more
            self._answer_all()
        elif self._waiting:
            self._submit(executor)

    def _answer_all(self) -> None:
        while self._waiting:
            self._answer_next()

    def _answer_next(self) -> None:
        batch = self._next(LARGEST)
        keys = {key for key, future in batch if not future.cancelled()}
        answer: Answer[T] = MetadataError("the thread that looked results up was broken off")
        try:
            answer = self._ask(keys)
        except Exception as error:
            answer = error
        finally:
            _tell(batch, answer)
            del answer  # as above


def _tell(batch: list[Asking[Any]], answer: Answer[Any]) -> None:
    """Let the tasks go on, those of one event loop together."""
    loops: dict[Any, list[asyncio.Future[Answer[Any]]]] = {}
    for _, future in batch:
        loops.setdefault(future.get_loop(), []).append(future)
    for loop, futures in loops.items():
        with suppress(RuntimeError):  # it is closed, and nothing waits in it
            loop.call_soon_threadsafe(_set, futures, answer)


def _set(futures: list[asyncio.Future[Answer[Any]]], answer: Answer[Any]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(answer)
