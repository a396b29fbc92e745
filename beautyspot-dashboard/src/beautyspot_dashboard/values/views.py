"""`Look`, one result that is to be shown, and `View`, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.values.bodies import body_of
from beautyspot_dashboard.values.recent import RECENT, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beautyspot import Content, Store, TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.bodies import Body

LARGEST: Final = 20_000_000
"""Bytes of a value, without compression: a larger one is not decoded to be shown."""


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

    def head(self, size: int = 65536) -> bytes:
        """The first bytes; those of a large value are not checked.

        Raises:
            BeautyspotError: they can't be read.
        """
        return next(iter(self.content.chunks()), b"")[:size]

    @cached_property
    def _value(self) -> Any:
        if self.content.size is None:
            for _ in self._bounded(LARGEST):
                pass
        elif self.content.size > LARGEST:
            raise TooLargeError
        key, digest = self.record.cache_key, self.record.digest
        if digest is None or (self.content.size or 0) < SMALL:
            return self.store.value(key)
        mark = (self.store.place, key, digest, self.record.made_at, self.store.signing_keys is None)
        return RECENT.get(mark, lambda: self.store.value(key))

    def _bounded(self, limit: int) -> Iterator[bytes]:
        if (self.content.size or 0) > limit:
            raise TooLargeError
        size = 0
        for part in self.content.chunks():
            size += len(part)
            if size > limit:
                raise TooLargeError
            yield part


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
