"""The drawing of a stored diagram, for a page of ours to show as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from beautyspot_dashboard.pages.alone import alone, is_opened
from beautyspot_dashboard.values.diagrams import LARGEST, language_of
from beautyspot_dashboard.values.drawn import drawn, needs
from beautyspot_dashboard.values.media_types import SVG
from beautyspot_dashboard.values.sending import VALUE_HEADERS
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request


def diagram(request: Request) -> Response:
    """The SVG."""
    look = look_of(request)
    language = language_of(look)
    if language is None or needs(language) or (look.file.size or 0) > LARGEST:
        raise HTTPException(404, "this is no diagram that can be drawn here")
    ran = drawn(language, look.data(LARGEST))
    if ran.problem:
        raise HTTPException(404, f"this diagram can't be drawn: {ran.problem}")
    if is_opened(request):
        return alone(look, "img", "diagram")
    return Response(ran.output, headers={**VALUE_HEADERS, "content-type": SVG})


routes = [Route("/store/{store}/diagram/{key}", diagram, name="diagram")]
