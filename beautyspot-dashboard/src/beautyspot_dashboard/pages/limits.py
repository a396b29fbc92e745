"""What limits granted, had wait and refused, by hour or day and by function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError
from starlette.routing import Route

from beautyspot_dashboard.board import board_of, shelved_of
from beautyspot_dashboard.pages.limit_counts import SPANS, bars, by_function, by_part, summed
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from beautyspot import Spot, Store
    from starlette.requests import Request
    from starlette.responses import Response

_FIRST: Final = SPANS["24h"]


def limits(request: Request) -> Response:
    """The chart, its numbers, a line for each function, and the rates where they are known."""
    shelved = shelved_of(request)
    store = shelved.store()
    span = SPANS.get(request.query_params.get("since", ""), _FIRST)
    axis = span.axis(store.metadata.now())
    counts = [each for each in store.counts(since=axis.begin) if each.grants or each.refusals]
    parts = by_part(counts, axis)
    options = {"limits": True, "by": span.unit, "since": span.age}
    return render(
        request,
        "limits.html",
        store=shelved,
        section="limits",
        spans=SPANS,
        span=span,
        total=summed(counts),
        parts=parts,
        chart=bars(parts, span),
        axis=axis,
        functions=by_function(counts),
        limits=_rates(board_of(request).spots, store),
        command=command_line(shelved, "stats", options=options),
    )


def _rates(spots: tuple[Spot, ...], store: Store) -> list[object]:
    """The limits of the Spots of this process that have this store."""
    activities = [spot.activity() for spot in spots if _has(spot, store)]
    return [limit for activity in activities for limit in activity.limits]


def _has(spot: Spot, store: Store) -> bool:
    try:
        return spot.metadata.store_id == store.metadata.store_id
    except BeautyspotError:  # it can't be asked now
        return False


routes = [Route("/store/{store}/limits", limits, name="limits")]
