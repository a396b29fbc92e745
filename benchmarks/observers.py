"""What each observer adds to a hit and to a miss: `python -m benchmarks.observers`.

The rounds of all candidates alternate, and the fastest of each counts. Spans go to a batch
processor whose exporter drops them, and nobody reads the metrics meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import structlog
from beautyspot_observe import OpenTelemetryObserver, PrometheusObserver, StructlogObserver
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Nowhere(SpanExporter):
    """Drops the spans."""

    def export(self, spans: object) -> SpanExportResult:
        """Drop them."""
        return SpanExportResult.SUCCESS


def candidates() -> dict[str, list[Any]]:
    """The observers by what the table calls them."""
    traces, meters = TracerProvider(), MeterProvider(metric_readers=[InMemoryMetricReader()])
    traces.add_span_processor(BatchSpanProcessor(Nowhere()))
    nowhere = structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
    return {
        "none": [],
        "a function that does nothing": [lambda event: None],
        "PrometheusObserver": [PrometheusObserver(CollectorRegistry())],
        "OpenTelemetryObserver": [OpenTelemetryObserver(traces, meters)],
        "the same, hits=True": [OpenTelemetryObserver(traces, meters, hits=True)],
        "OpenTelemetryObserver without an SDK": [OpenTelemetryObserver()],
        "StructlogObserver, lines dropped": [StructlogObserver(nowhere)],
    }


def _drop(*_: object) -> dict[str, Any]:
    raise structlog.DropEvent


def timed(call: Callable[[int], object], numbers: Iterable[int]) -> float:
    """Seconds for each call."""
    numbers = list(numbers)
    began = perf_counter()
    for number in numbers:
        call(number)
    return (perf_counter() - began) / len(numbers)


def measured(folder: Path, rounds: int, calls: int) -> dict[str, tuple[float, float]]:
    """Seconds of a hit and of a miss with each candidate."""
    with contextlib.ExitStack() as stack:
        marked = {}
        for number, (name, observers) in enumerate(candidates().items()):
            place = folder / str(number)
            spot = bs.Spot("bench", directory=place, config=False, observers=observers)
            marked[name] = stack.enter_context(spot).mark(abs)
        found = {name: (float("inf"), float("inf")) for name in marked}
        for turn in range(rounds):
            news = range(turn * calls, (turn + 1) * calls)
            for name, call in marked.items():
                miss, hit = timed(call, news), timed(call, [0] * (calls * 10))
                found[name] = (min(found[name][0], hit), min(found[name][1], miss))
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), options.rounds, options.calls)
    hit, miss = found["none"]
    lines = ["| observer | a hit, µs | more | a miss, µs | more |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {one * 1e6:.1f} | {(one - hit) * 1e6:+.1f} "
        f"| {other * 1e6:.0f} | {(other - miss) * 1e6:+.0f} |"
        for name, (one, other) in found.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
