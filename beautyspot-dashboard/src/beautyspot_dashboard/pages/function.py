"""One function: what it saved, when it was called, and its newest results."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from beautyspot import Counts, StoredFunction
from starlette.exceptions import HTTPException
from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.kept import ALWAYS
from beautyspot_dashboard.pages.calls import SPANS, calls
from beautyspot_dashboard.rendering.charts import LARGE
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.links import result_href
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.summaries import summary

if TYPE_CHECKING:
    from beautyspot import Page, Store, TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.summaries import Summary

_LOOKED_AT: Final = 200
"""Of the newest results, those whose versions are told."""

_SHOWN: Final = 10


def function(request: Request) -> Response:
    """The page of one function."""
    shelved = shelved_of(request)
    store = shelved.store()
    name = request.query_params.get("name", "")
    found = summary(shelved)
    one = _named(found, name)
    span = SPANS.get(request.query_params.get("since", ""), SPANS["24h"])
    axis = span.axis(store.metadata.now())
    counts = store.counts(name, since=axis.begin)
    page = _newest(store, name)
    versions = _versions(page.records)
    version = (page.records[0].version or "") if page.records else ""
    outdated = None
    if one.code_changed:
        outdated = shelved.kept.get(
            ("outdated", name, version),
            lambda: store.total(function=name, version=version, outdated=True),
            keep=ALWAYS,
        )
    return render(
        request,
        "function.html",
        store=shelved,
        section="functions",
        function=one,
        summary=found,
        chart=calls(counts, span, axis, LARGE),
        axis=axis,
        span=span,
        spans=SPANS,
        records=page.records[:_SHOWN],
        versions=versions,
        version=version,
        others=sum(number for each, number in versions if each != version),
        all_versions=page.following is None,
        looked_at=len(page.records),
        link=lambda record: result_href(request, record.cache_key),
        outdated=None if outdated is None else outdated.value,
        command=command_line(shelved, "stats", name, options={"by": span.unit, "since": span.age}),
    )


def _newest(store: Store, name: str) -> Page:
    return store.page("newest", limit=_LOOKED_AT, function=name)


def _named(found: Summary, name: str) -> StoredFunction:
    for each in found.functions:
        if each.name == name:
            return each
    if found.counting and name:
        return StoredFunction(name, 0, 0, None, None, Counts(name, 0), None)
    raise HTTPException(404, f"there is no function {name!r} in this store: see the list of them")


def _versions(records: list[TaskRecord]) -> list[tuple[str, int]]:
    """How many of the records are of each version, the most first."""
    return Counter(each.version or "" for each in records).most_common()


routes = [Route("/store/{store}/function", function, name="function")]
