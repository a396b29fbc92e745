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

_LIBRARIES = {
    "OpenTelemetryObserver": "opentelemetry",
    "PrometheusObserver": "prometheus_client",
    "StructlogObserver": "structlog",
}


def __getattr__(name: str) -> Any:
    """Import an observer and its library when it is first named (PEP 562).

    Raises:
        ModuleNotFoundError: the library is not installed; the message says what to install.
    """
    if name not in _LIBRARIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    extra, library = name.removesuffix("Observer").lower(), _LIBRARIES[name]
    try:
        observer = getattr(import_module(f"{__name__}.{extra}_observer"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != library:
            raise  # the library is there, and misses another one
        raise ModuleNotFoundError(
            f"this observer needs {library}, which is not installed: "
            f"install beautyspot-observe[{extra}] (docs/install.md)",
            name=error.name,
        ) from error
    globals()[name] = observer
    return observer


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
