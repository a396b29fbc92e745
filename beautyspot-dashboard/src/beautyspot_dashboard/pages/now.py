"""What goes on now in the Spots of this process."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from beautyspot_dashboard.board import board_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.rendering.templates import fragment, render
from beautyspot_dashboard.streaming import Event, event_stream

if TYPE_CHECKING:
    from beautyspot import Activity, RunningCall, WaitingCall
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


def _once_each(told: Activity) -> Activity:
    """An activity in which a call that waits for a limit beneath its mark is a waiting one only.

    It runs as well, under its key. Which of a function's calls it is goes by their times.
    """
    running = list(told.running)
    waiting = [_taken(each, running) for each in told.waiting]
    return replace(told, running=tuple(running), waiting=tuple(waiting))


def _taken(wait: WaitingCall, running: list[RunningCall]) -> WaitingCall:
    """The call with its key, taken out of those that run; itself, if it is none of them."""
    if wait.key:
        return wait
    same = [
        each
        for each in running
        if each.function == wait.function and each.seconds >= wait.seconds and not each.is_storing
    ]
    if not same:
        return wait
    found = min(same, key=lambda each: each.seconds)
    running.remove(found)
    return replace(wait, key=found.key)


def _activities(request: Request) -> dict[str, Any]:
    board = board_of(request)
    return {
        "activities": [_once_each(spot.activity()) for spot in board.spots],
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
