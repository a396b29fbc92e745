"""The small picture of a result, for lists."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from beautyspot import BeautyspotError, BlobNotFound, RecordNotFound, RestoreError
from starlette.responses import Response
from starlette.routing import Route

from beautyspot_dashboard.pages.alone import alone, is_opened
from beautyspot_dashboard.values.media_types import SVG
from beautyspot_dashboard.values.sending import VALUE_HEADERS
from beautyspot_dashboard.values.thumbnails import thumbnail_of
from beautyspot_dashboard.values.views import TooLargeError, look_of

if TYPE_CHECKING:
    from starlette.requests import Request

_log = logging.getLogger("beautyspot")


def thumbnail(request: Request) -> Response:
    """The picture; nothing, with status 404, where there is none.

    Raises:
        BeautyspotError: the store or its storage can't be read at the moment.
    """
    try:
        look = look_of(request)
        made = thumbnail_of(look)
    except (RestoreError, BlobNotFound, RecordNotFound, TooLargeError):
        return _none()  # the page of the result says why
    except BeautyspotError as error:
        _log.warning("the dashboard could not make the thumbnail of a picture: %s", error)
        raise
    if made is None:
        return _none()
    if made.content_type == SVG and is_opened(request):
        return alone(look, "img")
    return Response(made.data, headers={**VALUE_HEADERS, "content-type": made.content_type})


def _none() -> Response:
    return Response(status_code=404, headers=VALUE_HEADERS)


routes = [Route("/store/{store}/thumbnail/{key}", thumbnail, name="thumbnail")]
