"""Events as counters and histograms of `prometheus_client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Histogram

from beautyspot_observe.labels import Names
from beautyspot_observe.measures import MEASURES, Measure, points

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Event
    from prometheus_client import CollectorRegistry

_UNITS = {"s": "_seconds", "By": "_bytes"}


class PrometheusMetrics:
    """The metrics of one registry.

    Attributes:
        names: bounds the labels.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.names = Names()
        self._metrics = {measure.name: _metric(registry, measure) for measure in MEASURES}
        self._adds: dict[tuple[str, str, str, str], Callable[[float], None]] = {}

    def record(self, event: Event) -> None:
        """Count and measure an event."""
        spot, function = event.spot, event.function
        for measure, word, amount in points(event):
            add = self._adds.get((measure.name, spot, function, word))
            (add or self._adding(measure, spot, function, word))(amount)

    def _adding(
        self, measure: Measure, spot: str, function: str, word: str
    ) -> Callable[[float], None]:
        """What adds to a metric with these labels; it is found faster the next time."""
        labels = self.names.bounded(spot, function)
        words = [word] if measure.word else []
        child: Any = self._metrics[measure.name].labels(*labels, *words)
        add: Callable[[float], None] = child.observe if measure.buckets else child.inc
        if labels == (spot, function):
            self._adds[measure.name, spot, function, word] = add
        return add


def _metric(registry: CollectorRegistry, measure: Measure) -> Counter | Histogram:
    name, text = _spelt(measure), f"{measure.text}."
    labels = ["spot", "function", *([measure.word] if measure.word else [])]
    if not measure.buckets:
        return Counter(name, text, labels, registry=registry)
    return Histogram(name, text, labels, registry=registry, buckets=measure.buckets)


def _spelt(measure: Measure) -> str:
    """As OpenTelemetry's own exporter for Prometheus spells it; the client adds `_total`."""
    return f"beautyspot_{measure.name.replace('.', '_')}{_UNITS.get(measure.unit, '')}"
