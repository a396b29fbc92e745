"""`Behind`: questions that may take long, so that no page waits for their answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_T = TypeVar("_T")

_KEPT: Final = 60.0
"""Seconds after which an answer that nobody came for is forgotten."""

_MOST: Final = 8
"""Questions that are under way at a time."""


@dataclass
class _Question:
    ended: Event = field(default_factory=Event)
    answer: Any = None
    error: Exception | None = None
    at: float = 0.0  # when it ended, by the monotonic clock

    def ask(self, work: Callable[[], object]) -> None:
        try:
            self.answer = work()
        except Exception as error:  # it is raised where somebody comes for the answer
            self.error = error
        finally:
            self.at = time.monotonic()
            self.ended.set()

    def is_old(self, seconds: float) -> bool:
        return self.ended.is_set() and time.monotonic() - self.at >= seconds


class Behind:
    """Questions to stores; each goes on in a thread of its own when a page waits no longer."""

    def __init__(self) -> None:
        self._questions: dict[Hashable, _Question] = {}
        self._lock = Lock()

    def ask(
        self, name: Hashable, work: Callable[[], _T], wait: float, keep: float = 0.0
    ) -> _T | None:
        """The answer; None where it takes longer: ask again, and it is there some time.

        Args:
            name: what is asked; what is under way under this name is not begun again.
            work: finds the answer.
            wait: for so many seconds.
            keep: for so many seconds an answer is given again. Else it is given once.

        Raises:
            Exception: what `work` raised.
        """
        with self._lock:
            question = self._begun(name, work)
        if question is None or not question.ended.wait(wait):
            return None
        with self._lock:
            if question.is_old(keep):
                self._questions.pop(name, None)
        if question.error is not None:
            raise question.error
        return cast("_T", question.answer)

    def _begun(self, name: Hashable, work: Callable[[], object]) -> _Question | None:
        known = self._questions
        for old in [each for each, one in known.items() if one.is_old(_KEPT)]:
            del known[old]
        if name not in known:
            if sum(not one.ended.is_set() for one in known.values()) >= _MOST:
                return None
            known[name] = _Question()
            ask = known[name].ask
            Thread(target=ask, args=(work,), name="beautyspot-behind", daemon=True).start()
        return known[name]
