"""The raw bytes of a value, or the part of them that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from beautyspot_dashboard.pages.alone import alone, is_opened
from beautyspot_dashboard.values.media_types import FILMS, SOUNDS, SVG
from beautyspot_dashboard.values.sending import sent
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_PLAYED: Final = {SVG: "img", **dict.fromkeys(SOUNDS, "audio"), **dict.fromkeys(FILMS, "video")}
"""What is opened within a page of ours, and the element that shows it."""


def value(request: Request) -> Response:
    """The bytes of a value, as its type if that is a known one, else to be saved."""
    look = look_of(request)
    if look.file.kind in _PLAYED and is_opened(request):
        return alone(look, _PLAYED[look.file.kind])
    return sent(look)


routes = [Route("/store/{store}/value/{key}", value, name="value")]
