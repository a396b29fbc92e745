"""`Kept`: answers that take long in a large store, kept as long as that pays, and then renewed."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from beautyspot_dashboard.behind import Behind

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

SOON: Final = 0.1
"""Seconds for which a page waits for an answer: nobody notices, and most have come by then."""

_MOST: Final = 50
"""Answers that are kept of one store."""

_TIMES: Final = 10
"""How many times as long as its work an answer serves: a tenth of one processor at most."""


class Answer(NamedTuple, Generic[T]):
    """What was found out.

    Attributes:
        value: the answer.
        at: when, by the monotonic clock.
        took: for how many seconds it was worked on.
    """

    value: T
    at: float
    took: float

    @property
    def age(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.at

    @property
    def is_good(self) -> bool:
        """Whether it need not be found out anew."""
        return self.took >= SOON and self.age < self.took * _TIMES


class Kept:
    """The answers of one store."""

    def __init__(self) -> None:
        self._behind = Behind()
        self._lock = Lock()
        self._answers: OrderedDict[Hashable, Answer[Any]] = OrderedDict()

    def get(
        self, name: Hashable, work: Callable[[], T], wait: float | None = None
    ) -> Answer[T] | None:
        """The answer to a question; None where none is known yet: ask again.

        What takes milliseconds is found out anew each time. What takes seconds serves for as many
        tens of them, and longer while the next one is worked on.

        Args:
            name: what is asked.
            work: finds the answer, in a thread of its own.
            wait: for so many seconds, where nothing is known, or soon will be; None: `SOON`.

        Raises:
            Exception: what `work` raised; the next look tries again.
        """
        wait = SOON if wait is None else wait
        known: Answer[T] | None = self._answers.get(name)
        if known is not None and known.is_good:
            return known
        takes_long = known is not None and known.took > wait
        found = self._behind.ask(name, lambda: _timed(work), 0 if takes_long else wait)
        if found is None:
            return known
        self._keep(name, found)
        return found

    def _keep(self, name: Hashable, answer: Answer[Any]) -> None:
        with self._lock:
            self._answers[name] = answer
            self._answers.move_to_end(name)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)

    def forget(self) -> None:
        """Forget all: something was changed."""
        with self._lock:
            self._answers.clear()


def _timed(work: Callable[[], T]) -> Answer[T]:
    began = time.monotonic()
    value = work()
    now = time.monotonic()
    return Answer(value, now, now - began)
