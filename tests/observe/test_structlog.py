"""structlog: one line for each event."""

from __future__ import annotations

from collections.abc import Callable

import beautyspot as bs
import kinds
import pytest
import structlog
from beautyspot_observe import StructlogObserver
from observe.telemetry import EVENTS
from structlog.testing import capture_logs

MakeSpot = Callable[..., bs.Spot]


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_each_event_is_a_line(make_spot: MakeSpot, kind: str) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[StructlogObserver()])
    marked = spot.mark(function)
    with capture_logs() as lines:
        assert call(marked, "an argument") == call(marked, "an argument")
    assert [line["event"] for line in lines] == [
        "beautyspot.miss", "beautyspot.ran", "beautyspot.saved", "beautyspot.hit",
    ]  # fmt: skip
    assert {line["key"] for line in lines} == {spot.key(function, "an argument")}
    assert lines[0] == {
        "event": "beautyspot.miss", "log_level": "info", "spot": "app", "reason": "not stored",
        "function": f"kinds:{function.__name__}", "key": lines[0]["key"],
    }  # fmt: skip
    assert "an argument" not in str(lines)


def test_a_line_has_what_is_known() -> None:
    with capture_logs() as lines:
        for event in EVENTS:
            StructlogObserver().observe(event)
    for line, event in zip(lines, EVENTS, strict=True):
        known = {name: value for name, value in event._asdict().items() if value is not None}
        assert {name: line[name] for name in known} == known
        assert None not in line.values()


def test_an_asynchronous_logger_is_refused() -> None:
    class Logger:
        async def info(self, event: str, **fields: object) -> None: ...

    with pytest.raises(bs.ConfigError, match="give a plain one, such as logger.sync_bl"):
        StructlogObserver(Logger())


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_logger_and_a_level_of_ones_own(level: str) -> None:
    with capture_logs() as lines:
        observer = StructlogObserver(structlog.get_logger().bind(service="api"), level=level)
        observer.observe(EVENTS[0])
    assert (lines[0]["service"], lines[0]["log_level"]) == ("api", level)
