"""The drawing of a stored diagram, for a page of ours to show as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from beautyspot_dashboard.board import store_of
from beautyspot_dashboard.pages.value import alone, is_opened
from beautyspot_dashboard.values.diagrams import LARGEST, language_of
from beautyspot_dashboard.values.drawn import drawn, needs
from beautyspot_dashboard.values.views import Look

if TYPE_CHECKING:
    from starlette.requests import Request

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def diagram(request: Request) -> Response:
    """The SVG."""
    store = store_of(request)
    record = store.row(request.path_params["key"])
    look = Look(request, store, record, store.content(record.cache_key))
    language = language_of(look)
    if language is None or needs(language) or (look.content.size or 0) > LARGEST:
        raise HTTPException(404, "this is no diagram that can be drawn here")
    ran = drawn(language, look.data(LARGEST))
    if ran.problem:
        raise HTTPException(404, f"this diagram can't be drawn: {ran.problem}")
    if is_opened(request):
        return alone(request, record, "img", "diagram")
    headers = {"content-security-policy": POLICY}
    return Response(ran.output, media_type="image/svg+xml", headers=headers)


routes = [Route("/store/{store}/diagram/{key}", diagram, name="diagram")]
