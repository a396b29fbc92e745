"""The callers of this process that wait for one limiter, in the order in which they asked.

A caller that waits holds an interval of the timeline. When time before it is given back, it moves
up, but it never passes who asked before it. Nobody is moved before it matters: the callers that
may go now and the first that may not are moved and woken at once, the others when their turn comes
to be the first. So a cancelled caller costs the same whether ten wait behind it or ten thousand.
Only before a new interval is reserved, all move: it has to lie behind theirs.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_local.held import Held
    from beautyspot_local.timeline import Timeline


class Waiters:
    """A queue. Not thread-safe: it is used within the timeline's lock.

    Attributes:
        behind_gaps: whether some may have to move up before a new interval is reserved.
    """

    __slots__ = ("_queue", "behind_gaps")

    def __init__(self) -> None:
        self._queue: list[Held] = []
        self.behind_gaps = False

    @property
    def last(self) -> float:
        """Where the interval of the last one starts: nothing new is reserved before."""
        return self._queue[-1].start if self._queue else -math.inf

    def join(self, held: Held, wake: Callable[[], object]) -> None:
        """Let one wait that was told when it may go; `wake` is called when that is sooner."""
        held.wake, held.told = wake, held.start
        insort(self._queue, held, key=_start)

    def charge(self, held: Held, now: float) -> None:
        """Let what was reserved too little move up like one who waits, since it lies among them."""
        self._queue = [one for one in self._queue if one.cost or one.end > now]
        self.join(held, bool)

    def leave(self, held: Held) -> bool:
        """Take one out; whether it was there."""
        at = bisect_left(self._queue, held.start, key=_start)
        while at < len(self._queue) and self._queue[at].start == held.start:
            if self._queue[at] is held:
                del self._queue[at]
                return True
            at += 1
        return False

    def move_up(self, line: Timeline, *, everybody: bool = False) -> None:
        """Move those up who may go now, and the first who may not, or everybody; wake the former.

        Nobody passes who asked before.
        """
        wakes, since = True, -math.inf
        for held in self._queue:
            held.start, held.end = line.move_up((held.start, held.end), since)
            since = held.start
            if not held.cost:
                continue  # a debt, which nobody waits for
            if wakes and held.start < held.told:
                held.told = held.start
                held.wake()
            wakes = wakes and line.wait_until(held.start, held.length) <= 0
            if not wakes and not everybody:
                return
        self.behind_gaps = False


def _start(held: Held) -> float:
    return held.start
