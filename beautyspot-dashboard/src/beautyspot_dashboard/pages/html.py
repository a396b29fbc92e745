"""An HTML value as a page, for the frame on the page of its result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from beautyspot_dashboard.values.media import LARGEST_HTML
from beautyspot_dashboard.values.media_types import HTML
from beautyspot_dashboard.values.sending import VALUE_HEADERS
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_FRAMES: Final = re.compile("(</?)(?=i?frame|fencedframe|portal)", re.IGNORECASE)
"""Tags of frames. Chromium connects to where a frame is, also where our policy forbids it."""

_LINKS: Final = re.compile(r"<link(?=[\s/>])", re.IGNORECASE)
"""Of which ``rel="preconnect"`` connects, too; ours forbids what all others would load."""

_NOTHING: Final = "<basefont"
"""A tag that stands where a link may, has no end, and does nothing."""


def html(request: Request) -> Response:
    """The page, without its frames and links to other files."""
    look = look_of(request)
    if look.file.kind != HTML:
        raise HTTPException(404, "this result is no HTML")
    text = look.data(LARGEST_HTML).decode("utf-8-sig", "replace")
    tame = _LINKS.sub(_NOTHING, _FRAMES.sub(r"\1off-", text))
    return HTMLResponse(tame, headers=VALUE_HEADERS)


routes = [Route("/store/{store}/value/{key}/html", html, name="html")]
