"""The results of one function as runs: columns of their values, pictures of them, a comparison."""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, cast

from beautyspot import ConfigError
from starlette.responses import StreamingResponse
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import shelved_of, store_of
from beautyspot_dashboard.rendering.filters import chips, command_line, read_filters
from beautyspot_dashboard.rendering.links import href, result_href, without_empty
from beautyspot_dashboard.rendering.sweeps import DRAWN, picture
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.views import LARGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot import Runs
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.rendering.filters import Filters

_PAGE: Final = 50
"""Runs on a page."""

_VIEWS: Final = {"": "Table", "points": "Points", "lines": "Lines"}

ROW: Final = frozenset({"key", "made", "took", "price", "version", "size"})
"""The columns that are of the row, where no argument has the name."""

_OWN: Final = ("column", "where", "sort", "from", "view", "x", "y", "by")
"""Names in the query that are no filters."""


def runs(request: Request) -> Response:
    """A page of runs as a table, or the first of them as a picture."""
    shelved, query = shelved_of(request), request.query_params
    path = href(request, "runs", store=shelved.slug)
    if leads := without_empty(request, path):
        return leads
    filters, found, start = _filters(request), None, query.get("from", "")
    view = query["view"] if query.get("view") in _VIEWS else ""
    first = int(start) if re.fullmatch("[0-9]{1,9}", start) else 0
    chosen = query.getlist("column")
    page: Any = {"offset": first, "limit": _PAGE, "columns": chosen}
    part: Any = {"limit": DRAWN} if view else page
    try:
        if not filters.problems:
            question = "runs", request.url.query
            found = shelved.kept.get(question, lambda: _found(request, filters, part), kept.LONG)
    except ConfigError as error:
        filters.problems[""] = str(error)
    own = ROW.difference(found.arguments if found else ())
    columns = list(found.columns if found else ())
    if not chosen:
        columns.sort(key=own.__contains__)
    drawn = chosen or [name for name in columns if name not in own]
    conditions = chain(*(("--where", each) for each in query.getlist("where")))
    options = {**filters.options, "columns": ",".join(chosen), "sort": query.get("sort")}
    name = str(options.pop("function", ""))
    answer = render(
        request,
        "runs.html",
        400 if filters.problems else 200,
        store=shelved,
        section="results",
        names=shelved.function_names(),
        filters=filters,
        chips=chips(request, filters),
        found=found,
        columns=columns,
        picture=picture(found, query, drawn) if found and view else None,
        view=view,
        views=_VIEWS,
        sort=query.get("sort", "newest"),
        first=first,
        page=_PAGE,
        path=path,
        own=own,
        link=lambda key: result_href(request, key),
        command=command_line(shelved, "ls", name, *conditions, options=options),
    )
    if found is None and not filters.problems:
        answer.headers["refresh"] = "2"
    return answer


def _filters(request: Request) -> Filters:
    filters = read_filters(shelved_of(request), request.query_params, _OWN)
    if "function" not in filters.given:
        filters.problems.setdefault("function", "give a function: each has columns of its own")
    return filters


def _found(request: Request, filters: Filters, part: Mapping[str, Any]) -> Runs:
    """The runs that the query asks for, less its columns.

    Raises:
        ConfigError: it names a column that there is not, or something is no condition.
    """
    query, where = request.query_params, cast("Any", {**filters.where})
    with running.decoding() as fields:
        return store_of(request).runs(
            where.pop("function"),
            sort=query.get("sort") or "newest",
            conditions=query.getlist("where"),
            fields=fields,
            **part,
            **where,
        )


def csv(request: Request) -> Response:
    """All runs that the query asks for, as CSV, line by line."""
    filters = _filters(request)
    if filters.problems:
        raise ConfigError("; ".join(filters.problems.values()))
    found = _found(request, filters, {"columns": request.query_params.getlist("column")})
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", filters.given["function"])[-60:]
    headers = {
        "content-disposition": f'attachment; filename="{name}.csv"',
        "x-content-type-options": "nosniff",
    }
    lines = found.csv()  # each that is sent costs a hop to a thread
    parts = iter(lambda: "".join(islice(lines, 1000)), "")
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=headers)


def compare(request: Request) -> Response:
    """Two to five results side by side, what differs first."""
    shelved, keys = shelved_of(request), request.query_params.getlist("key")
    with running.decoding(LARGEST) as fields:
        found = shelved.store().compare(keys, fields)
    return render(
        request,
        "compare.html",
        store=shelved,
        section="results",
        found=found,
        own=ROW.difference(found.arguments),
        link=lambda key: result_href(request, key),
        command=command_line(shelved, "compare", *keys),
    )


routes = [
    Route("/store/{store}/runs", runs, name="runs"),
    Route("/store/{store}/runs/csv", csv, name="csv"),
    Route("/store/{store}/compare", compare, name="compare"),
]
