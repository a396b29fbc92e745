"""Results of a store: filtered, in an order, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beautyspot import ConfigError
from beautyspot.contracts import Totals
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.filters import (
    Filters,
    chips,
    command_line,
    read_filters,
)
from beautyspot_dashboard.rendering.links import href, result_href, with_query, without_empty
from beautyspot_dashboard.rendering.rows import ASCENDING, ORDERS, columns, kind_of
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.media import thumbnail_href

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beautyspot import Page, Store, TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.board import Shelved

LIMITS: Final = (20, 50, 100, 200)
"""Numbers of results on a page that are offered; others up to the last may be given as well."""

LARGEST_GIST: Final = 20_000
"""Bytes of a value whose beginning the gallery shows."""

OWN: Final = ("sort", "from", "limit", "view")
"""Names in the query that are no filters."""


@dataclass(frozen=True)
class Listed:
    """What the query of a list asks for.

    Attributes:
        filters: which results; and what is wrong with the query.
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
        return self.order in ("newest", "key") and "outdated" not in self.filters.where

    def page(self, store: Store) -> Page:
        """The page.

        Raises:
            ConfigError: `start` is no page's.
            MetadataError: the store failed.
        """
        order: Any = self.order
        return store.page(order, self.start, self.limit, **self.filters.where)


def read_listed(shelved: Shelved, query: Mapping[str, str]) -> Listed:
    """What the query of a list asks for; what is wrong is in the problems of its filters."""
    filters = read_filters(shelved, query, OWN)
    order, limit = query.get("sort") or "newest", query.get("limit") or "50"
    if order not in ORDERS:
        filters.problems["sort"] = f"give one of {', '.join(ORDERS)}"
    if not (re.fullmatch("[0-9]{1,3}", limit) and 0 < int(limit) <= LIMITS[-1]):
        filters.problems["limit"] = f"give a number from 1 to {LIMITS[-1]}"
        limit = "50"
    return Listed(
        filters, order, int(limit), query.get("from") or None, query.get("view") == "grid"
    )


def results(request: Request) -> Response:
    """A page of results."""
    shelved = shelved_of(request)
    store, own = shelved.store(), href(request, "results", store=shelved.slug)
    if leads := without_empty(request, own):
        return leads
    listed = read_listed(shelved, request.query_params)
    filters, page = listed.filters, None
    if not filters.problems:
        try:
            page = (
                listed.page(store)
                if listed.is_cheap
                else shelved.kept.get(request.url.query, lambda: listed.page(store), kept.LONG)
            )
        except ConfigError:
            filters.problems["from"] = "no page of this order begins there: begin at the first one"
    total = None
    if page is not None and not (page.following or listed.start):
        sizes = [max(0, each.size or 0) for each in page.records]
        total = Totals(len(sizes), sum(sizes))
    elif page is not None:
        name = f"total {sorted(filters.where.items())!r}"
        total = shelved.kept.get(name, lambda: store.total(**filters.where))
    options = {
        **filters.options,
        "sort": listed.order,
        "limit": 0 if listed.start else listed.limit,
    }
    records = page.records if page else []
    answer = render(
        request,
        "results.html",
        400 if filters.problems else 200,
        store=shelved,
        section="results",
        listed=listed,
        filters=filters,
        chips=chips(request, filters),
        page=page,
        gists=_gists(store, records) if listed.grid else {},
        total=total,
        names=shelved.function_names(),
        limits=LIMITS,
        own=own,
        command=command_line(shelved, "ls", "--rows", options=options),
        **{
            **table(request, records, listed.order, request.url.query),
            "narrowed": lambda **more: with_query(request, **{"from": None, **more}),
        },
    )
    if page is None and not filters.problems:
        answer.headers["refresh"] = "2"
    return answer


def _gists(store: Store, records: Sequence[TaskRecord]) -> dict[str, str]:
    """What the small values among those of a page say, by key."""
    small = [each.cache_key for each in records if (each.size or LARGEST_GIST) < LARGEST_GIST]
    rows = [row for row in map(store.metadata.get, small) if row is not None and row.result_data]
    with running.decoding() as fields:
        told = fields(rows) if rows else []
    lines = [
        [
            f"{name}: {f'{cell:.6g}' if isinstance(cell, float) else cell}"
            for name, cell in each.items()
            if cell is not None
        ]
        for each in told
    ]
    texts = [each.get("answer") or each.get("value") for each in told]
    return {
        row.cache_key: "\n".join(among[:8]) if text is None else str(text)
        for row, text, among in zip(rows, texts, lines, strict=True)
    }


def table(
    request: Request, records: Sequence[TaskRecord], order: str = "", within: str = ""
) -> dict[str, Any]:
    """What a table of results is written from.

    Args:
        request: of the page.
        records: their rows.
        order: in which they are, of a page that can have others.
        within: the query of the list that they are in, to which their pages lead back.
    """
    slug = request.path_params["store"]
    return {
        "records": records,
        "columns": columns(records, order),
        "order": order,
        "orders": ORDERS,
        "ascending": ASCENDING,
        "exact": False,
        "kind_of": kind_of,
        "thumbnail": lambda record: thumbnail_href(request, record),
        "link": lambda record: result_href(request, record.cache_key, within),
        "narrowed": lambda **filters: href(request, "results", filters, store=slug),
    }


routes = [Route("/store/{store}/results", results, name="results")]
