"""Counts over time, as bars upon each other: what templates draw as SVG."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot_dashboard.board import summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot import Counts

_LEAST: Final = 1.0
"""The height of what is not nothing, of 100."""


class Span(NamedTuple):
    """A stretch of time up to now."""

    age: str  # as URLs and command lines name it, such as "24h"
    label: str  # as people do
    unit: str  # a bar is an "hour", or a "day" of local time
    bars: int


_SPANS: Final = (
    Span("24h", "24 hours", "hour", 24),
    Span("7d", "7 days", "day", 7),
    Span("90d", "90 days", "day", 90),
)
SPANS: Final = {each.age: each for each in _SPANS}


class Axis:
    """The parts of a span at a moment; the last is this hour's, or today.

    Attributes:
        begins: when each begins, in Unix time.
        names: when that is, in local time.
    """

    def __init__(self, span: Span, now: float) -> None:
        if span.unit == "hour":
            first = int(now // 3600) - span.bars + 1
            times = [_local((first + at) * 3600) for at in range(span.bars)]
            self.names = [f"{each:%Y-%m-%d %H:%M}" for each in times]
        else:
            today = _local(now).date()
            days = [today - timedelta(days=back) for back in reversed(range(span.bars))]
            times = [datetime(each.year, each.month, each.day).astimezone() for each in days]
            self.names = [f"{each}" for each in days]
        self.begins = [each.timestamp() for each in times]

    @property
    def begin(self) -> datetime:
        """When the first one begins."""
        return _local(self.begins[0])

    def sums(self, counts: Iterable[Counts]) -> list[Counts]:
        """The sum of the counts of each part; what is earlier is left out."""
        parts: list[list[Counts]] = [[] for _ in self.names]
        for each in counts:
            if (at := bisect_right(self.begins, each.hour * 3600)) > 0:
                parts[at - 1].append(each)
        return [summed(part) for part in parts]


def _local(time: float) -> datetime:
    return datetime.fromtimestamp(time).astimezone()


class Bar(NamedTuple):
    """A rectangle in a column; `kind` is its class in the style sheet."""

    kind: str
    top: float  # of 100
    height: float


class Chart(NamedTuple):
    """A picture of bars."""

    columns: list[tuple[str, list[Bar]]]  # for each part, what it is in words, and its bars
    most: int  # how many the highest column stands for
    text: str  # what it shows, in words


def chart(
    axis: Axis,
    sums: Iterable[Counts],
    amounts: Callable[[Counts], Mapping[str, int]],
    words: Callable[[Counts], str],
    text: str,
) -> Chart:
    """A picture of the amounts of each part.

    Args:
        axis: its parts.
        sums: the counts of each.
        amounts: what is drawn of one, by kinds, the lowest first.
        words: the same for people.
        text: what the picture shows, in words.
    """
    drawn = [(words(each), amounts(each)) for each in sums]
    most = max(sum(max(0, amount) for amount in each.values()) for _, each in drawn)
    columns = []
    for name, (said, given) in zip(axis.names, drawn, strict=True):
        top, bars = 100.0, list[Bar]()
        for kind, amount in given.items():
            if amount > 0:
                height = max(_LEAST, amount / most * (100 - _LEAST * len(given)))
                top -= height
                bars.append(Bar(kind, round(top, 2), round(height, 2)))
        columns.append((f"{name}: {said}", bars))
    return Chart(columns, most, text)


def calls(axis: Axis, counts: Iterable[Counts], span: Span) -> Chart:
    """Hits and runs over time."""
    sums = axis.sums(counts)
    text = f"In {span.label}: {_hits_and_runs(summed(sums))}"
    return chart(
        axis, sums, lambda each: {"hits": each.hits, "runs": each.runs}, _hits_and_runs, text
    )


def _hits_and_runs(counts: Counts) -> str:
    hits, runs = counts.hits, counts.runs
    return f"{hits:,} {'hit' if hits == 1 else 'hits'}, {runs:,} {'run' if runs == 1 else 'runs'}"
