"""`Recent`: what was made of values last, for the next look at them."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock, Timer
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")
_NOTHING: Final = object()


class Recent(Generic[T]):
    """What was made last, each by a mark.

    Args:
        most: how much is kept.
        weigh: how much of that each takes; None: 1.
        seconds: how long after the last look all is forgotten; None: never.
    """

    def __init__(
        self,
        most: int,
        weigh: Callable[[T], int] | None = None,
        seconds: float | None = None,
    ) -> None:
        self.most = most
        self._weigh = weigh or (lambda _: 1)
        self._seconds = seconds
        self._lock = Lock()
        self._found: OrderedDict[Hashable, T] = OrderedDict()
        self._weight = 0
        self._timer: Timer | None = None

    def get(self, mark: Hashable, make: Callable[[], T]) -> T:
        """What has this mark; it is made if it is not there. None is not kept.

        Raises:
            Exception: what `make` raised, of which nothing is kept.
        """
        with self._lock:
            found = self._found.get(mark, _NOTHING)
            if found is not _NOTHING:
                self._found.move_to_end(mark)
        made = cast("T", found) if found is not _NOTHING else make()
        with self._lock:
            if made is not None and mark not in self._found:
                self._put(mark, made)
            self._forget_later()
        return made

    def forget(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._found.clear()
            self._weight = 0

    def _put(self, mark: Hashable, made: T) -> None:
        self._found[mark] = made
        self._weight += self._weigh(made)
        while self._weight > self.most:
            self._weight -= self._weigh(self._found.popitem(last=False)[1])

    def _forget_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._seconds is not None:
            self._timer = Timer(self._seconds, self.forget)
            self._timer.daemon = True
            self._timer.start()
