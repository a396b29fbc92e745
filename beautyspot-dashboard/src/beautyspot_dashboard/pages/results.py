"""Results of a store: filtered, in an order, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from beautyspot import Where
    from starlette.requests import Request
    from starlette.responses import Response


def results(request: Request) -> Response:
    """A page of results."""
    shelved = shelved_of(request)
    where: Where = {}
    if "function" in request.query_params:
        where["function"] = request.query_params["function"]
    page = shelved.store().page("newest", request.query_params.get("from"), 50, **where)
    return render(
        request,
        "results.html",
        store=shelved,
        section="results",
        page=page,
        command=command_line(shelved, "ls", "--rows", options=where),
    )


routes = [Route("/store/{store}/results", results, name="results")]
