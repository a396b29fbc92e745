"""Hits and runs over time, as bars: what templates draw as SVG by presentation attributes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot import Counts


class Span(NamedTuple):
    """A stretch of time up to now.

    Attributes:
        label: for people, "24 hours".
        hours: how long it is.
        step: hours of a bar.
    """

    label: str
    hours: int
    step: int


SPANS: Final = {
    "day": Span("24 hours", 24, 1),
    "week": Span("7 days", 168, 6),
    "quarter": Span("90 days", 2160, 24),
}
"""What may be chosen; a bar of the last is a day of local time."""


@dataclass(frozen=True)
class Bar:
    """One bar: hits below, runs above them. Lengths are in the units of the picture.

    Attributes:
        label: when, and how many.
        x, width: where.
        hits, runs: how high each part is.
    """

    label: str
    x: float
    width: float
    hits: float
    runs: float


@dataclass(frozen=True)
class Chart:
    """A picture of bars.

    Attributes:
        width, height: its size.
        bars: one after the other; those of nothing too.
        top: how many the highest bar stands for.
        first, last: when it begins and ends, for people.
        text: the same in words.
    """

    width: int
    height: int
    bars: list[Bar]
    top: int
    first: str
    last: str
    text: str

    @property
    def hits(self) -> str:
        """The path of all parts that are hits."""
        return "".join(_rectangle(bar, self.height, bar.hits) for bar in self.bars if bar.hits)

    @property
    def runs(self) -> str:
        """The path of all parts that are runs."""
        return "".join(
            _rectangle(bar, self.height - bar.hits, bar.runs) for bar in self.bars if bar.runs
        )


def _rectangle(bar: Bar, bottom: float, height: float) -> str:
    return f"M{bar.x:g} {bottom:.5g}v{-height:g}h{bar.width:g}v{height:g}z"


def chart(counts: Iterable[Counts], span: Span, *, width: int, height: int) -> Chart:
    """The bars of what was counted, of whatever functions."""
    now = time.time()
    place = _places(now, span)
    number = span.hours // span.step
    sums = [[0, 0] for _ in range(number)]
    for each in counts:
        at = place(each.hour)
        if 0 <= at < number:
            sums[at][0] += each.hits
            sums[at][1] += each.runs
    top = max(1, *(hits + runs for hits, runs in sums))
    step = width / number
    starts = _starts(now, span)
    bars = [
        Bar(
            f"{_moment(when, span)}: {_words(hits, runs)}",
            round(at * step, 2),
            round(step * 0.8, 2),
            round(hits / top * height, 2),
            round(runs / top * height, 2),
        )
        for at, (when, (hits, runs)) in enumerate(zip(starts, sums, strict=True))
    ]
    text = f"In {span.label}: {_words(sum(s[0] for s in sums), sum(s[1] for s in sums))}"
    return Chart(
        width, height, bars, top, _moment(starts[0], span), _moment(starts[-1], span), text
    )


def _places(now: float, span: Span) -> Callable[[int], int]:
    """Which bar an hour is of. The last one ends with this hour, or with today."""
    number = span.hours // span.step
    if span.step != 24:
        last = int(now // 3600)
        return lambda hour: number - 1 - (last - hour) // span.step
    today = datetime.fromtimestamp(now).astimezone().date()
    days: dict[int, int] = {}

    def place(hour: int) -> int:
        if hour not in days:
            day = datetime.fromtimestamp(hour * 3600).astimezone().date()
            days[hour] = number - 1 - (today - day).days
        return days[hour]

    return place


def _starts(now: float, span: Span) -> list[datetime]:
    """When each bar begins, in local time: as `_places` places the hours."""
    back = range(span.hours // span.step - 1, -1, -1)
    here = datetime.fromtimestamp(now).astimezone()
    if span.step == 24:
        return [here - timedelta(days=each) for each in back]  # by the calendar: days have 23 hours
    hour = int(now // 3600) - span.step + 1
    firsts = [hour - each * span.step for each in back]
    return [datetime.fromtimestamp(first * 3600).astimezone() for first in firsts]


def _moment(when: datetime, span: Span) -> str:
    """When a bar begins; where it has several hours, also which is the last of them."""
    if span.step == 24:
        return f"{when:%b %d}"
    last = (when + timedelta(hours=span.step)).astimezone()
    return f"{when:%b %d, %H:%M}" if span.step == 1 else f"{when:%b %d, %H:%M} to {last:%H:%M}"


def _words(hits: int, runs: int) -> str:
    return f"{hits:,} {'hit' if hits == 1 else 'hits'}, {runs:,} {'run' if runs == 1 else 'runs'}"
