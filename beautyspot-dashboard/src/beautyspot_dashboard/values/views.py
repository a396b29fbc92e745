"""`Look`, one result that is to be shown, `View`, how it is shown, and `Page`, how much of it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.board import store_of
from beautyspot_dashboard.rendering.links import href, with_query
from beautyspot_dashboard.values.files import file_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beautyspot import Store, TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.files import ValueFile

LARGEST: Final = 20_000_000
"""Bytes of a value, without compression: a larger one is not decoded to be shown."""


@dataclass(frozen=True)
class Look:
    """One result that is to be shown.

    Attributes:
        request: the request of the page, for links and for which part of a value is wanted.
        store: where it is.
        record: its row, without data.
        file: its bytes, checked.
    """

    request: Request
    store: Store
    record: TaskRecord
    file: ValueFile

    @property
    def mode(self) -> str:
        """As what the query wants it shown: "text", "hex", "markdown", "table", "pdf"; else ""."""
        return self.request.query_params.get("as", "")

    def link(self, route: str, query: Mapping[str, object] | None = None) -> str:
        """The URL of a route of this result, such as "value", its raw bytes."""
        slug = self.request.path_params["store"]
        return href(self.request, route, query, store=slug, key=self.record.cache_key)

    def way(self, text: str, mode: str | None) -> tuple[str, str]:
        """A link to the same part of the value in another mode."""
        return text, with_query(self.request, **{"as": mode, "from": None})


def look_of(request: Request) -> Look:
    """The result that the URL names.

    Raises:
        HTTPException: there is no such store.
        TooLargeError: it is too large for the dashboard.
        BeautyspotError: there is no such result, or it can't be read.
    """
    store = store_of(request)
    record = store.row(request.path_params["key"])
    return Look(request, store, record, file_of(store, record))


@dataclass(frozen=True)
class View:
    """How a value is shown: by a template below ``templates/values/``.

    Attributes:
        template: the name of its file, such as "picture.html".
        kind: what it is, for people: "picture (PNG)".
        context: what the template shows, as `view` there.
        raw: whether there are bytes to take away.
    """

    template: str
    kind: str
    context: dict[str, Any] = field(default_factory=dict)
    raw: bool = True


@dataclass(frozen=True)
class Page:
    """Which rows, characters or other items of a value a page shows.

    Attributes:
        start: the first of them.
        stop: the first that is not on the page any more.
        total: how many there are.
        links: names and URLs of the pages around.
    """

    start: int
    stop: int
    total: int
    links: Sequence[tuple[str, str]]


def data_url(kind: str, data: bytes) -> str:
    """A URL that holds a file: a browser runs nothing of a picture that it is given so."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def page_of(look: Look, size: int, total: int) -> Page:
    """The page that begins where the query says, of pages of `size` items."""
    start = begin_of(look, size)
    around = {
        "First": 0 if start > size else None,
        "Previous": start - size if start else None,
        "Next": start + size if start + size < total else None,
        "Last": (total - 1) // size * size if start + 2 * size < total else None,
    }
    links = [
        (text, with_query(look.request, **{"from": place or None}))
        for text, place in around.items()
        if place is not None
    ]
    return Page(start, max(start, min(start + size, total)), total, links)


def begin_of(look: Look, size: int) -> int:
    """Where the page begins that the query wants."""
    text = look.request.query_params.get("from", "")
    return int(text) // size * size if re.fullmatch(r"[0-9]{1,15}", text) else 0
