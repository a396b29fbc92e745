"""The drawing of a stored diagram, for a page of ours to show as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from beautyspot_dashboard.pages.alone import alone, is_opened
from beautyspot_dashboard.values.diagrams import drawing
from beautyspot_dashboard.values.media_types import SVG
from beautyspot_dashboard.values.sending import VALUE_HEADERS
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request


def diagram(request: Request) -> Response:
    """The SVG."""
    look = look_of(request)
    ran = drawing(look)
    if ran is None or ran.problem:
        told = "it is none, or too long" if ran is None else ran.problem
        raise HTTPException(404, f"this diagram can't be drawn: {told}")
    if is_opened(request):
        return alone(look, "img", "diagram")
    return Response(ran.output, headers={**VALUE_HEADERS, "content-type": SVG})


routes = [Route("/store/{store}/diagram/{key}", diagram, name="diagram")]
