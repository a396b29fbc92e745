"""`Kept`: answers that take long, worked out behind the pages that ask, and kept a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

SOON: Final = 0.1
"""Seconds for which a page waits for an answer: nobody notices, and most have come by then."""

_MOST: Final = 50
"""Answers that are kept of one store."""

_TIMES: Final = 10
"""How many times as long as its work an answer is kept: a tenth of one processor at most."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What was worked out.

    Attributes:
        value: the answer.
        age: seconds since then.
    """

    value: T
    age: float


@dataclass
class _Work:
    """One answer, or the work on it."""

    done: Event = field(default_factory=Event)
    value: Any = None
    error: Exception | None = None
    ended: float = 0.0
    took: float = 0.0
    before: _Work | None = None  # the last answer, which serves until this one is there

    def do(self, work: Callable[[], Any]) -> None:
        began = time.monotonic()
        try:
            self.value = work()
        except Exception as error:
            self.error = error
        self.ended = time.monotonic()
        self.took, self.before = self.ended - began, None
        self.done.set()

    @property
    def is_fresh(self) -> bool:
        """Whether it is being worked on, or good for a while."""
        age = time.monotonic() - self.ended
        return not self.done.is_set() or (self.error is None and age < self.took * _TIMES)


class Kept:
    """The answers of one store."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._works: OrderedDict[Hashable, _Work] = OrderedDict()

    def get(self, key: Hashable, work: Callable[[], T], wait: float = SOON) -> Answer[T] | None:
        """The answer to a question; None if it is still being worked on, and there is none yet.

        What took milliseconds is worked out anew each time, what took seconds serves for as many
        tens of them.

        Args:
            key: the question.
            work: gives the answer; runs in a thread of its own.
            wait: seconds to wait for it.

        Raises:
            BeautyspotError: what `work` raised; the next look tries again.
        """
        found = self._begun(key, work)
        before = found.before
        known_long = before is not None and before.took > wait
        if not found.done.wait(0 if known_long else wait):
            if before is None:
                return None
            found = before
        if found.error is not None:
            raise found.error
        return Answer(cast("T", found.value), time.monotonic() - found.ended)

    def _begun(self, key: Hashable, work: Callable[[], Any]) -> _Work:
        with self._lock:
            known = self._works.get(key)
            if known is not None and known.is_fresh:
                self._works.move_to_end(key)
                return known
            good = known if known is not None and known.error is None else None
            made = self._works[key] = _Work(before=good)
            self._works.move_to_end(key)
            while len(self._works) > _MOST:
                self._works.popitem(last=False)
        Thread(target=made.do, args=(work,), name="beautyspot-dashboard", daemon=True).start()
        return made

    def forget(self) -> None:
        """Begin anew: something was changed."""
        with self._lock, suppress(KeyError):
            self._works.clear()
