"""Observers for `Spot(observers=[…])`: OpenTelemetry, Prometheus, structlog.

Each is imported with its library when it is first used, so one needs none of the others' libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beautyspot_observe.opentelemetry_observer import OpenTelemetryObserver
    from beautyspot_observe.prometheus_observer import PrometheusObserver
    from beautyspot_observe.structlog_observer import StructlogObserver

__all__ = ["OpenTelemetryObserver", "PrometheusObserver", "StructlogObserver"]

_MODULES = {
    "OpenTelemetryObserver": "opentelemetry_observer",
    "PrometheusObserver": "prometheus_observer",
    "StructlogObserver": "structlog_observer",
}


def __getattr__(name: str) -> Any:
    """Import an observer's module when the observer is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    observer = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = observer
    return observer


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
