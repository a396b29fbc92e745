"""One result: its call, its times, its value; why it ran, and whether it is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from beautyspot import BeautyspotError, arguments_of
from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.pages.results import read_listed
from beautyspot_dashboard.pages.runs import ROW
from beautyspot_dashboard.rendering.filters import command_line
from beautyspot_dashboard.rendering.links import href, result_href
from beautyspot_dashboard.rendering.rows import kind_of
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.showing import shown
from beautyspot_dashboard.values.views import LARGEST

if TYPE_CHECKING:
    from beautyspot import TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.board import Shelved


class Neighbours(NamedTuple):
    """Where a result's page leads: back to the list that it is in, and to those beside it."""

    back: str
    before: str = ""  # the page of the result before it in that list; "" where there is none,
    behind: str = ""  # and of that behind it; or it would take too long to find them


def result(request: Request) -> Response:
    """One result."""
    shelved = shelved_of(request)
    store = shelved.store()
    record = store.row(request.path_params["key"])
    return render(
        request,
        "result.html",
        store=shelved,
        section="results",
        record=record,
        kind=kind_of(record),
        value=shown(request, store, record),
        arguments=arguments_of(record) or {"": record.arguments},
        neighbours=_neighbours(request, shelved, record),
        has_expired=record.expires_at is not None and record.expires_at <= store.metadata.now(),
        command=command_line(shelved, "show", record.cache_key),
    )


def why(request: Request) -> Response:
    """Why the result's call ran: what differs from the nearest earlier one, side by side."""
    shelved = shelved_of(request)
    store = shelved.store()
    why = store.why(request.path_params["key"])
    found = None
    if why.nearest is not None:
        with running.decoding(LARGEST) as fields:
            found = store.compare([why.record, why.nearest], fields)
    return render(
        request,
        "why.html",
        store=shelved,
        section="results",
        record=why.record,
        why=why,
        found=found,
        own=ROW.difference(found.arguments) if found else (),
        link=lambda key: result_href(request, key),
        command=command_line(shelved, "why", why.record.cache_key),
    )


def check(request: Request) -> Response:
    """Whether the result is what was stored; all of it is read."""
    shelved = shelved_of(request)
    store = shelved.store()
    record = store.row(request.path_params["key"])
    return render(
        request,
        "check.html",
        store=shelved,
        section="results",
        record=record,
        faults=list(store.verify(key=record.cache_key)),
        command=command_line(shelved, "verify", options={"key": record.cache_key}),
    )


def _neighbours(request: Request, shelved: Shelved, record: TaskRecord) -> Neighbours:
    within = request.query_params.get("in", "")
    query = dict(parse_qsl(within, errors="replace"))
    back = href(request, "results", query, store=shelved.slug)
    if not within:
        return Neighbours(back)
    try:
        listed = read_listed(shelved, query)
        is_there = listed.is_cheap and not listed.filters.problems
        rows = listed.page(shelved.store()).records if is_there else []
        keys = [each.cache_key for each in rows]
        at = keys.index(record.cache_key)
    except (BeautyspotError, ValueError):  # the list is another one by now
        return Neighbours(back)
    links = ["", *(result_href(request, key, within) for key in keys), ""]
    return Neighbours(back, links[at], links[at + 2])


routes = [
    Route("/store/{store}/result/{key}", result, name="result"),
    Route("/store/{store}/result/{key}/why", why, name="why"),
    Route("/store/{store}/result/{key}/check", check, name="check"),
]
