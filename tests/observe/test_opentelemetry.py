"""OpenTelemetry: spans of executions, waits and hits, and the metrics of all events."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import beautyspot as bs
import kinds
import pytest
from beautyspot_observe import OpenTelemetryObserver
from observe.telemetry import EVENTS, Telemetry
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

KINDS = pytest.mark.parametrize("kind", kinds.KINDS)
MakeSpot = Callable[..., bs.Spot]

# ------------------------------------------------------------------------------------------ spans


@KINDS
def test_an_execution_has_a_span_and_a_hit_has_none(
    make_spot: MakeSpot, otel: Telemetry, kind: str
) -> None:
    function, call = kinds.KINDS[kind]
    spot = make_spot(observers=[otel.observer()])
    marked = spot.mark(function)
    assert call(marked, 1) == call(marked, 1) == kinds.result(1)
    [span] = otel.spans()
    name = f"kinds:{function.__name__}"
    assert span.name == name
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "beautyspot.kind": {"sync": "function", "async": "coroutine"}.get(kind, kind),
        "beautyspot.reason": "not stored",
        "beautyspot.spot": "app",
        "beautyspot.function": name,
        "beautyspot.key": spot.key(function, 1),
        "beautyspot.outcome": "returned",
    }


@KINDS
def test_what_the_function_traces_itself_is_a_child_but_for_a_generators(
    make_spot: MakeSpot, otel: Telemetry, kind: str
) -> None:
    marked = make_spot(observers=[otel.observer()]).mark(_tracing(otel, kind))
    call = kinds.KINDS[kind][1]
    with otel.tracer.start_as_current_span("request"):
        assert call(marked, 1) == 1
        otel.tracer.start_span("after").end()
    assert otel.parent(otel.span("inside")) == ("request" if "generator" in kind else "work")
    assert otel.parent(otel.span("work")) == "request"
    assert otel.parent(otel.span("after")) == "request"


def _tracing(otel: Telemetry, kind: str) -> Any:
    """A function that makes a span, as an HTTP client in it would."""

    def plain(x: Any) -> Any:
        otel.tracer.start_span("inside").end()
        return x

    async def later(x: Any) -> Any:
        await asyncio.sleep(0)
        return plain(x)

    def stream(x: Any) -> Any:
        yield plain(x)

    async def stream_later(x: Any) -> Any:
        await asyncio.sleep(0)
        yield plain(x)

    made: dict[str, Any] = {"sync": plain, "async": later, "generator": stream}
    function = made.get(kind, stream_later)
    function.__qualname__ = function.__name__ = "work"
    return function


def test_the_spans_of_nested_functions_are_a_tree(make_spot: MakeSpot, otel: Telemetry) -> None:
    spot = make_spot(observers=[otel.observer(hits=True)])

    @spot.mark
    def inner(x: int) -> int:
        return x

    @spot.mark
    def outer(x: int) -> int:
        return inner(x) + inner(x)

    assert outer(2) == 4
    tree = [(span.name.rpartition(".")[2], otel.parent(span)) for span in otel.spans()]
    name = outer.__wrapped__.__qualname__
    assert tree == [("inner", name), ("inner", name), ("outer", None)]
    outcomes = [dict(span.attributes or {})["beautyspot.outcome"] for span in otel.spans()]
    assert outcomes == ["returned", "hit", "returned"]
    hit = dict(otel.spans()[1].attributes or {})
    assert hit["beautyspot.place"] == "store"
    assert hit["beautyspot.key"] == spot.key(inner, 2)


def test_threads_and_tasks_have_spans_of_their_own(make_spot: MakeSpot, otel: Telemetry) -> None:
    spot = make_spot(observers=[otel.observer()])

    @spot.mark
    async def step(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @spot.mark
    async def job(x: int) -> int:
        return sum(await asyncio.gather(step(x), step(x + 1)))

    def work(x: int) -> int:
        with otel.tracer.start_as_current_span(f"request {x}"):
            return asyncio.run(job(x))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(0, 40, 10))) == [1, 21, 41, 61]
    roots = {span.context.trace_id for span in otel.spans() if span.parent is None}
    assert len(roots) == 4
    for root in roots:
        tree = [span for span in otel.spans() if span.context.trace_id == root]
        assert [otel.parent(span) for span in tree if span.name.endswith("step")] == [
            job.__wrapped__.__qualname__
        ] * 2


@KINDS
@pytest.mark.parametrize("recorded", [False, True])
def test_a_function_that_raises(
    make_spot: MakeSpot, otel: Telemetry, kind: str, recorded: bool
) -> None:
    function = _raising(kind)
    marked = make_spot(observers=[otel.observer(record_exceptions=recorded)]).mark(function)
    with pytest.raises(bs.CostError, match="a secret"):
        kinds.KINDS[kind][1](marked, 1)
    [span] = otel.spans()
    attributes = dict(span.attributes or {})
    assert attributes["beautyspot.outcome"] == "raised"
    assert attributes["error.type"] == "beautyspot.errors.CostError"
    assert span.status.status_code is StatusCode.ERROR
    assert ("a secret" in span.to_json()) is recorded
    assert (span.status.description == "a secret") is recorded
    assert [event.name for event in span.events] == ["exception"] * recorded


def _raising(kind: str) -> Any:
    def plain(x: Any) -> Any:
        raise bs.CostError("a secret")

    async def later(x: Any) -> Any:
        return plain(x)

    def stream(x: Any) -> Any:
        yield plain(x)

    async def stream_later(x: Any) -> Any:
        yield plain(x)

    made: dict[str, Any] = {"sync": plain, "async": later, "generator": stream}
    return made.get(kind, stream_later)


def test_an_interrupted_execution_is_no_error(make_spot: MakeSpot, otel: Telemetry) -> None:
    spot = make_spot(observers=[otel.observer()])
    begun = asyncio.Event()

    @spot.mark
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    @spot.mark
    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(forever())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    stream = numbers()
    assert next(stream) == 1
    stream.close()
    assert len(otel.spans()) == 2
    for span in otel.spans():
        assert dict(span.attributes or {})["beautyspot.outcome"] == "interrupted"
        assert span.status.status_code is StatusCode.UNSET


def test_a_wait_is_a_span_as_long_as_the_wait(otel: Telemetry) -> None:
    observer = otel.observer()
    with otel.tracer.start_as_current_span("request"):
        observer.observe(bs.Waited("app", "m:f", "", "limit", 1.5))
    [wait, _] = otel.spans()
    assert (wait.name, otel.parent(wait)) == ("wait for limit", "request")
    assert wait.end_time - wait.start_time == 1_500_000_000
    assert dict(wait.attributes or {}) == {
        "beautyspot.spot": "app", "beautyspot.function": "m:f", "beautyspot.cause": "limit",
    }  # fmt: skip


class Broken(SpanProcessor):
    """A backend that fails."""

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        raise OSError("the collector is gone")


@KINDS
def test_a_backend_that_raises_costs_no_result(
    make_spot: MakeSpot, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    provider = TracerProvider()
    provider.add_span_processor(Broken())
    function, call = kinds.KINDS[kind]
    marked = make_spot(observers=[OpenTelemetryObserver(provider)]).mark(function)
    kinds.RAN.clear()
    with caplog.at_level(logging.WARNING, "beautyspot"):
        assert call(marked, 1) == call(marked, 2)[:0] + kinds.result(1)
    assert kinds.RAN == [1, 2]
    [record] = caplog.records
    assert "OpenTelemetryObserver raised OSError" in record.getMessage()


# ---------------------------------------------------------------------------------------- metrics


def test_the_metrics_of_each_event(otel: Telemetry) -> None:
    observer = otel.observer()
    for event in EVENTS:
        observer.observe(event)
    sums, spread = _read(otel)
    assert sums == {
        "beautyspot.hits": {("app", "m:f", "store"): 2, ("app", "m:f", "run"): 1},
        "beautyspot.misses": {("app", "m:f", "expired"): 1},
        "beautyspot.time.saved": {("app", "m:f"): 4.0},
        "beautyspot.price.saved": {("app", "m:f"): 0.75},
        "beautyspot.price.spent": {("app", "m:f"): 0.5},
        "beautyspot.refusals": {("app", "m:f", "rate"): 1},
        "beautyspot.failures": {("app", "m:f", "run"): 1, ("app", "", "save the result"): 1},
    }
    assert spread == {
        "beautyspot.execution.duration": {
            ("app", "m:f", "returned"): (1, 2.0),
            ("app", "m:f", "raised"): (1, 4.0),
            ("app", "m:f", "interrupted"): (1, 5.0),
        },
        "beautyspot.save.duration": {
            ("app", "m:f", "blob"): (1, 0.002), ("app", "m:f", "row"): (1, 0.001),
        },
        "beautyspot.save.size": {
            ("app", "m:f", "blob"): (1, 1500), ("app", "m:f", "row"): (1, 20),
        },
        "beautyspot.wait.duration": {("app", "m:f", "limit"): (1, 3.0)},
    }  # fmt: skip


def _read(otel: Telemetry) -> tuple[dict[str, Any], dict[str, Any]]:
    """The counters, and the histograms as their counts and sums."""
    sums: dict[str, Any] = {}
    spread: dict[str, Any] = {}
    for name, points in otel.points().items():
        for values, point in points.items():
            if hasattr(point, "value"):
                sums.setdefault(name, {})[values] = point.value
            else:
                spread.setdefault(name, {})[values] = (point.count, point.sum)
    return sums, spread


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_a_forked_child_goes_on(make_spot: MakeSpot, otel: Telemetry) -> None:
    spot = make_spot(observers=[otel.observer()])
    marked = spot.mark(len)
    assert marked("abc") == marked("abc") == 3
    child = os.fork()
    if child == 0:
        try:
            good = marked("abc") == 3 and marked("abcd") == 4
            [hits] = otel.points()["beautyspot.hits"].values()
            os._exit(0 if good and hits.value == 2 and len(otel.spans()) == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    [hits] = otel.points()["beautyspot.hits"].values()
    assert hits.value == 1
