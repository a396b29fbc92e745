"""What limits did, as a chart and tables show it: parts of a span, hours or days, and functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beautyspot import Counts

HEIGHT: Final = 100.0
"""Of the chart, in the units of its picture."""

SLOT: Final = 10.0
"""The width of a part, likewise."""

_GAP: Final = 2.0
_LEAST: Final = 1.0
"""The height of what is not nothing."""


@dataclass(frozen=True)
class Span:
    """For how long back one looks.

    Attributes:
        age: as a command line names it.
        name: as people do.
        unit: what one part of the chart is: an "hour" or a "day".
        parts: how many there are.
        marked: how many of these have their name below the chart.
    """

    age: str
    name: str
    unit: str
    parts: int
    marked: int

    def begin(self, now: float) -> datetime:
        """When the first part begins, in local time; the last one is that of now."""
        here = datetime.fromtimestamp(now).astimezone()
        if self.unit == "hour":
            first = here.replace(minute=0, second=0, microsecond=0)
            return first - timedelta(hours=self.parts - 1)
        day = (here - timedelta(days=self.parts - 1)).date()
        return datetime(day.year, day.month, day.day).astimezone()

    def part_of(self, hour: int) -> str:
        """The name of the part in which an hour is."""
        here = datetime.fromtimestamp(hour * 3600).astimezone()
        return f"{here:%Y-%m-%d %H:%M}" if self.unit == "hour" else f"{here:%Y-%m-%d}"


SPANS: Final = {
    span.age: span
    for span in (
        Span("24h", "24 hours", "hour", 24, 4),
        Span("7d", "7 days", "day", 7, 7),
        Span("30d", "30 days", "day", 30, 5),
    )
}


class Done(NamedTuple):
    """What limits did, in a part of a span or to a function.

    The `name` is that of the part, or the identifier of the function.
    """

    name: str
    grants: int = 0
    waits: int = 0
    refusals: int = 0
    seconds: float = 0.0  # waited, by all together

    @property
    def at_once(self) -> int:
        """Grants that had not to wait."""
        return max(0, self.grants - self.waits)

    @property
    def asked(self) -> int:
        """Permits that were asked for."""
        return self.grants + self.refusals

    @property
    def mean(self) -> float | None:
        """Seconds that one waited that had to; None where none had to."""
        return self.seconds / self.waits if self.waits else None


def summed(counts: Iterable[Counts], name: str = "") -> Done:
    """All of them together."""
    rows = [each[9:13] for each in counts]
    grants, waits, refusals, seconds = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Done(name, sum(grants), sum(waits), sum(refusals), float(sum(seconds)))


def by_part(counts: Sequence[Counts], span: Span, now: float) -> list[Done]:
    """Each part of the span, the earliest first; those in which nothing was asked for, too."""
    last = int(now // 3600)
    first = int(span.begin(now).timestamp() // 3600)
    names = {hour: span.part_of(hour) for hour in range(first, last + 1)}
    parts: dict[str, list[Counts]] = {name: [] for name in names.values()}
    for each in counts:
        if each.hour not in names:  # of another clock
            names[each.hour] = span.part_of(each.hour)
        parts.get(names[each.hour], []).append(each)
    return [summed(group, name) for name, group in parts.items()]


def by_function(counts: Sequence[Counts]) -> list[Done]:
    """Each function; first that whose calls waited longest, together."""
    groups: dict[str, list[Counts]] = {}
    for each in counts:
        groups.setdefault(each.func_identifier, []).append(each)
    found = [summed(group, name) for name, group in groups.items()]
    return sorted(found, key=lambda each: (-each.seconds, -each.asked, each.name))


# --------------------------------------------------------------------------------- the chart


class Bar(NamedTuple):
    """A rectangle of the chart, and of what `kind` it is: a class of the style sheet."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Chart(NamedTuple):
    """What the picture is drawn from."""

    width: float
    height: float
    columns: list[tuple[Done, list[Bar]]]
    most: int  # permits that were asked for in one part
    ticks: list[str]


def chart(parts: Sequence[Done], span: Span) -> Chart:
    """Bars of what was granted at once, granted after a wait, and refused, upon each other."""
    most = max((each.asked for each in parts), default=0)
    columns = [(each, _bars(number, each, most)) for number, each in enumerate(parts)]
    ticks = [each.name for each in parts[:: max(1, len(parts) // span.marked)]]
    return Chart(len(parts) * SLOT, HEIGHT, columns, most, ticks)


def _bars(number: int, done: Done, most: int) -> list[Bar]:
    bars: list[Bar] = []
    floor = HEIGHT
    for kind, amount in (
        ("at-once", done.at_once),
        ("waited", done.waits),
        ("refused", done.refusals),
    ):
        if amount > 0:
            height = max(_LEAST, amount / most * (HEIGHT - 3 * _LEAST))
            floor -= height
            bars.append(Bar(kind, number * SLOT + _GAP / 2, floor, SLOT - _GAP, height))
    return bars
