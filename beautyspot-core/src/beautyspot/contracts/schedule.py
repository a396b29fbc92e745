"""`Schedule`: when the next call may begin by each of several limits, for limiters of any kind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOON: Final = 0.05
"""Seconds from now within which a call may begin that is granted: it waits for that by itself.

So a limiter that is far away, or asked by a thread that wakes up late, loses no time. What begins
later is not planned: time that is given back meanwhile is there for whoever asks next.
"""


FEW: Final = 32
"""Keys up to which none is forgotten."""


class Rate(NamedTuple):
    """One limit.

    Attributes:
        per_second: permits per second.
        max_cost: the largest cost of one call.
        burst: how much may begin at once after idling, beyond the call that always may.
    """

    per_second: float
    max_cost: float = math.inf
    burst: float = 0.0


class Grant(NamedTuple):
    """The permission for one call.

    Attributes:
        delay: of an answer, seconds until the call may begin; at most `SOON`. Of `consume`, seconds
            that the call has waited.
        costs: what was taken of each limit, by its name.
        key: of whose limits.
        stamp: what the limiter wants to know again when something is given back.
    """

    delay: float
    costs: Mapping[str, float]
    key: str = ""
    stamp: Any = None


def length_of(costs: Mapping[str, float], limits: Mapping[str, Rate]) -> float:
    """Seconds that the costs of a call take: those of the limit that takes longest."""
    return max(cost / limits[name].per_second for name, cost in costs.items())


class Schedule:
    """When the next call may begin, by each of some limits.

    This is GCRA, the generic cell rate algorithm of ATM networks (ITU-T I.371, annex A), in its
    "virtual scheduling" form: of each limit one number, the theoretical arrival time, says when
    what was taken ends at the limit's rate. A call begins when all of its limits have come that
    far, less what the burst allows, and never before one that was granted earlier. So a window of
    T seconds never holds more than rate x T, plus the last cost in it, plus the burst.

    What is given back makes the end earlier, but never so much that less than what others have
    taken since is left behind the last start: that would let a window which begins behind the call
    hold more.

    Args:
        limits: the limits by their names.
        made: the time, where an earlier one of the same key may have been forgotten.

    Attributes:
        ends: the theoretical arrival times, by limit; in seconds of the clock that `now` is of.
        taken: seconds that were taken since it was made, all in all: of each call those of the
            limit that takes longest.
        start: when the last call begins that was granted.
        until: the end of the last pause.
        seen: the latest time that was seen.
        made: see above.
    """

    __slots__ = ("ends", "limits", "made", "seen", "start", "taken", "until")

    def __init__(self, limits: Mapping[str, Rate], made: float = -math.inf) -> None:
        self.limits = limits
        self.ends = dict.fromkeys(limits, -math.inf)
        self.taken = 0.0
        self.start = self.until = self.seen = -math.inf
        self.made = made

    def tick(self, now: float) -> None:
        """Go on to a time. Where the clock was turned back, what is left of everything stays."""
        if now < self.seen:
            back = self.seen - now
            self.ends = {name: end - back for name, end in self.ends.items()}
            self.start -= back
            self.until -= back
        self.seen = now

    def take(
        self, asked: Sequence[Mapping[str, float]], now: float, key: str = ""
    ) -> tuple[list[Grant], float]:
        """Let calls begin that may do so soon, in their order.

        Args:
            asked: the costs of each call, by limit.
            now: the time.
            key: what the grants say of whose limits these are.

        Returns:
            The grants of those that may begin; and of the first of the others, how long it would
            have to wait; 0.0 where there is none.
        """
        self.tick(now)
        grants: list[Grant] = []
        for costs in asked:
            start = max(now, self.start, self.until)
            for name in costs:
                rate = self.limits[name]
                start = max(start, self.ends[name] - rate.burst / rate.per_second)
            if start - now > SOON:
                return grants, start - now
            self.start = start
            for name, cost in costs.items():
                length = cost / self.limits[name].per_second
                self.ends[name] = max(self.ends[name], start) + length
            self.taken += length_of(costs, self.limits)
            grants.append(Grant(start - now, costs, key, (self.made, self.taken)))
        return grants, 0.0

    def give_back(self, grant: Grant, real: Mapping[str, float], now: float) -> None:
        """Correct what a call took to its real costs. What is given back counts at once."""
        self.tick(now)
        made, taken = grant.stamp
        for name, cost in real.items():
            more = (cost - grant.costs[name]) / self.limits[name].per_second
            end = self.ends[name] if self.ends[name] > -math.inf else now  # its end was forgotten
            if more > 0:
                self.ends[name] = end + more
                self.taken += more
            elif made == self.made:
                by_others = self.taken - taken
                self.ends[name] = max(end + more, min(end, max(now, self.start) + by_others))

    def pause(self, seconds: float, now: float) -> None:
        """Let nothing begin for so long."""
        self.tick(now)
        self.until = max(self.until, now + seconds)

    def is_idle(self, now: float) -> bool:
        """Whether all that was taken has passed: a new one would answer alike."""
        return max([self.until, *self.ends.values()]) <= now


class Schedules:
    """A `Schedule` for each key, and one for what has none; those that are idle are forgotten.

    It keeps no lock, and reads no clock.

    Args:
        limits: the limits by their names.

    Attributes:
        plain: the schedule of what has no key.
    """

    __slots__ = ("_by_key", "_limits", "_most", "plain")

    def __init__(self, limits: Mapping[str, Rate]) -> None:
        self._limits = limits
        self.plain = Schedule(limits)
        self._by_key: dict[str, Schedule] = {}
        self._most = FEW

    def __len__(self) -> int:
        """The keys that are known."""
        return len(self._by_key)

    def of(self, key: str, now: float) -> Schedule:
        """The schedule of a key."""
        schedule = self._by_key.get(key) if key else self.plain
        if schedule is None:
            if len(self._by_key) >= self._most:
                kept = {k: each for k, each in self._by_key.items() if not each.is_idle(now)}
                self._by_key, self._most = kept, max(FEW, 2 * len(kept))
            schedule = self._by_key[key] = Schedule(self._limits, now)
            schedule.until, schedule.seen = self.plain.until, self.plain.seen
        return schedule

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str, now: float
    ) -> tuple[list[Grant], float]:
        """What `LimiterBase.take` answers."""
        return self.of(key, now).take(asked, now, key)

    def give_back(self, grant: Grant, real: Mapping[str, float], now: float) -> None:
        """Correct what was granted."""
        self.of(grant.key, now).give_back(grant, real, now)

    def hold(self, seconds: float, key: str, now: float) -> None:
        """Let nothing begin for so long: of a key, or of all."""
        of_all = [self.plain, *self._by_key.values()]
        for schedule in [self.of(key, now)] if key else of_all:
            schedule.pause(seconds, now)
