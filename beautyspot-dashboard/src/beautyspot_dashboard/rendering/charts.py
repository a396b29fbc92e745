"""Counts over time, as bars upon each other: what templates draw as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beautyspot import Counts

LARGE: Final = (720, 160)
"""Width and height of a chart; its page stretches it."""

SPARK: Final = (112, 24)
"""The same of one in a line of a table."""

_DAY: Final = 24
_LEAST: Final = 1.0
"""The height of what is not nothing."""


class Span(NamedTuple):
    """A stretch of time up to now.

    Attributes:
        age: as URLs and command lines name it, such as "24h".
        label: as people do.
        parts: how many bars it has.
        step: hours of a bar; 24 is a day of local time.
    """

    age: str
    label: str
    parts: int
    step: int

    @property
    def unit(self) -> str:
        """By what a command line that gives the same sums: "hour" or "day"."""
        return "day" if self.step == _DAY else "hour"

    def axis(self, now: float) -> Axis:
        """Its parts at a moment; the last is this hour's, or today."""
        return self._days(now) if self.step == _DAY else self._hours(now)

    def _hours(self, now: float) -> Axis:
        first = int(now // 3600) - self.parts * self.step + 1
        names = [self._hours_from(first + at * self.step) for at in range(self.parts)]
        return Axis(_local(first), names, lambda hour: (hour - first) // self.step)

    def _hours_from(self, hour: int) -> str:
        name = f"{_local(hour):%Y-%m-%d %H:%M}"
        return name if self.step == 1 else f"{name} to {_local(hour + self.step):%H:%M}"

    def _days(self, now: float) -> Axis:
        today = _local(now / 3600).date()
        days = [today - timedelta(days=back) for back in reversed(range(self.parts))]
        places = {day: at for at, day in enumerate(days)}

        @cache
        def place(hour: int) -> int:
            return places.get(_local(hour).date(), -1)

        return Axis(_midnight(days[0]), [f"{each}" for each in days], place)


def spans(*given: Span) -> dict[str, Span]:
    """What may be chosen, by the age; the first unless another one is."""
    return {each.age: each for each in given}


class Axis(NamedTuple):
    """The parts of a span at a moment.

    Attributes:
        begin: when the first one begins.
        names: when each is, in local time.
        place: in which an hour is; in none where that is less than 0, or too high.
    """

    begin: datetime
    names: list[str]
    place: Callable[[int], int]

    def split(self, counts: Iterable[Counts]) -> list[list[Counts]]:
        """The counts of each part."""
        parts: list[list[Counts]] = [[] for _ in self.names]
        for each in counts:
            at = self.place(each.hour)
            if 0 <= at < len(parts):
                parts[at].append(each)
        return parts


class Bar(NamedTuple):
    """A rectangle, in the units of the picture; `kind` is its class in the style sheet."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """A picture of bars.

    Attributes:
        width, height: its size.
        columns: for each part, what it is in words, and its bars, the lowest first.
        most: how many the highest column stands for.
        text: what it shows, in words.
    """

    width: int
    height: int
    columns: list[tuple[str, list[Bar]]]
    most: int
    text: str

    def path(self, kind: str) -> str:
        """The outline of all bars of a kind."""
        bars = (bar for _, bars in self.columns for bar in bars if bar.kind == kind)
        return "".join(
            f"M{bar.x:g} {bar.y:.5g}h{bar.width:g}v{bar.height:.5g}h{-bar.width:g}z" for bar in bars
        )


def chart(
    columns: Sequence[tuple[str, Mapping[str, int]]], size: tuple[int, int], text: str
) -> Chart:
    """A picture of amounts.

    Args:
        columns: for each part, what it is in words, and its amounts by their kinds.
        size: width and height of the picture.
        text: what it shows, in words.
    """
    width, height = size
    sums = [sum(max(0, amount) for amount in amounts.values()) for _, amounts in columns]
    most, step = max(sums, default=0), width / max(1, len(columns))
    drawn = [
        (text, _stacked(amounts, most, at * step, step * 0.8, height))
        for at, (text, amounts) in enumerate(columns)
    ]
    return Chart(width, height, drawn, most, text)


def _stacked(
    amounts: Mapping[str, int], most: int, x: float, width: float, height: float
) -> list[Bar]:
    bars: list[Bar] = []
    floor, room = height, height - _LEAST * len(amounts)
    for kind, amount in amounts.items():
        if amount > 0:
            tall = max(_LEAST, amount / most * room)
            floor -= tall
            bars.append(Bar(kind, round(x, 2), round(floor, 2), round(width, 2), round(tall, 2)))
    return bars


def _local(hour: float) -> datetime:
    return datetime.fromtimestamp(hour * 3600).astimezone()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone()
