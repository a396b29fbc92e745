"""`/`: the stores; of a single one, what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Route

from beautyspot_dashboard.board import board_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def home(request: Request) -> Response:
    """The list of stores, or the one that there is."""
    shelf = list(board_of(request).shelf)
    if len(shelf) == 1:
        return RedirectResponse(href(request, "functions", store=shelf[0].slug), 302)
    return stores(request)


def stores(request: Request) -> Response:
    """All stores, and how they are."""
    return render(request, "stores.html", section="stores")


routes = [Route("/", home, name="home"), Route("/stores", stores, name="stores")]
