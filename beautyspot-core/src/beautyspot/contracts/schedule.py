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
    far, less what the burst allows. So a window of T seconds never holds more than rate x T, plus
    the last cost in it, plus the burst.

    Args:
        limits: the limits by their names.

    Attributes:
        ends: the theoretical arrival times, by limit; in seconds of the clock that `now` is of.
        until: the end of the last pause.
        seen: the latest time that was seen.
    """

    __slots__ = ("ends", "limits", "seen", "until")

    def __init__(self, limits: Mapping[str, Rate]) -> None:
        self.limits = limits
        self.ends = dict.fromkeys(limits, -math.inf)
        self.until = self.seen = -math.inf

    def tick(self, now: float) -> None:
        """Go on to a time. Where the clock was turned back, what is left of everything stays."""
        if now < self.seen:
            back = self.seen - now
            self.ends = {name: end - back for name, end in self.ends.items()}
            self.until -= back
        self.seen = now

    def take(self, asked: Sequence[Mapping[str, float]], now: float) -> tuple[list[float], float]:
        """Let calls begin that may do so soon, in their order.

        Args:
            asked: the costs of each call, by limit.
            now: the time.

        Returns:
            The delays of those that may begin, in seconds; and of the first of the others, how long
            it would have to wait; 0.0 where there is none.
        """
        self.tick(now)
        delays: list[float] = []
        for costs in asked:
            start = max(now, self.until)
            for name in costs:
                rate = self.limits[name]
                start = max(start, self.ends[name] - rate.burst / rate.per_second)
            if start - now > SOON:
                return delays, start - now
            for name, cost in costs.items():
                length = cost / self.limits[name].per_second
                self.ends[name] = max(self.ends[name], start) + length
            delays.append(start - now)
        return delays, 0.0

    def give_back(self, costs: Mapping[str, float], real: Mapping[str, float], now: float) -> None:
        """Correct what a call took to its real costs. What is given back counts at once."""
        self.tick(now)
        for name, cost in real.items():
            end = self.ends[name] if self.ends[name] > -math.inf else now  # its end was forgotten
            more = (cost - costs[name]) / self.limits[name].per_second
            self.ends[name] = max(end + more, min(end, now))

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
            schedule = self._by_key[key] = Schedule(self._limits)
            schedule.until, schedule.seen = self.plain.until, self.plain.seen
        return schedule

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str, now: float
    ) -> tuple[list[Grant], float]:
        """What `LimiterBase.take` answers."""
        delays, wait = self.of(key, now).take(asked, now)
        return [Grant(delay, costs, key) for delay, costs in zip(delays, asked, strict=False)], wait

    def give_back(self, grant: Grant, real: Mapping[str, float], now: float) -> None:
        """Correct what was granted."""
        self.of(grant.key, now).give_back(grant.costs, real, now)

    def hold(self, seconds: float, key: str, now: float) -> None:
        """Let nothing begin for so long: of a key, or of all."""
        of_all = [self.plain, *self._by_key.values()]
        for schedule in [self.of(key, now)] if key else of_all:
            schedule.pause(seconds, now)
