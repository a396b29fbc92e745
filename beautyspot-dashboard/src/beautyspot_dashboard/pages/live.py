"""What comes into a store, as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from beautyspot import BeautyspotError
from starlette.routing import Route

from beautyspot_dashboard.board import board_of, shelved_of
from beautyspot_dashboard.news import LIMIT, Feed
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.kinds import kind_of
from beautyspot_dashboard.rendering.links import href, result_href
from beautyspot_dashboard.rendering.templates import fragment, render
from beautyspot_dashboard.streaming import Event, event_stream
from beautyspot_dashboard.values.media import thumbnail_href

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beautyspot import TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.news import News
    from beautyspot_dashboard.shelf import Shelved

_COLUMNS: Final = ("Type", "Arguments", "Function", "Made", "Size", "Took", "Price", "Key")


def live(request: Request) -> Response:
    """The newest results, followed by those that come."""
    shelved = shelved_of(request)
    records: list[TaskRecord] = []
    problem = ""
    try:
        records = _newest(shelved)
    except BeautyspotError as error:  # it may come yet, and is looked for again
        problem = str(error)
    return render(
        request,
        "live.html",
        store=shelved,
        section="live",
        columns=_COLUMNS,
        problem=problem,
        command=command_line(shelved, "ls", "--rows", options={"limit": LIMIT}),
        **_rows(request, records, came=False),
    )


def events(request: Request) -> Response:
    """The stream of that page."""
    shelved = shelved_of(request)
    feed = board_of(request).feeds.setdefault(shelved.slug, Feed(lambda: _newest(shelved)))

    def look(last: str | None) -> list[Event]:
        news = feed.news(last)
        return [] if news is None else list(_events(request, news))

    return event_stream(request, look)


def _newest(shelved: Shelved) -> list[TaskRecord]:
    return list(shelved.store().page("newest", limit=LIMIT).records)


def _rows(request: Request, records: Sequence[TaskRecord], *, came: bool) -> dict[str, Any]:
    """What the rows of the table are written from: those of the list of results."""
    slug = request.path_params["store"]
    return {
        "records": records,
        "shown": _COLUMNS,
        "exact": True,  # "3 s ago" would be wrong a moment later
        "came": came,
        "kind_of": kind_of,
        "thumbnail": lambda record: thumbnail_href(request, record),
        "link": lambda record: result_href(request, record.cache_key),
        "narrowed": lambda **filters: href(request, "results", filters, store=slug),
    }


def _events(request: Request, news: News) -> Iterator[Event]:
    yield Event(news.id, "problem", fragment(request, "problem.html", problem=news.problem))
    came = bool(news.records) and not news.whole
    if came or news.whole:
        given = _rows(request, news.records, came=came)
        html = fragment(request, "result_rows.html", store=shelved_of(request), **given)
        yield Event(news.id, "rows", html, "prepend" if came else "replace")
    if came:
        html = fragment(request, "live_came.html", number=len(news.records), now=time.time())
        yield Event(news.id, "came", html)


routes = [
    Route("/store/{store}/live", live, name="live"),
    Route("/store/{store}/live/events", events, name="live_events"),
]
