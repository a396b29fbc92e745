"""One result: its call, its times, its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values.showing import shown

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def result(request: Request) -> Response:
    """One result."""
    shelved = shelved_of(request)
    store = shelved.store()
    record = store.row(request.path_params["key"])
    return render(
        request,
        "result.html",
        store=shelved,
        section="results",
        record=record,
        value=shown(request, store, record),
        command=command_line(shelved, "show", record.cache_key[:12]),
    )


routes = [Route("/store/{store}/result/{key}", result, name="result")]
