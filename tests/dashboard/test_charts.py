"""Which bar of a chart an hour is in, what the bar says of it, and how bars stand."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import beautyspot as bs
import pytest
from beautyspot_dashboard.pages import calls, limit_counts
from beautyspot_dashboard.rendering import charts

HOUR = 490_000  # 2025-11-24 16:00 UTC


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
        ("UTC", "24h", "2025-11-24 16:59", "2025-11-24 16:00", "2025-11-24 16:00"),
        ("Asia/Kolkata", "24h", "2025-11-24 16:10", "2025-11-24 16:00", "2025-11-24 21:30"),
        ("UTC", "7d", "2025-11-24 16:10", "2025-11-24 11:00", "2025-11-24 11:00 to 17:00"),
        ("UTC", "90d", "2025-11-24 00:10", "2025-11-23 23:00", "2025-11-23"),
        ("Europe/Berlin", "90d", "2025-03-31 22:30", "2025-03-29 12:00", "2025-03-29"),
        ("America/New_York", "90d", "2025-11-24 03:30", "2025-11-24 03:00", "2025-11-23"),
    ],
    indirect=["_zone"],
)
@pytest.mark.usefixtures("_zone")
def test_the_bar_of_an_hour_says_when_that_was(
    span: str, now: str, counted: str, said: str
) -> None:
    at, hour = (
        datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp() for each in (now, counted)
    )
    counts = [bs.Counts("f", int(hour // 3600), hits=3, runs=1)]
    chosen = calls.SPANS[span]
    drawn = calls.calls(counts, chosen, chosen.axis(at), charts.LARGE)
    assert [text for text, bars in drawn.columns if bars] == [f"{said}: 3 hits, 1 run"]
    assert drawn.text == f"In {chosen.label}: 3 hits, 1 run"
    assert len({text for text, _ in drawn.columns}) == chosen.parts


@pytest.mark.parametrize(
    "_zone", ["UTC", "Asia/Kolkata", "Europe/Berlin", "Pacific/Chatham"], indirect=True
)
@pytest.mark.parametrize("hour", [HOUR, 485_544, 490_561])  # with a change of the clocks
@pytest.mark.usefixtures("_zone")
def test_a_span_is_whole_hours_or_days_of_local_time(hour: int) -> None:
    for span in (*calls.SPANS.values(), *limit_counts.SPANS.values()):
        axis = span.axis(hour * 3600.0 + 100)
        assert len(axis.names) == span.parts
        first = math.ceil(axis.begin.timestamp() / 3600)
        places = [axis.place(each) for each in range(first, hour + 1)]
        assert (places[0], places[-1]) == (0, span.parts - 1)
        assert places == sorted(places)
        parts = axis.split([bs.Counts("f", hour), bs.Counts("f", first - 1)])
        assert [len(each) for each in parts] == [0] * (span.parts - 1) + [1]
