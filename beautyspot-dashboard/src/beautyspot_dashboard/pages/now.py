"""What goes on now in the Spots of this process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from beautyspot_dashboard.board import board_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.rendering.templates import fragment, render
from beautyspot_dashboard.streaming import Event, event_stream

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

LIMIT: Final = 50
"""Calls of a list that are shown: those that began first."""


def now(request: Request) -> Response:
    """All Spots, as they are at this moment."""
    return render(request, "now.html", section="now", **_activities(request))


def events(request: Request) -> Response:
    """The stream of that page."""

    def look(last: str | None) -> list[Event]:
        html = fragment(request, "now_parts.html", **_activities(request))
        number = int(last) + 1 if last and re.fullmatch("[0-9]{1,15}", last) else 0
        return [Event(str(number), "now", html)]

    return event_stream(request, look)


def _activities(request: Request) -> dict[str, Any]:
    board = board_of(request)
    return {
        "activities": [spot.activity() for spot in board.spots],
        "limit": LIMIT,
        "waits_for": _WAITS_FOR,
        "here": href(request, "now"),
    }


_WAITS_FOR: Final = {
    "rate": "the rate of its limit",
    "max_concurrent": "a place under max_concurrent",
    "run": "an equal call of this process",
    "process": "an equal call of another process",
}

routes = [Route("/now", now, name="now"), Route("/now/events", events, name="now_events")]
