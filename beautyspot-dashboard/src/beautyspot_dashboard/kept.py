"""`Kept`: answers that take long in a large store: no page waits for them, and they serve a while.

What takes milliseconds is found out anew each time. What takes seconds serves for as many tens of
them, and goes on in a thread of its own when a page waits no longer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import Future
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

SOON: Final = 0.1
"""Seconds for which a page waits for what it can do without: nobody notices."""

LONG: Final = 2.0
"""Seconds for which a page waits for what it is about; then it says so, and loads itself again."""

ALWAYS: Final = float("inf")

_TIMES: Final = 10
"""How many times as long as its work an answer serves: a tenth of one processor at most."""

_FAILED: Final = 5.0
"""Seconds for which a failure is told again, to a page that loads itself again for the answer."""

_MOST: Final = 50
"""Answers that are kept of one store."""

_UNDER_WAY: Final = 8
"""Questions to one store that are worked on at a time."""


class Answer(Generic[T]):
    """What was found out, or how that failed.

    Attributes:
        took: for how many seconds it was worked on.
        keep: for how many seconds it serves while the next one is worked on.
    """

    def __init__(self, work: Callable[[], T], keep: float) -> None:
        began = time.monotonic()
        self._value: T | None = None
        self._error: Exception | None = None
        try:
            self._value = work()
        except Exception as error:  # it is raised where somebody comes for the answer
            self._error = error
        self._at = time.monotonic()
        self.took = self._at - began
        self.keep = 0.0 if self._error else keep

    @property
    def value(self) -> T:
        """The answer.

        Raises:
            Exception: what the work raised.
        """
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    @property
    def age(self) -> float:
        """Seconds since it was found."""
        return time.monotonic() - self._at

    @property
    def is_good(self) -> bool:
        """Whether it need not be found out anew."""
        return self.age < (_FAILED if self._error else self.took * _TIMES)


class Kept:
    """The answers of one store."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: OrderedDict[Hashable, Answer[Any]] = OrderedDict()
        self._under_way: dict[Hashable, Future[Answer[Any]]] = {}

    def get(
        self, name: Hashable, work: Callable[[], T], wait: float | None = None, keep: float = 0.0
    ) -> Answer[T] | None:
        """The answer to a question; None where none is known yet: ask again.

        Args:
            name: what is asked; what is under way under this name is not begun again.
            work: finds the answer, in a thread of its own.
            wait: for so many seconds, where nothing is known, or soon will be; None: `SOON`.
            keep: for so many seconds an answer serves while the next one is worked on.
        """
        wait = SOON if wait is None else wait
        with self._lock:
            self._drop_old()
            known: Answer[T] | None = self._answers.get(name)
            if known is not None and known.is_good:
                return known
            future = self._begun(name, work, keep)
        takes_long = known is not None and known.took > wait
        try:
            return known if future is None else future.result(0 if takes_long else wait)
        except TimeoutError:
            return known

    def forget(self) -> None:
        """Forget all, also what is under way: something was changed."""
        with self._lock:
            self._answers.clear()
            self._under_way.clear()

    def _drop_old(self) -> None:
        for name, each in list(self._answers.items()):
            if not each.is_good and each.age >= each.keep:
                del self._answers[name]

    def _begun(
        self, name: Hashable, work: Callable[[], T], keep: float
    ) -> Future[Answer[T]] | None:
        future = self._under_way.get(name)
        if future is None and len(self._under_way) < _UNDER_WAY:
            future = Future()
            ask = (name, work, keep, future)
            Thread(target=self._ask, args=ask, name="beautyspot-kept", daemon=True).start()
            self._under_way[name] = future
        return future

    def _ask(
        self, name: Hashable, work: Callable[[], T], keep: float, future: Future[Answer[T]]
    ) -> None:
        answer = Answer(work, keep)
        with self._lock:
            if self._under_way.get(name) is future:  # else it was forgotten
                del self._under_way[name]
                if answer.took >= SOON:
                    self._keep(name, answer)
        future.set_result(answer)

    def _keep(self, name: Hashable, answer: Answer[Any]) -> None:
        self._answers[name] = answer
        self._answers.move_to_end(name)
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)
