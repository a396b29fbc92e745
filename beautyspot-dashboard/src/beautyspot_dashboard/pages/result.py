"""One result: its call, its times, its value; why it ran, and whether it is sound."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from beautyspot import BeautyspotError
from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.pages.results import read_listed
from beautyspot_dashboard.rendering.arguments import laid_out
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.kinds import kind_of
from beautyspot_dashboard.rendering.links import href, result_href
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.summaries import function_names
from beautyspot_dashboard.values.showing import shown

if TYPE_CHECKING:
    from beautyspot import Store, TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.shelf import Shelved


@dataclass(frozen=True)
class Neighbours:
    """Where a result's page leads: back to the list that it is in, and to those beside it.

    Attributes:
        back: the list.
        before, behind: the pages of the results beside it on the page of that list; "" where there
            is none, or it would take too long to find.
    """

    back: str
    before: str = ""
    behind: str = ""


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
        arguments=laid_out(record.arguments),
        neighbours=_neighbours(request, shelved, record),
        has_expired=_has_expired(store, record),
        command=command_line(shelved, "show", record.cache_key),
    )


def why(request: Request) -> Response:
    """Why the result's call ran: what differs from the nearest earlier one, side by side."""
    shelved = shelved_of(request)
    found = shelved.store().why(request.path_params["key"])
    runs = [run for run in (found.record, found.nearest) if run is not None]
    return render(
        request,
        "why.html",
        store=shelved,
        section="results",
        record=found.record,
        why=found,
        lines=_side_by_side(runs),
        link=lambda record: result_href(request, record.cache_key),
        command=command_line(shelved, "why", found.record.cache_key),
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
    store = shelved.store()
    listed = read_listed(store, query, function_names(shelved))
    if listed.filters.problems or listed.filters.waits or not listed.is_cheap:
        return Neighbours(back)
    keys: list[str] = []
    with suppress(BeautyspotError):  # the list is another one by now
        keys = [each.cache_key for each in listed.page(store).records]
    if record.cache_key not in keys:
        return Neighbours(back)
    at = keys.index(record.cache_key)
    links = [result_href(request, key, within) for key in keys]
    return Neighbours(back, "".join(links[at - 1 : at]), "".join(links[at + 1 : at + 2]))


def _has_expired(store: Store, record: TaskRecord) -> bool:
    return record.expires_at is not None and record.expires_at <= store.metadata.now()


@dataclass(frozen=True)
class Line:
    """One thing of two runs.

    Attributes:
        name: what it is.
        texts: that of the run, and of the nearest one.
        differs: whether they are different.
    """

    name: str
    texts: tuple[str, ...]
    differs: bool


def _side_by_side(runs: list[TaskRecord]) -> list[Line]:
    """What the rows of one or two runs tell, a line each; what neither has is left out."""
    parts = [_parts(run) for run in runs]
    names = dict.fromkeys(name for each in parts for name in each)
    lines = []
    for name in names:
        texts = tuple(each.get(name) or "" for each in parts)
        lines.append(Line(name, texts, len(set(texts)) > 1))
    return [line for line in lines if any(line.texts)]


def _parts(run: TaskRecord) -> dict[str, Any]:
    source, _, file = (run.code or "").partition(":")
    arguments = {each.name or "arguments": each.text for each in laid_out(run.arguments)}
    return {**arguments, "version": run.version, "digest of its code": source, "of its file": file}


routes = [
    Route("/store/{store}/result/{key}", result, name="result"),
    Route("/store/{store}/result/{key}/why", why, name="why"),
    Route("/store/{store}/result/{key}/check", check, name="check"),
]
