"""Executions, waits and hits as spans of OpenTelemetry."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

from opentelemetry.context import attach, detach
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from beautyspot_observe.measures import outcome_of

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from beautyspot import Execution, Hit, Waited
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer


def span_of_wait(tracer: Tracer, event: Waited) -> None:
    """Make the span of a wait, which has ended already."""
    now = time_ns()
    attributes = _attributes(event) | {"beautyspot.cause": event.cause}
    began = now - round(event.seconds * 1e9)
    name = f"wait for {event.cause}"
    tracer.start_span(name, attributes=attributes, start_time=began).end(now)


def span_of_hit(tracer: Tracer, event: Hit) -> None:
    """Make the span of a hit, which is over."""
    attributes = {"beautyspot.outcome": "hit", "beautyspot.place": event.place}
    tracer.start_span(event.function, attributes=_attributes(event) | attributes).end()


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
        attributes |= _attributes(execution)
        self._span: Span = tracer.start_span(execution.function, attributes=attributes)
        self._exceptions = exceptions

    def __enter__(self) -> None:
        self._token: Token[Context] = attach(set_span_in_context(self._span))

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        detach(self._token)
        outcome = "returned" if error is None else outcome_of(type(error).__name__)
        self._span.set_attribute("beautyspot.outcome", outcome)
        if error is not None and outcome == "raised":
            self._raised(error)
        self._span.end()

    def _raised(self, error: BaseException) -> None:
        self._span.set_attribute("error.type", _full_name(type(error)))
        if self._exceptions:
            self._span.record_exception(error)
        said = str(error) if self._exceptions else None
        self._span.set_status(Status(StatusCode.ERROR, said))


def _attributes(event: Hit | Waited | Execution) -> dict[str, str]:
    attributes = {"beautyspot.spot": event.spot, "beautyspot.function": event.function}
    return attributes | ({"beautyspot.key": event.key} if event.key else {})


def _full_name(kind: type[BaseException]) -> str:
    """As OpenTelemetry's conventions have it: builtins without their module."""
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
