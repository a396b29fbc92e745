"""The observer for Prometheus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot import ConfigError
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from beautyspot_observe.measures import MEASURES, Measure, points
from beautyspot_observe.shared import MOST, Names, checked, shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Event

_UNITS = {"s": "_seconds", "By": "_bytes"}


class PrometheusObserver:
    """Counts and measures events, by Spot and function.

    Observers of one registry share its metrics, so each Spot may have an observer of its own.
    With ``PROMETHEUS_MULTIPROC_DIR`` set, the metrics are those of all processes.

    Args:
        registry: a `prometheus_client.CollectorRegistry`; by default the one of the process.
        most_functions: so many functions of all Spots are told apart, and the label of any other
            is "other"; of several observers of one registry the highest number counts.

    Raises:
        ConfigError: an option is of the wrong type.
        ModuleNotFoundError: prometheus_client is not installed.
    """

    def __init__(
        self, registry: CollectorRegistry | None = None, *, most_functions: int = MOST
    ) -> None:
        if registry is not None and not isinstance(registry, CollectorRegistry):
            raise ConfigError(
                f"PrometheusObserver(registry=…) got a {type(registry).__name__}: give a "
                "prometheus_client.CollectorRegistry, or leave it out for the process's own"
            )
        checked(most_functions)
        place = REGISTRY if registry is None else registry
        self._metrics = shared((place,), partial(PrometheusMetrics, place), most_functions)

    def observe(self, event: Event, /) -> None:
        """Count and measure an event."""
        self._metrics.record(event)


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
    # As OpenTelemetry's own exporter for Prometheus spells it; the client adds `_total`.
    name = f"beautyspot_{measure.name.replace('.', '_')}{_UNITS.get(measure.unit, '')}"
    text = f"{measure.text}."
    labels = ["spot", "function", *([measure.word] if measure.word else [])]
    if not measure.buckets:
        return Counter(name, text, labels, registry=registry)
    return Histogram(name, text, labels, registry=registry, buckets=measure.buckets)
