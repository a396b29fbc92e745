"""`Job`: a blocking call that a task has an executor run, and waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.concurrency import locks
from beautyspot.concurrency.wakeups import Alarm

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future


class Job:
    """Work that runs once: in an executor, or in the event loop where the executor takes none.

    An executor may refuse work that it has queued already: where it can't start a new thread, one
    of its running threads takes the work all the same, now or much later.

    Attributes:
        work: the call.
        submitted: whether the executor took it. Then it runs to its end even if the task that
            waits for it is cancelled.
    """

    __slots__ = ("_free", "_outcome", "submitted", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.submitted = False

    async def run_in(self, executor: Callable[[], Executor]) -> Any:
        """Run the work in the executor, and return what it returns.

        Where the executor takes no work (it is shut down, or the interpreter is), drops it, or
        finds no thread for it, the work runs here: nothing may be lost even then.
        """
        from concurrent.futures import Future

        self._free = [True]
        self._outcome: Future[Any] = Future()
        alarm = Alarm()
        self._outcome.add_done_callback(alarm)
        try:
            with locks.reentrant():  # `submit` holds locks that other threads may wait for
                queued = executor().submit(self._run)
            self.submitted = True
            queued.add_done_callback(alarm)  # also called where the executor drops it
        except RuntimeError:
            self._run()  # a thread of the executor may have begun it nevertheless
        await alarm.rung
        self._run()
        return self._outcome.result()

    def _run(self) -> None:
        """Run the work, unless another thread has begun it."""
        try:
            self._free.pop()
        except IndexError:
            return
        try:
            result = self.work()
        except BaseException as error:
            self._outcome.set_exception(error)
            del self  # the traceback holds this frame: without this, a cycle for the collector
        else:
            self._outcome.set_result(result)
