"""What limits granted, had wait and refused, by hour or day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot import BeautyspotError
from starlette.routing import Route

from beautyspot_dashboard.board import board_of, shelved_of, summed
from beautyspot_dashboard.rendering.charts import SPANS, Axis, chart
from beautyspot_dashboard.rendering.filters import command_line
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from beautyspot import Counts, Spot, Store
    from starlette.requests import Request
    from starlette.responses import Response


def limits(request: Request) -> Response:
    """The chart, its numbers, and the rates where they are known."""
    shelved = shelved_of(request)
    store = shelved.store()
    span = SPANS.get(request.query_params.get("since", ""), SPANS["24h"])
    axis = Axis(span, store.metadata.now())
    parts = axis.sums(store.counts(since=axis.begin))
    total = summed(store.counts(since=axis.begin, hourly=False))
    text = f"Permits by {span.unit}; the table below has the numbers"
    spots = [spot for spot in board_of(request).spots if _has(spot, store)]
    return render(
        request,
        "limits.html",
        store=shelved,
        section="limits",
        spans=SPANS,
        span=span,
        total=total,
        parts=list(zip(axis.names, parts, strict=True)),
        chart=chart(axis, parts, _amounts, _words, text),
        axis=axis,
        limits=[limit for spot in spots for limit in spot.activity().limits],
        command=command_line(
            shelved, "stats", options={"limits": True, "by": span.unit, "since": span.age}
        ),
    )


def _amounts(counts: Counts) -> dict[str, int]:
    at_once = max(0, counts.grants - counts.waits)
    return {"at-once": at_once, "waited": counts.waits, "refused": counts.refusals}


def _words(counts: Counts) -> str:
    at_once, waited, refused = _amounts(counts).values()
    return f"{at_once:,} at once, {waited:,} after a wait, {refused:,} refused"


def _has(spot: Spot, store: Store) -> bool:
    try:
        return spot.metadata.store_id == store.metadata.store_id
    except BeautyspotError:  # it can't be asked now
        return False


routes = [Route("/store/{store}/limits", limits, name="limits")]
