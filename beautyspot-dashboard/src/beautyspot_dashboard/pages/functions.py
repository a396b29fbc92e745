"""The functions of a store, and one of them: what fills it, and what it saved."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot import Counts, StoredFunction
from starlette.exceptions import HTTPException
from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.pages.results import table
from beautyspot_dashboard.rendering.charts import SPANS, Axis, calls
from beautyspot_dashboard.rendering.filters import command_line
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.rendering.charts import Span

_MOST: Final = 500
"""Functions on the page: the first ones of its order."""

_LOOKED_AT: Final = 200
"""Of the newest results of a function, those whose versions are told."""

_NEWEST: Final = 10
"""Results on the page of a function."""


class Column(NamedTuple):
    """A column that the table can be sorted by."""

    sort: str  # its name in URLs
    label: str  # its head
    value: Callable[[StoredFunction], Any]  # what stands in it; None is last
    optional: bool = False  # whether it is left out where all are 0


_NAME: Final = Column("name", "Function", lambda each: each.name)
_MADE: Final = Column("newest", "Newest", lambda each: each.newest)
COLUMNS: Final = (
    Column("saved", "Time saved", lambda each: each.counts.seconds_saved),
    Column("money", "Money saved", lambda each: each.counts.money_saved, optional=True),
    Column("hits", "Hits", lambda each: each.counts.hits),
    Column("runs", "Runs", lambda each: each.counts.runs),
    Column("failures", "Failures", lambda each: each.counts.failures, optional=True),
    Column("spent", "Time spent", lambda each: each.counts.seconds_spent),
    Column("paid", "Money spent", lambda each: each.counts.money_spent, optional=True),
    Column("results", "Results", lambda each: each.entries),
    Column("size", "Size", lambda each: each.size),
)


def functions(request: Request) -> Response:
    """A line for each function, under what all of them saved."""
    shelved = shelved_of(request)
    store, found, span = shelved.store(), shelved.summary(), _span(request, "24h", "7d")
    given = request.query_params.get("sort")
    by = next((each for each in (_NAME, *COLUMNS, _MADE) if each.sort == given), COLUMNS[0])
    rows = sorted(found.functions, key=_NAME.value)
    if by is not _NAME:
        rows.sort(key=lambda each: by.value(each) or 0, reverse=True)
    columns = [
        each for each in COLUMNS if not each.optional or any(map(each.value, found.functions))
    ]
    axis = Axis(span, store.metadata.now())
    counts: dict[str, list[Counts]] = {}
    for each in store.counts(since=axis.begin):
        counts.setdefault(each.func_identifier, []).append(each)
    return render(
        request,
        "functions.html",
        store=shelved,
        section="functions",
        summary=found,
        columns=columns,
        headings=(_NAME, *columns, _MADE),
        by=by,
        functions=rows[:_MOST],
        spark=lambda each: calls(axis, counts[each.name], span) if each.name in counts else None,
        span=span,
        spans={age: SPANS[age] for age in ("24h", "7d")},
        command=command_line(shelved, "ls"),
    )


def function(request: Request) -> Response:
    """One function: what it saved, when it was called, its newest results and their versions."""
    shelved = shelved_of(request)
    store, found, span = shelved.store(), shelved.summary(), _span(request, *SPANS)
    name = request.query_params.get("name", "")
    one = next((each for each in found.functions if each.name == name), None)
    if one is None and not (found.counting and name):
        raise HTTPException(404, f"there is no function {name!r} in this store: see the list")
    one = one or StoredFunction(name, 0, 0, None, None, Counts(name, 0), None)
    axis = Axis(span, store.metadata.now())
    page = store.page("newest", limit=_LOOKED_AT, function=name)
    versions = Counter(each.version or "" for each in page.records).most_common()
    version = (page.records[0].version or "") if page.records else ""
    outdated = None
    if one.code_changed:
        outdated = shelved.kept.get(
            ("outdated", name, version),
            lambda: store.total(function=name, version=version, outdated=True),
        )
    return render(
        request,
        "function.html",
        store=shelved,
        section="functions",
        function=one,
        summary=found,
        typical=store.typical(name),
        chart=calls(axis, store.counts(name, since=axis.begin), span),
        axis=axis,
        span=span,
        spans=SPANS,
        **table(request, page.records[:_NEWEST]),
        versions=versions,
        version=version,
        others=sum(number for each, number in versions if each != version),
        all_versions=page.following is None,
        looked_at=len(page.records),
        outdated=outdated,
        command=command_line(shelved, "stats", name, options={"by": span.unit, "since": span.age}),
    )


def _span(request: Request, *ages: str) -> Span:
    given = request.query_params.get("since", "")
    return SPANS[given if given in ages else ages[0]]


routes = [
    Route("/store/{store}", functions, name="functions"),
    Route("/store/{store}/function", function, name="function"),
]
