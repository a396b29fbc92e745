"""Trace an LLM pipeline in the console: what ran, what was a hit, what queued for the limit.

Needs `beautyspot-observe[opentelemetry]` and `opentelemetry-sdk`. Run it twice: the second run
finds all in `.beautyspot`, below the working directory.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import beautyspot as bs
from beautyspot_observe import OpenTelemetryObserver
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import SpanKind

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tree(ConsoleSpanExporter):
    """Prints spans as a tree, a line for each, where the console exporter prints JSON."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Print the spans that have ended, which come in the order of their ends."""
        children: dict[int | None, list[ReadableSpan]] = defaultdict(list)
        for span in sorted(spans, key=lambda span: span.start_time):
            children[span.parent.span_id if span.parent else None].append(span)
        self._show(children, None, "")
        return SpanExportResult.SUCCESS

    def _show(
        self, children: dict[int | None, list[ReadableSpan]], parent: int | None, indent: str
    ) -> None:
        words = ("beautyspot.outcome", "beautyspot.reason", "beautyspot.place")
        for span in children[parent]:
            took = (span.end_time - span.start_time) / 1e6
            said = ", ".join(span.attributes[word] for word in words if word in span.attributes)
            print(f"{indent + span.name:<28}{took:6.0f} ms  {said}".rstrip())
            self._show(children, span.context.span_id, indent + "  ")


provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Tree(), schedule_delay_millis=60_000))
tracer = provider.get_tracer("pipeline")
observer = OpenTelemetryObserver(provider, hits=True)
spot = bs.Spot("pipeline", limiter="2/s", observers=[observer])


def chat(prompt: str) -> str:
    """A stand-in for the client of a language model, which makes spans of its own."""
    with tracer.start_as_current_span("chat tiny-model", kind=SpanKind.CLIENT):
        return prompt.upper()


@spot.mark(name="facts")
@spot.limiter(timeout=60)
def facts(page: str) -> str:
    """What a page says."""
    return chat(f"List the facts in {page}")


@spot.mark(name="summary")
@spot.limiter(timeout=60)
def summary(page: str) -> str:
    """The same in short."""
    return chat(f"Summarize: {facts(page)}")


@spot.mark(name="translation")
@spot.limiter(timeout=60)
def translation(page: str, language: str) -> str:
    """The same in another language."""
    return chat(f"Translate into {language}: {summary(page)}")


if __name__ == "__main__":
    for wanted in ("German", "French"):
        with tracer.start_as_current_span(f"request: {wanted}"):
            translation("page.html", wanted)
    spot.shutdown()
    provider.shutdown()  # prints what is left
