"""What a browser may not open as a document of its own, in a page of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values.media import described

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.values.views import Look


def is_opened(request: Request) -> bool:
    """Whether a browser would open the bytes as a document, and not within one.

    As a document, an SVG may have frames and links, and Chromium connects to where they lead. A
    recording would not be played under the policy of values.
    """
    shown_as = request.headers.get("sec-fetch-dest")
    if shown_as is None:  # an old browser, or no encryption
        within = "text/html" not in request.headers.get("accept", "")
    else:
        within = shown_as in ("image", "audio", "video")
    return not within and "download" not in request.query_params


def alone(look: Look, element: str, route: str = "value") -> Response:
    """A page of ours with what a route gives, in an element."""
    src, label = look.link(route), described(look.record)
    return render(look.request, "values/alone.html", src=src, label=label, element=element)
