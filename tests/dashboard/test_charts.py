"""Which bar of a chart an hour is in, and what the bar says of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import beautyspot as bs
import pytest
from beautyspot_dashboard.rendering import charts

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("_zone", "span", "now", "counted", "said"),
    [
        ("UTC", "day", "2025-11-24 16:59", "2025-11-24 16:00", "Nov 24, 16:00"),
        ("UTC", "day", "2025-11-24 00:01", "2025-11-23 23:00", "Nov 23, 23:00"),
        ("Asia/Kolkata", "day", "2025-11-24 16:10", "2025-11-24 16:00", "Nov 24, 21:30"),
        ("UTC", "week", "2025-11-24 16:10", "2025-11-24 11:00", "Nov 24, 11:00 to 17:00"),
        ("UTC", "week", "2025-11-24 16:10", "2025-11-24 10:00", "Nov 24, 05:00 to 11:00"),
        ("UTC", "quarter", "2025-11-24 00:10", "2025-11-23 23:00", "Nov 23"),
        ("Europe/Berlin", "quarter", "2025-03-31 22:30", "2025-03-29 12:00", "Mar 29"),
        ("Europe/Berlin", "quarter", "2025-11-24 22:30", "2025-10-20 12:00", "Oct 20"),
        ("America/New_York", "quarter", "2025-11-24 03:30", "2025-11-24 03:00", "Nov 23"),
    ],
    indirect=["_zone"],
)
@pytest.mark.usefixtures("_zone")
def test_the_bar_of_an_hour_says_when_that_was(
    monkeypatch: pytest.MonkeyPatch, span: str, now: str, counted: str, said: str
) -> None:
    moments = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, counted)]
    monkeypatch.setattr(charts.time, "time", moments[0].timestamp)
    counts = [bs.Counts("f", int(moments[1].timestamp() // 3600), hits=3, runs=1)]
    drawn = charts.chart(counts, charts.SPANS[span], width=100, height=20)
    assert [bar.label for bar in drawn.bars if bar.hits] == [f"{said}: 3 hits, 1 run"]
    assert len({bar.label for bar in drawn.bars}) == len(drawn.bars)


@pytest.mark.parametrize("_zone", ["UTC"], indirect=True)
@pytest.mark.usefixtures("_zone")
def test_the_ends_of_a_chart_are_those_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts.time, "time", lambda: 490_000 * 3600 + 600.0)
    ends = {}
    for name, span in charts.SPANS.items():
        drawn = charts.chart([], span, width=100, height=20)
        ends[name] = (drawn.first, drawn.last)
    assert ends == {
        "day": ("Nov 23, 17:00", "Nov 24, 16:00"),
        "week": ("Nov 17, 17:00 to 23:00", "Nov 24, 11:00 to 17:00"),
        "quarter": ("Aug 27", "Nov 24"),
    }
