"""`Trips`: what several calls of a map ask of the store at once goes there in one trip."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts.store import Begun
    from beautyspot.results.cache import Cache
    from beautyspot.results.saving import Pending

MOST: Final = 256
"""Calls that share a trip."""


class Trips:
    """The trips to a store of the calls of one map.

    Attributes:
        begin: takes a key and what is rejected of it; gives what `Cache.begin` does, which is about
            the keys of others, too.
        write: writes a `Pending` in this thread, or has another one write it with its own.
    """

    def __init__(self, cache: Cache) -> None:
        most = min(MOST, cache.store.real.most_leases)
        self.begin = Shared(partial(_begin, cache), most)
        self.write: Callable[[Pending], object] = Shared(partial(_write, cache), MOST)
        if cache.reporter.strict:  # a failure is raised, and is none of others'
            self.write = cache.writer.write


def _begin(cache: Cache, asked: list[tuple[str, Mapping[str, float]]]) -> Begun:
    rejected: dict[str, float] = {}
    for _, worse in asked:
        rejected |= worse
    return cache.begin([*dict(asked)], rejected)


def _write(cache: Cache, asked: list[tuple[Pending]]) -> None:
    cache.writer.write(*[pending for (pending,) in asked])


class Shared:
    """Has one thread ask for itself and for those that wait for their turn.

    So a lone one waits for nobody, and nothing is leased for a call that is yet to begin.

    Args:
        ask: asks for all of these arguments at once.
        most: of so many.
    """

    def __init__(self, ask: Callable[[list[Any]], Any], most: int) -> None:
        self._ask, self._most = ask, most
        self._waiting: dict[int, list[Any]] = {}  # each with its arguments, then with the answer
        self._turn = threading.Lock()

    def __call__(self, *arguments: Any) -> Any:
        """Ask, or have another thread ask.

        Raises:
            Exception: what asking raised.
        """
        mine: list[Any] = [arguments]
        self._waiting[id(mine)] = mine
        try:
            with self._turn:
                if len(mine) == 1:
                    others = [each for each in list(self._waiting.values()) if each is not mine]
                    self._answer([mine, *others[: self._most - 1]])
        finally:
            self._waiting.pop(id(mine), None)
        if isinstance(mine[1], Exception):
            raise mine[1]
        return mine[1]

    def _answer(self, batch: list[list[Any]]) -> None:
        try:
            answer = self._ask([each[0] for each in batch])
        except Exception as error:
            answer = error
        for each in batch:
            self._waiting.pop(id(each), None)
            each.append(answer)
