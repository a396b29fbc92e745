"""The observer for Prometheus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot import ConfigError

from beautyspot_observe.labels import MOST, checked
from beautyspot_observe.libraries import load
from beautyspot_observe.sharing import shared

if TYPE_CHECKING:
    from beautyspot import Event
    from prometheus_client import CollectorRegistry


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
        client = load("prometheus_client", "prometheus")
        if registry is not None and not isinstance(registry, client.CollectorRegistry):
            raise ConfigError(
                f"PrometheusObserver(registry=…) got a {type(registry).__name__}: give a "
                "prometheus_client.CollectorRegistry, or leave it out for the process's own"
            )
        from beautyspot_observe.prometheus_metrics import PrometheusMetrics

        self._made_with = partial(
            PrometheusObserver, registry, most_functions=checked(most_functions)
        )
        place = client.REGISTRY if registry is None else registry
        self._metrics = shared((place,), partial(PrometheusMetrics, place), most_functions)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._made_with, ()  # in another process, with the registry of that

    def observe(self, event: Event, /) -> None:
        """Count and measure an event."""
        self._metrics.record(event)
