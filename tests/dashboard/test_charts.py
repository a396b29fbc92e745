"""Which bar of a chart an hour is in, what the bar says of it, and how bars stand."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import beautyspot as bs
import pytest
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
        ("UTC", "7d", "2025-11-24 16:10", "2025-11-18 00:00", "2025-11-18"),
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
    chosen = charts.SPANS[span]
    drawn = charts.calls(charts.Axis(chosen, at), counts, chosen)
    assert [text for text, bars in drawn.columns if bars] == [f"{said}: 3 hits, 1 run"]
    assert drawn.text == f"In {chosen.label}: 3 hits, 1 run"
    assert len({text for text, _ in drawn.columns}) == chosen.bars


@pytest.mark.parametrize(
    "_zone", ["UTC", "Asia/Kolkata", "Europe/Berlin", "Pacific/Chatham"], indirect=True
)
@pytest.mark.parametrize("hour", [HOUR, 485_544, 490_561])  # with a change of the clocks
@pytest.mark.usefixtures("_zone")
def test_a_span_is_whole_hours_or_days_of_local_time(hour: int) -> None:
    for span in charts.SPANS.values():
        axis = charts.Axis(span, hour * 3600.0 + 100)
        assert len(axis.names) == span.bars
        first = math.ceil(axis.begin.timestamp() / 3600)
        for at, place in ((first, 0), (hour, -1)):
            sums = axis.sums([bs.Counts("f", at, hits=1)])
            assert [each.hits for each in sums].index(1) == place % span.bars
        assert not any(each.hits for each in axis.sums([bs.Counts("f", first - 1, hits=1)]))


def test_bars_stand_upon_each_other_and_the_highest_fills_the_picture() -> None:
    axis = charts.Axis(charts.SPANS["7d"], HOUR * 3600.0)
    counts = [bs.Counts("f", HOUR, hits=3, runs=1), bs.Counts("f", HOUR - 24, runs=2)]
    drawn = charts.calls(axis, counts, charts.SPANS["7d"])
    (_, before), (_, last) = drawn.columns[-2:]
    assert drawn.most == 4
    assert [bar.kind for bar in last] == ["hits", "runs"]
    assert last[0].top + last[0].height == 100
    assert last[1].top + last[1].height == pytest.approx(last[0].top)
    assert 0 <= last[1].top <= 2
    assert before[0].height == pytest.approx(sum(bar.height for bar in last) / 2, abs=0.1)
