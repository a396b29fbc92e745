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
        self._answers: dict[Hashable, tuple[Future[Any], float]] = {}
        """Each with the moment until which it serves."""
        self._before: dict[Hashable, tuple[Any, float]] = {}
        """The last answers, while they are found anew, each with the moment it is too old."""

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
            self._answers = {key: each for key, each in self._answers.items() if now < each[1]}
            future: Future[T] = self._answers.get(name, (Future(), 0.0))[0]
            if name not in self._answers:
                Thread(target=self._work, args=(name, work, future), daemon=True).start()
                self._answers[name] = future, float("inf")
        try:
            return future.result(SOON if wait is None else wait)
        except TimeoutError:
            if future.done():  # it is the work's own
                raise
            value, until = self._before.get(name, (None, now))
            return value if now < until else None

    def forget(self) -> None:
        """Forget all, also what is under way: something was changed."""
        with self._lock:
            self._answers.clear()
            self._before.clear()

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
                self._answers[name] = future, now + (serves if now - began >= SOON else 0.0)
                self._before = {key: each for key, each in self._before.items() if now < each[1]}
                self._before[name] = value, now + _OLD
        if failed:
            future.set_exception(failed)
        else:
            future.set_result(cast("T", value))
