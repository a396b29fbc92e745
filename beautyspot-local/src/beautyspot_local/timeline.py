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
  it has passed, and offered to the next request that fits into it. Neighbouring gaps are one gap.
  So between two gaps stands a live reservation, and there are never more gaps than those.

Time here follows a clock's readings less an `offset`, which changes when the clock is turned back
(our time stands still instead), and when the limiter pauses (our time falls back by the length of
the pause, so that everything that is planned happens that much later).
"""

from __future__ import annotations

import math
from bisect import bisect_left

Span = tuple[float, float]
"""An interval of the limiter's time in seconds, from its start to before its end."""


class Timeline:
    """What is taken of one limiter's time. Not thread-safe: its owner brings the lock.

    Attributes:
        tat: the theoretical arrival time: nothing is taken from here on.
        now: the latest time seen.
        offset: seconds from this time to the clock's readings.
        tolerance: by how much a grant may come before its interval, in seconds: the burst.
        floor: no interval starts before; the end of a pause.
        gaps: what lies before `tat` and is free again, in order, neither touching nor overlapping.
    """

    __slots__ = ("floor", "gaps", "now", "offset", "tat", "tolerance")

    def __init__(self, reading: float, tolerance: float = 0.0) -> None:
        self.tat = self.now = self.floor = reading
        self.offset = 0.0
        self.tolerance = tolerance
        self.gaps: list[Span] = []

    def tick(self, reading: float) -> None:
        """Go on to the clock's `reading`."""
        if reading - self.offset < self.now:
            self.offset = reading - self.now
        else:
            self.now = reading - self.offset

    def earliest(self, length: float, after: float = 0.0) -> Span:
        """The first free interval of `length` seconds, `after` seconds from now or later.

        It is not taken yet.
        """
        since = self.now + after
        start = self._first_gap(length, since) if self.gaps else None
        if start is None:
            start = max(since, self.tat)
        return start, start + length

    def take(self, span: Span) -> Span:
        """Take what `earliest` found. The end may move by the rounding of a float."""
        start, end = span
        if start >= self.tat:
            if start > self.tat and start > self.now:
                self._add_gap(max(self.tat, self.now), start)
            self.tat = end
            return span
        at = bisect_left(self.gaps, (start, math.inf)) - 1
        gap_start, gap_end = self.gaps.pop(at)
        if abs(gap_end - end) <= _rounding(gap_end):
            end = gap_end  # filled to its very end, so that neighbours still touch
        else:
            self.gaps.insert(at, (end, gap_end))
        if start > gap_start and start > self.now:
            self.gaps.insert(at, (gap_start, start))
        return start, end

    def wait_until(self, start: float) -> float:
        """Seconds from now until an interval that starts at `start` may be used."""
        due = max(start, self.floor) - self.tolerance
        return due - self.now if due - self.now > _rounding(due) else 0.0

    def give_back(self, span: Span) -> None:
        """Free an interval, or the end of one, that was taken."""
        start, end = span
        if end <= self.now or start >= end:
            return  # it has passed: no call can use it any more
        if end == self.tat:
            self._roll_back(start)
        else:
            self._add_gap(start, end)

    def charge(self, seconds: float) -> None:
        """Take so much more, behind everything that is planned."""
        self.tat += seconds

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

    def _first_gap(self, length: float, since: float) -> float | None:
        earliest = max(self.now, self.floor)
        passed = next((i for i, gap in enumerate(self.gaps) if gap[1] > earliest), len(self.gaps))
        del self.gaps[:passed]
        for start, end in self.gaps:
            at = max(start, earliest, since)
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
