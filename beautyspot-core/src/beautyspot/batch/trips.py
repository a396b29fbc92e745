"""`Trips`: what several calls of a map ask of the store at once goes there in one trip."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts.store import Begun
    from beautyspot.results.cache import Cache
    from beautyspot.results.writer import Pending

T = TypeVar("T")
R = TypeVar("R")

MOST: Final = 256
"""Calls that share a trip."""


class Trips:
    """The trips to a store of the calls of one map.

    While one is under way, the calls that come wait, and then share the next one. So a lone call
    waits for nobody, and no lease is held for a call that is yet to begin.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        most = min(MOST, cache.store.real.most_leases)
        self._begins = _Shared[tuple[str, "Mapping[str, float]"], "Begun"](self._begin, most)
        self._writes = _Shared["Pending", None](cache.writer.write_all, MOST)
        self._is_strict = cache.reporter.strict

    def begin(self, key: str, rejected: Mapping[str, float]) -> Begun:
        """What `Cache.begin` gives for a key; also about those of others.

        Raises:
            MetadataError: the store failed.
        """
        return self._begins((key, rejected))

    def write(self, pending: Pending) -> None:
        """Write a result in this thread, or have another thread write it with its own."""
        if self._is_strict:  # its failure is raised, and is none of others'
            self._cache.writer.write(pending)
        else:
            self._writes(pending)

    def _begin(self, asked: list[tuple[str, Mapping[str, float]]]) -> Begun:
        rejected: dict[str, float] = {}
        for _, worse in asked:
            rejected |= worse
        return self._cache.begin([*{key for key, _ in asked}], rejected)


class _Asked(Generic[T, R]):
    """What one thread asks for, and the answer."""

    __slots__ = ("answer", "error", "what")

    def __init__(self, what: T) -> None:
        self.what = what
        self.answer: list[R] = []
        self.error: Exception | None = None


class _Shared(Generic[T, R]):
    """Has the thread whose turn it is ask for all that wait for theirs."""

    def __init__(self, ask: Callable[[list[T]], R], most: int) -> None:
        self._ask, self._most = ask, most
        self._waiting: dict[_Asked[T, R], None] = {}
        self._turn = threading.Lock()

    def __call__(self, what: T) -> R:
        mine: _Asked[T, R] = _Asked(what)
        self._waiting[mine] = None
        try:
            with self._turn:
                if mine in self._waiting:
                    self._answer(
                        [mine, *(each for each in list(self._waiting) if each is not mine)]
                    )
        finally:
            self._waiting.pop(mine, None)
        if mine.error is not None:
            raise mine.error
        return mine.answer[0]

    def _answer(self, all_: list[_Asked[T, R]]) -> None:
        batch = all_[: self._most]
        try:
            answer = self._ask([each.what for each in batch])
        except Exception as error:
            for each in batch:
                each.error = error
        else:
            for each in batch:
                each.answer.append(answer)
        for each in batch:
            self._waiting.pop(each, None)
