"""What comes into a store, and what goes on in the Spots of this process.

Each page has a part that it asks for anew, once a second (``static/live.js``): a fragment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beautyspot import BeautyspotError
from starlette.responses import HTMLResponse
from starlette.routing import Route

from beautyspot_dashboard.board import board_of, shelved_of
from beautyspot_dashboard.pages.results import table
from beautyspot_dashboard.rendering.filters import command_line
from beautyspot_dashboard.rendering.templates import fragment, render

if TYPE_CHECKING:
    from beautyspot import Activity
    from starlette.requests import Request
    from starlette.responses import Response

RESULTS: Final = 50
"""Results that are shown: the newest."""

CALLS: Final = 50
"""Calls of a list that are shown: those that began first."""

_WAITS_FOR: Final = {
    "rate": "the rate of its limit",
    "max_concurrent": "a place under max_concurrent",
    "run": "an equal call of this process",
    "process": "an equal call of another process",
}


def live(request: Request) -> Response:
    """The newest results, with those that come."""
    shelved = shelved_of(request)
    command = command_line(shelved, "ls", "--rows", options={"limit": RESULTS})
    shown = _newest(request)
    return render(request, "live.html", store=shelved, section="live", command=command, **shown)


def live_part(request: Request) -> Response:
    """The table of that page."""
    shown = _newest(request)
    return HTMLResponse(fragment(request, "live_part.html", store=shelved_of(request), **shown))


def _newest(request: Request) -> dict[str, Any]:
    shelved, records, problem = shelved_of(request), [], ""
    try:
        records = shelved.store().page("newest", limit=RESULTS).records
    except BeautyspotError as error:  # it may come yet, and is looked for again
        problem = str(error)
    exact = {"exact": True}  # "3 s ago" would be wrong a moment later
    return {"problem": problem, **table(request, records), **exact}


def now(request: Request) -> Response:
    """All Spots of this process, as they are at this moment."""
    return render(request, "now.html", section="now", **_activities(request))


def now_part(request: Request) -> Response:
    """What that page tells of them."""
    return HTMLResponse(fragment(request, "now_part.html", **_activities(request)))


def _activities(request: Request) -> dict[str, Any]:
    activities = [_once_each(spot.activity()) for spot in board_of(request).spots]
    return {"activities": activities, "limit": CALLS, "waits_for": _WAITS_FOR}


def _once_each(told: Activity) -> Activity:
    """An activity in which a call that waits for a limit beneath its mark is a waiting one only.

    It runs as well, under its key. Which of a function's calls it is goes by their times.
    """
    running, waiting = list(told.running), []
    for wait in told.waiting:
        same = [
            each
            for each in running
            if each.function == wait.function
            and each.seconds >= wait.seconds
            and not (wait.key or each.is_storing)
        ]
        if same:
            found = min(same, key=lambda each: each.seconds)
            running.remove(found)
            waiting.append(replace(wait, key=found.key))
        else:
            waiting.append(wait)
    return replace(told, running=tuple(running), waiting=tuple(waiting))


routes = [
    Route("/store/{store}/live", live, name="live"),
    Route("/store/{store}/live/part", live_part, name="live_part"),
    Route("/now", now, name="now"),
    Route("/now/part", now_part, name="now_part"),
]
