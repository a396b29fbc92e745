"""`Feed`: what comes into a store, looked for once in a while however many want to know."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError

from beautyspot_dashboard.streaming import PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beautyspot import TaskRecord

LIMIT: Final = 50
"""Results that are looked at: the newest. If more came in at once, these are all that is shown."""

_KEPT: Final = 100
"""Looks with news of which a page that connects again can be told."""


@dataclass(frozen=True)
class News:
    """What a page lacks.

    Attributes:
        id: of the state in which it is then.
        records: results, newest first.
        whole: whether they take the place of all that it shows.
        problem: why the store can't be read now; "" where it can.
    """

    id: str
    records: tuple[TaskRecord, ...]
    whole: bool
    problem: str


class Feed:
    """The newest results of one store.

    Nobody looks while nobody asks. Who asks while another looks gets what is known.

    Args:
        look: gives the `LIMIT` newest results, newest first.
        clock: seconds of any clock that goes on.
    """

    def __init__(
        self,
        look: Callable[[], Sequence[TaskRecord]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._clock = clock
        self._epoch = token_hex(4)
        self._count = 0
        self._looking, self._state = Lock(), Lock()
        self._looked: float | None = None
        self._newest: tuple[TaskRecord, ...] | None = None
        self._problem = ""
        self._came: deque[tuple[TaskRecord, ...]] = deque(maxlen=_KEPT)
        """What came by each of the last counts."""

    def news(self, last: str | None) -> News | None:
        """What a page lacks; None where that is nothing, or not known yet.

        Args:
            last: the id of the news that it got last; None: it has none.
        """
        self._refresh()
        with self._state:
            now = f"{self._epoch}-{self._count}"
            if last == now or (self._newest is None and not self._problem):
                return None
            return News(now, *self._since(last), self._problem)

    def _since(self, last: str | None) -> tuple[tuple[TaskRecord, ...], bool]:
        """What came since, and whether it is all that a page shows."""
        epoch, _, number = (last or "").partition("-")
        seen = int(number) if epoch == self._epoch and re.fullmatch("[0-9]{1,15}", number) else -1
        behind = self._count - seen
        if not 0 <= behind <= len(self._came):
            return self._newest or (), True
        came = list(reversed(self._came))[:behind]
        return tuple(record for records in came for record in records), False

    def _refresh(self) -> None:
        if not self._looking.acquire(blocking=False):
            return
        try:
            if self._looked is None or self._clock() >= self._looked + PERIOD:
                self._look_again()
                self._looked = self._clock()
        finally:
            self._looking.release()

    def _look_again(self) -> None:
        found: tuple[TaskRecord, ...] | None
        try:
            found, problem = tuple(self._look()), ""
        except BeautyspotError as error:
            found, problem = self._newest, str(error)
        with self._state:
            self._note(found, problem)

    def _note(self, found: tuple[TaskRecord, ...] | None, problem: str) -> None:
        before, self._newest = self._newest, found
        came = () if before is None or found is None else new_in(found, before)
        if (before is None and found is not None) or len(came) >= LIMIT:
            self._came.clear()  # so that all pages are written as a whole
            self._count += 1
        elif came or problem != self._problem:
            self._came.append(came)
            self._count += 1
        self._problem = problem


def new_in(found: Sequence[TaskRecord], before: Sequence[TaskRecord]) -> tuple[TaskRecord, ...]:
    """The results of a page that came since the page before.

    Where results were removed, older ones move up into a full page: these are not new. They are
    told by their place and not by their times, which are of the clocks of several machines.
    """
    known = {(each.cache_key, each.made_at) for each in before}
    is_new = [(each.cache_key, each.made_at) not in known for each in found]
    end = len(found)
    if len(before) >= LIMIT and not all(is_new):
        end -= is_new[::-1].index(False)  # what is behind the last known one has moved up
    return tuple(each for each, new in zip(found[:end], is_new, strict=False) if new)
