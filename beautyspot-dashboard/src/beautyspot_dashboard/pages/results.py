"""Results of a store: filtered, in an order, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beautyspot import BeautyspotError, ConfigError
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.filters import Filters, chips, read_filters
from beautyspot_dashboard.rendering.kinds import kind_of
from beautyspot_dashboard.rendering.links import href, result_href, with_query, without_empty
from beautyspot_dashboard.rendering.orders import ORDERS, headings
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.summaries import function_names, offered
from beautyspot_dashboard.values.thumbnails import thumbnail_href

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from beautyspot import Page, Store, Totals, Where
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.shelf import Shelved

LIMITS: Final = (20, 50, 100, 200)
"""Numbers of results on a page that are offered; others up to the last may be given as well."""

_CHEAP: Final = ("newest", "key")
"""Orders of which a page comes out of the store without reading all that matches."""

OWN: Final = ("sort", "from", "limit", "view")
"""Names in the query that are no filters."""


@dataclass(frozen=True)
class Listed:
    """What a query asks for.

    Attributes:
        filters: which results.
        order: one of the orders of `Store.rows`.
        limit: results on a page.
        start: where the page begins; None: at the first.
        grid: whether they are shown as cards.
    """

    filters: Filters
    order: str
    limit: int
    start: str | None
    grid: bool

    @property
    def is_cheap(self) -> bool:
        """Whether a page comes out of the store without all that matches being read."""
        return self.order in _CHEAP and "outdated" not in self.filters.where

    def page(self, store: Store) -> Page:
        """The page.

        Raises:
            ConfigError: `start` is no page's.
            MetadataError: the store failed.
        """
        order: Any = self.order
        return store.page(order, self.start, self.limit, **self.filters.where)

    def command(self, shelved: Shelved) -> str:
        """The command line that lists the same; from the first on, if the page begins later."""
        number = 0 if self.start else self.limit
        options = {**self.filters.options, "sort": self.order, "limit": str(number)}
        return command_line(shelved, "ls", "--rows", options=options)


def read_listed(
    store: Store, query: Mapping[str, str], functions: Collection[str] | None = None
) -> Listed:
    """What the query of a list asks for; what is wrong is in the problems of its filters."""
    filters = read_filters(store, query, OWN, functions)
    order, limit, view = query.get("sort") or "newest", query.get("limit") or "50", "view"
    if order not in ORDERS:
        filters.problems["sort"] = f"give one of {', '.join(ORDERS)}"
        order = "newest"
    if not (re.fullmatch("[0-9]{1,3}", limit) and 0 < int(limit) <= LIMITS[-1]):
        filters.problems["limit"] = f"give a number from 1 to {LIMITS[-1]}"
        limit = "50"
    grid = query.get(view) == "grid"
    return Listed(filters, order, int(limit), query.get("from") or None, grid)


def results(request: Request) -> Response:
    """A page of results."""
    return without_empty(request, _own(request)) or _results(request)


def _results(request: Request) -> Response:
    query, shelved = request.query_params, shelved_of(request)
    names = function_names(shelved)
    listed = read_listed(shelved.store(), query, names)
    page = _page(request, shelved, listed)
    answer = render(
        request,
        "results.html",
        400 if listed.filters.problems else 200,
        store=shelved,
        section="results",
        listed=listed,
        filters=listed.filters,
        chips=chips(request, listed.filters),
        page=page,
        total=page and _total(shelved, listed.filters.where),
        headings=headings(request, listed.order, page.records if page else ()),
        names=offered(names),
        orders=ORDERS,
        limits=LIMITS,
        kind_of=kind_of,
        thumbnail=lambda record: thumbnail_href(request, record),
        narrowed=lambda **filters: with_query(request, **{"from": None, **filters}),
        exact=False,
        own=_own(request),
        link=lambda record: result_href(request, record.cache_key, request.url.query),
        command=listed.command(shelved),
    )
    if page is None and not listed.filters.problems:
        answer.headers["refresh"] = "2"
    return answer


def _own(request: Request) -> str:
    return href(request, "results", store=request.path_params["store"])


def _page(request: Request, shelved: Shelved, listed: Listed) -> Page | None:
    """The page; None where something of what was given is wrong, or it is still being sorted."""
    problems = listed.filters.problems
    if problems or listed.filters.waits:
        return None
    store = shelved.store()
    try:
        if listed.is_cheap:
            return listed.page(store)
        name = ("page", request.url.query)
        found = shelved.kept.get(name, lambda: listed.page(store), kept.LONG)
        return None if found is None else found.value
    except ConfigError:
        problems["from"] = "no page of this order begins there: begin at the first one"
        return None


def _total(shelved: Shelved, where: Where) -> Totals | None:
    """How many results match, of which a page shows some; None where it takes long to count."""
    name = ("total", repr(sorted(where.items())))
    try:
        found = shelved.kept.get(name, lambda: shelved.store().total(**where), keep=60)
        return None if found is None else found.value
    except BeautyspotError:  # whatever else the page shows says it
        return None


routes = [Route("/store/{store}/results", results, name="results")]
