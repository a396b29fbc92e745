"""The observer for OpenTelemetry: spans of executions, waits and hits, counters and histograms."""

from __future__ import annotations

import os
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakSet

from beautyspot import ConfigError, Hit, Waited
from beautyspot.contracts import Lock
from opentelemetry import metrics, trace
from opentelemetry.context import attach, detach

from beautyspot_observe.measures import MEASURES, Measure, outcome_of, points
from beautyspot_observe.shared import MOST, Names, checked, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from contextvars import Token
    from types import TracebackType

    from beautyspot import Event, Execution
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

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
        wanted = {"tracer_provider": trace.TracerProvider, "meter_provider": metrics.MeterProvider}
        given = {"tracer_provider": tracer_provider, "meter_provider": meter_provider}
        for option, kind in wanted.items():
            if given[option] is not None and not isinstance(given[option], kind):
                raise ConfigError(
                    f"OpenTelemetryObserver({option}=…) got a {type(given[option]).__name__}: "
                    f"give a {kind.__name__} of the OpenTelemetry SDK, or leave it out for the "
                    "global one"
                )
        checked(most_functions)
        from importlib.metadata import version

        scope = SCOPE, version("beautyspot-observe")
        self._tracer = trace.get_tracer(*scope, tracer_provider)
        # The global provider is one object before it is set, and another one after that.
        of_process = metrics.get_meter_provider()
        is_global = meter_provider is None or meter_provider is of_process
        places = (OpenTelemetryObserver, of_process) if is_global else (meter_provider,)
        meter = partial(metrics.get_meter, *scope, meter_provider)
        self._metrics = shared(places, lambda: OpenTelemetryMetrics(meter()), most_functions)
        self._hits = hits
        self._exceptions = record_exceptions

    def observe(self, event: Event, /) -> None:
        """Count and measure an event; make the span of a wait, and of a hit if asked for."""
        self._metrics.record(event)
        if self._hits and isinstance(event, Hit):
            span_of_hit(self._tracer, event)
        elif isinstance(event, Waited):
            span_of_wait(self._tracer, event)

    def execution(self, execution: Execution, /) -> AbstractContextManager[None]:
        """The span of an execution, which is the current one while the function runs."""
        return Current(self._tracer, execution, exceptions=self._exceptions)


# -------------------------------------------------------------------------------------- spans


def span_of_wait(tracer: Tracer, event: Waited) -> None:
    """Make the span of a wait, which has ended already."""
    now = time_ns()
    attributes = _span_attributes(event) | {"beautyspot.cause": event.cause}
    began = now - round(event.seconds * 1e9)
    name = f"wait for {event.cause}"
    tracer.start_span(name, attributes=attributes, start_time=began).end(now)


def span_of_hit(tracer: Tracer, event: Hit) -> None:
    """Make the span of a hit, which is over."""
    attributes = {"beautyspot.outcome": "hit", "beautyspot.place": event.place}
    tracer.start_span(event.function, attributes=_span_attributes(event) | attributes).end()


class Current:
    """A context manager: the span of an execution is the current one, and ends.

    Args:
        tracer: makes the span.
        execution: what it is of.
        exceptions: whether the span gets the message and the traceback of an error.
    """

    __slots__ = ("_exceptions", "_span", "_token")

    def __init__(self, tracer: Tracer, execution: Execution, *, exceptions: bool) -> None:
        attributes = {"beautyspot.kind": execution.kind, "beautyspot.reason": execution.reason}
        attributes |= _span_attributes(execution)
        self._span: Span = tracer.start_span(execution.function, attributes=attributes)
        self._exceptions = exceptions

    def __enter__(self) -> None:
        self._token: Token[Context] = attach(trace.set_span_in_context(self._span))

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        detach(self._token)
        outcome = "returned" if error is None else outcome_of(type(error).__name__)
        self._span.set_attribute("beautyspot.outcome", outcome)
        if error is not None and outcome == "raised":
            kind = type(error)  # as OpenTelemetry's conventions have it: builtins bare
            module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
            self._span.set_attribute("error.type", f"{module}{kind.__qualname__}")
            if self._exceptions:
                self._span.record_exception(error)
            said = str(error) if self._exceptions else None
            self._span.set_status(trace.Status(trace.StatusCode.ERROR, said))
        self._span.end()


def _span_attributes(event: Hit | Waited | Execution) -> dict[str, str]:
    attributes = {"beautyspot.spot": event.spot, "beautyspot.function": event.function}
    return attributes | ({"beautyspot.key": event.key} if event.key else {})


# ------------------------------------------------------------------------------------ metrics


Label = TypeVar("Label")


class Sums(Generic[Label]):
    """A sum for each label, which only grows."""

    def __init__(self) -> None:
        self._sums: dict[Label, float] = {}
        self._renew()
        _all.add(self)

    def _renew(self) -> None:
        """A lock that no thread holds: those of the parent are not in a child that was forked."""
        self._lock = Lock()

    def add(self, label: Label, amount: float) -> None:
        """Add to the sum of a label."""
        with self._lock:
            self._sums[label] = self._sums.get(label, 0) + amount

    def items(self) -> list[tuple[Label, float]]:
        """The labels and their sums."""
        with self._lock:
            return list(self._sums.items())


_all: WeakSet[Sums[Any]] = WeakSet()


def _after_fork() -> None:  # pragma: no cover - children are not measured
    for each in list(_all):
        each._renew()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)


Labels = tuple[str, str, str]
"""The Spot, the function, the word."""


class OpenTelemetryMetrics:
    """The instruments of one meter.

    What is counted is added up here, and the SDK asks for the sums when it collects: to tell it of
    each hit would take several times what the hit does.

    Attributes:
        names: bounds the attributes.
    """

    def __init__(self, meter: Meter) -> None:
        self.names = Names()
        self._adds = {measure.name: _adding(meter, measure) for measure in MEASURES}

    def record(self, event: Event) -> None:
        """Count and measure an event."""
        spot, function = self.names.bounded(event.spot, event.function)
        for measure, word, amount in points(event):
            self._adds[measure.name]((spot, function, word), amount)


def _adding(meter: Meter, measure: Measure) -> Callable[[Labels, float], None]:
    """What adds an amount to an instrument, which it makes."""
    name, unit, text = f"beautyspot.{measure.name}", measure.unit, measure.text
    if measure.buckets:
        bounds = list(measure.buckets)
        histogram = meter.create_histogram(
            name, unit, text, explicit_bucket_boundaries_advisory=bounds
        )
        return partial(_record, histogram, measure)
    sums: Sums[Labels] = Sums()
    meter.create_observable_counter(name, [partial(_observed, sums, measure)], unit, text)
    return sums.add


def _record(histogram: Histogram, measure: Measure, labels: Labels, amount: float) -> None:
    histogram.record(amount, _attributes(measure, labels))


def _observed(
    sums: Sums[Labels], measure: Measure, _: CallbackOptions
) -> Iterator[metrics.Observation]:
    for labels, amount in sums.items():
        yield metrics.Observation(amount, _attributes(measure, labels))


def _attributes(measure: Measure, labels: Labels) -> dict[str, str]:
    spot, function, word = labels
    attributes = {"beautyspot.spot": spot, "beautyspot.function": function}
    return attributes | ({f"beautyspot.{measure.word}": word} if measure.word else {})
