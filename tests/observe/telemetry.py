"""Events to tell observers, and an OpenTelemetry of a test's own."""

from __future__ import annotations

from typing import Any

import beautyspot as bs
from beautyspot_observe import OpenTelemetryObserver
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

EVENTS: list[bs.Event] = [
    bs.Miss("app", "m:f", "a1", "expired"),
    bs.Ran("app", "m:f", "a1", 2.0),
    bs.Saved("app", "m:f", "a1", 1500, 0.002, "blob", later=True, price=0.5),
    bs.Saved("app", "m:f", "a2", 20, 0.001, "row", later=False, price=None),
    bs.Hit("app", "m:f", "a1", 2.0, 60.0, 0.5, "store", 1500),
    bs.Hit("app", "m:f", "a1", 2.0, None, 0.25, "store", 1500),
    bs.Hit("app", "m:f", "a2", 0.0, None, None, "run", None),
    bs.Waited("app", "m:f", "", "limit", 3.0),
    bs.Refused("app", "m:f", "", "rate"),
    bs.Raised("app", "m:f", "a3", "run", "ValueError", 4.0),
    bs.Raised("app", "m:f", "a4", "run", "CancelledError", 5.0),
    bs.Raised("app", "", "", "save the result", "OSError", None),
]
"""One of each kind, and of each way to be told."""


class Telemetry:
    """OpenTelemetry's own SDK, with an exporter and a reader in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.traces = TracerProvider()
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider(metric_readers=[self.reader])
        self.tracer = self.traces.get_tracer("test")

    def observer(self, **options: Any) -> OpenTelemetryObserver:
        return OpenTelemetryObserver(self.traces, self.meters, **options)

    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in the order of their ends."""
        return list(self.exporter.get_finished_spans())

    def span(self, name: str) -> ReadableSpan:
        [found] = [span for span in self.spans() if span.name.rpartition(":")[2] == name]
        return found

    def parent(self, span: ReadableSpan) -> str | None:
        """The name of a span's parent."""
        names = {one.context.span_id: one.name for one in self.spans() if one.context}
        return None if span.parent is None else names[span.parent.span_id].rpartition(":")[2]

    def points(self) -> dict[str, dict[tuple[Any, ...], Any]]:
        """The points of each metric, by the values of their attributes."""
        data = self.reader.get_metrics_data()
        found: dict[str, dict[tuple[Any, ...], Any]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = found.setdefault(metric.name, {})
                    for point in metric.data.data_points:
                        points[tuple(dict(point.attributes or {}).values())] = point
        return found
