"""`Kept`: answers that take long in a large store: no page waits for them, and they serve a while.

What takes milliseconds is found out anew each time. What takes seconds serves for as many tens of
them, and goes on in a thread of its own when a page waits no longer.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

SOON: Final = 0.1
"""Seconds for which a page waits for what it can do without: nobody notices."""

LONG: Final = 2.0
"""Seconds for which a page waits for what it is about; then it says so, and loads itself again."""

_TIMES: Final = 10
"""How many times as long as its work an answer serves: a tenth of one processor at most."""

_OLD: Final = 300.0
"""Seconds for which an answer serves at most, where a newer one takes long."""

_FAILED: Final = 5.0
"""Seconds for which a failure is told again, to a page that loads itself again for the answer."""


class Kept:
    """The answers of one store."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: dict[Hashable, tuple[Future[Any], float, Future[Any] | None]] = {}
        """Each with the moment until which it serves, and the one before it."""

    def get(self, name: Hashable, work: Callable[[], T], wait: float | None = None) -> T | None:
        """The answer to a question; None where none is known yet: ask again.

        While an answer is found anew, the last one serves, for some minutes at most.

        Args:
            name: what is asked; what is under way under this name is not begun again.
            work: finds the answer, in a thread of its own.
            wait: for so many seconds; None: `SOON`.

        Raises:
            Exception: what the work raised.
        """
        with self._lock:
            now = time.monotonic()
            known = self._answers.items()
            self._answers = {key: each for key, each in known if now < each[1] + _OLD}
            future, until, before = self._answers.get(name, (Future(), 0.0, None))
            if now >= until:
                before = future if future.done() and not future.exception() else None
                future = Future()
                Thread(target=self._work, args=(name, work, future), daemon=True).start()
                self._answers[name] = future, float("inf"), before
        try:
            return cast("T", future.result(SOON if wait is None else wait))
        except TimeoutError:
            if future.done():  # it is the work's own
                raise
            return None if before is None else cast("T", before.result())

    def forget(self) -> None:
        """Forget all, also what is under way: something was changed."""
        with self._lock:
            self._answers.clear()

    def _work(self, name: Hashable, work: Callable[[], T], future: Future[T]) -> None:
        began, failed, value = time.monotonic(), None, None
        try:
            value = work()
        except Exception as error:  # it is raised where somebody comes for the answer
            failed = error
        now = time.monotonic()
        serves = _FAILED if failed else _TIMES * (now - began)
        with self._lock:
            if self._answers.get(name, (None,))[0] is future:  # else it was forgotten
                until = now + (serves if now - began >= SOON else 0.0)
                self._answers[name] = future, until, None
        if failed:
            future.set_exception(failed)
        else:
            future.set_result(cast("T", value))
