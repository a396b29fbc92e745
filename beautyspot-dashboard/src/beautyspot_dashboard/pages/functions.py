"""The functions of a store: what fills it, and what it saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.pages.calls import SPANS, calls
from beautyspot_dashboard.rendering.charts import SPARK, Chart, Span
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.summaries import Summary, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Counts, Store, StoredFunction
    from starlette.requests import Request
    from starlette.responses import Response


class Column(NamedTuple):
    """A column that the table can be sorted by.

    Attributes:
        sort: its name in URLs.
        label: its head.
        value: what stands in it; None is last.
        optional: whether it is left out where all are 0.
    """

    sort: str
    label: str
    value: Callable[[StoredFunction], Any]
    optional: bool = False


COLUMNS: Final = (
    Column("saved", "Time saved", lambda each: each.counts.seconds_saved),
    Column("money", "Money saved", lambda each: each.counts.money_saved, optional=True),
    Column("hits", "Hits", lambda each: each.counts.hits),
    Column("runs", "Runs", lambda each: each.counts.runs),
    Column("failures", "Failures", lambda each: each.counts.failures, optional=True),
    Column("refusals", "Refusals", lambda each: each.counts.refusals, optional=True),
    Column("spent", "Time spent", lambda each: each.counts.seconds_spent),
    Column("paid", "Money spent", lambda each: each.counts.money_spent, optional=True),
    Column("results", "Results", lambda each: each.entries),
    Column("size", "Size", lambda each: each.size),
)
_BY_NAME: Final = Column("name", "Function", lambda each: each.name)
_NEWEST: Final = Column("newest", "Newest", lambda each: each.newest)
_SORTS: Final = {each.sort: each for each in (_BY_NAME, *COLUMNS, _NEWEST)}

_SPANS: Final = {age: SPANS[age] for age in ("24h", "7d")}

_MOST: Final = 500
"""Functions on the page: the first ones of its order."""


class Heading(NamedTuple):
    """The head of a column."""

    label: str
    link: str  # the query that sorts by it
    direction: str  # "ascending", "descending", or "" where the table is sorted by another
    is_number: bool


def functions(request: Request) -> Response:
    """A line for each function, under what all of them saved."""
    shelved = shelved_of(request)
    store = shelved.store()
    found = summary(shelved)
    span = _SPANS.get(request.query_params.get("since", ""), SPANS["24h"])
    by = _SORTS.get(request.query_params.get("sort", ""), _SORTS["saved"])
    columns = [each for each in COLUMNS if _is_shown(each, found)]
    rows = in_order(found.functions, by)[:_MOST]
    return render(
        request,
        "functions.html",
        store=shelved,
        section="functions",
        summary=found,
        columns=columns,
        headings=[_heading(request, each, by) for each in (_BY_NAME, *columns, _NEWEST)],
        functions=rows,
        lines=lines(store, rows, span),
        span=span,
        spans=_SPANS,
        command=command_line(shelved, "ls"),
    )


def in_order(functions: list[StoredFunction], by: Column) -> list[StoredFunction]:
    """The functions, sorted; equal ones by name."""
    named = sorted(functions, key=_BY_NAME.value)
    if by is _BY_NAME:
        return named
    return sorted(named, key=lambda each: by.value(each) or 0, reverse=True)


def lines(store: Store, functions: list[StoredFunction], span: Span) -> dict[str, Chart]:
    """A spark line for each function that was called in a stretch of time."""
    axis = span.axis(store.metadata.now())
    shown = {each.name for each in functions}
    found: dict[str, list[Counts]] = {}
    for each in store.counts(since=axis.begin):
        if each.func_identifier in shown:
            found.setdefault(each.func_identifier, []).append(each)
    return {name: calls(counts, span, axis, SPARK) for name, counts in found.items()}


def _is_shown(column: Column, found: Summary) -> bool:
    return not column.optional or any(column.value(each) for each in found.functions)


def _heading(request: Request, column: Column, by: Column) -> Heading:
    direction = "ascending" if column is _BY_NAME else "descending"
    return Heading(
        column.label,
        with_query(request, sort=column.sort),
        direction if column is by else "",
        column in COLUMNS,
    )


routes = [Route("/store/{store}", functions, name="functions")]
