"""The observer for OpenTelemetry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot import ConfigError, Hit, Waited

from beautyspot_observe.labels import MOST, checked
from beautyspot_observe.libraries import load
from beautyspot_observe.sharing import shared

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from beautyspot import Event, Execution
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from beautyspot_observe.opentelemetry_metrics import OpenTelemetryMetrics

SCOPE: Final = "beautyspot_observe"
"""The name of the tracer and of the meter."""


class OpenTelemetryObserver:
    """A span for each execution, and one for each wait; counters and histograms of all events.

    The function runs within its span, so what it traces itself (an HTTP client, a database) are
    children of that. A span has the name of its function, and the attributes `beautyspot.function`,
    `beautyspot.spot`, `beautyspot.key`, `beautyspot.kind`, `beautyspot.reason` (why it is a miss)
    and, at its end, `beautyspot.outcome`: "returned", "raised" or "interrupted". If it raised, the
    status is an error, and `error.type` its class.

    Args:
        tracer_provider: makes the spans; by default the global one, also if that is set later.
        meter_provider: the same for the metrics.
        hits: each hit gets a span, too: a short one, with the outcome "hit".
        record_exceptions: a span also gets the message of the error and its traceback, either of
            which may show an argument.
        most_functions: so many functions of all Spots are told apart in the metrics, and any other
            is "other"; of several observers of one provider the highest number counts.

    Raises:
        ConfigError: an option is of the wrong type.
        ModuleNotFoundError: opentelemetry-api is not installed.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        hits: bool = False,
        record_exceptions: bool = False,
        most_functions: int = MOST,
    ) -> None:
        trace = load("opentelemetry.trace", "opentelemetry")
        metrics = load("opentelemetry.metrics", "opentelemetry")
        _check(tracer_provider, "tracer_provider", trace.TracerProvider)
        _check(meter_provider, "meter_provider", metrics.MeterProvider)
        options: dict[str, Any] = {"hits": hits, "record_exceptions": record_exceptions}
        options["most_functions"] = checked(most_functions)
        self._made_with = partial(OpenTelemetryObserver, tracer_provider, meter_provider, **options)
        from beautyspot_observe import opentelemetry_spans

        self._spans = opentelemetry_spans
        self._tracer = trace.get_tracer(SCOPE, _version(), tracer_provider)
        self._metrics = _metrics(metrics, meter_provider, most_functions)
        self._hits = hits
        self._exceptions = record_exceptions

    def __reduce__(self) -> tuple[Any, ...]:
        return self._made_with, ()  # in another process, with the global providers of that

    def observe(self, event: Event, /) -> None:
        """Count and measure an event; make the span of a wait, and of a hit if asked for."""
        self._metrics.record(event)
        if self._hits and isinstance(event, Hit):
            self._spans.span_of_hit(self._tracer, event)
        elif isinstance(event, Waited):
            self._spans.span_of_wait(self._tracer, event)

    def execution(self, execution: Execution, /) -> AbstractContextManager[None]:
        """The span of an execution, which is the current one while the function runs."""
        return self._spans.Current(self._tracer, execution, exceptions=self._exceptions)


def _metrics(api: Any, provider: MeterProvider | None, most: int) -> OpenTelemetryMetrics:
    from beautyspot_observe.opentelemetry_metrics import OpenTelemetryMetrics

    # The global provider is one object before it is set, and another one after that.
    of_process = api.get_meter_provider()
    is_global = provider is None or provider is of_process
    places = (OpenTelemetryObserver, of_process) if is_global else (provider,)
    return shared(
        places, lambda: OpenTelemetryMetrics(api.get_meter(SCOPE, _version(), provider)), most
    )


def _check(provider: Any, option: str, kind: type) -> None:
    if provider is not None and not isinstance(provider, kind):
        raise ConfigError(
            f"OpenTelemetryObserver({option}=…) got a {type(provider).__name__}: give a "
            f"{kind.__name__} of the OpenTelemetry SDK, or leave it out for the global one"
        )


def _version() -> str:
    from importlib.metadata import version

    return version("beautyspot-observe")
