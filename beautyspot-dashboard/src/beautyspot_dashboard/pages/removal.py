"""Removals: what would go is shown first.

What is shown is a filter at a moment. The removal repeats it over the results that were made
before that moment, so that what was made since stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beautyspot import BeautyspotError, ConfigError, Removal
from starlette.exceptions import HTTPException
from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.pages.results import table
from beautyspot_dashboard.rendering.filters import LABELS, command_line, read_filters
from beautyspot_dashboard.rendering.links import href, with_query, without_empty
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot import Collected, Removed, TaskRecord
    from starlette.requests import Request
    from starlette.responses import Response

    from beautyspot_dashboard.board import Shelved

OWN: Final = ("what", "show", "at")
"""Names in the query that choose nothing."""

_LIMITS: Final = {
    "max-size": "max_size",
    "max-entries": "max_entries",
    "older": "older_than",
    "unused": "unused_for",
}
"""Name in the query, and of the option -> argument of `Store.prune`."""

_KNOWN: Final = {
    "results": tuple(LABELS),
    "prune": ("function", "version", "tag"),
    "collect": (),
}
"""The filters of each way to choose."""

READ_ONLY: Final = (
    "this dashboard is read-only: start it with beautyspot ui --no-read-only, or mount it with "
    "dashboard(..., read_only=False)"
)


class Choice:
    """What a URL chooses to be removed: results by filters, results over limits, or blobs.

    Attributes:
        what: "results", "prune" or "collect".
        filters: what was typed, limits too, and what is wrong with it.
        is_made: whether there is something to be shown; else it is to be typed, or mended.
    """

    def __init__(self, shelved: Shelved, query: dict[str, str]) -> None:
        self._store = shelved.store()
        self.what = next((each for each in _KNOWN if each == query.get("what")), "results")
        own = (*OWN, *_LIMITS, "keep-expired") if self.what == "prune" else (*OWN, "grace")
        self.filters = filters = read_filters(shelved, query, own, _KNOWN[self.what])
        self._limits: dict[str, Any] = {}
        if self.what == "prune":
            for name, argument in _LIMITS.items():
                if query.get(name):
                    filters.given[name] = query[name]
                    is_count = name == "max-entries" and re.fullmatch("[0-9]{1,18}", query[name])
                    self._limits[argument] = int(query[name]) if is_count else query[name]
            filters.given.update({"keep-expired": "1"} if query.get("keep-expired") else {})
            self._limits["expired"] = "keep-expired" not in filters.given
            try:
                self.rows(0.0)  # it checks, and reads nothing
            except ConfigError as error:
                filters.note(error)
        elif self.what == "collect":
            filters.given["grace"] = query.get("grace") or "1h"
        elif query.get("show") and not filters.given and not filters.problems:
            filters.problems[""] = "give a filter; the function * is everything"
        wants = bool(filters.given) if self.what == "results" else bool(query.get("show"))
        self.is_made = wants and not filters.problems

    def rows(self, at: float) -> Iterator[TaskRecord]:
        """The rows that were chosen at a moment."""
        where: Any = {**self.filters.where, "at": at}
        if self.what == "prune":
            return self._store.over_limits(**self._limits, **where)
        return self._store.rows(**where)


def remove(request: Request) -> Response:
    """GET shows what would be removed; POST removes it."""
    shelved, query = shelved_of(request), request.query_params
    own = href(request, "remove", store=shelved.slug)
    if request.method != "POST" and (leads := without_empty(request, own)):
        return leads
    store = shelved.store()
    choice = Choice(shelved, dict(query))
    filters = choice.filters
    if request.method == "POST":
        return _removed(request, shelved, choice)

    def look() -> tuple[float, Removal | Collected]:
        at = store.metadata.now()
        if choice.what == "collect":
            return at, store.collect(filters.given["grace"], dry_run=True)
        return at, store.removal(choice.rows(at))

    found = None
    if choice.is_made:
        try:
            found = shelved.kept.get(("removal", request.url.query), look, kept.LONG)
        except ConfigError as error:
            filters.note(error)
    at, foreseen = found or (0.0, None)
    first = foreseen.first if isinstance(foreseen, Removal) else []
    looks = choice.is_made and foreseen is None and not filters.problems
    page = render(
        request,
        "remove.html",
        400 if filters.problems else 200,
        store=shelved,
        section="remove",
        choice=choice,
        filters=filters,
        names=shelved.function_names(),
        foreseen=foreseen,
        looks=looks,
        read_only=READ_ONLY,
        action=with_query(request, at=repr(at)),
        own=own,
        command=command_line(
            shelved, "rm" if choice.what == "results" else choice.what, options=filters.options
        ),
        **table(request, first),
    )
    if looks:
        page.headers["refresh"] = "2"
    return page


def _removed(request: Request, shelved: Shelved, choice: Choice) -> Response:
    """Remove what was shown, and tell what was removed."""
    if shelved.read_only:
        raise HTTPException(403, f"nothing was removed: {READ_ONLY}")
    try:
        at = float(request.query_params.get("at", ""))
    except ValueError:
        at = 0.0
    if not (choice.is_made and 0 < at < 1e11):
        raise HTTPException(400, "nothing was removed: go back, and look at what would go first")
    store, problem = shelved.store(), ""
    seen: list[Removed | Collected] = []
    try:
        if choice.what == "collect":
            seen.append(store.collect(choice.filters.given["grace"]))
        else:
            seen.append(store.removal(choice.rows(at)).carry_out(seen.append))
    except BeautyspotError as error:
        problem = str(error)
    finally:
        shelved.kept.forget()  # what was counted before
    return render(
        request,
        "removed.html",
        503 if problem else 200,
        store=shelved,
        section="remove",
        what=choice.what,
        done=seen[-1] if seen else None,
        problem=problem,
    )


routes = [Route("/store/{store}/remove", remove, methods=["GET", "POST"], name="remove")]
