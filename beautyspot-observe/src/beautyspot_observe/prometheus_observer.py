"""Events as counters and histograms of `prometheus_client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from beautyspot import ConfigError

from beautyspot_observe.labels import MOST, Names
from beautyspot_observe.libraries import load
from beautyspot_observe.measures import MEASURES, Measure, points

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Event
    from prometheus_client import CollectorRegistry


class PrometheusObserver:
    """Counts and measures events, by Spot and function.

    Observers of one registry share its metrics, so each Spot may have an observer of its own.
    With ``PROMETHEUS_MULTIPROC_DIR`` set, the metrics are those of all processes.

    Args:
        registry: a `prometheus_client.CollectorRegistry`; by default the one of the process.
        most_functions: so many functions of all Spots are told apart; the label of any other is
            "other".

    Raises:
        ConfigError: an option is of the wrong type.
        ModuleNotFoundError: prometheus_client is not installed.
    """

    def __init__(
        self, registry: CollectorRegistry | None = None, *, most_functions: int = MOST
    ) -> None:
        client = load("prometheus_client", "prometheus")
        if registry is None:
            registry = client.REGISTRY
        elif not isinstance(registry, client.CollectorRegistry):
            raise ConfigError(
                f"PrometheusObserver(registry=…) got a {type(registry).__name__}: give a "
                "prometheus_client.CollectorRegistry, or leave it out for the process's own"
            )
        self._names = Names(most_functions, "most_functions")
        self._metrics = _metrics(client, registry)
        self._adds: dict[tuple[str, str, str, str], Callable[[float], None]] = {}

    def observe(self, event: Event, /) -> None:
        """Count and measure an event."""
        spot, function = event.spot, event.function
        for measure, word, amount in points(event):
            add = self._adds.get((measure.name, spot, function, word))
            (add or self._adding(measure, spot, function, word))(amount)

    def _adding(
        self, measure: Measure, spot: str, function: str, word: str
    ) -> Callable[[float], None]:
        """What adds to a metric with these labels; it is found faster the next time."""
        labels = self._names.bounded(spot, function)
        child: Any = self._metrics[measure.name].labels(*labels, *([word] if measure.word else []))
        add: Callable[[float], None] = child.observe if measure.buckets else child.inc
        if labels == (spot, function):
            self._adds[measure.name, spot, function, word] = add
        return add


_OF: WeakKeyDictionary[CollectorRegistry, dict[str, Any]] = WeakKeyDictionary()
"""The metrics of each registry: it takes each name once."""


def _metrics(client: Any, registry: CollectorRegistry) -> dict[str, Any]:
    found = _OF.get(registry)
    if found is None:
        found = {measure.name: _metric(client, registry, measure) for measure in MEASURES}
        _OF[registry] = found
    return found


def _metric(client: Any, registry: CollectorRegistry, measure: Measure) -> Any:
    name, text = _spelt(measure), f"{measure.text}."
    labels = ["spot", "function", *([measure.word] if measure.word else [])]
    if not measure.buckets:
        return client.Counter(name, text, labels, registry=registry)
    return client.Histogram(name, text, labels, registry=registry, buckets=measure.buckets)


_UNITS = {"s": "_seconds", "By": "_bytes"}


def _spelt(measure: Measure) -> str:
    """As OpenTelemetry's own exporter for Prometheus spells it; the client adds `_total`."""
    return f"beautyspot_{measure.name.replace('.', '_')}{_UNITS.get(measure.unit, '')}"
