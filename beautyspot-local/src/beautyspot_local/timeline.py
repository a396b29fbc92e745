"""The limiter's time: which part of it is taken, and which was given back.

The algorithm is GCRA, the generic cell rate algorithm of ATM networks (ITU-T I.371, annex A; ATM
Forum Traffic Management 4.1, section 4.4), in its "virtual scheduling" form. It keeps one number,
the *theoretical arrival time* (TAT): when the next cell would arrive if all came evenly spaced. A
cell that comes before TAT - tolerance does not conform; any other moves TAT to
max(now, TAT) + interval.

Ours differs in three points:

- It is a shaper, not a policer. A request that comes too early is not refused but told how long to
  wait, and its interval is reserved: TAT moves at once. So requests queue in the order in which
  they came, and small ones can't starve a big one.
- The tolerance is 0 unless asked for. Time that passes unused is lost, so there is no burst after
  idling, however long. Every cost c takes the interval [start, start + c / rate), and no two
  intervals overlap; so a window of T seconds never grants more than rate x T plus the last cost.
- What is given back becomes a *gap*. A gap that ends at TAT rolls TAT back; any other is kept until
  it has passed. The callers of this process that wait move up into it (see `waiters.py`); without
  any, it is offered to the next request that fits into it. Neighbouring gaps are one gap. So
  between two gaps stands a live reservation, and there are never more gaps than those.

Time here follows a clock's readings less an `offset`, which changes when the clock is turned back
(our time stands still instead), and when the limiter pauses (our time falls back by the length of
the pause, so that everything that is planned happens that much later).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final

Span = tuple[float, float]
"""An interval of the limiter's time in seconds, from its start to before its end."""

MANY: Final = 32
"""How much more rounding a burst may gather: each cost in it that is corrected adds some."""


class Timeline:
    """What is taken of one limiter's time. Not thread-safe: its owner brings the lock.

    Attributes:
        tat: the theoretical arrival time: nothing is taken from here on.
        now: the latest time seen.
        offset: seconds from this time to the clock's readings.
        tolerance: by how much a grant may come before its interval, in seconds: the burst.
        floor: no interval starts before; the end of a pause.
        carry: what rounding took from `tat`. It is added to the next interval, so that the last
            permit of a burst of a thousand is not late by a thousand roundings.
        gaps: what lies before `tat` and is free again, in order, neither touching nor overlapping.
    """

    __slots__ = ("carry", "floor", "gaps", "now", "offset", "tat", "tolerance")

    def __init__(self, reading: float, tolerance: float = 0.0) -> None:
        self.tat = self.now = self.floor = reading
        self.offset = self.carry = 0.0
        self.tolerance = tolerance
        self.gaps: list[Span] = []

    def tick(self, reading: float) -> None:
        """Go on to the clock's `reading`."""
        if reading - self.offset < self.now:
            self.offset = reading - self.now
        else:
            self.now = reading - self.offset

    def earliest(self, length: float, since: float = -math.inf) -> float:
        """Where the first free interval of `length` seconds starts, now or later, from `since` on.

        It is not taken yet.
        """
        since = max(since, self.now)
        start = self._first_gap(length, since) if self.gaps else None
        return max(since, self.tat) if start is None else start

    def take(self, start: float, length: float) -> Span:
        """Take the interval that `earliest` found. Its end may move by the rounding of a float."""
        if start >= self.tat:
            return start, self._append(start, length)
        at = bisect_left(self.gaps, (start, math.inf)) - 1
        gap_start, gap_end = self.gaps.pop(at)
        end = start + length
        if abs(gap_end - end) <= _rounding(gap_end):
            end = gap_end  # filled to its very end, so that neighbours still touch
        else:
            self.gaps.insert(at, (end, gap_end))
        if start > gap_start and start > self.now:
            self.gaps.insert(at, (gap_start, start))
        return start, end

    def move_up(self, span: Span, since: float) -> Span:
        """Take the first free interval from `since` on in place of `span`, if that is sooner."""
        start, end = span
        self._drop_passed()
        if not self.gaps or end <= self.now or max(self.gaps[0][0], self.now, self.floor) >= start:
            return span
        self.give_back(span)
        return self.take(self.earliest(end - start, since), end - start)

    def wait_until(self, start: float, length: float) -> float:
        """Seconds from now until an interval of that start and length may be used.

        What is missing by rounding counts as there, but never half of the interval.
        """
        begin = max(start, self.floor)
        left = begin - self.tolerance - self.now
        return left if left > min(MANY * _rounding(begin), length / 2) else 0.0

    def give_back(self, span: Span) -> None:
        """Free an interval, or the end of one, that was taken."""
        start, end = span
        if end <= self.now or start >= end:
            return  # it has passed: no call can use it any more
        if end == self.tat:
            self._roll_back(start)
        else:
            self._add_gap(start, end)

    def charge(self, seconds: float) -> Span:
        """Take so much more, behind everything that is planned; the interval."""
        start, self.tat = self.tat, self.tat + seconds
        return start, self.tat

    def pause(self, seconds: float) -> None:
        """Let nothing start for so many seconds from now; pauses overlap, they don't add up."""
        self.floor = max(self.floor, self.now + self.tolerance)
        more = seconds - (self.floor - self.tolerance - self.now)
        if more > 0:
            self.offset += more
            self.now -= more
        self.tat = max(self.tat, self.floor)

    def pause_left(self) -> float:
        """Seconds until the end of the pause."""
        return max(0.0, self.floor - self.tolerance - self.now)

    def _append(self, start: float, length: float) -> float:
        """Take an interval from `tat` on; where it ends."""
        if start > self.tat:
            self.carry = 0.0
            if start > self.now:
                self._add_gap(max(self.tat, self.now), start)
        length += self.carry
        self.tat = start + length
        self.carry = length - (self.tat - start)
        return self.tat

    def _drop_passed(self) -> None:
        earliest = max(self.now, self.floor)
        passed = next((i for i, gap in enumerate(self.gaps) if gap[1] > earliest), len(self.gaps))
        del self.gaps[:passed]

    def _first_gap(self, length: float, since: float) -> float | None:
        self._drop_passed()
        since = max(since, self.floor)
        for number in range(max(0, bisect_left(self.gaps, (since, since)) - 1), len(self.gaps)):
            start, end = self.gaps[number]
            at = max(start, since)
            if at + length <= end + _rounding(end):
                return at
        return None

    def _roll_back(self, tat: float) -> None:
        while self.gaps and self.gaps[-1][1] == tat:
            tat, _ = self.gaps.pop()
        self.tat = max(tat, self.floor)

    def _add_gap(self, start: float, end: float) -> None:
        at = bisect_left(self.gaps, (start, end))
        if at < len(self.gaps) and self.gaps[at][0] == end:
            end = self.gaps.pop(at)[1]
        if at and self.gaps[at - 1][1] == start:
            at -= 1
            start = self.gaps.pop(at)[0]
        self.gaps.insert(at, (start, end))


def _rounding(time: float) -> float:
    """How far two ways of adding up to `time` may be apart: 4 ns when a machine ran for 10 days."""
    return 32 * math.ulp(time)
