"""Executions as spans of OpenTelemetry, and events as its metrics."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any

from beautyspot import ConfigError, Hit, Waited

from beautyspot_observe.labels import MOST, Names
from beautyspot_observe.libraries import load
from beautyspot_observe.measures import outcome_of
from beautyspot_observe.opentelemetry_metrics import Metrics

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from contextvars import Token
    from types import TracebackType

    from beautyspot import Event, Execution
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

SCOPE = "beautyspot_observe"


class OpenTelemetryObserver:
    """A span for each execution, and one for each wait; counters and histograms of all events.

    The function runs within its span, so what it traces itself (an HTTP client, a database) are
    children of that. A span has the name of its function, and the attributes `beautyspot.function`,
    `beautyspot.spot`, `beautyspot.key`, `beautyspot.kind` and, at its end, `beautyspot.outcome`:
    "returned", "raised" or "interrupted". If it raised, `error.type` is the class of the error.

    Args:
        tracer_provider: makes the spans; by default the global one, also if that is set later.
        meter_provider: the same for the metrics.
        hits: each hit gets a span, too: a short one, with the outcome "hit".
        record_exceptions: a span also gets the message of the error and its traceback, either of
            which may show an argument.
        most_functions: so many functions of all Spots are told apart in the metrics; any other is
            "other".

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
        names = Names(most_functions, "most_functions")
        self._tracer = trace.get_tracer(SCOPE, _version(), tracer_provider=tracer_provider)
        meter = metrics.get_meter(SCOPE, _version(), meter_provider=meter_provider)
        self._metrics = Metrics(meter, names)
        self._hits = hits
        self._record_exceptions = record_exceptions

    def observe(self, event: Event, /) -> None:
        """Count and measure an event; make the span of a wait, and of a hit if asked for."""
        self._metrics.record(event)
        if self._hits and isinstance(event, Hit):
            attributes = _attributes(event) | {"beautyspot.outcome": "hit"}
            self._tracer.start_span(event.function, attributes=attributes).end()
        elif isinstance(event, Waited):
            self._wait(event)

    def _wait(self, event: Waited) -> None:
        """A span that has ended already."""
        now = time_ns()
        attributes = _attributes(event) | {"beautyspot.cause": event.cause}
        began = now - round(event.seconds * 1e9)
        name = f"wait for {event.cause}"
        self._tracer.start_span(name, attributes=attributes, start_time=began).end(now)

    def execution(self, execution: Execution, /) -> AbstractContextManager[None]:
        """The span of an execution, which is current while the function runs."""
        attributes = _attributes(execution) | {"beautyspot.kind": execution.kind}
        span = self._tracer.start_span(execution.function, attributes=attributes)
        return _Current(span, self._record_exceptions)


def _attributes(event: Hit | Waited | Execution) -> dict[str, str]:
    attributes = {"beautyspot.function": event.function, "beautyspot.spot": event.spot}
    if event.key:
        attributes["beautyspot.key"] = event.key
    return attributes


class _Current:
    """Makes a span the current one, and ends it."""

    __slots__ = ("_exceptions", "_span", "_token")

    def __init__(self, span: Span, exceptions: bool) -> None:
        self._span = span
        self._exceptions = exceptions

    def __enter__(self) -> None:
        from opentelemetry.context import attach
        from opentelemetry.trace import set_span_in_context

        self._token: Token[Context] = attach(set_span_in_context(self._span))

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        from opentelemetry.context import detach

        detach(self._token)
        if error is None:
            self._span.set_attribute("beautyspot.outcome", "returned")
        else:
            self._raised(error)
        self._span.end()

    def _raised(self, error: BaseException) -> None:
        from opentelemetry.trace import Status, StatusCode

        outcome = outcome_of(type(error).__name__)
        self._span.set_attribute("beautyspot.outcome", outcome)
        if outcome == "interrupted":
            return
        self._span.set_attribute("error.type", _full_name(type(error)))
        said = str(error) if self._exceptions else None
        self._span.set_status(Status(StatusCode.ERROR, said))
        if self._exceptions:
            self._span.record_exception(error)


def _full_name(kind: type[BaseException]) -> str:
    """As OpenTelemetry's conventions have it: builtins without their module."""
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


def _check(provider: Any, option: str, kind: type) -> None:
    if provider is not None and not isinstance(provider, kind):
        raise ConfigError(
            f"OpenTelemetryObserver({option}=…) got a {type(provider).__name__}: give a "
            f"{kind.__name__} of the OpenTelemetry SDK, or leave it out for the global one"
        )


def _version() -> str:
    from importlib.metadata import version

    return version("beautyspot-observe")
