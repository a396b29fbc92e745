"""Hits and runs over time, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.rendering.charts import Span, chart, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beautyspot import Counts

    from beautyspot_dashboard.rendering.charts import Axis, Chart

SPANS: Final = spans(
    Span("24h", "24 hours", 24, 1), Span("7d", "7 days", 28, 6), Span("90d", "90 days", 90, 24)
)


def calls(counts: Sequence[Counts], span: Span, axis: Axis, size: tuple[int, int]) -> Chart:
    """What was called in each part of a span."""
    parts = zip(axis.names, axis.split(counts), strict=True)
    columns = [(f"{name}: {_words(part)}", _amounts(part)) for name, part in parts]
    within = [each for part in axis.split(counts) for each in part]
    return chart(columns, size, f"In {span.label}: {_words(within)}")


def _words(counts: Iterable[Counts]) -> str:
    hits, runs = _amounts(counts).values()
    return f"{hits:,} {'hit' if hits == 1 else 'hits'}, {runs:,} {'run' if runs == 1 else 'runs'}"


def _amounts(counts: Iterable[Counts]) -> dict[str, int]:
    given = [(each.hits, each.runs) for each in counts]
    return {"hits": sum(hits for hits, _ in given), "runs": sum(runs for _, runs in given)}
