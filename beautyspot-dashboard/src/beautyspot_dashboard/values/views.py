"""`Look`, one result that is to be shown, and `View`, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.board import store_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.values.files import TooLargeError, file_of

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    def wants_source(self) -> bool:
        """Whether the page was asked for the text of a value that is shown as something else."""
        return self.request.query_params.get("as") == "source"

    def link(self, route: str, query: Mapping[str, object] | None = None) -> str:
        """The URL of a route of this result, such as "value", its raw bytes."""
        slug = self.request.path_params["store"]
        return href(self.request, route, query, store=slug, key=self.record.cache_key)

    def value(self) -> Any:
        """The decoded value.

        Raises:
            TooLargeError: it has more than `LARGEST` bytes.
            BeautyspotError: it can't be decoded.
        """
        if self.file.size > LARGEST:
            raise TooLargeError(LARGEST)
        return self.store.value(self.record.cache_key)

    def data(self, limit: int = LARGEST) -> bytes:
        """All raw bytes.

        Raises:
            TooLargeError: there are more than `limit`.
        """
        if self.file.size > limit:
            raise TooLargeError(limit)
        return self.file.read()


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
        template: the name of its file, such as "image.html".
        kind: what it is, for people: "picture (PNG)".
        context: what the template shows, as `view` there.
        raw: whether there are bytes to take away.
    """

    template: str
    kind: str
    context: dict[str, Any] = field(default_factory=dict)
    raw: bool = True
