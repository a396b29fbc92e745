"""`Look`, one result that is to be shown, and `View`, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.board import store_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.values.bodies import body_of
from beautyspot_dashboard.values.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from beautyspot import Content, Store, TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.bodies import Body

LARGEST: Final = 20_000_000
"""Bytes of a value, without compression: a larger one is not decoded to be shown."""


_SMALL: Final = 500_000
"""Bytes of a value that is decoded anew each time."""

_decoded: Final[Recent[Any]] = Recent(1, seconds=60)
"""The value that was decoded last, for the next page of it: to decode a large one takes seconds."""


class TooLargeError(Exception):
    """The value is not shown, since it would have to be in memory whole."""


@dataclass(frozen=True)
class Look:
    """One result that is to be shown.

    Attributes:
        request: the request of the page, for links and for which part of a value is wanted.
        store: where it is.
        record: its row, without data.
        content: its raw bytes, to be read in parts.
    """

    request: Request
    store: Store
    record: TaskRecord
    content: Content

    @property
    def wants_source(self) -> bool:
        """Whether the page was asked for the text of a value that is shown as something else."""
        return self.request.query_params.get("as") == "source"

    def link(self, route: str, query: Mapping[str, object] | None = None) -> str:
        """The URL of a route of this result, such as "value", its raw bytes."""
        slug = self.request.path_params["store"]
        return href(self.request, route, query, store=slug, key=self.record.cache_key)

    @cached_property
    def body(self) -> Body:
        """The bytes that a browser gets, with their type.

        Raises:
            BeautyspotError: they can't be read.
        """
        return body_of(self.store, self.record, self.content)

    @property
    def mark(self) -> Hashable:
        """Tells this value, as it is now, from all others."""
        record, has_key = self.record, self.store.signing_keys is not None
        return self.store.place, record.cache_key, record.digest, record.made_at, has_key

    def value(self) -> Any:
        """The decoded value, decoded once.

        Raises:
            TooLargeError: it has more than `LARGEST` bytes.
            BeautyspotError: it can't be read.
        """
        return self._value

    def data(self, limit: int = LARGEST) -> bytes:
        """All raw bytes, checked.

        Raises:
            TooLargeError: there are more than `limit`.
            BeautyspotError: they can't be read.
        """
        return b"".join(self._bounded(limit))

    @cached_property
    def _value(self) -> Any:
        if self.content.size is None:
            for _ in self._bounded(LARGEST):
                pass
        elif self.content.size > LARGEST:
            raise TooLargeError
        key = self.record.cache_key
        if self.record.digest is None or (self.content.size or 0) < _SMALL:
            return self.store.value(key)
        return _decoded.get(self.mark, lambda: self.store.value(key))

    def _bounded(self, limit: int) -> Iterator[bytes]:
        if (self.content.size or 0) > limit:
            raise TooLargeError
        size = 0
        for part in self.content.chunks():
            size += len(part)
            if size > limit:
                raise TooLargeError
            yield part


def look_of(request: Request) -> Look:
    """The result that the URL names.

    Raises:
        HTTPException: there is no such store.
        BeautyspotError: there is no such result, or it can't be read.
    """
    store = store_of(request)
    record = store.row(request.path_params["key"])
    return Look(request, store, record, store.content(record.cache_key))


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
